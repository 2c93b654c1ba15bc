package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
)

type key int

func TestScope(t *testing.T) {
	boom, later := errors.New("boom"), errors.New("later")

	t.Run("C1/a nil context or option panics", func(t *testing.T) {
		fn := func(context.Context) error { return nil }
		for name, f := range map[string]func(){
			"New":          func() { cancel.New(nil) },
			"FromContext":  func() { cancel.FromContext(nil) },
			"ReasonOf":     func() { cancel.ReasonOf(nil) },
			"Err":          func() { _ = cancel.Err(nil) },
			"MoveOnAfter":  func() { _, _ = cancel.MoveOnAfter(nil, 0, fn) },
			"MoveOnAt":     func() { _, _ = cancel.MoveOnAt(nil, time.Time{}, fn) },
			"FailAfter":    func() { _ = cancel.FailAfter(nil, 0, fn) },
			"FailAt":       func() { _ = cancel.FailAt(nil, time.Time{}, fn) },
			"Shield":       func() { _ = cancel.Shield(nil, 0, fn) },
			"UntilStop":    func() { cancel.UntilStop(nil) },
			"Sleep":        func() { _ = cancel.Sleep(nil, 0) },
			"SleepUntil":   func() { _ = cancel.SleepUntil(nil, time.Time{}) },
			"Forever":      func() { _ = cancel.Forever(nil) },
			"Checkpoint":   func() { _ = cancel.Checkpoint(nil) },
			"Scope.Follow": func() { cancel.New(t.Context()).Follow(nil) },
		} {
			mustPanic(t, "cancel: "+name+": nil context", f)
		}
		mustPanic(t, "cancel: New: nil option", func() { cancel.New(t.Context(), cancel.Name("a"), nil) })
		mustPanic(t, "cancel: Scope.AfterFunc: nil function", func() { cancel.New(t.Context()).AfterFunc(nil) })
		mustPanic(t, "cancel: Scope.Fail: nil cause", func() { cancel.New(t.Context()).Fail("task", nil) })
	})

	t.Run("C1/name and enclosing scope", func(t *testing.T) {
		if s := cancel.FromContext(t.Context()); s != nil {
			t.Errorf("FromContext() = %v, want nil", s)
		}
		a := cancel.New(t.Context(), cancel.Name("a"))
		b := cancel.New(a)
		if a.Name() != "a" || b.Name() != "" {
			t.Errorf("Name() = %q, %q, want %q, %q", a.Name(), b.Name(), "a", "")
		}
		std, stop := context.WithCancel(wrapper{context.WithValue(b, key(1), 1)})
		defer stop()
		for _, ctx := range []context.Context{b, std, context.WithoutCancel(std), cancel.UntilStop(std), cancel.UntilStop(b)} {
			if got := cancel.FromContext(ctx); got != b {
				t.Errorf("FromContext(%v) = %v, want %v", ctx, got, b)
			}
		}
	})

	t.Run("C1/values pass, also through ended scopes and shields", func(t *testing.T) {
		a := cancel.New(context.WithValue(t.Context(), key(1), "one"))
		b := cancel.New(context.WithValue(a, key(2), "two"), cancel.Shielded())
		c := cancel.New(b)
		for _, when := range []string{"open", "canceled", "closed"} {
			for k, want := range map[key]any{1: "one", 2: "two", 3: nil} {
				if got := c.Value(k); got != want {
					t.Errorf("%s: Value(%d) = %v, want %v", when, k, got, want)
				}
			}
			if when == "open" {
				a.Cancel(boom)
				b.Cancel(nil)
			} else {
				c.Close()
				a.Close()
			}
		}
	})

	t.Run("C1/Done returns the same channel always, and nil never", func(t *testing.T) {
		for name, s := range map[string]*cancel.Scope{
			"below Background": cancel.New(context.Background()),
			"below a scope":    cancel.New(cancel.New(t.Context())),
		} {
			d := s.Done()
			if d == nil || s.Done() != d {
				t.Errorf("%s: Done() changes or is nil", name)
			}
			s.Cancel(nil)
			if s.Done() != d {
				t.Errorf("%s: Done() changes with the cancellation", name)
			}
		}
	})

	t.Run("C2/Err is Canceled or DeadlineExceeded itself", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			for name, row := range map[string]struct {
				end  func(*cancel.Scope)
				want error
			}{
				"Cancel":      {func(s *cancel.Scope) { s.Cancel(context.DeadlineExceeded) }, context.Canceled},
				"Close":       {func(s *cancel.Scope) { s.Close() }, context.Canceled},
				"Fail":        {func(s *cancel.Scope) { s.Fail("task", boom) }, context.Canceled},
				"Shutdown":    {func(s *cancel.Scope) { s.Shutdown(0) }, context.Canceled},
				"SetTimeout":  {func(s *cancel.Scope) { s.SetTimeout(0) }, context.DeadlineExceeded},
				"SetDeadline": {func(s *cancel.Scope) { s.SetDeadline(time.Now().Add(-1)) }, context.DeadlineExceeded},
				"moved twice": {func(s *cancel.Scope) {
					s.SetTimeout(time.Hour)
					s.SetTimeout(time.Second)
					s.SetTimeout(time.Minute)
					time.Sleep(time.Minute)
					synctest.Wait()
				}, context.DeadlineExceeded},
			} {
				s := cancel.New(t.Context())
				std, stop := context.WithTimeout(s, 10*time.Hour)
				below := cancel.New(context.WithValue(std, key(1), 1))
				row.end(s)
				for _, ctx := range []context.Context{s, std, below} {
					if got := ctx.Err(); got != row.want {
						t.Errorf("%s: Err() = %v, want %v", name, got, row.want)
					}
				}
				stop()
				below.Close()
				s.Close()
			}
		})
	})

	t.Run("C3/the cause is that of the first Cancel", func(t *testing.T) {
		s := cancel.New(t.Context())
		std, stop := context.WithCancel(s)
		defer stop()
		below := cancel.New(context.WithValue(std, key(1), 1))
		s.Cancel(boom)
		s.Cancel(later)
		for _, ctx := range []context.Context{s, std, below, cancel.New(below), context.WithValue(below, key(2), 2)} {
			wantEnded(t, fmt.Sprint(ctx), ctx, context.Canceled, boom)
		}
		s = cancel.New(t.Context())
		s.Cancel(nil)
		wantEnded(t, "nil cause", s, context.Canceled, context.Canceled)
	})

	t.Run("C3/a cause that cannot be compared", func(t *testing.T) {
		s := cancel.New(t.Context())
		s.Cancel(uncomparable{"a", "b"})
		below := cancel.New(wrapper{s})
		if got := context.Cause(below); got == nil || got.Error() != "[a b]" {
			t.Errorf("Cause() = %v, want [a b]", got)
		}
		if got, want := cancel.Err(below).Error(), "context canceled: [a b] ("; len(got) < len(want) || got[:len(want)] != want {
			t.Errorf("Err() = %q, want it to begin with %q", got, want)
		}
		if !s.IsEcho(cancel.Err(below)) {
			t.Error("IsEcho() = false, want true")
		}
	})

	t.Run("C4/everything below is ended when Cancel returns", func(t *testing.T) {
		for _, asked := range []bool{false, true} {
			s := cancel.New(context.Background())
			all := []context.Context{s}
			for i := range 50 {
				p := all[i/2]
				switch i % 5 {
				case 0, 1:
					p = cancel.New(p)
				case 2:
					ctx, stop := context.WithCancelCause(p)
					defer stop(nil)
					p = ctx
				case 3:
					ctx, stop := context.WithTimeout(p, time.Hour)
					defer stop()
					p = ctx
				case 4:
					p = context.WithValue(p, key(i), i)
				}
				all = append(all, p)
				if asked {
					p.Done()
				}
			}
			s.Cancel(boom)
			for i, ctx := range all {
				wantEnded(t, fmt.Sprintf("asked %v, %d %v", asked, i, ctx), ctx, context.Canceled, boom)
			}
		}
	})

	t.Run("C4/a standard parent shows in a scope at once, and further down after a hop", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			std, stop := context.WithCancelCause(t.Context())
			s := cancel.New(std)
			below := cancel.New(s)
			d := below.Done()
			stop(boom)
			if got := s.Err(); got != context.Canceled {
				t.Errorf("Err() = %v, want %v", got, context.Canceled)
			}
			<-d
			wantEnded(t, "below", below, context.Canceled, boom)
		})
	})

	t.Run("C4/what is made below a canceled context is canceled from the start", func(t *testing.T) {
		s := cancel.New(t.Context())
		s.Cancel(boom)
		std, stop := context.WithCancelCause(t.Context())
		stop(boom)
		for _, p := range []context.Context{s, std, cancel.New(std), wrapper{std}, context.WithValue(cancel.New(s), key(1), 1)} {
			for _, ask := range []func(*cancel.Scope){
				func(s *cancel.Scope) { s.Done() },
				func(s *cancel.Scope) { _ = s.Err() },
				func(s *cancel.Scope) { cancel.New(s).Done() },
			} {
				below := cancel.New(p)
				leaf := cancel.New(below)
				ask(below)
				wantEnded(t, fmt.Sprint("below ", p), below, context.Canceled, boom)
				wantEnded(t, fmt.Sprint("two below ", p), leaf, context.Canceled, boom)
				child, stop := context.WithCancel(cancel.New(p))
				wantEnded(t, fmt.Sprint("standard below ", p), child, context.Canceled, boom)
				stop()
			}
			leaf := cancel.New(cancel.New(cancel.New(p)))
			leaf.Done()
			wantEnded(t, fmt.Sprint("leaf below ", p), leaf, context.Canceled, boom)
		}
	})

	t.Run("C5/the parent's cause stays", func(t *testing.T) {
		// Whether or not the child had been asked before.
		for _, ask := range []bool{false, true} {
			p := cancel.New(t.Context())
			s := cancel.New(p)
			if ask {
				s.Done()
			}
			p.Cancel(boom)
			s.Cancel(later)
			s.SetTimeout(0)
			s.Shutdown(0)
			s.Close()
			wantEnded(t, fmt.Sprint("asked ", ask), s, context.Canceled, boom)
		}
	})

	t.Run("C5/the child's cause stays", func(t *testing.T) {
		p := cancel.New(t.Context())
		s := cancel.New(p)
		std, stop := context.WithCancel(s)
		defer stop()
		s.Cancel(boom)
		p.Cancel(later)
		wantEnded(t, "scope", s, context.Canceled, boom)
		wantEnded(t, "standard", std, context.Canceled, boom)
	})

	t.Run("C5/Close after Cancel, and Cancel after Close", func(t *testing.T) {
		s := cancel.New(t.Context())
		s.Cancel(boom)
		s.Close()
		wantEnded(t, "canceled first", s, context.Canceled, boom)
		s = cancel.New(t.Context())
		s.Close()
		s.Cancel(boom)
		if got := context.Cause(s); !errors.Is(got, cancel.ErrClosed) {
			t.Errorf("Cause() = %v, want %v", got, cancel.ErrClosed)
		}
	})
}

