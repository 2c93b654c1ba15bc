package fromerrgroup_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/oklog/run"
	"golang.org/x/sync/errgroup"

	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

var errFound = errors.New("found")

func firstErrgroup(ctx context.Context, mirrors []string) (page string, err error) {
	found := make(chan string, len(mirrors))
	g, ctx := errgroup.WithContext(ctx)
	for _, url := range mirrors {
		g.Go(func() error {
			if page, err := fetch(ctx, url); err == nil {
				found <- page
				return errFound // cancels the others
			}
			return nil // the error would cancel them, too
		})
	}
	if err := g.Wait(); !errors.Is(err, errFound) {
		return "", errors.New("no mirror has it") // why not is lost
	}
	return <-found, nil
}

func firstGrove(ctx context.Context, mirrors []string) (page string, err error) {
	var tasks []func(context.Context) (string, error)
	for _, url := range mirrors {
		tasks = append(tasks, func(ctx context.Context) (string, error) { return fetch(ctx, url) })
	}
	return nursery.First(ctx, tasks...)
}

func Example_first() {
	fmt.Println(firstGrove(context.Background(), []string{"gone", "a", "slow"}))
	fmt.Println(firstGrove(context.Background(), []string{"gone", "gone"}))
	// Output:
	// page a <nil>
	//  2 failures: 404: gone; 404: gone
}

// Both find the page, and wait for the tasks that have lost.
func TestFirstSuccess(t *testing.T) {
	for name, first := range map[string]func(context.Context, []string) (string, error){
		"errgroup": firstErrgroup, "Grove": firstGrove,
	} {
		inBubble(t, name, func(t *testing.T, ctx context.Context, _ func() time.Duration) {
			page, err := first(ctx, []string{"slow", "gone", "a"})
			if page != "page a" || err != nil {
				t.Errorf("%q, %v, want page a", page, err)
			}
		})
		inBubble(t, name+", if none has it", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
			page, err := first(ctx, []string{"gone", "gone"})
			if page != "" || err == nil {
				t.Errorf("%q, %v, want an error", page, err)
			}
			if errors.Is(err, errGone) != (name == "Grove") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// Without the detour a mirror that has failed takes the others with it.
func TestFailureWins(t *testing.T) {
	good := func(gate *testutil.Gate) task { // a mirror that is slower than the mirror that is gone
		return func(ctx context.Context) error { return gate.Wait(ctx) }
	}
	inBubble(t, "errgroup", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		var gate testutil.Gate
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return visit(ctx, "gone") })
		g.Go(func() error { return good(&gate)(ctx) })
		testutil.WaitAllBlocked()
		gate.Open()
		mustBe(t, g.Wait(), errGone)
	})
	inBubble(t, "run", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		var gate testutil.Gate
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		var g run.Group
		g.Add(func() error { return visit(ctx, "gone") }, func(error) { stop() })
		g.Add(func() error { return good(&gate)(ctx) }, func(error) { stop() })
		mustBe(t, g.Run(), errGone)
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		var gate testutil.Gate
		_, err := nursery.First(ctx,
			func(ctx context.Context) (any, error) {
				defer gate.Open()
				return nil, visit(ctx, "gone")
			},
			func(ctx context.Context) (any, error) { return nil, good(&gate)(ctx) },
		)
		if err != nil {
			t.Error(err)
		}
	})
}
