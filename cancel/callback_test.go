package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
)

// A session is a context of a foreign type that ends while it holds its lock. Its Err
// takes the lock too.
type session struct {
	context.Context
	done chan struct{}

	mu  sync.Mutex
	err error
}

func newSession(parent context.Context) *session {
	return &session{Context: parent, done: make(chan struct{})}
}

func (s *session) Done() <-chan struct{} { return s.done }

func (s *session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// end ends the session, and calls f under its lock.
func (s *session) end(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = context.Canceled
	close(s.done)
	f()
}

// C13: a goroutine may cancel a scope while it holds a lock that the Err of a context
// above or below the scope takes. Package context allows that too.
func TestCancelUnderForeignLock(t *testing.T) {
	for name, end := range map[string]func(s *cancel.Scope){
		"Cancel":      func(s *cancel.Scope) { s.Cancel(errBoom) },
		"Close":       (*cancel.Scope).Close,
		"SetTimeout":  func(s *cancel.Scope) { s.SetTimeout(0) },
		"SetDeadline": func(s *cancel.Scope) { s.SetDeadline(time.Unix(1, 0)) },
		"Shutdown":    func(s *cancel.Scope) { s.Shutdown(0) },
	} {
		for _, waits := range []bool{false, true} {
			above := cancel.New(t.Context())
			p := newSession(above)
			s := cancel.New(p)
			below := cancel.New(s)
			if waits {
				below.Done()
			}
			p.end(func() { end(s) })
			if below.Err() == nil || s.Err() == nil {
				t.Errorf("%s of a scope below: Err() = nil, want it canceled", name)
			}

			p = newSession(above)
			s = cancel.New(p)
			if waits {
				s.Done()
			}
			p.end(func() { end(above) })
			if s.Err() == nil || above.Err() == nil {
				t.Errorf("%s of a scope above: Err() = nil, want it canceled", name)
			}
			<-s.Done()
		}
	}
}

// A guarded is a standard context in a type whose Err takes a lock.
type guarded struct {
	context.Context
	mu sync.Mutex
}

func (g *guarded) Err() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.Context.Err()
}

// C13: an Err method around a standard context is not called, as package context does
// not call it.
func TestCancelUnderLockOfWrapper(t *testing.T) {
	std, stop := context.WithCancelCause(t.Context())
	g := &guarded{Context: std}
	s := cancel.New(g)
	above := cancel.New(t.Context())
	inner, stopInner := context.WithCancel(above)
	defer stopInner()
	h := &guarded{Context: inner}
	below := cancel.New(h)
	g.mu.Lock()
	h.mu.Lock()
	stop(errBoom)
	s.Cancel(nil)
	above.Cancel(errBoom)
	wantEnded(t, "scope", s, context.Canceled, errBoom)
	wantEnded(t, "scope below", below, context.Canceled, errBoom)
	h.mu.Unlock()
	g.mu.Unlock()
}

// C13: Err does not call hooks, because the caller may hold a lock that they take.
func TestHookWhenErrNotices(t *testing.T) {
	for range 200 {
		p, stop := context.WithCancel(t.Context())
		s := cancel.New(p)
		var mu sync.Mutex
		called := make(chan struct{})
		s.OnDone(func() {
			mu.Lock()
			defer mu.Unlock()
			close(called)
		})
		mu.Lock()
		stop()
		err := s.Err()
		mu.Unlock()
		if err == nil {
			t.Fatal("Err() = nil, want it canceled")
		}
		<-called
		s.Close()
	}
}

