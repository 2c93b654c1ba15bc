package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// straggler returns a task that takes another second after it is canceled.
func straggler(ended *atomic.Bool) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		time.Sleep(time.Second)
		ended.Store(true)
		return nil
	}
}

func goexit(context.Context) error { runtime.Goexit(); return nil }

// TestGoexitAndPanic combines a panic and a Goexit in all places. If a panic is recovered
// during a Goexit, the Goexit continues, so no code after the call that panicked runs.
func TestGoexitAndPanic(t *testing.T) {
	type body = func(ctx context.Context, n *nursery.Nursery) error
	panicsOnTheWayOut := func() {
		defer func() { panic("p") }()
		runtime.Goexit()
	}
	exitsOnTheWayOut := func() {
		defer runtime.Goexit()
		panic("p")
	}
	inner := func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(context.Context) error { panic("p") })
		return goexit(ctx)
	}
	for _, test := range []struct {
		rule string
		body body
		opts []nursery.Option
		want string
	}{
		{"N9/a panic while the body exits", func(context.Context, *nursery.Nursery) error { panicsOnTheWayOut(); return nil }, nil, "panicked"},
		{"N9/a panic while a task exits", func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error { panicsOnTheWayOut(); return nil })
			return nil
		}, nil, "panicked"},
		{"N9/a panic while a limited task exits", func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error { panicsOnTheWayOut(); return nil })
			n.Go(noop)
			return nil
		}, []nursery.Option{nursery.Limit(2)}, "panicked"},
		{"N9/a panic while a task with a name exits", func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error { panicsOnTheWayOut(); return nil }, nursery.Name("x"))
			return nil
		}, nil, "panicked"},
		{"N9/a Goexit while the body panics replaces the panic", func(context.Context, *nursery.Nursery) error { exitsOnTheWayOut(); return nil }, nil, "called Goexit"},
		{"N9/a Goexit while a task panics replaces the panic", func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error { exitsOnTheWayOut(); return nil })
			return nil
		}, nil, "called Goexit"},
		{"N9/both in a nursery in the body", func(ctx context.Context, _ *nursery.Nursery) error { return nursery.Run(ctx, inner) }, nil, "panicked"},
		{"N9/both in a nursery in a task", func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return nursery.Run(ctx, inner) })
			return nil
		}, nil, "panicked"},
		{"N9/both three nurseries deep in bodies", func(ctx context.Context, _ *nursery.Nursery) error {
			return nursery.Run(ctx, func(ctx context.Context, _ *nursery.Nursery) error { return nursery.Run(ctx, inner) })
		}, nil, "panicked"},
	} {
		bubble(t, test.rule, func(t *testing.T, ctx context.Context) {
			var ended atomic.Bool
			over := false
			start := time.Now()
			end := runToEnd(func() {
				_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.Go(straggler(&ended))
					defer func() { over = true }()
					return test.body(ctx, n)
				}, test.opts...)
			})
			if d := time.Since(start); end != test.want || !over || !ended.Load() || d != time.Second {
				t.Errorf("Run %s after %v, the task ended: %v; want Run %s after 1s, with the task", end, d, ended.Load(), test.want)
				cancel.FromContext(ctx).Cancel(nil)
				time.Sleep(time.Hour) // let leftover tasks end
			}
		})
	}
}

func TestGoexitOutcome(t *testing.T) {
	for name, opts := range map[string][]nursery.Option{
		"plain": nil, "limited": {nursery.Limit(1)}, "KeepGoing": {nursery.KeepGoing()}, "RecoverPanics": {nursery.RecoverPanics()},
	} {
		bubble(t, "N9/Goexit takes precedence over errors and ends a nursery that keeps going: "+name, func(t *testing.T, ctx context.Context) {
			end := runToEnd(func() {
				_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.Go(func(context.Context) error { return errBoom })
					n.Go(goexit)
					n.Go(func(ctx context.Context) error { <-ctx.Done(); return io.EOF })
					return cancel.Forever(ctx)
				}, opts...)
			})
			if end != "called Goexit" {
				t.Errorf("Run %s, want Goexit", end)
			}
		})
	}
	bubble(t, "N9/in a daemon", func(t *testing.T, ctx context.Context) {
		end := runToEnd(func() {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(goexit, nursery.Daemon())
				return cancel.Forever(ctx)
			})
		})
		if end != "called Goexit" {
			t.Errorf("Run %s, want Goexit", end)
		}
	})
	bubble(t, "N9/in the task of a Start, before and after started", func(t *testing.T, ctx context.Context) {
		returned := false
		end := runToEnd(func() {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				v, err := nursery.Start(ctx, n, func(ctx context.Context, started func(int)) error {
					started(1)
					time.Sleep(time.Second)
					return goexit(ctx)
				})
				returned = v == 1 && err == nil
				return cancel.Forever(ctx)
			})
		})
		if end != "called Goexit" || !returned {
			t.Errorf("Run %s, started %v, want Goexit, true", end, returned)
		}
	})
	bubble(t, "N9/after recovered panics", func(t *testing.T, ctx context.Context) {
		end := runToEnd(func() {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { <-ctx.Done(); panic("p") })
				return goexit(ctx)
			}, nursery.RecoverPanics())
		})
		if end != "called Goexit" {
			t.Errorf("Run %s, want Goexit", end)
		}
	})
	bubble(t, "N9/deferred calls of the caller run, and the scope is closed", func(t *testing.T, ctx context.Context) {
		var kept context.Context
		runToEnd(func() {
			_ = nursery.Run(ctx, func(ctx context.Context, _ *nursery.Nursery) error { kept = ctx; return goexit(ctx) })
		})
		if !errors.Is(context.Cause(kept), nursery.ErrGoexit) {
			t.Errorf("Cause() = %v, want ErrGoexit", context.Cause(kept))
		}
	})
}

