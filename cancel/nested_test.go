package cancel_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
)

// deep is the depth to which scopes can be nested without harm, see C13.
const deep = 100_000

func TestNested(t *testing.T) {
	boom := errors.New("boom")

	t.Run("C13/cancel each", func(t *testing.T) {
		for name, at := range map[string]func(int) int{
			"from the inside out": func(i int) int { return deep - 1 - i },
			"from the outside in": func(i int) int { return i },
		} {
			scopes := nest(t.Context(), deep)
			scopes[deep-1].Done()
			scopes[0].Cancel(boom)
			for i := range scopes {
				scopes[at(i)].Cancel(nil)
			}
			if got := context.Cause(scopes[deep-1]); got != boom {
				t.Errorf("%s: Cause() = %v, want %v", name, got, boom)
			}
		}
	})

	t.Run("C13/shield at the top, lowered after the end", func(t *testing.T) {
		p := cancel.New(t.Context())
		scopes := nest(p, deep)
		scopes[0].SetShield(true)
		scopes[deep-1].Done()
		p.Cancel(boom)
		wantOpen(t, "leaf", scopes[deep-1])
		scopes[0].SetShield(false)
		wantEnded(t, "leaf", scopes[deep-1], context.Canceled, boom)
	})

	t.Run("C13/values between", func(t *testing.T) {
		var ctx context.Context = cancel.New(t.Context())
		top := cancel.FromContext(ctx)
		var scopes []*cancel.Scope
		for range deep / 50 {
			s := cancel.New(context.WithValue(ctx, key(1), 1))
			scopes, ctx = append(scopes, s), s
		}
		for _, s := range scopes {
			if err := s.Err(); err != nil {
				t.Fatalf("Err() = %v, want nil", err)
			}
		}
		ctx.Done()
		top.Cancel(boom)
		wantEnded(t, "leaf", ctx, context.Canceled, boom)
	})

	t.Run("C13/a hundred thousand beside each other", func(t *testing.T) {
		p := cancel.New(t.Context())
		scopes := make([]*cancel.Scope, deep)
		for i := range scopes {
			scopes[i] = cancel.New(p)
			scopes[i].Done()
		}
		for i, s := range scopes {
			if i%2 == 0 {
				s.Close()
			}
		}
		p.Cancel(boom)
		for _, s := range scopes {
			if s.Err() != context.Canceled {
				t.Fatalf("Err() = %v, want %v", s.Err(), context.Canceled)
			}
		}
	})
}

// C13: no code of others runs under a lock: callbacks may do everything.
func TestCallbacks(t *testing.T) {
	boom := errors.New("boom")
	std, stop := context.WithCancel(t.Context())
	defer stop()
	p := cancel.New(std)
	s := cancel.New(p)
	below := cancel.New(s)
	below.Done()
	calls := 0
	everything := func() {
		calls++
		for _, x := range []*cancel.Scope{p, s, below} {
			wantEnded(t, x.String(), x, context.Canceled, boom)
			x.Cancel(nil)
			x.SetTimeout(time.Hour)
			x.SetTimeout(0)
			x.SetShield(true)
			x.SetShield(false)
			x.Deadline()
			x.Value(key(1))
			x.Stop()
			x.Shutdown(time.Hour)
			x.Shutdown(0)
			_ = cancel.Err(x)
			cancel.UntilStop(x)
			cancel.New(x).Done()
			x.IsEcho(boom)
			_ = x.Absorb(boom)
			x.Follow(p)
			child, stop := context.WithTimeout(x, time.Hour)
			wantEnded(t, "derived", child, context.Canceled, boom)
			stop()
		}
	}
	p.AfterFunc(everything)
	for range 3 {
		s.AfterFunc(everything)
		below.AfterFunc(func() { everything(); below.Close(); s.Close() })
	}
	p.Cancel(boom)
	if calls != 7 {
		t.Errorf("callbacks called %d times before Cancel returned, want 7", calls)
	}
	p.Close()
}

// C13: a cause's methods run under no lock.
func TestCauseThatAsks(t *testing.T) {
	p := cancel.New(t.Context())
	s := cancel.New(p)
	s.Done()
	cause := &askingError{p, s}
	p.Cancel(cause)
	for _, x := range []*cancel.Scope{p, s} {
		err := cancel.Err(x)
		if got := err.Error(); got == "" {
			t.Error("Error() is empty")
		}
		if errors.Is(err, cause) {
			t.Error("Is(err, cause) = true, want false")
		}
		if !x.IsEcho(err) || !x.IsEcho(cause) {
			t.Error("IsEcho() = false, want true")
		}
		x.Close()
	}
}

type askingError struct{ p, s *cancel.Scope }

func (e *askingError) ask() {
	for _, s := range []*cancel.Scope{e.p, e.s} {
		s.Cancel(nil)
		s.SetTimeout(1)
		s.SetShield(false)
		_ = s.Value(key(1))
		_ = context.Cause(s)
	}
}

func (e *askingError) Error() string        { e.ask(); return "asking" }
func (e *askingError) Is(target error) bool { e.ask(); return target == e }