// C4: a hook that panics or ends its goroutine does not prevent the calls of other hooks
// or the end of the scopes below.
func TestHookThatDoesNotReturn(t *testing.T) {
	for name, leave := range map[string]func(){
		"panic":  func() { panic("hook") },
		"Goexit": runtime.Goexit,
	} {
		t.Run("C4/"+name, func(t *testing.T) {
			s := cancel.New(t.Context())
			below := cancel.New(s)
			std, stop := context.WithCancel(below)
			defer stop()
			leaf := cancel.New(std)
			leaf.Done()
			followed := cancel.New(t.Context())
			defer followed.Follow(s)()
			s.OnDone(leave)
			if name == "Goexit" {
				below.OnDone(leave) // a second panic ends the program, as in any goroutine
			}
			var calls sync.WaitGroup
			calls.Add(2)
			s.OnDone(calls.Done)
			below.OnDone(calls.Done)
			returned := make(chan struct{})
			go func() {
				defer close(returned)
				defer func() { _ = recover() }() // recover the panic of the hook, as net/http does for a handler
				s.Cancel(errBoom)
			}()
			<-returned
			calls.Wait()
			<-followed.Done()
			for i, ctx := range []context.Context{s, below, std, leaf, followed} {
				wantEnded(t, fmt.Sprint(i), ctx, context.Canceled, errBoom)
			}
		})
	}
}

// An adviser is a context of a foreign type with a deadline that nothing enforces.
type adviser struct{ context.Context }

func (adviser) Deadline() (time.Time, bool) { return time.Unix(1000, 0), true }
func (adviser) Done() <-chan struct{}       { return make(chan struct{}) }

// C10: a deadline that a foreign type only reports does not end the scopes below it.
func TestAdvisoryDeadline(t *testing.T) {
	bubble(t, "C10/MoveOnAfter", func(t *testing.T, ctx context.Context) {
		outer := cancel.New(adviser{ctx})
		defer outer.Close()
		moved, err := cancel.MoveOnAfter(outer, time.Second, cancel.Forever)
		if !moved || err != nil {
			t.Errorf("MoveOnAfter() = %v, %v, want true, nil", moved, err)
		}
		wantOpen(t, "outer", outer)
	})
}

// A nilError is an error whose Error method panics on a nil pointer.
type nilError struct{ message string }

func (e *nilError) Error() string { return e.message }

// C9: a nil pointer may be a cause. Its Error method is not called.
func TestCauseThatIsNilPointer(t *testing.T) {
	s := cancel.New(t.Context())
	err := s.Run(func(ctx context.Context) error {
		s.Cancel((*nilError)(nil))
		return fmt.Errorf("x: %w", ctx.Err())
	})
	if err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	err = cancel.FailAfter(t.Context(), 0, func(ctx context.Context) error {
		return cancel.Because(ctx, (*nilError)(nil))
	})
	if _, ok := errors.AsType[*cancel.TimeoutError](err); !ok {
		t.Error("FailAfter() returned no timeout")
	}
}

// C7: an end further up that has not arrived yet reaches a scope when its shield goes
// down.
func TestLowerShieldDuringCancel(t *testing.T) {
	for range 500 {
		root := cancel.New(t.Context())
		middle := cancel.New(root)
		s := cancel.New(middle, cancel.Shielded())
		var wg sync.WaitGroup
		wg.Go(func() { root.Cancel(errBoom) })
		wg.Go(func() {
			for root.Err() == nil {
				runtime.Gosched()
			}
			s.SetShield(false)
			wantEnded(t, "scope", s, context.Canceled, errBoom)
		})
		wg.Wait()
		s.Close()
	}
}

// C9: Because does not hang if an error unwraps to itself indirectly.
func TestBecauseOfCycle(t *testing.T) {
	s := cancel.New(t.Context())
	s.Cancel(nil)
	a := &cycle{}
	a.next = &cycle{a}
	if e, ok := errors.AsType[*cancel.Error](cancel.Because(s, a)); !ok || e.Detail != error(a) {
		t.Errorf("Because() = %v, want the cancellation with the detail", e)
	}
}

type cycle struct{ next *cycle }

func (*cycle) Error() string     { return "cycle" }
func (c *cycle) Unwrap() []error { return []error{c.next} }
