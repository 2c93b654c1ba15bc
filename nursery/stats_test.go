package nursery_test

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func TestStats(t *testing.T) {
	bubble(t, "N18/counts follow the tasks", func(t *testing.T, ctx context.Context) {
		check := func(n *nursery.Nursery, want nursery.Stats) {
			t.Helper()
			synctest.Wait()
			if got := n.Stats(); got != want {
				t.Errorf("Stats() = %+v, want %+v", got, want)
			}
		}
		for _, opts := range [][]nursery.Option{{nursery.KeepGoing()}, {nursery.KeepGoing(), nursery.Limit(2)}} {
			limited := len(opts) == 2
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				check(n, nursery.Stats{})
				n.Go(failing(time.Second, nil))
				n.Go(failing(2*time.Second, errBoom))
				n.Go(cancel.Forever, nursery.Daemon())
				n.Go(failing(3*time.Second, nil))
				if limited {
					check(n, nursery.Stats{Running: 3, Queued: 1})
				} else {
					check(n, nursery.Stats{Running: 4})
				}
				time.Sleep(2500 * time.Millisecond)
				check(n, nursery.Stats{Running: 2, Finished: 2, Failed: 1})
				time.Sleep(2 * time.Second)
				check(n, nursery.Stats{Running: 1, Finished: 3, Failed: 1})
				return nil
			}, opts...)
		}
	})
}

func TestStatsFailed(t *testing.T) {
	bubble(t, "N18/a panic counts as a failure, a Goexit does not", func(t *testing.T, ctx context.Context) {
		var stats nursery.Stats
		caught(t, func() {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(context.Context) error { time.Sleep(time.Second); panic("v") })
				n.Go(func(ctx context.Context) error { <-ctx.Done(); return errBoom })
				n.Go(func(ctx context.Context) error { <-ctx.Done(); runtime.Goexit(); return nil })
				<-ctx.Done()
				synctest.Wait()
				stats = n.Stats()
				return nil
			})
		})
		if want := (nursery.Stats{Finished: 3, Failed: 2}); stats != want {
			t.Errorf("Stats() = %+v, want %+v", stats, want)
		}
	})
}

func TestStatsAfterBody(t *testing.T) {
	for _, opts := range [][]nursery.Option{nil, {nursery.Limit(2)}} {
		bubble(t, "N18/the body counts neither before nor after its return", func(t *testing.T, ctx context.Context) {
			var during, after nursery.Stats
			var kept *nursery.Nursery
			err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				kept = n
				n.Go(failing(time.Second, nil))
				n.Go(func(context.Context) error {
					time.Sleep(2 * time.Second)
					during = n.Stats()
					return nil
				})
				return nil
			}, opts...)
			after = kept.Stats()
			if want := (nursery.Stats{Running: 1, Finished: 1}); err != nil || during != want {
				t.Errorf("Run() = %v, Stats() = %+v, want nil, %+v", err, during, want)
			}
			if want := (nursery.Stats{Finished: 2}); after != want {
				t.Errorf("Stats() = %+v after the end, want %+v", after, want)
			}
		})
	}
}

// TestStatsLimited checks that Stats does not depend on when the workers of a limited
// nursery run.
func TestStatsLimited(t *testing.T) {
	bubble(t, "N11/tasks count as running as soon as there is room", func(t *testing.T, ctx context.Context) {
		var seen []nursery.Stats
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			see := func() { seen = append(seen, n.Stats()) }
			n.Go(failing(time.Second, nil))
			see()
			for range 4 {
				n.Go(failing(time.Second, nil))
			}
			see()
			synctest.Wait()
			see()
			for range 2 {
				time.Sleep(time.Second)
				synctest.Wait()
				see()
			}
			n.Go(failing(time.Second, nil), nursery.Daemon())
			n.Go(failing(time.Second, nil))
			see()
			return nil
		}, nursery.Limit(3))
		want := []nursery.Stats{
			{Running: 1},
			{Running: 3, Queued: 2},
			{Running: 3, Queued: 2},
			{Running: 2, Finished: 3},
			{Finished: 5},
			{Running: 2, Finished: 5},
		}
		if err != nil || !slices.Equal(seen, want) {
			t.Errorf("Run() = %v, Stats() = %+v, want nil, %+v", err, seen, want)
		}
	})
}
