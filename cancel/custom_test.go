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

	t.Run("C3/the cause passes through a context of a foreign type", func(t *testing.T) {
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

	// What a foreign context says of its cause changes with what is above it:
	// package context looks past it. A scope's own does not, as that of a
	// standard context does not.
	t.Run("C5/the end of a context of a foreign type comes first", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			for _, attached := range []bool{false, true} {
				p := cancel.New(t.Context())
				c := newCustom(p)
				s := cancel.New(c)
				if attached {
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
					t.Errorf("ReasonOf() = %+v, want an outer context", r)
				}
				stop()
			}
		})
	})

	t.Run("C4/a foreign context that ends is seen, and followed after a hop", func(t *testing.T) {
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

	t.Run("C4/a foreign context that ends while a scope is registered with it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			hold := make(chan struct{})
			s := cancel.New(endsLate{newCustom(t.Context()), hold})
			below, stop := context.WithCancel(s)
			defer stop()
			wantEnded(t, "standard", below, context.Canceled, context.Canceled) // first, for the scope asks when it is asked
			wantEnded(t, "scope", s, context.Canceled, context.Canceled)
			close(hold)
		})
	})

	t.Run("C8/no goroutine waits for a foreign context on behalf of a closed scope", func(t *testing.T) {
		// synctest.Test fails if one is left when the function returns.
		synctest.Test(t, func(t *testing.T) {
			c := newCustom(context.Background())
			for range 100 {
				s := cancel.New(c)
				s.Done()
				s.Close()
			}
		})
	})

	t.Run("C4/a scope embedded in a foreign type", func(t *testing.T) {
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

	t.Run("C10/of a foreign deadline and one at the same instant the foreign one counts", func(t *testing.T) {
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

	t.Run("C6/a foreign context that has a deadline and does not end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := cancel.New(promise{t.Context(), time.Now().Add(time.Second)}, cancel.Timeout(time.Second))
			time.Sleep(2 * time.Second)
			synctest.Wait()
			wantEnded(t, "scope", s, context.DeadlineExceeded, context.DeadlineExceeded)
		})
	})
}

// An endsLate ends when somebody registers with it, and tells them when hold is
// closed.
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

// A promise is a context that tells of a deadline, and does nothing about it.
type promise struct {
	context.Context
	deadline time.Time
}

func (p promise) Deadline() (time.Time, bool) { return p.deadline, true }
