package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func TestEchoes(t *testing.T) {
	dial := func(ctx context.Context) error {
		<-ctx.Done()
		var d net.Dialer
		_, err := d.DialContext(ctx, "tcp", "127.0.0.1:1")
		return err
	}
	echoes := map[string]func(ctx context.Context) error{
		"ctx.Err":        func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"wrapped":        func(ctx context.Context) error { <-ctx.Done(); return fmt.Errorf("read: %w", ctx.Err()) },
		"context.Cause":  func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) },
		"cancel.Err":     cancel.Forever,
		"joined":         func(ctx context.Context) error { <-ctx.Done(); return errors.Join(cancel.Err(ctx), ctx.Err()) },
		"of package net": dial,
		"of a nursery":   func(ctx context.Context) error { return nursery.Run(ctx, parked) },
		"of a derived context": func(ctx context.Context) error {
			ctx, stop := context.WithCancel(ctx)
			defer stop()
			return cancel.Forever(ctx)
		},
		"of a timeout that came second": func(ctx context.Context) error {
			return cancel.FailAfter(ctx, time.Hour, cancel.Forever)
		},
		"of a timeout that came first and was slow": func(ctx context.Context) error {
			return cancel.FailAfter(ctx, time.Second/2, func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(time.Hour)
				return ctx.Err()
			})
		},
	}
	for name, echo := range echoes {
		bubble(t, "N4/dropped: "+name, func(t *testing.T, ctx context.Context) {
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(echo, nursery.Name("sibling"))
				n.Go(failing(time.Second, errBoom))
				return nil
			})
			if got := failures(t, err); len(got) != 1 || got[0] != errBoom {
				t.Errorf("failures = %v, want only boom", got)
			}
		})
		bubble(t, "N5/n.Cancel is not a failure: "+name, func(t *testing.T, ctx context.Context) {
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(echo)
				time.Sleep(time.Second)
				n.Cancel(errBoom)
				return ctx.Err()
			})
			if err != nil {
				t.Errorf("Run() = %v, want nil", err)
			}
		})
		bubble(t, "N6/collapsed: "+name, func(t *testing.T, ctx context.Context) {
			time.AfterFunc(time.Second, func() { cancel.FromContext(ctx).Cancel(errBoom) })
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(echo)
				n.Go(echo)
				return cancel.Forever(ctx)
			})
			got := failures(t, err)
			e, ok := got[0].(*cancel.Error)
			if len(got) != 1 || !ok || e.Reason.Cause != errBoom || !errors.Is(err, context.Canceled) || errors.Is(err, errBoom) {
				t.Errorf("failures = %v, want one *cancel.Error with cause boom", got)
			}
		})
	}
	real := map[string]func(ctx context.Context) error{
		"the same sentinel":     func(ctx context.Context) error { <-ctx.Done(); return errBoom },
		"joined with an echo":   func(ctx context.Context) error { <-ctx.Done(); return errors.Join(ctx.Err(), io.EOF) },
		"its own timeout":       func(ctx context.Context) error { <-ctx.Done(); return context.DeadlineExceeded },
		"another context's end": func(ctx context.Context) error { <-ctx.Done(); return otherEnd() },
		"a real one in a group": func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(cancel.Forever)
				<-ctx.Done()
				return io.EOF
			})
		},
	}
	for name, task := range real {
		bubble(t, "N4/kept: "+name, func(t *testing.T, ctx context.Context) {
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(failing(time.Second, errBoom))
				n.Go(task)
				return nil
			})
			got := failures(t, err)
			if len(got) != 2 || got[0] != errBoom {
				t.Fatalf("failures = %v, want boom and another failure", got)
			}
			if g, ok := got[1].(*nursery.GroupError); ok && len(g.Unwrap()) != 1 {
				t.Errorf("inner failures = %v, want no echo", g.Unwrap())
			}
		})
	}
	bubble(t, "N6/nil after a cancellation is nil", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { <-ctx.Done(); return nil })
			cancel.FromContext(ctx).Cancel(nil)
			return nil
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
	bubble(t, "N6/a failure after an outer cancellation is reported with it", func(t *testing.T, ctx context.Context) {
		time.AfterFunc(time.Second, func() { cancel.FromContext(ctx).Cancel(nil) })
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(cancel.Forever)
			n.Go(func(ctx context.Context) error { <-ctx.Done(); return errBoom })
			return nil
		})
		got := failures(t, err)
		if len(got) != 2 || got[0] != errBoom || !errors.Is(got[1], context.Canceled) {
			t.Errorf("failures = %v, want boom and the cancellation", got)
		}
	})
	bubble(t, "N6/a group without an echo does not stand for a cancellation", func(t *testing.T, ctx context.Context) {
		cancel.FromContext(ctx).Cancel(nil)
		group := nursery.NewGroupError("", io.EOF, errBoom)
		err := nursery.Run(ctx, func(context.Context, *nursery.Nursery) error { return group })
		if got := failures(t, err); len(got) != 1 || got[0] != group {
			t.Errorf("failures = %v, want only the group", got)
		}
	})
	bubble(t, "N6/an outer deadline is absorbed by its own scope", func(t *testing.T, ctx context.Context) {
		moved, err := cancel.MoveOnAfter(ctx, time.Second, func(ctx context.Context) error {
			return nursery.Run(ctx, parked)
		})
		if !moved || err != nil {
			t.Errorf("MoveOnAfter() = %v, %v, want true, nil", moved, err)
		}
	})
	for name, result := range map[string]func(outer, ctx context.Context) error{
		"own":   func(_, ctx context.Context) error { return cancel.Err(ctx) },
		"outer": func(outer, _ context.Context) error { return cancel.Err(outer) },
	} {
		bubble(t, "N6/an outer deadline after n.Cancel, for a task that returns the "+name+" error", func(t *testing.T, ctx context.Context) {
			var inner error
			moved, err := cancel.MoveOnAfter(ctx, 2*time.Second, func(outer context.Context) error {
				inner = nursery.Run(outer, func(ctx context.Context, n *nursery.Nursery) error {
					n.Cancel(nil)
					time.Sleep(3 * time.Second)
					//grove:ok a task may return the error of a context around
					return result(outer, ctx)
				})
				return inner
			})
			if !moved || err != nil {
				t.Errorf("MoveOnAfter() = %v, %v, want true, nil for %+v", moved, err, inner)
			}
		})
	}
	bubble(t, "N4/a deadline of package context at the same time as the nursery's own", func(t *testing.T, ctx context.Context) {
		for range 20 {
			deadline := time.Now().Add(time.Second)
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				std, stop := context.WithDeadline(ctx, deadline)
				defer stop()
				n.Scope().SetDeadline(deadline)
				<-std.Done()
				return std.Err()
			})
			if err != nil {
				t.Fatalf("Run() = %v, want nil because the nursery's own deadline has passed too", err)
			}
		}
	})
	bubble(t, "N4/n.Cancel followed by an outer cancellation", func(t *testing.T, ctx context.Context) {
		outer := cancel.FromContext(ctx)
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { <-ctx.Done(); time.Sleep(time.Second); return ctx.Err() })
			n.Cancel(io.EOF)
			outer.Cancel(errBoom)
			return nil
		})
		if e, ok := failures(t, err)[0].(*cancel.Error); !ok || e.Reason.Cause != errBoom {
			t.Errorf("Run() = %v, want the outer cancellation", err)
		}
	})
}

