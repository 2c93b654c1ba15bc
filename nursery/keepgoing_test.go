package nursery_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func TestKeepGoingOutcome(t *testing.T) {
	bubble(t, "N12/the context stays open after failures of tasks and body", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(failing(time.Second, io.EOF), nursery.Name("first"))
			n.Go(func(ctx context.Context) error {
				time.Sleep(time.Minute)
				if ctx.Err() != nil {
					t.Errorf("Err() = %v, want nil", ctx.Err())
				}
				return nil
			})
			return errBoom
		}, nursery.KeepGoing(), nursery.Name("n"))
		const want = `nursery "n": 2 failures: boom; task "first": EOF`
		if err == nil || err.Error() != want {
			t.Errorf("Run() = %v, want %v", err, want)
		}
	})
	bubble(t, "N12/a sentinel counts each time it is returned", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			for range 3 {
				n.Go(func(context.Context) error { return io.EOF })
			}
			return io.EOF
		}, nursery.KeepGoing())
		if got := failures(t, err); len(got) != 4 {
			t.Errorf("failures = %v, want 4", got)
		}
	})
	bubble(t, "N12/recovered panics are failures like any other", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error { panic("p") })
			return nil
		}, nursery.KeepGoing(), nursery.RecoverPanics())
		if got := failures(t, err); len(got) != 1 || message(got[0]) != "panicked: p" {
			t.Errorf("failures = %v, want the panic", got)
		}
	})
	bubble(t, "N12/recovered panics cancel no task", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error { panic("p") })
			return cancel.Sleep(ctx, time.Minute)
		}, nursery.KeepGoing(), nursery.RecoverPanics())
		if d := time.Since(start); len(failures(t, err)) != 1 || d != time.Minute {
			t.Errorf("Run() = %v after %v, want one failure after 1m", err, d)
		}
	})
	bubble(t, "N12/failures followed by an outer cancellation", func(t *testing.T, ctx context.Context) {
		time.AfterFunc(time.Minute, func() { cancel.FromContext(ctx).Cancel(nil) })
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(failing(time.Second, errBoom))
			n.Go(cancel.Forever)
			n.Go(cancel.Forever)
			return nil
		}, nursery.KeepGoing())
		got := failures(t, err)
		if len(got) != 2 || got[0] != errBoom || !errors.Is(got[1], context.Canceled) {
			t.Errorf("failures = %v, want boom and the cancellation", got)
		}
	})
	bubble(t, "N12/failures before and after a call of Cancel", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(failing(time.Second, errBoom))
			n.Go(func(ctx context.Context) error { <-ctx.Done(); return io.EOF })
			n.Go(func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) })
			time.Sleep(time.Minute)
			n.Cancel(io.ErrShortWrite)
			return nil
		}, nursery.KeepGoing())
		if got := failures(t, err); len(got) != 2 || got[0] != errBoom || got[1] != io.EOF {
			t.Errorf("failures = %v, want boom, EOF", got)
		}
	})
	bubble(t, "N6/a failure, a panic and its echo, followed by an outer cancellation", func(t *testing.T, ctx context.Context) {
		time.AfterFunc(3*time.Second, func() { cancel.FromContext(ctx).Cancel(nil) })
		p := caught(t, func() {
			_ = nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.Go(failing(time.Second, errBoom))
				n.Go(cancel.Forever) // canceled by the panic
				n.Go(func(context.Context) error { time.Sleep(4 * time.Second); return nil })
				n.Go(func(context.Context) error { time.Sleep(2 * time.Second); panic("p") })
				return nil
			}, nursery.KeepGoing())
		})
		if len(p.Others) != 1 || p.Others[0] != errBoom {
			t.Errorf("Others = %v, want only boom", p.Others)
		}
	})
	bubble(t, "N12/an inner nursery without KeepGoing fails as a whole", func(t *testing.T, ctx context.Context) {
		err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			for i := range 2 {
				n.Go(func(ctx context.Context) error {
					return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
						n.Go(cancel.Forever)
						n.Go(failing(time.Duration(i)*time.Second, errBoom))
						return nil
					})
				})
			}
			return nil
		}, nursery.KeepGoing())
		got := failures(t, err)
		if len(got) != 2 {
			t.Fatalf("failures = %v, want 2", got)
		}
		for _, g := range got {
			if inner := failures(t, g); len(inner) != 1 || inner[0] != errBoom {
				t.Errorf("inner failures = %v, want only boom", inner)
			}
		}
	})
	bubble(t, "N12/a failed daemon does not end the nursery", func(t *testing.T, ctx context.Context) {
		start := time.Now()
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(failing(time.Second, errBoom), nursery.Daemon())
			return cancel.Sleep(ctx, time.Minute)
		}, nursery.KeepGoing())
		if d := time.Since(start); len(failures(t, err)) != 1 || d != time.Minute {
			t.Errorf("Run() = %v after %v, want one failure after 1m", err, d)
		}
	})
}

func TestKeepGoing(t *testing.T) {
	bubble(t, "N12/failures do not cancel, and all are returned", func(t *testing.T, ctx context.Context) {
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
	bubble(t, "N12/a cancellation still ends the nursery", func(t *testing.T, ctx context.Context) {
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
