package fromerrgroup_test

import (
	"context"
	"testing"
	"time"

	"github.com/sourcegraph/conc/pool"
	"golang.org/x/sync/errgroup"
	"gopkg.in/tomb.v2"

	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

func earlyErrgroup(ctx context.Context, pump, load task) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return pump(ctx) })
	if err := load(ctx); err != nil {
		return err // the pump runs on, and nothing cancels ctx
	}
	return g.Wait()
}

func earlyConc(ctx context.Context, pump, load task) error {
	p := pool.New().WithContext(ctx).WithCancelOnError()
	p.Go(pump)
	if err := load(ctx); err != nil {
		return err
	}
	return p.Wait()
}

func earlyTomb(ctx context.Context, pump, load task) error {
	t, ctx := tomb.WithContext(ctx)
	t.Go(func() error { return pump(ctx) })
	if err := load(ctx); err != nil {
		return err
	}
	return t.Wait()
}

func earlyGrove(ctx context.Context, pump, load task) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(pump)
		if err := load(ctx); err != nil {
			return err // cancels the pump, which is waited for
		}
		return nil
	})
}

// A return between Go and Wait leaves the tasks running, and their context open.
func TestEarlyReturn(t *testing.T) {
	for name, early := range map[string]func(ctx context.Context, pump, load task) error{
		"errgroup": earlyErrgroup, "conc": earlyConc, "tomb": earlyTomb,
	} {
		t.Run(name, func(t *testing.T) {
			testutil.WantLeak(t, func(t *testing.T, _ context.Context) {
				ctx := context.Background() // the context of the test ends with the test
				mustBe(t, early(ctx, waits, fails(errFull)), errFull)
			})
		})
	}
	inBubble(t, "Grove", func(t *testing.T, _ context.Context, _ func() time.Duration) {
		mustBe(t, earlyGrove(context.Background(), waits, fails(errFull)), errFull)
	})
}
