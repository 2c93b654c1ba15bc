package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
)

// Stress tests use real goroutines and wait for events rather than for time. Each logs
// its seed.

// newRand returns a source of random numbers and logs its seed.
func newRand(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// race calls functions at the same moment and waits for all of them.
func race(fs ...func()) {
	var (
		wg    sync.WaitGroup
		ready sync.WaitGroup
		start = make(chan struct{})
	)
	ready.Add(len(fs))
	for _, f := range fs {
		wg.Go(func() {
			ready.Done()
			<-start
			f()
		})
	}
	ready.Wait()
	close(start)
	wg.Wait()
}

// C4: several goroutines cancel a scope. When any Cancel returns, every scope below has
// ended. When the Cancel that won returns, every standard context below has ended too.
func TestStressCancelFromMany(t *testing.T) {
	rnd := newRand(t)
	for round := range 300 {
		root := cancel.New(context.Background())
		scopes, std := []*cancel.Scope{root}, []context.Context(nil)
		for range 60 {
			p := scopes[rnd.IntN(len(scopes))]
			if rnd.IntN(3) == 0 {
				ctx, stop := context.WithCancel(p)
				defer stop()
				std = append(std, ctx)
				continue
			}
			s := cancel.New(p)
			if rnd.IntN(2) == 0 {
				s.Done()
			}
			scopes = append(scopes, s)
		}
		fs := make([]func(), 6)
		for i := range fs {
			fs[i] = func() {
				cause := fmt.Errorf("cause %d", i)
				root.Cancel(cause)
				for j, s := range scopes {
					if err := s.Err(); err != context.Canceled {
						t.Errorf("round %d: Err() of scope %d = %v after Cancel, want %v", round, j, err, context.Canceled)
					}
				}
				if context.Cause(root) != cause {
					return
				}
				for j, ctx := range std {
					if err := ctx.Err(); err != context.Canceled {
						t.Errorf("round %d: Err() of standard context %d = %v after Cancel, want %v", round, j, err, context.Canceled)
					}
				}
			}
		}
		race(fs...)
		if t.Failed() {
			return
		}
	}
}

// C4: when Cancel of the root returns, every standard context below has ended, even if
// another goroutine cancels a scope in between at the same time.
func TestStressCancelAtTwoHeights(t *testing.T) {
	newRand(t)
	for round := range 800 {
		root := cancel.New(context.Background())
		middle := cancel.New(root)
		var std []context.Context
		for range 30 {
			ctx, stop := context.WithCancel(cancel.New(middle))
			defer stop()
			std = append(std, ctx)
		}
		rootCause, middleCause := errors.New("root"), errors.New("middle")
		race(func() {
			root.Cancel(rootCause)
			for i, ctx := range std {
				if ctx.Err() == nil {
					t.Errorf("round %d: Err() of standard context %d = nil after Cancel of the root, want %v; cause of middle: %v", round, i, context.Canceled, context.Cause(middle))
					return
				}
			}
		}, func() {
			middle.Cancel(middleCause)
		})
		if t.Failed() {
			return
		}
	}
}

// C4: a scope below a standard context notices an end further up even if it registers
// with that context at the same moment.
func TestStressRegisterWhileCanceled(t *testing.T) {
	newRand(t)
	for round := range 5000 {
		root := cancel.New(context.Background())
		ctx, stop := context.WithCancel(root)
		leaf := cancel.New(cancel.New(ctx))
		race(func() {
			root.Cancel(nil)
			for range 20 {
				if leaf.Err() == nil {
					t.Errorf("round %d: Err() = nil after Cancel further up, want %v", round, context.Canceled)
					return
				}
			}
		}, func() {
			leaf.Done()
		})
		stop()
		<-leaf.Done()
		leaf.Close()
		if t.Failed() {
			return
		}
	}
}

// C6: a deadline that moves away in time has no effect. If the scope is open when
// SetTimeout returns, the old timer does not end it.
func TestStressMoveDeadline(t *testing.T) {
	newRand(t)
	for _, depth := range []int{0, 1, 300} {
		t.Run(fmt.Sprintf("depth=%d", depth), func(t *testing.T) {
			won := map[bool]int{}
			synctest.Test(t, func(t *testing.T) {
				parent := cancel.New(t.Context())
				defer parent.Close()
				for range depth {
					parent = cancel.New(parent)
					defer parent.Close()
				}
				for range 2000 {
					s := cancel.New(parent, cancel.Timeout(time.Second))
					time.Sleep(time.Second) // the timer fires at the same instant
					for range depth {
						runtime.Gosched()
					}
					s.SetTimeout(time.Hour)
					open := s.Err() == nil
					synctest.Wait()
					if err := s.Err(); open && err != nil {
						t.Fatalf("Err() = %v after the deadline of an open scope moved away, want nil", err)
					}
					won[open]++
					s.Close()
				}
			})
			t.Logf("moved in time %d times, too late %d times", won[true], won[false])
		})
	}
}

// C6: several goroutines move a deadline at the instant when it passes.
func TestStressMoveDeadlineByMany(t *testing.T) {
	rnd := newRand(t)
	synctest.Test(t, func(t *testing.T) {
		for round := range 300 {
			s := cancel.New(t.Context(), cancel.Timeout(time.Second))
			for range 4 {
				d := time.Duration(1+rnd.IntN(3)) * time.Second
				go func() {
					for range 5 {
						time.Sleep(time.Second)
						s.SetTimeout(d)
					}
				}()
			}
			time.Sleep(time.Minute)
			if err := s.Err(); err != context.DeadlineExceeded {
				t.Fatalf("round %d: Err() = %v, want %v", round, err, context.DeadlineExceeded)
			}
			s.Close()
		}
	})
}
