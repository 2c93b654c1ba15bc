package fromerrgroup_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sourcegraph/conc/iter"
	"github.com/sourcegraph/conc/pool"
	"golang.org/x/sync/errgroup"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func pagesErrgroup(ctx context.Context, urls []string) ([]string, error) {
	pages := make([]string, len(urls))
	g, ctx := errgroup.WithContext(ctx)
	for i, url := range urls {
		g.Go(func() (err error) {
			pages[i], err = fetch(ctx, url)
			return err
		})
	}
	err := g.Wait()
	return pages, err
}

func pagesGrove(ctx context.Context, urls []string) ([]string, error) {
	return nursery.Map(ctx, urls, fetch, nursery.Limit(8))
}

func Example_map() {
	fmt.Println(pagesGrove(context.Background(), []string{"a", "b"}))
	fmt.Println(pagesGrove(context.Background(), []string{"a", "slow", "gone"}))
	// Output:
	// [page a page b] <nil>
	// [] item 2: 404: gone
}

// Two results of different types. One of them takes long.
func Example_spawn() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		page := nursery.Spawn(n, func(ctx context.Context) (string, error) { return fetch(ctx, "a") })
		size := nursery.Spawn(n, func(ctx context.Context) (int, error) {
			p, err := page.Wait(ctx)
			return len(p), err
		})
		s, err := size.Wait(ctx)
		if err != nil {
			return err
		}
		fmt.Println(s)
		return nil
	})
	fmt.Println(err)
	// Output:
	// 6
	// <nil>
}

// A pool with results returns them in the order of the ends of its tasks, without the
// results of failed tasks.
func TestOrderOfResults(t *testing.T) {
	delays := []time.Duration{3, 1, 2}
	task := func(ctx context.Context, d time.Duration) (time.Duration, error) {
		if err := cancel.Sleep(ctx, d); err != nil {
			return 0, err
		}
		if d == 2 {
			return d, errGone
		}
		return d, nil
	}
	inBubble(t, "conc", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		p := pool.NewWithResults[time.Duration]().WithContext(ctx)
		for _, d := range delays {
			p.Go(func(ctx context.Context) (time.Duration, error) { return task(ctx, d) })
		}
		got, err := p.Wait()
		if want := []time.Duration{1, 3}; !slices.Equal(got, want) {
			t.Errorf("results %v, want %v", got, want)
		}
		mustBe(t, err, errGone)
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		got, err := nursery.Map(ctx, delays, task, nursery.Limit(3), nursery.KeepGoing())
		if want := []time.Duration{3, 1, 0}; !slices.Equal(got, want) {
			t.Errorf("results %v, want %v", got, want)
		}
		mustBe(t, err, errGone)
	})
}

// Map of conc does not take a context, and goes on after a failure.
func TestMapGoesOn(t *testing.T) {
	urls := append([]string{"gone"}, make([]string, 99)...)
	inBubble(t, "conc", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		var calls atomic.Int64
		_, err := iter.MapErr(urls, func(url *string) (string, error) {
			calls.Add(1)
			return fetch(ctx, *url)
		})
		mustBe(t, err, errGone)
		if n := calls.Load(); n != 100 {
			t.Errorf("%d calls, want all 100", n)
		}
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		var calls atomic.Int64
		_, err := nursery.Map(ctx, urls, func(ctx context.Context, url string) (string, error) {
			calls.Add(1)
			return fetch(ctx, url)
		}, nursery.Limit(1))
		mustBe(t, err, errGone)
		if n := calls.Load(); n != 1 {
			t.Errorf("%d calls, want 1", n)
		}
	})
}
