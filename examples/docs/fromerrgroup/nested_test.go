package fromerrgroup_test

import (
	"context"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

func nestedErrgroup(ctx context.Context, sites [][]string) error {
	requests := semaphore.NewWeighted(2) // for all sites together
	get := func(ctx context.Context, url string) error {
		if err := requests.Acquire(ctx, 1); err != nil {
			return err
		}
		defer requests.Release(1)
		return visit(ctx, url)
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, urls := range sites {
		g.Go(func() error {
			g, ctx := errgroup.WithContext(ctx)
			for _, url := range urls {
				g.Go(func() error { return get(ctx, url) })
			}
			return g.Wait()
		})
	}
	return g.Wait()
}

func nestedGrove(ctx context.Context, sites [][]string) error {
	requests := nursery.NewLimiter(2) // for all sites together
	return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		for _, urls := range sites {
			n.Go(func(ctx context.Context) error {
				return nursery.For(ctx, len(urls), func(ctx context.Context, i int) error {
					return visit(ctx, urls[i])
				}, nursery.LimitBy(requests))
			})
		}
		return nil
	}, nursery.LimitBy(requests))
}

func TestNested(t *testing.T) {
	for name, nested := range map[string]func(context.Context, [][]string) error{
		"errgroup": nestedErrgroup, "Grove": nestedGrove,
	} {
		inBubble(t, name, func(t *testing.T, ctx context.Context, _ func() time.Duration) {
			if err := nested(ctx, [][]string{{"a", "b"}, {"c"}, {"d", "e", "f"}}); err != nil {
				t.Error(err)
			}
			mustBe(t, nested(ctx, [][]string{{"slow"}, {"a", "gone"}}), errGone)
		})
	}
}

// A task that holds a token of a semaphore deadlocks if it starts a group with tasks that
// need one.
func TestTokenIsHeld(t *testing.T) {
	t.Run("errgroup", func(t *testing.T) {
		testutil.WantBlock(t, func(_ *testing.T, ctx context.Context) {
			sem := semaphore.NewWeighted(1)
			_ = sem.Acquire(ctx, 1) // it is free
			defer sem.Release(1)
			g, ctx := errgroup.WithContext(ctx)
			g.Go(func() error { return sem.Acquire(ctx, 1) })
			_ = g.Wait() // does not return
		})
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		one := nursery.NewLimiter(1)
		ran := false
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				return nursery.For(ctx, 1, func(context.Context, int) error { ran = true; return nil }, nursery.LimitBy(one))
			})
			return nil
		}, nursery.LimitBy(one))
		if err != nil || !ran {
			t.Errorf("error %v, the inner task ran: %v", err, ran)
		}
	})
}
