package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
)

func TestContextCustom(t *testing.T) {
	boom, later := errors.New("boom"), errors.New("later")

	t.Run("C3/the cause passes through a foreign context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := cancel.New(t.Context())
			c := newCustom(p)
			s := cancel.New(c)
			std, stop := context.WithCancel(c)
			defer stop()
			below, stop := context.WithCancel(s)
			defer stop()
			s.Done()
			p.Cancel(boom)
			synctest.Wait()
			for i, ctx := range []context.Context{p, c, s, std, below} {
				wantEnded(t, fmt.Sprint(i), ctx, context.Canceled, boom)
			}
		})
	})

	// Package context looks past a foreign context for its cause, which may therefore
	// change when a context above ends. The cause of a scope or of a standard context
	// below does not change.
	t.Run("C5/an ended foreign context hides a later end above it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			for _, registered := range []bool{false, true} {
				p := cancel.New(t.Context())
				c := newCustom(p)
				s := cancel.New(c)
				if registered {
					s.Done()
				}
				std, stop := context.WithCancel(c)
				c.end(context.Canceled)
				synctest.Wait()
				wantEnded(t, "scope", s, context.Canceled, context.Canceled)
				p.Cancel(later)
				synctest.Wait()
				wantEnded(t, "standard, later", std, context.Canceled, context.Canceled)
				wantEnded(t, "scope, later", s, context.Canceled, context.Canceled)
				if r, _ := cancel.ReasonOf(s); r.Source != cancel.SourceContext || r.Cause != context.Canceled {
					t.Errorf("ReasonOf() = %+v, want source %v, cause %v", r, cancel.SourceContext, context.Canceled)
				}
				stop()
			}
		})
	})

	t.Run("C4/the end of a foreign context shows in Err at once, and in Done later", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := newCustom(t.Context())
			s := cancel.New(c)
			below := cancel.New(s)
			done := below.Done()
			unasked := cancel.New(c)
			c.end(context.DeadlineExceeded)
			wantEnded(t, "scope", s, context.DeadlineExceeded, context.DeadlineExceeded)
			wantEnded(t, "unasked", unasked, context.DeadlineExceeded, context.DeadlineExceeded)
			<-done
			wantEnded(t, "below", below, context.DeadlineExceeded, context.DeadlineExceeded)
		})
	})

	t.Run("C4/a foreign context may end while a scope registers with it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			hold := make(chan struct{})
			s := cancel.New(endsLate{newCustom(t.Context()), hold})
			below, stop := context.WithCancel(s)
			defer stop()
			// The standard context comes first, because Err of the scope asks its parent.
			wantEnded(t, "standard", below, context.Canceled, context.Canceled)
			wantEnded(t, "scope", s, context.Canceled, context.Canceled)
			close(hold)
		})
	})

	t.Run("C8/a closed scope leaves no goroutine that waits for a foreign context", func(t *testing.T) {
		// synctest.Test fails if a goroutine is left when the function returns.
		synctest.Test(t, func(t *testing.T) {
			c := newCustom(context.Background())
			for range 100 {
				s := cancel.New(c)
				s.Done()
				s.Close()
			}
		})
	})

	t.Run("C4/a scope may be embedded in another type", func(t *testing.T) {
		type request struct{ *cancel.Scope }
		s := cancel.New(t.Context())
		r := request{s}
		std, stop := context.WithCancel(r)
		defer stop()
		below := cancel.New(r)
		below.Done()
		s.Cancel(boom)
		wantEnded(t, "standard", std, context.Canceled, boom)
		wantEnded(t, "below", below, context.Canceled, boom)
		if cancel.FromContext(std) != s {
			t.Errorf("FromContext() = %v, want %v", cancel.FromContext(std), s)
		}
	})

	t.Run("C10/a foreign deadline wins a tie with a timeout below it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			for i := range 50 {
				ctx, stop := context.WithTimeoutCause(t.Context(), time.Second, errors.New("slow"))
				outer := cancel.New(ctx)
				err := cancel.FailAfter(outer, time.Second, func(ctx context.Context) error {
					if i%2 == 0 {
						outer.Done()
					}
					return cancel.Forever(ctx)
				})
				if e, ok := errors.AsType[*cancel.Error](err); !ok || e.Err != context.DeadlineExceeded || e.Reason.Source != cancel.SourceContext || !outer.IsEcho(err) {
					t.Errorf("FailAfter() = %v, want an echo of the foreign deadline", err)
				}
				outer.Close()
				stop()
			}
		})
	})

	t.Run("C6/a scope's own deadline ends it if a foreign context does not keep its deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := cancel.New(promise{t.Context(), time.Now().Add(time.Second)}, cancel.Timeout(time.Second))
			time.Sleep(2 * time.Second)
			synctest.Wait()
			wantEnded(t, "scope", s, context.DeadlineExceeded, context.DeadlineExceeded)
		})
	})
}

// An endsLate ends when a function is registered with its AfterFunc, and calls the
// function when hold is closed.
type endsLate struct {
	*custom
	hold chan struct{}
}

func (e endsLate) AfterFunc(f func()) func() bool {
	e.end(context.Canceled)
	go func() {
		<-e.hold
		f()
	}()
	return func() bool { return false }
}

// A promise is a context that has a deadline and does not end when it passes.
type promise struct {
	context.Context
	deadline time.Time
}

func (p promise) Deadline() (time.Time, bool) { return p.deadline, true }
