package nursery_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

type key struct{}

func TestGo(t *testing.T) {
	bubble(t, "N1/a body that returns early cancels no task", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return cancel.Sleep(ctx, time.Minute) })
			return nil
		})
		if d := time.Since(start); err != nil || d != time.Minute {
			t.Errorf("Run() = %v after %v, want nil after 1m", err, d)
		}
	})
	bubble(t, "N1/tasks may be started after the body has returned, while one runs", func(t *testing.T, ctx context.Context) {
		const depth = 50
		var ran atomic.Int32
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			var next func(left int) func(ctx context.Context) error
			next = func(left int) func(ctx context.Context) error {
				return func(ctx context.Context) error {
					ran.Add(1)
					if left > 0 {
						defer n.Go(next(left - 1))
					}
					return cancel.Sleep(ctx, time.Second)
				}
			}
			n.Go(next(depth))
			return nil
		})
		if err != nil || ran.Load() != depth+1 {
			t.Errorf("Run() = %v with %d tasks, want nil with %d", err, ran.Load(), depth+1)
		}
	})
	bubble(t, "N1/a cancellation reaches the tasks but does not cut short the final wait", func(t *testing.T, ctx context.Context) {
		outer := cancel.FromContext(ctx)
		start := time.Now()
		time.AfterFunc(time.Second, func() {
			for range 100 { // only the first call has an effect
				outer.Cancel(io.EOF)
			}
		})
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(time.Minute)
				return cancel.Err(ctx)
			})
			return nil
		})
		if d := time.Since(start); !errors.Is(err, context.Canceled) || d != time.Minute+time.Second {
			t.Errorf("Run() = %v after %v, want the cancellation after 1m1s", err, d)
		}
	})
	bubble(t, "N1/many tasks", func(t *testing.T, ctx context.Context) {
		for _, tasks := range []int{0, 1, 2, 10_000} {
			var ran atomic.Int32
			err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				for range tasks {
					n.Go(func(context.Context) error { ran.Add(1); return nil })
				}
				return nil
			})
			if err != nil || int(ran.Load()) != tasks {
				t.Errorf("Run() = %v with %d tasks, want nil with %d", err, ran.Load(), tasks)
			}
		}
	})
	bubble(t, "N2/a cancellation reaches the leaves of nested nurseries", func(t *testing.T, ctx context.Context) {
		var told atomic.Int32
		var open func(ctx context.Context, depth int) error
		open = func(ctx context.Context, depth int) error {
			return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { <-ctx.Done(); told.Add(1); return ctx.Err() })
				if depth > 0 {
					n.Go(func(ctx context.Context) error { return open(ctx, depth-1) })
				}
				return nil
			})
		}
		start := time.Now()
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(failing(time.Second, errBoom))
			n.Go(func(ctx context.Context) error { return open(ctx, 9) })
			return nil
		})
		if got := failures(t, err); len(got) != 1 || got[0] != errBoom || told.Load() != 10 || time.Since(start) != time.Second {
			t.Errorf("failures = %v, %d canceled after %v, want only boom, 10 after 1s", got, told.Load(), time.Since(start))
		}
	})
	bubble(t, "N5/a task may cancel its own nursery", func(t *testing.T, ctx context.Context) {
		var reason cancel.Reason
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(cancel.Forever)
			n.Go(func(context.Context) error { n.Cancel(io.EOF); return nil })
			err := cancel.Forever(ctx)
			reason, _ = cancel.ReasonOf(ctx)
			return err
		}, nursery.Name("n"))
		if err != nil || reason.Source != cancel.SourceCancel || reason.Cause != io.EOF || reason.Scope != "n" || reason.Line == 0 {
			t.Errorf("Run() = %v, reason %+v, want nil and the call of Cancel", err, reason)
		}
		if ctx.Err() != nil {
			t.Error("n.Cancel canceled the outer scope")
		}
	})
	bubble(t, "N5/a task's own scope does not affect other tasks", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				s := cancel.New(ctx)
				s.Cancel(nil)
				return s.Run(cancel.Forever)
			})
			n.Go(func(ctx context.Context) error {
				_, err := cancel.MoveOnAfter(ctx, time.Second, cancel.Forever)
				return err
			})
			return cancel.Sleep(ctx, time.Minute)
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	bubble(t, "N3/a timeout of a task is its failure and has its name", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return cancel.FailAfter(ctx, time.Second, cancel.Forever) }, nursery.Name("slow"))
			return cancel.Forever(ctx)
		})
		got := failures(t, err)
		if e := new(cancel.TimeoutError); len(got) != 1 || !errors.As(err, &e) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("failures = %v, want one timeout", got)
		}
		if e, ok := got[0].(*nursery.TaskError); !ok || e.Task != "slow" {
			t.Errorf("failure = %v, want a failure of slow", got[0])
		}
	})
	bubble(t, "N7/tasks started during a shutdown do not prevent its end", func(t *testing.T, ctx context.Context) {
		var ran atomic.Int32
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			var replaced func(left int) func(ctx context.Context) error
			replaced = func(left int) func(ctx context.Context) error {
				return func(ctx context.Context) error {
					ran.Add(1)
					<-ctx.Done()
					if left > 0 {
						n.Go(replaced(left - 1))
					}
					return ctx.Err()
				}
			}
			for range 5 {
				n.Go(replaced(20))
			}
			synctest.Wait()
			return errBoom
		})
		if got := failures(t, err); len(got) != 1 || got[0] != errBoom || ran.Load() != 5*21 {
			t.Errorf("failures = %v with %d tasks, want only boom with %d", got, ran.Load(), 5*21)
		}
	})
	bubble(t, "N7/a task inherits from the nursery, not from the caller of Go", func(t *testing.T, ctx context.Context) {
		ctx = context.WithValue(ctx, key{}, "nursery")
		var seen error
		var value any
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			s := cancel.New(context.WithValue(ctx, key{}, "call"))
			s.Cancel(nil)
			return s.Run(func(context.Context) error {
				n.Go(func(ctx context.Context) error {
					seen, value = ctx.Err(), ctx.Value(key{})
					return cancel.Sleep(ctx, time.Second)
				})
				return nil
			})
		})
		if err != nil || seen != nil || value != "nursery" {
			t.Errorf("Run() = %v, the task saw %v and the value %v, want nil, nil and the nursery's", err, seen, value)
		}
	})
	bubble(t, "N7/Go returns before the task runs", func(t *testing.T, ctx context.Context) {
		var order []string
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			gate := make(chan struct{})
			for range 3 {
				n.Go(func(context.Context) error { <-gate; return nil })
			}
			order = append(order, "body")
			close(gate)
			return nil
		}, nursery.Limit(1))
		if err != nil || !slices.Equal(order, []string{"body"}) {
			t.Errorf("Run() = %v, order %v, want nil, the body first", err, order)
		}
	})
	bubble(t, "N7/values stay readable after the end", func(t *testing.T, ctx context.Context) {
		var kept context.Context
		err := nursery.Run(context.WithValue(ctx, key{}, "v"), func(ctx context.Context, _ *nursery.Nursery) error {
			kept = ctx
			return nil
		})
		if err != nil || kept.Value(key{}) != "v" {
			t.Errorf("Run() = %v, value %v, want nil, v", err, kept.Value(key{}))
		}
		derived, stop := context.WithCancel(kept)
		defer stop()
		if !errors.Is(context.Cause(derived), cancel.ErrClosed) {
			t.Errorf("Cause() = %v, want an error that says the scope has ended", context.Cause(derived))
		}
	})
	bubble(t, "N6/the error of a canceled nursery has the cause", func(t *testing.T, ctx context.Context) {
		time.AfterFunc(time.Second, func() { cancel.FromContext(ctx).Cancel(io.ErrClosedPipe) })
		err := nursery.Run(ctx, parked)
		if e := new(cancel.Error); !errors.As(err, &e) || e.Reason.Cause != io.ErrClosedPipe || e.Reason.Line == 0 {
			t.Errorf("Run() = %v, want the cause and the place", err)
		}
	})
}

func TestDeep(t *testing.T) {
	const depth = 2000
	down := func(bottom func(ctx context.Context) error) func(ctx context.Context) error {
		var level func(left int) func(ctx context.Context) error
		level = func(left int) func(ctx context.Context) error {
			if left == 0 {
				return bottom
			}
			return func(ctx context.Context) error {
				return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
					n.Go(level(left - 1))
					return nil
				})
			}
		}
		return level(depth)
	}
	bubble(t, "N19/2000 nested nurseries end", func(t *testing.T, ctx context.Context) {
		if err := down(noop)(ctx); err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		time.AfterFunc(time.Second, func() { cancel.FromContext(ctx).Cancel(nil) })
		if err := down(cancel.Forever)(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Run() = %v, want the cancellation", err)
		}
	})
	bubble(t, "N8/a panic passes through 2000 nurseries unchanged", func(t *testing.T, ctx context.Context) {
		if p := caught(t, func() { _ = down(func(context.Context) error { panic("deep") })(ctx) }); p.Value != "deep" || len(p.Others) > 0 {
			t.Errorf("panic(%v) with %d others, want deep with none", p.Value, len(p.Others))
		}
	})
}
