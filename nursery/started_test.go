package nursery_test

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func TestStarted(t *testing.T) {
	bubble(t, "N13/the nursery's cancellation reaches the task's own tasks", func(t *testing.T, ctx context.Context) {
		var told atomic.Int32
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			if _, err := nursery.Start(ctx, n, func(ctx context.Context, started func(int)) error {
				return nursery.Run(ctx, func(_ context.Context, inner *nursery.Nursery) error {
					for range 3 {
						inner.Go(func(ctx context.Context) error { <-ctx.Done(); told.Add(1); return ctx.Err() })
					}
					started(1)
					return nil
				})
			}); err != nil {
				return err
			}
			synctest.Wait()
			n.Cancel(nil)
			return nil
		})
		if err != nil || told.Load() != 3 {
			t.Errorf("Run() = %v, %d canceled, want nil, 3", err, told.Load())
		}
	})
	bubble(t, "N13/values come from the caller, cancellation from nursery and caller until started", func(t *testing.T, ctx context.Context) {
		outer := context.WithValue(ctx, key{}, "nursery")
		err := nursery.Run(outer, func(ctx context.Context, n *nursery.Nursery) error {
			caller := cancel.New(context.WithValue(ctx, key{}, "caller"), cancel.Timeout(time.Minute))
			defer caller.Close()
			_, err := nursery.Start(caller, n, func(ctx context.Context, started func(int)) error {
				if v := ctx.Value(key{}); v != "caller" {
					t.Errorf("Value() = %v, want the caller's", v)
				}
				if _, ok := ctx.Deadline(); ok {
					t.Error("Deadline() is the caller's")
				}
				started(1)
				return cancel.Sleep(ctx, time.Hour)
			})
			return err
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	bubble(t, "N13/a shield in a task that has not started blocks the caller's cancellation", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		var cleaned error
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			moved, err := cancel.MoveOnAfter(ctx, time.Second, func(ctx context.Context) error {
				_, err := nursery.Start(ctx, n, func(ctx context.Context, started func(int)) error {
					err := cancel.Forever(ctx)
					cleaned = cancel.Shield(ctx, time.Minute, func(ctx context.Context) error { return cancel.Sleep(ctx, time.Second) })
					return err
				})
				return err
			})
			if !moved {
				t.Errorf("MoveOnAfter() = false, %v, want true", err)
			}
			return err
		})
		if d := time.Since(start); err != nil || cleaned != nil || d != 2*time.Second {
			t.Errorf("Run() = %v after %v, clean-up: %v, want nil after 2s, nil", err, d, cleaned)
		}
	})
	bubble(t, "N13/a timeout around Start is reported as a timeout and affects no other task", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return cancel.Sleep(ctx, time.Minute) })
			err := cancel.FailAfter(ctx, time.Second, func(ctx context.Context) error {
				_, err := nursery.Start(ctx, n, ending(cancel.Forever))
				return err
			})
			if e := new(cancel.TimeoutError); !errors.As(err, &e) || ctx.Err() != nil {
				t.Errorf("FailAfter(Start) = %v, Err() = %v, want a timeout, nil", err, ctx.Err())
			}
			return nil
		})
		if d := time.Since(start); err != nil || d != time.Minute {
			t.Errorf("Run() = %v after %v, want nil after 1m", err, d)
		}
	})
	bubble(t, "N13/a task that crashes before it has started releases the nursery", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, outer *nursery.Nursery) error {
			return nursery.Run(ctx, func(_ context.Context, inner *nursery.Nursery) error {
				outer.Go(func(ctx context.Context) error {
					_, err := nursery.Start(ctx, inner, ending(failing(time.Second, io.EOF)))
					if err != io.EOF {
						t.Errorf("Start() = %v, want EOF", err)
					}
					return nil
				})
				synctest.Wait()
				return nil // now only the task of Start keeps the nursery open
			})
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	bubble(t, "N13/RecoverPanics does not apply before started", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			p := caught(t, func() { _, _ = nursery.Start(ctx, n, ending(func(context.Context) error { panic("p") })) })
			if p.Value != "p" || ctx.Err() != nil {
				t.Errorf("panic(%v), Err() = %v, want p, nil", p.Value, ctx.Err())
			}
			_, err := nursery.Start(ctx, n, func(_ context.Context, started func(int)) error { started(1); panic("q") })
			return err
		}, nursery.RecoverPanics())
		if got := failures(t, err); len(got) != 1 || err.Error() != "panicked: q" {
			t.Errorf("failures = %v, want only q", got)
		}
	})
	bubble(t, "N13/started is called in a goroutine of the task, and has no effect after Start gave up", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			v, err := nursery.Start(ctx, n, func(ctx context.Context, started func(string)) error {
				return nursery.Run(ctx, func(_ context.Context, inner *nursery.Nursery) error {
					inner.Go(func(context.Context) error { time.Sleep(time.Second); started("v"); return nil })
					return nil
				})
			})
			if v != "v" || err != nil {
				t.Errorf("Start() = %q, %v, want v, nil", v, err)
			}
			caller := cancel.New(ctx, cancel.Timeout(time.Second))
			defer caller.Close()
			v, err = nursery.Start(caller, n, func(ctx context.Context, started func(string)) error {
				<-ctx.Done()
				started("late")
				return nil
			})
			if v != "" || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Start() = %q, %v, want no value and the deadline", v, err)
			}
			return nil
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	bubble(t, "N13/many calls at once in tasks of a limited nursery", func(t *testing.T, ctx context.Context) {
		var sum atomic.Int32
		start := time.Now()
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			for range 20 {
				n.Go(func(ctx context.Context) error {
					v, err := nursery.Start(ctx, n, serving, nursery.Daemon())
					sum.Add(int32(v))
					return err
				})
			}
			return nil
		}, nursery.Limit(2))
		if d := time.Since(start); err != nil || sum.Load() != 20*42 || d != 10*time.Second {
			t.Errorf("Run() = %v, sum %d after %v, want nil, %d after 10s", err, sum.Load(), d, 20*42)
		}
	})
	// Trio's issues 1431, 2258 and 2895: all sources and times of cancellation.
	for _, by := range []string{"n.Cancel", "the caller's scope", "a sibling's failure", "an outer scope", "a deadline", "the body's return"} {
		for _, when := range []time.Duration{0, time.Second / 2, time.Second, 2 * time.Second} {
			bubble(t, "N13/no hang: "+by+" after "+when.String(), func(t *testing.T, ctx context.Context) {
				outer := cancel.FromContext(ctx)
				_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					caller := cancel.New(ctx)
					var act func()
					switch by {
					case "n.Cancel":
						act = func() { n.Cancel(nil) }
					case "the caller's scope":
						act = func() { caller.Cancel(nil) }
					case "a sibling's failure":
						act = func() { n.Go(func(context.Context) error { return errBoom }) }
					case "an outer scope":
						act = func() { outer.Cancel(nil) }
					case "a deadline":
						act = func() { n.Scope().SetTimeout(0) }
					case "the body's return":
						act = func() {}
					}
					n.Go(func(context.Context) error { time.Sleep(when); act(); return nil })
					n.Go(func(context.Context) error {
						defer caller.Close()
						_, err := nursery.Start(caller, n, serving, nursery.Daemon())
						return err
					})
					return nil
				})
				if time.Since(synctestStart) > 2*time.Second {
					t.Errorf("it took %v", time.Since(synctestStart))
				}
			})
		}
	}
}

// synctestStart is the start time of every bubble.
var synctestStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