// TestGoexitInCalls tests calls that panic while their goroutine is exiting.
func TestGoexitInCalls(t *testing.T) {
	crashing := func(ctx context.Context) error {
		return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error { panic("p") })
			runtime.Goexit()
			return nil
		})
	}
	type call = func(ctx context.Context, i int) (int, error)
	items := []int{0, 1, 2, 3, 4, 5}
	opts := []nursery.Option{nursery.KeepGoing(), nursery.RecoverPanics()}
	for name, run := range map[string]func(ctx context.Context, fn call, opts ...nursery.Option){
		"Each": func(ctx context.Context, fn call, opts ...nursery.Option) {
			_ = nursery.Each(ctx, slices.Values(items), func(ctx context.Context, i int) error { _, err := fn(ctx, i); return err }, opts...)
		},
		"Stream": func(ctx context.Context, fn call, opts ...nursery.Option) {
			for range nursery.Stream(ctx, slices.Values(items), fn, opts...) {
			}
		},
	} {
		for limit := range 3 {
			bubble(t, fmt.Sprintf("N12/the other calls of %s are made, at most %d at a time", name, limit+1), func(t *testing.T, ctx context.Context) {
				var count atomic.Int32
				runToEnd(func() {
					run(ctx, func(ctx context.Context, i int) (int, error) {
						if count.Add(1); i%2 == 0 {
							return 0, crashing(ctx)
						}
						return i, nil
					}, append(opts, nursery.Limit(limit+1))...)
				})
				if got := int(count.Load()); got != len(items) {
					t.Errorf("%d calls, want %d", got, len(items))
				}
			})
		}
	}
	bubble(t, "N12/For replaces a worker that exits", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		var crashed atomic.Bool
		runToEnd(func() {
			_ = nursery.For(ctx, 7, func(ctx context.Context, _ int) error {
				if !strings.Contains(string(debug.Stack()), "RunToEnd") && !crashed.Swap(true) {
					return crashing(ctx) // not in the caller's goroutine, where For would exit
				}
				time.Sleep(time.Second)
				return nil
			}, append(opts, nursery.Limit(2))...)
		})
		if d := time.Since(start); d != 3*time.Second || !crashed.Load() {
			t.Errorf("For took %v for 6 calls of 1s, want 3s", d)
		}
	})
}

func TestRunInDeferredCall(t *testing.T) {
	cleanup := func(ctx context.Context, ran *bool) {
		err := nursery.Run(context.WithoutCancel(ctx), func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error { *ran = true; panic("inner") })
			return nil
		}, nursery.RecoverPanics())
		if err == nil {
			*ran = false
		}
	}
	bubble(t, "N8/a nursery used for clean-up during a panic does not affect it", func(t *testing.T, ctx context.Context) {
		ran := false
		v := recovered(func() {
			_ = nursery.Run(ctx, func(ctx context.Context, _ *nursery.Nursery) error {
				defer cleanup(ctx, &ran)
				panic("outer")
			})
		})
		if v != "outer" || !ran {
			t.Errorf("panic(%v), clean-up ran: %v, want outer, true", v, ran)
		}
	})
	bubble(t, "N9/a nursery used for clean-up during a Goexit does not affect it", func(t *testing.T, ctx context.Context) {
		ran := false
		end := runToEnd(func() {
			_ = nursery.Run(ctx, func(ctx context.Context, _ *nursery.Nursery) error {
				defer cleanup(ctx, &ran)
				return goexit(ctx)
			})
		})
		if end != "called Goexit" || !ran {
			t.Errorf("Run %s, clean-up ran: %v, want Goexit, true", end, ran)
		}
	})
}

func TestGoexit(t *testing.T) {
	exit := func(context.Context) error { runtime.Goexit(); return nil }
	run := func(ctx context.Context, body func(ctx context.Context, n *nursery.Nursery) error) string {
		return runToEnd(func() { _ = nursery.Run(ctx, body) })
	}
	bubble(t, "N9/in a task", func(t *testing.T, ctx context.Context) {
		var cause error
		end := run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(exit, nursery.Name("x"))
			n.Go(func(ctx context.Context) error { <-ctx.Done(); cause = context.Cause(ctx); return errBoom })
			return nil
		})
		if end != "called Goexit" || !errors.Is(cause, nursery.ErrGoexit) {
			t.Errorf("Run %s, cause %v, want Goexit, ErrGoexit", end, cause)
		}
	})
	bubble(t, "N9/in the body, with the tasks joined first", func(t *testing.T, ctx context.Context) {
		joined := false
		end := run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { <-ctx.Done(); time.Sleep(time.Second); joined = true; return nil })
			return exit(ctx)
		})
		if end != "called Goexit" || !joined {
			t.Errorf("Run %s, joined %v, want Goexit, true", end, joined)
		}
	})
	bubble(t, "N9/a panic takes precedence over Goexit", func(t *testing.T, ctx context.Context) {
		for range 2 {
			end := run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { <-ctx.Done(); panic("p") })
				n.Go(exit)
				return nil
			})
			if end != "panicked" {
				t.Errorf("Run %s, want a panic", end)
			}
			end = run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { <-ctx.Done(); panic("p") })
				return exit(ctx)
			})
			if end != "panicked" {
				t.Errorf("Run %s, want a panic", end)
			}
		}
	})
	bubble(t, "N9/through nurseries", func(t *testing.T, ctx context.Context) {
		end := run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error { n.Go(exit); return nil })
			})
			return cancel.Forever(ctx)
		})
		if end != "called Goexit" {
			t.Errorf("Run %s, want Goexit", end)
		}
	})
}
