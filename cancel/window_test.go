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
	"github.com/grove-go/grove/internal/test/kit"
)

// The tests in this file stop one goroutine in the middle of an operation, in a hook or
// in a method of a foreign context, and let another goroutine run.

// An acting is a context of a foreign type that calls a function once before Done
// returns.
type acting struct {
	*custom
	onDone atomic.Pointer[func()]
}

func (a *acting) Done() <-chan struct{} {
	if act := a.onDone.Swap(nil); act != nil {
		(*act)()
	}
	return a.custom.Done()
}

func TestWindows(t *testing.T) {
	boom := errors.New("boom")

	for name, second := range map[string]func(s *cancel.Scope){
		"C4/a second Cancel ends what the first has not reached":       func(s *cancel.Scope) { s.Cancel(nil) },
		"C8/Close ends what a Cancel has not reached":                  (*cancel.Scope).Close,
		"C6/a timeout of zero ends what a Cancel has not reached":      func(s *cancel.Scope) { s.SetTimeout(0) },
		"C6/a deadline in the past ends what a Cancel has not reached": func(s *cancel.Scope) { s.SetDeadline(time.Unix(1, 0)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := cancel.New(t.Context())
			std, stop := context.WithCancel(s)
			defer stop()
			below := cancel.New(std)
			below.Done()
			held, release, through := make(chan struct{}), make(chan struct{}), make(chan struct{})
			s.OnDone(func() {
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

	t.Run("C7/lowering a shield ends what another goroutine has not reached", func(t *testing.T) {
		up := cancel.New(t.Context())
		s := cancel.New(up, cancel.Shielded())
		std, stop := context.WithCancel(s)
		defer stop()
		below := cancel.New(std)
		below.Done()
		held, release, through := make(chan struct{}), make(chan struct{}), make(chan struct{})
		s.OnDone(func() {
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
		kit.WantNoGrowth(t, "below a foreign context", 1<<17, func() {
			for range 2000 {
				s := cancel.New(p)
				act := func() { s.Cancel(boom) }
				p.onDone.Store(&act)
				s.Done() // no Close is needed, because Cancel has released it
			}
		})
	})

	t.Run("C8/a closed scope below an ended scope is collectable", func(t *testing.T) {
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
						t.Fatalf("Run() = %v, want nil because the scope's own deadline has passed too", err)
					}
				}
			})
		}
	})
}
