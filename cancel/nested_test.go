package cancel_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
)

func TestNested(t *testing.T) {
	boom := errors.New("boom")

	t.Run("C13/nested scopes are canceled in either order", func(t *testing.T) {
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

	t.Run("C13/lowering the outermost shield ends the innermost scope", func(t *testing.T) {
		p := cancel.New(t.Context())
		scopes := nest(p, deep)
		scopes[0].SetShield(true)
		scopes[deep-1].Done()
		p.Cancel(boom)
		wantOpen(t, "leaf", scopes[deep-1])
		scopes[0].SetShield(false)
		wantEnded(t, "leaf", scopes[deep-1], context.Canceled, boom)
	})

	t.Run("C4/a goroutine that learns of the outermost end finds the innermost scope ended", func(t *testing.T) {
		for name, wait := range map[string]func(s *cancel.Scope, woken func()){
			"Err": func(s *cancel.Scope, woken func()) {
				go func() {
					for s.Err() == nil {
					}
					woken()
				}()
			},
			"Done": func(s *cancel.Scope, woken func()) {
				done := s.Done()
				go func() {
					<-done
					woken()
				}()
			},
			"AfterFunc": func(s *cancel.Scope, woken func()) { context.AfterFunc(s, woken) },
			"OnDone":    func(s *cancel.Scope, woken func()) { s.OnDone(woken) },
		} {
			scopes := nest(t.Context(), deep)
			top, leaf := scopes[0], scopes[deep-1]
			leaf.Done()
			got := make(chan error, 1)
			wait(top, func() { got <- leaf.Err() })
			top.Cancel(boom)
			if err := <-got; err != context.Canceled {
				t.Errorf("%s: Err() of the innermost scope = %v, want %v", name, err, context.Canceled)
			}
		}
	})

	t.Run("C13/values may stand between nested scopes", func(t *testing.T) {
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

	t.Run("C13/a scope may have 100,000 scopes directly below it", func(t *testing.T) {
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

// C13: callbacks run under no lock, so they may call every method.
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
	p.OnDone(everything)
	for range 3 {
		s.OnDone(everything)
		below.OnDone(func() { everything(); below.Close(); s.Close() })
	}
	p.Cancel(boom)
	if calls != 7 {
		t.Errorf("callbacks called %d times before Cancel returned, want 7", calls)
	}
	p.Close()
}

// C13: the methods of a cause run under no lock, so they may call methods of scopes.
func TestCauseThatAsks(t *testing.T) {
	p := cancel.New(t.Context())
	s := cancel.New(p)
	s.Done()
	cause := &askingError{p, s}
	p.Cancel(cause)
	for _, x := range []*cancel.Scope{p, s} {
		err := cancel.Err(x)
		if got := err.Error(); got == "" {
			t.Error(`Error() = "", want a message`)
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

func TestDeep(t *testing.T) {
	const depth = deep
	grow := func(opts ...cancel.Option) []*cancel.Scope {
		scopes := []*cancel.Scope{cancel.New(context.Background(), opts...)}
		for range depth {
			scopes = append(scopes, cancel.New(scopes[len(scopes)-1], opts...))
		}
		return scopes
	}
	closeAll := func(scopes []*cancel.Scope) {
		for i := range scopes {
			if i%2 == 0 {
				scopes[len(scopes)-1-i].Close()
			}
		}
		for _, s := range scopes {
			s.Close()
		}
	}
	t.Run("C13/the same deadline at every level", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			const depth = 2000 // each timer checks the scopes above
			scopes := nest(t.Context(), depth)
			for _, s := range scopes {
				s.SetTimeout(time.Second)
			}
			<-scopes[depth-1].Done()
			synctest.Wait()
			wantEnded(t, "leaf", scopes[depth-1], context.DeadlineExceeded, context.DeadlineExceeded)
			closeAll(scopes)
		})
	})
	t.Run("C13/below a standard context that has ended", func(t *testing.T) {
		ctx, stop := context.WithCancelCause(t.Context())
		stop(errBoom)
		var scopes []*cancel.Scope
		for range depth {
			s := cancel.New(ctx)
			scopes = append(scopes, s)
			std, stop := context.WithCancel(s)
			defer stop()
			ctx = std
		}
		wantEnded(t, "leaf", ctx, context.Canceled, errBoom)
		closeAll(scopes)
	})
	t.Run("C13/Err of each nested scope is nil", func(t *testing.T) {
		scopes := grow()
		for _, s := range scopes {
			if s.Err() != nil {
				t.Fatalf("Err() = %v, want nil", s.Err())
			}
		}
		closeAll(scopes)
	})
	t.Run("C13/Cancel of the outermost scope ends all", func(t *testing.T) {
		scopes := grow()
		leaf := scopes[depth]
		<-func() <-chan struct{} {
			done := leaf.Done()
			scopes[0].Cancel(errBoom)
			return done
		}()
		for _, s := range scopes {
			if s.Err() != context.Canceled {
				t.Fatalf("Err() = %v, want %v", s.Err(), context.Canceled)
			}
		}
		if context.Cause(leaf) != errBoom {
			t.Errorf("Cause() = %v, want %v", context.Cause(leaf), errBoom)
		}
		closeAll(scopes)
	})
	t.Run("C13/Close of the outermost scope ends all", func(t *testing.T) {
		scopes := grow()
		done := scopes[depth].Done()
		scopes[0].Close()
		<-done
		closeAll(scopes)
	})
	t.Run("C13/deadlines and stops reach the innermost scope", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			scopes := grow()
			for _, i := range []int{0, 1, depth / 2, depth} {
				scopes[i].SetTimeout(time.Second)
			}
			stop := cancel.UntilStop(scopes[depth])
			scopes[0].Stop()
			wantEnded(t, "stop", stop, context.Canceled, cancel.ErrStopping)
			if d, ok := scopes[depth].Deadline(); !ok || time.Until(d) != time.Second {
				t.Errorf("Deadline() = %v, %v, want 1s from now, true", d, ok)
			}
			<-scopes[depth].Done()
			if r, _ := cancel.ReasonOf(scopes[depth]); r.Source != cancel.SourceDeadline {
				t.Errorf("ReasonOf() = %v, want source %v", r, cancel.SourceDeadline)
			}
			closeAll(scopes)
			if got := len(scopes[depth].String()); got < depth {
				t.Errorf("String() has %d bytes, want at least %d", got, depth)
			}
		})
	})
}
