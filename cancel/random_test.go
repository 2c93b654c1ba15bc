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

// TestStressRandom has many goroutines do random things to one tree. Nothing may
// hang, what is below the root ends with it, and what each sees of a context is
// consistent: once it is done it stays so, with the same cause. See C13.
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
					t.Errorf("Err() of %v = nil after the end of the root", ctx)
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

// A grown is a tree of contexts that grows.
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

// add derives a context from one in the tree, and adds it.
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

// act does n random things.
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
				t.Errorf("Cause() = %v, and then %v", cause, again)
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

// C13: two scopes that follow each other, or whose callbacks cancel each other,
// do not lock each other out.
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

// C12: a stop and a listener that meet do not miss each other, also while scopes
// between them are closed.
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

// C12: who listens in what outlives a scope, while that is closed, hears what the
// scopes above are asked.
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

// C7: a shield that is lowered and a cancellation that meet do not miss each other.
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

// C7: whoever finds a shielded scope open after the shield went up finds it open
// for good.
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
			t.Fatalf("Err() = nil: %v after SetShield(true), and %v later", open, got)
		}
		if got := leaf.Err() == nil; got != open {
			t.Fatalf("below, Err() = nil: %v, want %v", got, open)
		}
	}
}
