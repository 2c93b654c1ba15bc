package cancel_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
)

func TestShield(t *testing.T) {
	boom, later := errors.New("boom"), errors.New("later")

	t.Run("C7/a shield keeps out an outer cancellation and its cause", func(t *testing.T) {
		for _, registered := range []bool{false, true} {
			outer := cancel.New(t.Context())
			s := cancel.New(outer, cancel.Shielded())
			below := cancel.New(s)
			std, stop := context.WithCancelCause(below)
			if registered {
				std.Done()
				below.Done()
			}
			outer.Cancel(boom)
			for _, ctx := range []context.Context{s, below, std} {
				wantOpen(t, "behind the shield", ctx)
			}
			stop(later)
			wantEnded(t, "standard", std, context.Canceled, later)
			s.Cancel(later)
			wantEnded(t, "by its own Cancel", below, context.Canceled, later)
		}
	})

	t.Run("C7/a shield keeps out the cancellation of a standard parent", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			outer, stop := context.WithCancelCause(t.Context())
			s := cancel.New(outer, cancel.Shielded())
			below := cancel.New(s)
			below.Done()
			stop(boom)
			synctest.Wait()
			wantOpen(t, "shielded", s)
			wantOpen(t, "below", below)
			s.SetShield(false)
			wantEnded(t, "below", below, context.Canceled, boom)
			wantEnded(t, "shielded", s, context.Canceled, boom)
		})
	})

	// Trio: test_cancel_shield_abort.
	bubble(t, "C7/lowering the shield lets in a waiting cancellation and wakes Sleep", func(t *testing.T, ctx context.Context) {
		outer := cancel.New(ctx)
		s := cancel.New(outer, cancel.Shielded())
		start := time.Now()
		got := make(chan error)
		go func() { got <- cancel.Sleep(cancel.New(s), time.Hour) }()
		time.Sleep(time.Second)
		outer.Cancel(boom)
		time.Sleep(time.Second)
		s.SetShield(false)
		wantEnded(t, "scope", s, context.Canceled, boom)
		if err := <-got; !errors.Is(err, context.Canceled) || time.Since(start) != 2*time.Second {
			t.Errorf("Sleep() = %v after %v, want %v after 2s", err, time.Since(start), context.Canceled)
		}
	})

	t.Run("C7/raising the shield does not undo a cancellation", func(t *testing.T) {
		for _, ask := range []bool{false, true} {
			outer := cancel.New(t.Context())
			s := cancel.New(outer)
			below := cancel.New(s)
			if ask {
				below.Done()
			}
			outer.Cancel(boom)
			s.SetShield(true)
			wantEnded(t, "scope", s, context.Canceled, boom)
			wantEnded(t, "below", below, context.Canceled, boom)
		}
	})

	t.Run("C10/raising a shield later does not make an outer echo the scope's own", func(t *testing.T) {
		up := cancel.New(t.Context())
		std, stop := context.WithCancelCause(context.Background())
		told, asked, lowered := cancel.New(up), cancel.New(std), cancel.New(up, cancel.Shielded())
		asked.Done()
		up.Cancel(errBoom)
		stop(errBoom)
		lowered.SetShield(false)
		for _, s := range []*cancel.Scope{told, asked, lowered} {
			err := cancel.Err(s)
			s.SetShield(true)
			if got := s.Absorb(err); got != err {
				t.Errorf("Absorb() = %v, want %v", got, err)
			}
		}
	})

	t.Run("C7/a shield may be raised and lowered while nothing is canceled", func(t *testing.T) {
		outer := cancel.New(t.Context())
		s := cancel.New(outer)
		for range 3 {
			s.SetShield(true)
			s.SetShield(true)
			s.SetShield(false)
			s.SetShield(false)
		}
		wantOpen(t, "scope", s)
		outer.Cancel(boom)
		wantEnded(t, "scope", s, context.Canceled, boom)
	})

	t.Run("C7/each of two shields keeps out an outer cancellation", func(t *testing.T) {
		outer := cancel.New(t.Context())
		a := cancel.New(outer, cancel.Shielded())
		b := cancel.New(cancel.New(a), cancel.Shielded())
		b.Done()
		outer.Cancel(boom)
		b.SetShield(false)
		wantOpen(t, "behind the outer shield", b)
		b.SetShield(true)
		a.SetShield(false)
		wantEnded(t, "outer", a, context.Canceled, boom)
		wantOpen(t, "behind the inner shield", b)
		b.SetShield(false)
		wantEnded(t, "inner", b, context.Canceled, boom)
	})

	bubble(t, "C7/a shield keeps out an outer deadline, but not the scope's own", func(t *testing.T, ctx context.Context) {
		outer := cancel.New(ctx, cancel.Timeout(time.Second))
		s := cancel.New(outer, cancel.Shielded(), cancel.Timeout(time.Minute))
		below := cancel.New(s)
		time.Sleep(2 * time.Second)
		wantEnded(t, "outer", outer, context.DeadlineExceeded, context.DeadlineExceeded)
		wantOpen(t, "below", below)
		start := time.Now()
		<-below.Done()
		if got, want := time.Since(start), 58*time.Second; got != want {
			t.Errorf("scope ended after %v, want %v", got, want)
		}
	})

	t.Run("C7/a shield does not protect a sibling", func(t *testing.T) {
		outer := cancel.New(t.Context())
		cancel.New(outer, cancel.Shielded()).Done()
		other := cancel.New(outer)
		outer.Cancel(boom)
		wantEnded(t, "beside", other, context.Canceled, boom)
	})

	t.Run("C7/a cancellation of the outer scope from behind the shield shows only outside", func(t *testing.T) {
		outer := cancel.New(t.Context())
		err := outer.Run(func(ctx context.Context) error {
			err := cancel.New(ctx, cancel.Shielded()).Run(func(inner context.Context) error {
				outer.Cancel(boom)
				return cancel.Checkpoint(inner)
			})
			if err != nil {
				t.Errorf("Checkpoint() behind the shield = %v, want nil", err)
			}
			return cancel.Checkpoint(ctx)
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
}

func TestShieldFunc(t *testing.T) {
	bubble(t, "C7/Shield lets clean-up block in a canceled scope, which stays canceled", func(t *testing.T, ctx context.Context) {
		outer := cancel.New(ctx)
		outer.Cancel(nil)
		start := time.Now()
		err := cancel.Shield(outer, time.Minute, func(ctx context.Context) error {
			wantDeadline(t, ctx, time.Minute)
			return cancel.Sleep(ctx, time.Second)
		})
		if err != nil || time.Since(start) != time.Second {
			t.Errorf("Shield() = %v after %v, want nil after 1s", err, time.Since(start))
		}
		if err := cancel.Checkpoint(outer); !errors.Is(err, context.Canceled) {
			t.Errorf("Checkpoint() = %v, want %v", err, context.Canceled)
		}
	})
	bubble(t, "C7/the grace limits Shield", func(t *testing.T, ctx context.Context) {
		outer := cancel.New(ctx)
		outer.Cancel(nil)
		start := time.Now()
		err := cancel.Shield(outer, time.Second, cancel.Forever)
		if te, ok := errors.AsType[*cancel.TimeoutError](err); !ok || !te.Deadline.Equal(start.Add(time.Second)) {
			t.Errorf("Shield() = %v, want a TimeoutError with deadline %v", err, start.Add(time.Second))
		}
		if got := time.Since(start); got != time.Second {
			t.Errorf("Shield() took %v, want 1s", got)
		}
	})
	bubble(t, "C7/Shield returns the error of the function", func(t *testing.T, ctx context.Context) {
		boom := errors.New("boom")
		if err := cancel.Shield(ctx, time.Second, func(context.Context) error { return boom }); err != boom {
			t.Errorf("Shield() = %v, want %v", err, boom)
		}
		err := cancel.Shield(ctx, 0, func(ctx context.Context) error {
			wantEnded(t, "no grace", ctx, context.DeadlineExceeded, context.DeadlineExceeded)
			return boom
		})
		if err != boom {
			t.Errorf("Shield() = %v, want %v", err, boom)
		}
	})
}
