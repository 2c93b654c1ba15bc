package cancel_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
)

// C13: many goroutines run random operations on one tree. No goroutine may hang. Every
// context ends with the root, and keeps its cause once it is done.
func TestStressRandom(t *testing.T) {
	rnd := newRand(t)
	for range 60 {
		synctest.Test(t, func(t *testing.T) {
			g := &grown{}
			root := cancel.New(t.Context())
			g.all = []context.Context{root}
			var wg sync.WaitGroup
			for range 8 {
				seed := rnd.Uint64()
				wg.Go(func() { g.act(t, rand.New(rand.NewPCG(seed, 1)), 150) })
			}
			wg.Wait()
			for _, ctx := range g.all {
				if s, ok := ctx.(*cancel.Scope); ok {
					s.SetShield(false)
				}
			}
			root.Cancel(nil)
			synctest.Wait()
			for _, ctx := range g.all {
				<-ctx.Done()
				if ctx.Err() == nil || cancel.Err(ctx) == nil || context.Cause(ctx) == nil {
					t.Errorf("Err() or Cause() of %v = nil after the end of the root, want errors", ctx)
				}
				if s, ok := ctx.(*cancel.Scope); ok {
					s.Close()
				}
			}
			for _, stop := range g.stops {
				stop()
			}
		})
	}
}

// A grown is a tree of contexts that goroutines add to.
type grown struct {
	mu    sync.Mutex
	all   []context.Context
	stops []func()
}

func (g *grown) pick(rnd *rand.Rand) context.Context {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.all[rnd.IntN(len(g.all))]
}

// add derives a context from one in the tree and adds it to the tree.
func (g *grown) add(rnd *rand.Rand) {
	ctx, stop := g.pick(rnd), func() {}
	switch rnd.IntN(8) {
	case 0:
		ctx, stop = context.WithCancel(ctx)
	case 1:
		ctx, stop = context.WithTimeout(ctx, time.Duration(rnd.IntN(1000))*time.Millisecond)
	case 2:
		ctx = context.WithValue(ctx, key(1), 1)
	case 3:
		ctx = wrapper{ctx}
	case 4:
		ctx = cancel.UntilStop(ctx)
	default:
		ctx = cancel.New(ctx)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all, g.stops = append(g.all, ctx), append(g.stops, stop)
}

// act runs n random operations.
func (g *grown) act(t *testing.T, rnd *rand.Rand, n int) {
	boom := errors.New("boom")
	for range n {
		ctx := g.pick(rnd)
		s := cancel.FromContext(ctx)
		d := time.Duration(rnd.IntN(2000)) * time.Millisecond
		switch rnd.IntN(24) {
		case 0, 1, 2, 3, 4, 5:
			g.add(rnd)
		case 6, 7:
			ctx.Done()
		case 8, 9:
			err, cause := ctx.Err(), context.Cause(ctx)
			if again := context.Cause(ctx); err != nil && again != cause {
				t.Errorf("second Cause() = %v, want %v", again, cause)
			}
		case 10, 11:
			s.SetTimeout(d)
		case 12:
			s.SetDeadline(time.Time{})
		case 13, 14:
			s.SetShield(rnd.IntN(2) == 0)
		case 15:
			time.Sleep(d / 10)
		case 16:
			ctx.Deadline()
		case 17:
			s.OnDone(func() { s.Cancel(boom) })()
		case 18:
			context.AfterFunc(ctx, func() { s.Cancel(boom) })
		case 19:
			s.Follow(g.pick(rnd))()
		case 20:
			if rnd.IntN(4) == 0 {
				s.Stop()
			}
		case 21:
			if rnd.IntN(4) == 0 {
				s.Shutdown(d)
			}
		case 22:
			if rnd.IntN(8) == 0 {
				s.Cancel(boom)
			}
		case 23:
			if rnd.IntN(8) == 0 {
				s.Close()
			}
		}
	}
}

// C13: two scopes that follow each other do not deadlock, even if callbacks of each
// cancel the other.
func TestStressEachOther(t *testing.T) {
	newRand(t)
	for range 500 {
		a, b := cancel.New(t.Context()), cancel.New(t.Context())
		a.OnDone(func() { b.Cancel(nil) })
		b.OnDone(func() { a.Cancel(nil) })
		a.Follow(b)
		b.Follow(a)
		std, stop := context.WithCancel(a)
		context.AfterFunc(std, func() { b.Cancel(nil) })
		race(func() { a.Cancel(nil) }, func() { b.Cancel(nil) }, stop, func() { a.Close() })
		wantEnded(t, "a", a, context.Canceled, context.Cause(a))
		wantEnded(t, "b", b, context.Canceled, context.Cause(b))
	}
}

// C12: a listener that registers during a Stop notices it, even if a scope in between is
// closed at the same time.
func TestStressStop(t *testing.T) {
	newRand(t)
	for range 1000 {
		root := cancel.New(t.Context())
		middle := cancel.New(root)
		s := cancel.New(middle, cancel.Shielded())
		var u context.Context
		race(root.Stop, middle.Close, func() { u = cancel.UntilStop(s) }, func() { cancel.UntilStop(middle) })
		wantEnded(t, "listener", u, context.Canceled, cancel.ErrStopping)
		s.Close()
		root.Close()
	}
}

// C12: a listener below context.WithoutCancel outlives its scope. It notices a stop
// further up even if it registers while the scope is closed.
func TestStressStopClosed(t *testing.T) {
	newRand(t)
	for range 3000 {
		root := cancel.New(t.Context())
		s := cancel.New(root)
		detached, stop := context.WithCancel(context.WithoutCancel(s))
		var u context.Context
		race(s.Close, func() { u = cancel.UntilStop(detached) }, func() { cancel.UntilStop(s) })
		root.Stop()
		wantEnded(t, "listener", u, context.Canceled, cancel.ErrStopping)
		stop()
		root.Close()
		if t.Failed() {
			return
		}
	}
}

// C7: a cancellation gets through a shield that is lowered at the same moment.
func TestStressShield(t *testing.T) {
	newRand(t)
	boom := errors.New("boom")
	for i := range 2000 {
		root := cancel.New(t.Context())
		between := context.Context(cancel.New(root))
		if i%2 == 0 {
			c, stop := context.WithCancel(between)
			defer stop()
			between = c
		}
		s := cancel.New(between, cancel.Shielded())
		leaf := cancel.New(cancel.New(s))
		race(func() { root.Cancel(boom) }, func() { s.SetShield(false) }, func() { leaf.Done() })
		wantEnded(t, "leaf", leaf, context.Canceled, boom)
	}
}

// C7: a scope that is open after its shield was raised stays open.
func TestStressShieldUp(t *testing.T) {
	newRand(t)
	for range 2000 {
		root := cancel.New(t.Context())
		s := cancel.New(cancel.New(root))
		leaf := cancel.New(s)
		open := false
		race(func() { root.Cancel(nil) }, func() { leaf.Done() }, func() {
			s.SetShield(true)
			open = s.Err() == nil
		})
		if got := s.Err() == nil; got != open {
			t.Fatalf("scope open later = %v, want %v as after SetShield(true)", got, open)
		}
		if got := leaf.Err() == nil; got != open {
			t.Fatalf("scope below open = %v, want %v", got, open)
		}
	}
}
