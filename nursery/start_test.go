package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// serving is a task that is ready after a second and then serves.
func serving(ctx context.Context, started func(int)) error {
	if err := cancel.Sleep(ctx, time.Second); err != nil {
		return err
	}
	started(42)
	return cancel.Forever(ctx)
}

// ending returns a task for Start that ends without being ready.
func ending(end func(ctx context.Context) error) func(context.Context, func(int)) error {
	return func(ctx context.Context, _ func(int)) error { return end(ctx) }
}

func TestStart(t *testing.T) {
	bubble(t, "N13/Start returns the reported value as soon as it is reported", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			v, err := nursery.Start(ctx, n, serving, nursery.Name("server"))
			if d := time.Since(start); v != 42 || err != nil || d != time.Second {
				t.Errorf("Start() = %v, %v after %v, want 42, nil after 1s", v, err, d)
			}
			n.Cancel(nil)
			return nil
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	bubble(t, "N13/before started, the task's error goes only to the caller", func(t *testing.T, ctx context.Context) {
		group := errors.Join(io.EOF, errBoom)
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for _, want := range []error{errBoom, group} {
				if _, err := nursery.Start(ctx, n, ending(func(context.Context) error { return want })); err != want {
					t.Errorf("Start() = %v, want %v unchanged", err, want)
				}
			}
			if _, err := nursery.Start(ctx, n, ending(func(context.Context) error { return nil })); err != nursery.ErrNotStarted {
				t.Errorf("Start() = %v, want ErrNotStarted", err)
			}
			p := caught(t, func() {
				_, _ = nursery.Start(ctx, n, ending(func(context.Context) error { panic("p") }), nursery.Name("x"))
			})
			if p.Value != "p" || p.Task != "x" {
				t.Errorf("panic %v in %q, want p in x", p.Value, p.Task)
			}
			if end := runToEnd(func() {
				_, _ = nursery.Start(ctx, n, ending(func(context.Context) error { runtime.Goexit(); return nil }))
			}); end != "called Goexit" {
				t.Errorf("Start %s, want Goexit", end)
			}
			return ctx.Err()
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	bubble(t, "N13/after started, the task's error goes to the nursery", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			caller := cancel.New(ctx)
			defer caller.Close()
			_, err := nursery.Start(caller, n, func(ctx context.Context, started func(int)) error {
				started(1)
				time.Sleep(time.Second)
				if ctx.Err() != nil {
					t.Error("the end of the caller's context canceled the task")
				}
				return errBoom
			}, nursery.Name("x"))
			caller.Cancel(nil)
			return err
		})
		task, ok := failures(t, err)[0].(*nursery.TaskError)
		if !ok || task.Task != "x" || task.Err != errBoom {
			t.Errorf("Run() = %v, want boom of x", err)
		}
	})
	bubble(t, "N13/the caller's cancellation cancels and awaits the task", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for _, test := range []struct {
				name string
				end  func(ctx context.Context) error
				ok   func(err error) bool
			}{
				{"echo", func(ctx context.Context) error { return ctx.Err() }, isCancel(io.EOF)},
				{"nil", func(context.Context) error { return nil }, isCancel(io.EOF)},
				{"failure", func(context.Context) error { return errBoom }, func(err error) bool { return err == errBoom }},
			} {
				caller := cancel.New(ctx)
				start := time.Now()
				time.AfterFunc(time.Second, func() { caller.Cancel(io.EOF) })
				_, err := nursery.Start(caller, n, func(ctx context.Context, started func(int)) error {
					<-ctx.Done()
					time.Sleep(time.Second)
					started(1) // too late
					return test.end(ctx)
				})
				if d := time.Since(start); !test.ok(err) || d != 2*time.Second {
					t.Errorf("%s: Start() = %v after %v", test.name, err, d)
				}
				caller.Close()
			}
			return ctx.Err()
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	bubble(t, "N13/with a done context the task still begins", func(t *testing.T, ctx context.Context) {
		began := false
		err := nursery.Run(context.WithoutCancel(ctx), func(_ context.Context, n *nursery.Nursery) error {
			cancel.FromContext(ctx).Cancel(io.EOF)
			_, err := nursery.Start(ctx, n, ending(func(ctx context.Context) error { began = true; return ctx.Err() }))
			if !isCancel(io.EOF)(err) || !began {
				t.Errorf("Start() = %v, began %v, want the cancellation, true", err, began)
			}
			return nil
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	bubble(t, "N13/started twice panics", func(t *testing.T, ctx context.Context) {
		p := caught(t, func() {
			_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				_, err := nursery.Start(ctx, n, func(_ context.Context, started func(int)) error {
					started(1)
					started(2)
					return nil
				})
				return err
			})
		})
		if p.Value != "nursery: Start: started was called twice" {
			t.Errorf("panic(%v)", p.Value)
		}
	})
	bubble(t, "N13/a pending Start keeps the nursery open", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		err := nursery.Run(ctx, func(ctx context.Context, outer *nursery.Nursery) error {
			return nursery.Run(ctx, func(ctx context.Context, inner *nursery.Nursery) error {
				outer.Go(func(ctx context.Context) error {
					_, err := nursery.Start(ctx, inner, func(ctx context.Context, started func(int)) error {
						if err := cancel.Sleep(ctx, time.Second); err != nil {
							return err
						}
						started(1)
						return cancel.Sleep(ctx, time.Second)
					}, nursery.Daemon())
					return err
				})
				return cancel.Sleep(ctx, time.Second/2)
			})
		})
		if d := time.Since(start); err != nil || d != time.Second {
			t.Errorf("Run() = %v after %v, want nil after 1s, when the daemon had started", err, d)
		}
	})
	// Trio's issues 1431, 2258 and 2895.
	bubble(t, "N13/Start does not hang in a canceled or closing nursery", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				<-ctx.Done()
				_, err := nursery.Start(ctx, n, serving) // canceled
				return err
			})
			n.Go(func(ctx context.Context) error {
				_, err := nursery.Start(context.WithoutCancel(ctx), n, serving) // is about to be canceled
				return err
			})
			time.AfterFunc(time.Second/2, func() { n.Cancel(nil) })
			return nil
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		cancel.FromContext(ctx).Cancel(nil)
		err = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				return cancel.Shield(ctx, time.Minute, func(ctx context.Context) error {
					_, err := nursery.Start(ctx, n, serving)
					return err
				})
			})
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Run() = %v, want the cancellation", err)
		}
	})
	bubble(t, "N13/a task that cancels the caller and returns at once", func(t *testing.T, ctx context.Context) {
		boom := errors.New("cause")
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for name, returns := range map[string]func(caller context.Context) error{
				"nil":         func(context.Context) error { return nil },
				"the error":   func(caller context.Context) error { return caller.Err() },
				"its wrapper": func(caller context.Context) error { return fmt.Errorf("wrapped: %w", cancel.Err(caller)) },
				"the cause":   context.Cause,
			} {
				caller := cancel.New(ctx)
				_, err := nursery.Start(caller, n, ending(func(context.Context) error {
					caller.Cancel(boom)
					return returns(caller)
				}))
				if !isCancel(boom)(err) {
					t.Errorf("%s: Start() = %v, want the cancellation of the caller", name, err)
				}
				caller.Close()
			}
			return nil
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	bubble(t, "N13/a sibling's failure ends a Start", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(failing(time.Second, errBoom))
			_, err := nursery.Start(ctx, n, ending(cancel.Forever))
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Start() = %v, want the cancellation", err)
			}
			return err
		})
		if got := failures(t, err); len(got) != 1 || got[0] != errBoom {
			t.Errorf("failures = %v, want only boom", got)
		}
	})
}

// isCancel returns a function that reports whether an error is a *cancel.Error with that
// cause.
func isCancel(cause error) func(error) bool {
	return func(err error) bool {
		e, ok := err.(*cancel.Error)
		return ok && e.Reason.Cause == cause
	}
}
