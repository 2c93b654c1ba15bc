package cancel_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/testkit"
)

// The tests here hold open the short moments in which two things that happen at
// once can meet: by callbacks that block, and by contexts of a foreign type that
// do something when they are asked.

// An acting is a context of a foreign type that calls a function, once, before it
// answers.
type acting struct {
	*custom
	onDone, onErr atomic.Pointer[func()]
}

func (a *acting) Done() <-chan struct{} {
	if act := a.onDone.Swap(nil); act != nil {
		(*act)()
	}
	return a.custom.Done()
}

func (a *acting) Err() error {
	if act := a.onErr.Swap(nil); act != nil {
		(*act)()
	}
	return a.custom.Err()
}

// A slow is a scope in the clothes of a foreign type whose Err blocks when it is
// asked for the first time after the end.
type slow struct {
	*cancel.Scope
	asked   chan struct{} // receives when it is
	release chan struct{}
}

func (s *slow) Err() error {
	err := s.Scope.Err()
	if err != nil {
		select {
		case s.asked <- struct{}{}:
			<-s.release
		default:
		}
	}
	return err
}

func TestWindows(t *testing.T) {
	boom := errors.New("boom")

	for name, second := range map[string]func(s *cancel.Scope){
		"C4/a second Cancel tells those whom the first has not got to":       func(s *cancel.Scope) { s.Cancel(nil) },
		"C8/a Close tells those whom a Cancel has not got to":                (*cancel.Scope).Close,
		"C6/a timeout of zero tells those whom a Cancel has not got to":      func(s *cancel.Scope) { s.SetTimeout(0) },
		"C6/a deadline in the past tells those whom a Cancel has not got to": func(s *cancel.Scope) { s.SetDeadline(time.Unix(1, 0)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := cancel.New(t.Context())
			std, stop := context.WithCancel(s)
			defer stop()
			below := cancel.New(std)
			below.Done()
			// Called first, for it came last.
			held, release, through := make(chan struct{}), make(chan struct{}), make(chan struct{})
			s.AfterFunc(func() {
				close(held)
				<-release
			})
			go func() {
				defer close(through)
				s.Cancel(boom)
			}()
			<-held
			second(s)
			wantEnded(t, "standard", std, context.Canceled, boom)
			wantEnded(t, "scope below that", below, context.Canceled, boom)
			close(release)
			<-through
		})
	}

	t.Run("C4/a second Cancel waits for what package context is about to do", func(t *testing.T) {
		s := &slow{cancel.New(t.Context()), make(chan struct{}), make(chan struct{})}
		std, stop := context.WithCancel(s)
		defer stop()
		through := make(chan struct{})
		go func() {
			defer close(through)
			s.Cancel(boom)
		}()
		<-s.asked // package context, for the error to give to std
		s.Cancel(nil)
		wantEnded(t, "standard", std, context.Canceled, boom)
		close(s.release)
		<-through
	})

	t.Run("C7/a shield that goes up while the scope asks upward", func(t *testing.T) {
		p := &acting{custom: newCustom(t.Context())}
		s := cancel.New(p)
		act := func() {
			s.SetShield(true)
			p.end(context.Canceled)
		}
		p.onErr.Store(&act)
		wantOpen(t, "shielded", s)
		s.SetShield(false)
		wantEnded(t, "unshielded", s, context.Canceled, context.Canceled)
	})

	t.Run("C7/lowering a shield tells those whom somebody else has not got to", func(t *testing.T) {
		up := cancel.New(t.Context())
		s := cancel.New(up, cancel.Shielded())
		std, stop := context.WithCancel(s)
		defer stop()
		below := cancel.New(std)
		below.Done()
		// Called first, for it came last.
		held, release, through := make(chan struct{}), make(chan struct{}), make(chan struct{})
		s.AfterFunc(func() {
			close(held)
			<-release
		})
		up.Cancel(boom)
		go func() {
			defer close(through)
			s.SetShield(false)
		}()
		<-held
		s.SetShield(false)
		wantEnded(t, "standard", std, context.Canceled, boom)
		wantEnded(t, "scope below that", below, context.Canceled, boom)
		close(release)
		<-through
	})

	t.Run("C8/a scope that ends while it is being linked", func(t *testing.T) {
		p := &acting{custom: newCustom(cancel.New(t.Context()))}
		testkit.WantNoGrowth(t, "below a foreign context", 1<<17, func() {
			for range 2000 {
				s := cancel.New(p)
				act := func() { s.Cancel(boom) }
				p.onDone.Store(&act)
				s.Done() // and no Close: Cancel has released it
			}
		})
	})

	t.Run("C8/a closed scope below one that has ended is collectable", func(t *testing.T) {
		s := cancel.New(t.Context())
		below := cancel.New(s)
		below.Done()
		s.Cancel(boom)
		gone := weak.Make(below)
		below.Close()
		below = nil
		runtime.GC()
		runtime.GC()
		if gone.Value() != nil {
			t.Error("the scope is still reachable")
		}
		runtime.KeepAlive(s)
	})

	t.Run("C10/an inner deadline of package context at the same instant", func(t *testing.T) {
		for _, first := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				for range 20 {
					s := cancel.New(t.Context())
					deadline := time.Now().Add(time.Second)
					if first {
						s.SetDeadline(deadline)
					}
					err := s.Run(func(ctx context.Context) error {
						std, stop := context.WithDeadline(ctx, deadline)
						defer stop()
						s.SetDeadline(deadline)
						<-std.Done()
						return std.Err()
					})
					if err != nil {
						t.Fatalf("Run() = %v, want nil: the scope's own deadline has passed as well", err)
					}
				}
			})
		}
	})

	t.Run("C6/a deadline that moves while a foreign one is waited for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			late := errors.New("late")
			for range 20 {
				std, stop := context.WithTimeoutCause(t.Context(), 2*time.Second, late)
				s := cancel.New(promise{std, time.Now().Add(time.Second)}, cancel.Timeout(time.Second))
				time.Sleep(time.Second)
				synctest.Wait() // the scope leaves it to its parent, which has promised to end now
				wantOpen(t, "scope", s)
				s.SetTimeout(time.Second)
				time.Sleep(time.Second)
				synctest.Wait()
				wantEnded(t, "scope", s, context.DeadlineExceeded, late)
				s.Close()
				stop()
			}
		})
	})
}