// Trio: a canceled scope fails at every checkpoint, not only at the first, and
// what follows the scope is not affected.
func TestScopeLevelTriggered(t *testing.T) {
	outer := cancel.New(t.Context())
	s := cancel.New(outer)
	s.Cancel(nil)
	for range 3 {
		if err := cancel.Checkpoint(s); !errors.Is(err, context.Canceled) {
			t.Errorf("Checkpoint() = %v, want %v", err, context.Canceled)
		}
	}
	s.Close()
	if err := cancel.Checkpoint(outer); err != nil {
		t.Errorf("Checkpoint() = %v, want nil", err)
	}
}

func TestScopeString(t *testing.T) {
	bg := context.Background()
	s := cancel.New(bg, cancel.Name("fetch"))
	std, stop := context.WithCancel(s)
	defer stop()
	for want, ctx := range map[string]fmt.Stringer{
		"context.Background.WithScope":                                    cancel.New(bg),
		"context.Background.WithScope(fetch)":                             s,
		"context.Background.WithScope(fetch).WithScope":                   cancel.New(s),
		"context.Background.WithScope(fetch).WithCancel.WithScope(x)":     cancel.New(std, cancel.Name("x")),
		"context.Background.WithScope(fetch).WithoutCancel":               context.WithoutCancel(s).(fmt.Stringer),
		"cancel_test.wrapper.WithScope":                                   cancel.New(wrapper{s}),
		"context.Background.WithScope(fetch).WithValue(cancel_test.key, )": context.WithValue(s, key(1), "").(fmt.Stringer),
	} {
		if got := ctx.String(); got != want {
			t.Errorf("C16: String() = %q, want %q", got, want)
		}
	}
}

// C16: String never races.
func TestScopeStringRace(t *testing.T) {
	s := cancel.New(t.Context(), cancel.Name("s"))
	below := cancel.New(s)
	var wg sync.WaitGroup
	for _, f := range []func(){
		func() { s.SetTimeout(time.Hour) },
		func() { s.SetShield(true) },
		func() { below.Done() },
		func() { s.Stop() },
		func() { s.Cancel(nil) },
		func() { s.Close() },
	} {
		wg.Go(f)
		wg.Go(func() { _ = fmt.Sprint(s, below) })
	}
	wg.Wait()
}

// An uncomparable is an error for which == panics.
type uncomparable []string

func (u uncomparable) Error() string { return fmt.Sprint([]string(u)) }
