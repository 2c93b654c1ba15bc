package cancel_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
)

// A key is a key for context.WithValue.
type key int

// The tests in this file follow the tests of package context, case by case, with
// scopes among the contexts.

// children has the kinds of context that most tests use, both as parents and as
// children. A scope works wherever a standard context does.
var children = []struct {
	name string
	make func(context.Context) (context.Context, func())
}{
	{"scope", func(p context.Context) (context.Context, func()) {
		s := cancel.New(p)
		return s, func() { s.Cancel(nil) }
	}},
	{"scope with a deadline", func(p context.Context) (context.Context, func()) {
		s := cancel.New(p, cancel.Timeout(1000*time.Hour))
		return s, func() { s.Cancel(nil) }
	}},
	{"WithCancel", func(p context.Context) (context.Context, func()) {
		ctx, stop := context.WithCancel(p)
		return ctx, stop
	}},
	{"WithTimeout", func(p context.Context) (context.Context, func()) {
		ctx, stop := context.WithTimeout(p, 1000*time.Hour)
		return ctx, stop
	}},
	{"scope below a value", func(p context.Context) (context.Context, func()) {
		s := cancel.New(context.WithValue(p, key(1), 1))
		return s, func() { s.Cancel(nil) }
	}},
	{"scope below a wrapper", func(p context.Context) (context.Context, func()) {
		s := cancel.New(wrapper{p})
		return s, func() { s.Cancel(nil) }
	}},
	{"WithCancel below a wrapper", func(p context.Context) (context.Context, func()) {
		ctx, stop := context.WithCancel(wrapper{p})
		return ctx, stop
	}},
}

func TestContextParentFinishesChild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, outer := range children {
			for _, inner := range children {
				what := inner.name + " below " + outer.name
				p, end := outer.make(t.Context())
				c, stop := inner.make(p)
				called := make(chan struct{})
				context.AfterFunc(c, func() { close(called) })
				wantOpen(t, what, p)
				wantOpen(t, what, c)
				end()
				<-called
				wantEnded(t, what, p, context.Canceled, context.Canceled)
				wantEnded(t, what, c, context.Canceled, context.Canceled)
				late, stopLate := inner.make(p)
				wantEnded(t, "derived late: "+what, late, context.Canceled, context.Canceled)
				stopLate()
				stop()
			}
		}
	})
}

func TestContextChildFinishesFirst(t *testing.T) {
	for _, outer := range children {
		for _, inner := range children {
			what := inner.name + " below " + outer.name
			p, end := outer.make(t.Context())
			a, stopA := inner.make(p)
			b, stopB := inner.make(p)
			wantOpen(t, what, a)
			stopA()
			wantEnded(t, what, a, context.Canceled, context.Canceled)
			wantOpen(t, "sibling: "+what, b)
			wantOpen(t, "parent: "+what, p)
			stopB()
			end()
		}
	}
}

func TestContextSimultaneousCancels(t *testing.T) {
	rnd := newRand(t)
	for range 20 {
		type one struct {
			ctx context.Context
			end func()
		}
		root := cancel.New(t.Context())
		all := []one{{root, func() { root.Cancel(nil) }}}
		for len(all) < 100 {
			c, end := children[rnd.IntN(len(children))].make(all[(len(all)-1)/4].ctx)
			all = append(all, one{c, end})
		}
		rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		var wg sync.WaitGroup
		for _, o := range all {
			wg.Go(o.end)
			wg.Go(func() { <-o.ctx.Done() })
		}
		wg.Wait()
		for _, o := range all {
			wantEnded(t, fmt.Sprint(o.ctx), o.ctx, context.Canceled, context.Canceled)
		}
	}
}

func TestContextInterlockedCancels(t *testing.T) {
	for _, inner := range children {
		p := cancel.New(t.Context())
		c, stop := inner.make(p)
		finished := make(chan struct{})
		go func() {
			defer close(finished)
			<-p.Done()
			stop()
		}()
		p.Cancel(nil)
		<-c.Done()
		<-finished
		wantEnded(t, inner.name, c, context.Canceled, context.Canceled)
	}
}

// The end of the child starts a function that cancels the parent.
func TestContextChildEndsParent(t *testing.T) {
	for _, inner := range children {
		p := cancel.New(t.Context())
		c, stop := inner.make(p)
		finished := make(chan struct{})
		context.AfterFunc(c, func() {
			defer close(finished)
			p.Cancel(nil)
		})
		stop()
		<-finished
		wantEnded(t, inner.name, p, context.Canceled, context.Canceled)
	}
}

func TestContextLayers(t *testing.T) {
	rnd := newRand(t)
	for round := range 200 {
		synctest.Test(t, func(t *testing.T) { testLayers(t, rnd, round%2 == 0) })
	}
}

// testLayers builds a long chain of contexts and ends one of them. The innermost
// context ends with it. Values stay readable throughout.
func testLayers(t *testing.T, rnd *rand.Rand, timeout bool) {
	ctx := t.Context()
	var ends []func()
	values := 0
	for range 40 {
		if rnd.IntN(3) == 0 {
			values++
			ctx = context.WithValue(ctx, key(values), values)
			continue
		}
		c, end := children[rnd.IntN(len(children))].make(ctx)
		ctx, ends = c, append(ends, end)
		defer end()
	}
	check := func(when string) {
		t.Helper()
		for i := range values {
			// A child may set key 1 as well, to the same value.
			if got := ctx.Value(key(i + 1)); got != i+1 {
				t.Errorf("%s: Value(%d) = %v, want %d", when, i+1, got, i+1)
			}
		}
	}
	check("open")
	wantOpen(t, "leaf", ctx)
	want := context.Canceled
	if timeout {
		c := cancel.New(ctx, cancel.Timeout(time.Second))
		defer c.Close()
		ctx, want = c, context.DeadlineExceeded
		time.Sleep(time.Second)
		synctest.Wait()
	} else {
		ends[rnd.IntN(len(ends))]()
		_ = ctx.Err()
		<-ctx.Done()
	}
	wantEnded(t, "leaf", ctx, want, want)
	check("ended")
}

func TestContextDeadline(t *testing.T) {
	for name, timeout := range map[string]time.Duration{"later": time.Second, "now": 0, "past": -time.Second} {
		synctest.Test(t, func(t *testing.T) {
			far := 1000 * time.Hour
			a := cancel.New(t.Context(), cancel.Timeout(timeout))
			b := cancel.New(wrapper{a}, cancel.Timeout(far))
			c, stop := context.WithTimeout(b, far)
			defer stop()
			d, stop := context.WithTimeout(wrapper{a}, far)
			defer stop()
			e := cancel.New(t.Context(), cancel.Deadline(time.Now().Add(timeout)))
			want := time.Now().Add(timeout)
			time.Sleep(max(timeout, 0))
			for i, ctx := range []context.Context{a, wrapper{a}, b, c, d, e} {
				<-ctx.Done()
				wantEnded(t, fmt.Sprint(name, i), ctx, context.DeadlineExceeded, context.DeadlineExceeded)
				if got, ok := ctx.Deadline(); !ok || !got.Equal(want) {
					t.Errorf("%s %d: Deadline() = %v, %v, want %v, true", name, i, got, ok, want)
				}
			}
		})
	}
}

func TestContextCanceledTimeout(t *testing.T) {
	for _, outer := range children {
		p, end := outer.make(t.Context())
		s := cancel.New(p, cancel.Timeout(time.Hour))
		s.Cancel(nil)
		wantEnded(t, "below "+outer.name, s, context.Canceled, context.Canceled)
		end()
	}
}
