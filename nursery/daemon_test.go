package nursery_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func TestDaemonEnd(t *testing.T) {
	bubble(t, "N10/a failure during dismissal is a failure", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { <-ctx.Done(); return errBoom }, nursery.Daemon(), nursery.Name("flush"))
			return nil
		})
		got := failures(t, err)
		if e, ok := got[0].(*nursery.TaskError); len(got) != 1 || !ok || e.Task != "flush" || e.Err != errBoom {
			t.Errorf("failures = %v, want boom of flush", got)
		}
	})
	bubble(t, "N10/a panic of a daemon is a panic", func(t *testing.T, ctx context.Context) {
		p := caught(t, func() {
			_ = nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { <-ctx.Done(); panic("p") }, nursery.Daemon(), nursery.Name("flush"))
				return nil
			})
		})
		if p.Value != "p" || p.Task != "flush" {
			t.Errorf("panic(%v) of %q, want p of flush", p.Value, p.Task)
		}
	})
	bubble(t, "N10/a daemon that returns early ends nothing", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(noop, nursery.Daemon())
			return cancel.Sleep(ctx, time.Second)
		})
		if d := time.Since(start); err != nil || d != time.Second {
			t.Errorf("Run() = %v after %v, want nil after 1s", err, d)
		}
	})
	bubble(t, "N10/daemons stay until tasks that a daemon started have returned", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		var dismissed time.Duration
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				n.Go(func(ctx context.Context) error { return cancel.Sleep(ctx, time.Minute) })
				err := cancel.Forever(ctx)
				dismissed = time.Since(start)
				return err
			}, nursery.Daemon())
			return cancel.Sleep(ctx, time.Second)
		})
		if err != nil || dismissed != time.Minute {
			t.Errorf("Run() = %v, dismissed after %v, want nil, 1m", err, dismissed)
		}
	})
	bubble(t, "N10/daemons stay for queued tasks", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		var dismissed time.Duration
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				err := cancel.Forever(ctx)
				dismissed = time.Since(start)
				return err
			}, nursery.Daemon())
			for range 5 {
				n.Go(failing(time.Second, nil))
			}
			return nil
		}, nursery.Limit(1))
		if err != nil || dismissed != 5*time.Second {
			t.Errorf("Run() = %v, dismissed after %v, want nil, 5s", err, dismissed)
		}
	})
	bubble(t, "N10/a spawned daemon", func(t *testing.T, ctx context.Context) {
		var task *nursery.Task[string]
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			task = nursery.Spawn(n, func(ctx context.Context) (string, error) { return "bye", cancel.Forever(ctx) }, nursery.Daemon())
			return cancel.Sleep(ctx, time.Second)
		})
		v, werr := task.Wait(ctx)
		if err != nil || v != "bye" || !errors.Is(werr, context.Canceled) {
			t.Errorf("Run() = %v, Wait() = %q, %v, want nil, bye, the cancellation", err, v, werr)
		}
	})
	bubble(t, "N10/a daemon that has started after all others returned", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, outer *nursery.Nursery) error {
			return nursery.Run(ctx, func(_ context.Context, inner *nursery.Nursery) error {
				outer.Go(func(ctx context.Context) error {
					v, err := nursery.Start(ctx, inner, serving, nursery.Daemon())
					if v != 42 {
						t.Errorf("Start() = %v, %v, want 42, nil", v, err)
					}
					return err
				})
				synctest.Wait()
				return nil
			})
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	bubble(t, "N10/a failure after the dismissal is the only failure", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			for range 3 {
				n.Go(cancel.Forever, nursery.Daemon())
			}
			n.Go(func(ctx context.Context) error { <-ctx.Done(); return errors.Join(io.EOF, ctx.Err()) }, nursery.Daemon())
			return nil
		})
		if got := failures(t, err); len(got) != 1 || !errors.Is(got[0], io.EOF) {
			t.Errorf("failures = %v, want the one with EOF", got)
		}
	})
	bubble(t, "N6/a nursery in a dismissed daemon returns the cancellation", func(t *testing.T, ctx context.Context) {
		var inner error
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				inner = nursery.Run(ctx, parked)
				return inner
			}, nursery.Daemon())
			return nil
		})
		if err != nil || !errors.Is(inner, context.Canceled) {
			t.Errorf("outer Run() = %v, inner Run() = %v, want nil, the cancellation", err, inner)
		}
	})
	bubble(t, "N10/dismissal followed by an outer cancellation", func(t *testing.T, ctx context.Context) {
		outer := cancel.FromContext(ctx)
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				<-ctx.Done()
				outer.Cancel(io.EOF)
				return cancel.Err(ctx)
			}, nursery.Daemon())
			return nil
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil because only the daemon was canceled", err)
		}
	})
	bubble(t, "N10/the reason has no file, because Cancel was not called", func(t *testing.T, ctx context.Context) {
		for _, last := range []time.Duration{0, time.Second} { // the body or a task ends last
			var why error
			err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error { why = cancel.Forever(ctx); return why }, nursery.Daemon())
				if last > 0 {
					n.Go(failing(last, nil))
				}
				return nil
			})
			if err != nil || !strings.Contains(why.Error(), "all other tasks have returned") || strings.Contains(why.Error(), ".go:") {
				t.Errorf("Run() = %v, the daemon saw %q, want nil, all other tasks have returned", err, why)
			}
		}
	})
}

func TestDaemon(t *testing.T) {
	bubble(t, "N10/a daemon is canceled when all others have returned, and awaited", func(t *testing.T, ctx context.Context) {
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
	bubble(t, "N10/a failure of a daemon is a failure", func(t *testing.T, ctx context.Context) {
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
	bubble(t, "N10/a nursery with only daemons ends with the body", func(t *testing.T, ctx context.Context) {
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
	bubble(t, "N10/after an outer cancellation the daemon's echo belongs to it", func(t *testing.T, ctx context.Context) {
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