// TestTimeoutAroundNursery checks that a nursery with only canceled tasks adds no detail
// to the timeout around it.
func TestTimeoutAroundNursery(t *testing.T) {
	bubble(t, "N6/the TimeoutError has no detail", func(t *testing.T, ctx context.Context) {
		err := cancel.FailAfter(ctx, time.Second, func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(cancel.Forever)
				n.Go(cancel.Forever)
				return nil
			})
		})
		if e, ok := errors.AsType[*cancel.TimeoutError](err); !ok || e.Detail != nil {
			t.Errorf("FailAfter() = %+v, want a timeout without a detail", err)
		}
	})
}

// TestEchoIf checks that the option EchoIf decides which errors count as echoes although
// they do not unwrap to the cancellation.
func TestEchoIf(t *testing.T) {
	errKilled := errors.New("signal: killed")
	killed := nursery.EchoIf(func(err error) bool { return err == errKilled })
	// command ends like a process killed by a cancellation.
	command := func(ctx context.Context) error {
		<-ctx.Done()
		return fmt.Errorf("run: %w", errKilled)
	}
	for name, run := range map[string]func(ctx context.Context, body func(ctx context.Context, n *nursery.Nursery) error) error{
		"of the nursery": func(ctx context.Context, body func(ctx context.Context, n *nursery.Nursery) error) error {
			return nursery.Run(ctx, body, killed, nursery.Name("commands"))
		},
		"of one around it": func(ctx context.Context, body func(ctx context.Context, n *nursery.Nursery) error) error {
			return nursery.Run(ctx, func(ctx context.Context, _ *nursery.Nursery) error { return nursery.Run(ctx, body) }, killed)
		},
	} {
		bubble(t, "N4/dropped by the option "+name, func(t *testing.T, ctx context.Context) {
			err := run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(command)
				n.Go(failing(time.Second, errBoom))
				return nil
			})
			if !errors.Is(err, errBoom) || errors.Is(err, errKilled) {
				t.Errorf("Run() = %v, want only boom", err)
			}
		})
		bubble(t, "N5/n.Cancel is not a failure, by the option "+name, func(t *testing.T, ctx context.Context) {
			err := run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(command)
				n.Cancel(nil)
				return nil
			})
			if err != nil {
				t.Errorf("Run() = %v, want nil", err)
			}
		})
		bubble(t, "N6/collapsed by the option "+name, func(t *testing.T, ctx context.Context) {
			scope := cancel.New(ctx)
			time.AfterFunc(time.Second, func() { scope.Cancel(errBoom) })
			err := run(scope, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(command)
				n.Go(command)
				return nil
			})
			if !scope.IsEcho(err) || errors.Is(err, errKilled) {
				t.Errorf("Run() = %v, want one error, the cancellation of the scope", err)
			}
		})
		bubble(t, "N10/a dismissed daemon, by the option "+name, func(t *testing.T, ctx context.Context) {
			err := run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(command, nursery.Daemon())
				return nil
			})
			if err != nil {
				t.Errorf("Run() = %v, want nil", err)
			}
		})
		bubble(t, "N4/a real error stays without a cancellation, by the option "+name, func(t *testing.T, ctx context.Context) {
			err := run(ctx, func(context.Context, *nursery.Nursery) error { return errKilled })
			if !errors.Is(err, errKilled) {
				t.Errorf("Run() = %v, want the error of the command because nothing was canceled", err)
			}
		})
	}
}
