package nursery_test

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func TestLimit(t *testing.T) {
	for _, limit := range []int{1, 2, 7} {
		bubble(t, "N11/at most that many at a time, first come, first served", func(t *testing.T, ctx context.Context) {
			const tasks = 50
			var mu sync.Mutex
			var running, most int
			var order []int
			start := time.Now()
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				for i := range tasks {
					n.Go(func(ctx context.Context) error {
						mu.Lock()
						running++
						most = max(most, running)
						order = append(order, i)
						mu.Unlock()
						defer func() { mu.Lock(); running--; mu.Unlock() }()
						return cancel.Sleep(ctx, time.Second)
					})
				}
				return nil
			}, nursery.Limit(limit))
			if err != nil {
				t.Fatal(err)
			}
			if d, want := time.Since(start), time.Duration((tasks+limit-1)/limit)*time.Second; most != limit || d != want {
				t.Errorf("%d at a time for %v, want %d for %v", most, d, limit, want)
			}
			// Tasks that begin at the same instant may begin in any order.
			for i, k := range order {
				if i/limit != k/limit {
					t.Errorf("order = %v, want the order of Go in batches of %d", order, limit)
					break
				}
			}
		})
	}
	bubble(t, "N11/a task of a limited nursery may start tasks", func(t *testing.T, ctx context.Context) {
		var order []int
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				for i := range 3 {
					n.Go(func(context.Context) error { order = append(order, i+1); return nil })
				}
				order = append(order, 0)
				return nil
			})
			return nil
		}, nursery.Limit(1))
		if want := []int{0, 1, 2, 3}; err != nil || !slices.Equal(order, want) {
			t.Errorf("Run() = %v, order %v, want nil, %v", err, order, want)
		}
	})
	bubble(t, "N11/a queue that grows while it is in use keeps its order", func(t *testing.T, ctx context.Context) {
		const tasks = 2000
		var order []int
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			queued := 0
			var task func(i int) func(ctx context.Context) error
			add := func() {
				n.Go(task(queued))
				queued++
			}
			task = func(i int) func(ctx context.Context) error {
				return func(context.Context) error {
					order = append(order, i)
					for range 2 { // each task starts two more
						if queued < tasks {
							add()
						}
					}
					return nil
				}
			}
			n.Go(func(context.Context) error { // in a task, because tasks run one at a time
				for range 10 {
					add()
				}
				return nil
			})
			return nil
		}, nursery.Limit(1))
		if err != nil || len(order) != tasks || !slices.IsSorted(order) {
			t.Errorf("Run() = %v, order %v, want nil, all from 0 to %d", err, order, tasks-1)
		}
	})
	bubble(t, "N11/queued tasks run after a failure, with a done context", func(t *testing.T, ctx context.Context) {
		var open, done atomic.Int32
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for range 10 {
				n.Go(func(ctx context.Context) error {
					if ctx.Err() != nil {
						done.Add(1)
						return ctx.Err()
					}
					open.Add(1)
					return errBoom
				})
			}
			return nil
		}, nursery.Limit(1))
		if got := failures(t, err); len(got) != 1 || open.Load() != 1 || done.Load() != 9 {
			t.Errorf("failures = %v, %d open, %d done, want 1, 1, 9", got, open.Load(), done.Load())
		}
	})
	bubble(t, "N11/daemons and tasks of Start do not count", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				n.Go(cancel.Forever, nursery.Daemon())
				v, err := nursery.Start(ctx, n, func(ctx context.Context, started func(int)) error {
					started(1)
					return cancel.Sleep(ctx, time.Second)
				})
				if v != 1 {
					t.Errorf("Start() = %d, %v, want 1, nil", v, err)
				}
				return err
			})
			return nil
		}, nursery.Limit(1))
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	bubble(t, "N11/a Goexit or panic does not lose queued tasks", func(t *testing.T, ctx context.Context) {
		for _, crash := range []func(){runtime.Goexit, func() { panic("p") }} {
			var ran atomic.Int32
			end := runToEnd(func() {
				_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					for range 20 {
						n.Go(func(context.Context) error { ran.Add(1); crash(); return nil })
					}
					return nil
				}, nursery.Limit(3))
			})
			if ran.Load() != 20 || end == "returned" {
				t.Errorf("%d tasks ran and Run %s, want 20 and no return", ran.Load(), end)
			}
		}
	})
}
