package fromerrgroup_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sourcegraph/conc/pool"
	"golang.org/x/sync/errgroup"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

func limitErrgroup(ctx context.Context, urls []string, visit func(context.Context, string) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for _, url := range urls {
		g.Go(func() error { return visit(ctx, url) })
	}
	return g.Wait()
}

func limitConc(ctx context.Context, urls []string, visit func(context.Context, string) error) error {
	p := pool.New().WithMaxGoroutines(8).WithContext(ctx).WithCancelOnError().WithFirstError()
	for _, url := range urls {
		p.Go(func(ctx context.Context) error { return visit(ctx, url) })
	}
	return p.Wait()
}

func limitGrove(ctx context.Context, urls []string, visit func(context.Context, string) error) error {
	return nursery.Each(ctx, slices.Values(urls), visit, nursery.Limit(8))
}

// limitGo is limitGrove with tasks that are accepted before it is their turn.
func limitGo(ctx context.Context, urls []string, visit func(context.Context, string) error) error {
	return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		for _, url := range urls {
			n.Go(func(ctx context.Context) error { return visit(ctx, url) })
		}
		return nil
	}, nursery.Limit(8))
}

// After the first failure, and after a cancellation, the rest is started all the same.
func TestRestIsStarted(t *testing.T) {
	urls := make([]string, 100)
	for name, row := range map[string]struct {
		limit func(context.Context, []string, func(context.Context, string) error) error
		want  int64
	}{
		"errgroup":        {limitErrgroup, 100},
		"conc":            {limitConc, 100},
		"Grove, with Go":  {limitGo, 100},
		"Grove, and Each": {limitGrove, 8},
	} {
		inBubble(t, name+", a failure", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
			var began atomic.Int64
			err := row.limit(ctx, urls, func(ctx context.Context, _ string) error {
				if began.Add(1) == 1 {
					testutil.WaitAllBlocked() // all eight are there
					return errFull
				}
				return waits(ctx)
			})
			mustBe(t, err, errFull)
			if n := began.Load(); n != row.want {
				t.Errorf("%d calls began, want %d", n, row.want)
			}
		})
		inBubble(t, name+", a cancellation", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
			var began atomic.Int64
			time.AfterFunc(time.Second, func() { cancel.FromContext(ctx).Cancel(errFull) })
			err := row.limit(ctx, urls, func(ctx context.Context, _ string) error {
				began.Add(1)
				return waits(ctx)
			})
			if !cancel.FromContext(ctx).IsEcho(err) {
				t.Errorf("error %v, want an echo of the cancellation", err)
			}
			if n := began.Load(); n != row.want {
				t.Errorf("%d calls began, want %d", n, row.want)
			}
		})
	}
}

// Go of a group that is full does not look at a context, while it blocks.
func TestGoBlocks(t *testing.T) {
	stopped := func(ctx context.Context) context.Context {
		ctx, stop := context.WithCancel(ctx)
		time.AfterFunc(time.Second, stop)
		return ctx
	}
	inBubble(t, "errgroup", func(t *testing.T, ctx context.Context, passed func() time.Duration) {
		g, ctx := errgroup.WithContext(stopped(ctx))
		g.SetLimit(1)
		g.Go(func() error { return takes(time.Hour)(ctx) })
		g.Go(func() error { return nil })
		mustTake(t, passed, time.Hour)
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
	inBubble(t, "conc", func(t *testing.T, ctx context.Context, passed func() time.Duration) {
		p := pool.New().WithMaxGoroutines(1).WithContext(stopped(ctx))
		p.Go(takes(time.Hour))
		p.Go(fails(nil))
		mustTake(t, passed, time.Hour)
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, passed func() time.Duration) {
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(takes(time.Hour))
			n.Go(fails(nil))
			mustTake(t, passed, 0)
			return nil
		}, nursery.Limit(1))
		if err != nil {
			t.Error(err)
		}
	})
}

// A limit of zero, perhaps a computed one, makes Go block forever.
func TestLimitOfZero(t *testing.T) {
	t.Run("errgroup", func(t *testing.T) {
		testutil.WantBlock(t, func(*testing.T, context.Context) {
			var g errgroup.Group
			g.SetLimit(0)
			g.Go(func() error { return nil }) // does not return
		})
	})
	for name, limit := range map[string]func(){
		"conc":  func() { pool.New().WithMaxGoroutines(0) },
		"Grove": func() { nursery.Limit(0) },
	} {
		t.Run(name, func(t *testing.T) {
			if v, ok := panicOf(limit).(string); !ok || !strings.Contains(v, "must be") {
				t.Errorf("it panics with %v, want the rule for the limit", v)
			}
		})
	}
}
