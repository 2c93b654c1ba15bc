package nursery_test

import (
	"context"
	"errors"
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
		bubble(t, "N11/no more at a time, first come, first served", func(t *testing.T, ctx context.Context) {
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
			// Those that begin at the same instant may do so in any order.
			for i, k := range order {
				if i/limit != k/limit {
					t.Errorf("order = %v, want that of Go, %d by %d", order, limit, limit)
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
	bubble(t, "N11/queued tasks run after a failure, with a context that is done", func(t *testing.T, ctx context.Context) {
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
	bubble(t, "N11/daemons and started tasks take no place", func(t *testing.T, ctx context.Context) {
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
	bubble(t, "N11/a Goexit or panic does not lose those that wait", func(t *testing.T, ctx context.Context) {
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
				t.Errorf("%d tasks ran, and Run %s, want 20 and no return", ran.Load(), end)
			}
		}
	})
}

// runToEnd calls fn in a goroutine of its own and tells how it ended.
func runToEnd(fn func()) string {
	ch := make(chan string)
	go func() {
		how := "called Goexit"
		defer func() {
			if recover() != nil {
				how = "panicked"
			}
			ch <- how
		}()
		fn()
		how = "returned"
	}()
	return <-ch
}

func TestDaemon(t *testing.T) {
	bubble(t, "N10/canceled when all others have returned, and awaited", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		var reasons []error
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				<-ctx.Done()
				reasons = append(reasons, context.Cause(ctx))
				time.Sleep(time.Second)
				return ctx.Err()
			}, nursery.Daemon())
			n.Go(failing(time.Second, nil))
			return cancel.Sleep(ctx, 2*time.Second)
		})
		if d := time.Since(start); err != nil || d != 3*time.Second || len(reasons) != 1 {
			t.Errorf("Run() = %v after %v, want nil after 3s", err, d)
		}
	})
	bubble(t, "N10/its failure is a failure", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(failing(time.Second, errBoom), nursery.Daemon())
			return cancel.Forever(ctx)
		})
		if got := failures(t, err); len(got) != 1 || got[0] != errBoom {
			t.Errorf("failures = %v, want boom", got)
		}
	})
	bubble(t, "N10/a daemon may start tasks while it ends", func(t *testing.T, ctx context.Context) {
		ran := false
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				<-ctx.Done()
				n.Go(func(ctx context.Context) error { ran = true; return ctx.Err() })
				return nil
			}, nursery.Daemon())
			return nil
		})
		if err != nil || !ran {
			t.Errorf("Run() = %v, ran %v, want nil, true", err, ran)
		}
	})
	bubble(t, "N10/a nursery of daemons alone ends with the body", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for range 10 {
				n.Go(cancel.Forever, nursery.Daemon(), nursery.Name("d"))
			}
			return nil
		}, nursery.Limit(2))
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	bubble(t, "N10/after an outer cancellation its echo is that one's", func(t *testing.T, ctx context.Context) {
		cancel.FromContext(ctx).Cancel(nil)
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(cancel.Forever, nursery.Daemon())
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Run() = %v, want the cancellation", err)
		}
	})
}

func TestKeepGoing(t *testing.T) {
	bubble(t, "N12/failures do not cancel, and all come back", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for i := range 3 {
				n.Go(failing(time.Duration(i)*time.Second, errBoom))
			}
			n.Go(failing(5*time.Second, nil))
			return errors.New("body")
		}, nursery.KeepGoing())
		if got, d := failures(t, err), time.Since(start); len(got) != 4 || d != 5*time.Second {
			t.Errorf("failures = %v after %v, want 4 after 5s", got, d)
		}
	})
	bubble(t, "N12/a cancellation still ends it", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(failing(0, errBoom))
			n.Go(cancel.Forever)
			time.Sleep(time.Second)
			n.Cancel(nil)
			return nil
		}, nursery.KeepGoing())
		if got := failures(t, err); len(got) != 1 || got[0] != errBoom {
			t.Errorf("failures = %v, want boom", got)
		}
	})
}
