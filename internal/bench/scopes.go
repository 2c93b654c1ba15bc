package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
	"github.com/grove-go/grove/nursery"
)

// A derive derives a context from parent, and returns it with the function that
// ends it.
type derive func(parent context.Context) (ctx context.Context, end func())

func scopeOf(parent context.Context) (context.Context, func()) {
	s := cancel.New(parent)
	return s, s.Close
}

func standardOf(parent context.Context) (context.Context, func()) {
	ctx, stop := context.WithCancelCause(parent)
	return ctx, func() { stop(nil) }
}

// scopes returns the comparisons of cancel scopes with package context. Where a
// comparison is below something, both contestants are below one of their own
// kind, or both below a context of package context.
func scopes() []comparison {
	var list []comparison
	add := func(name string, atMost float64, ours, peer func(job) error) {
		list = append(list, comparison{
			name: name, unit: perOp, size: 1,
			contestants: []contestant{{"cancel", true, ours}, {"context", false, peer}},
			goals:       []goal{{"cancel", []string{"context"}, atMost}},
		})
	}
	for _, below := range []struct {
		name        string
		parent      derive // of ours
		open, shown float64
		waited      float64
	}{
		{"below its own kind", scopeOf, 0.8, 1.6, 1.0},
		{"below a standard context", standardOf, 0.6, 2.2, 1.9},
	} {
		use := func(ctx context.Context) {}
		add("Open and close, "+below.name, below.open, opened(below.parent, scopeOf, use), opened(standardOf, standardOf, use))
		done := func(ctx context.Context) { ctx.Done() }
		add("Open, Done and close, "+below.name, below.shown, opened(below.parent, scopeOf, done), opened(standardOf, standardOf, done))
		wait := func(ctx context.Context) { bare.Done(ctx) }
		add("Open, wait and close, "+below.name, below.waited, opened(below.parent, scopeOf, wait), opened(standardOf, standardOf, wait))
	}
	add("1,000 times Err, 5 deep", 1.1, asked(scopeOf, true), asked(standardOf, true))
	add("1,000 times Err, 5 deep, Done not called", 1.1, asked(scopeOf, false), asked(standardOf, false))
	for _, kind := range []struct {
		name   string
		atMost float64
		derive derive
	}{
		{"WithCancel", 1.2, standardOf},
		{"WithTimeout", 1.1, func(parent context.Context) (context.Context, func()) {
			return context.WithTimeout(parent, time.Hour)
		}},
		{"AfterFunc", 1.1, func(parent context.Context) (context.Context, func()) {
			stop := context.AfterFunc(parent, func() {})
			return nil, func() { stop() }
		}},
	} {
		add(kind.name+" and its end, below a value", kind.atMost, opened(valueIn(scopeOf), kind.derive, nil), opened(valueIn(standardOf), kind.derive, nil))
	}
	add("Open, derive a context, Cancel(nil) and close", 1.8, canceledWith(scopeOf), canceledWith(standardOf))
	add("Deadline, 5 deep, 8 goroutines, 20,000 times each", 2.0, deadlines(func(parent context.Context) (context.Context, func()) {
		s := cancel.New(parent, cancel.Timeout(time.Hour))
		return s, s.Close
	}, scopeOf), deadlines(func(parent context.Context) (context.Context, func()) {
		return context.WithTimeout(parent, time.Hour)
	}, standardOf))
	add("The end of a standard context with 20,000 below it", 1.4, burst(scopeOf), burst(standardOf))
	list = append(list, comparison{
		name: "The end of 50,000 parked tasks", unit: perOp, size: 50_000,
		contestants: []contestant{{"nursery.Run", true, groveCanceled}, {"errgroup", false, errgroupCanceled}},
		goals:       []goal{{"nursery.Run", []string{"errgroup"}, 0.9}},
	})
	return list
}

// opened opens a context below a parent, uses it and ends it.
func opened(parent, open derive, use func(ctx context.Context)) func(job) error {
	return func(j job) error {
		p, end := parent(j.ctx)
		defer end()
		p.Done()
		for j.loop() {
			ctx, end := open(p)
			if use != nil {
				use(ctx)
			}
			j.do(0)
			end()
		}
		return nil
	}
}

// valueIn is parent with a value in it.
func valueIn(parent derive) derive {
	return func(ctx context.Context) (context.Context, func()) {
		type key struct{}
		p, end := parent(ctx)
		return context.WithValue(p, key{}, 1), end
	}
}

// nested derives n contexts, one below the other.
func nested(parent context.Context, n int, open derive) (leaf context.Context, end func()) {
	if n == 0 {
		return parent, func() {}
	}
	ctx, endThis := open(parent)
	leaf, endRest := nested(ctx, n-1, open)
	return leaf, func() {
		endRest()
		endThis()
	}
}

// asked asks an open context for its error.
func asked(open derive, done bool) func(job) error {
	return func(j job) error {
		ctx, end := nested(j.ctx, 5, open)
		defer end()
		if done {
			ctx.Done()
		}
		for j.loop() {
			for range 1000 {
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			j.do(0)
		}
		return nil
	}
}

// canceledWith cancels a context from which another is derived.
func canceledWith(open derive) func(job) error {
	return func(j job) error {
		p, end := open(j.ctx)
		defer end()
		p.Done()
		for j.loop() {
			ctx, end := open(p)
			_, stop := context.WithCancel(ctx)
			j.do(0)
			if s, ok := ctx.(*cancel.Scope); ok {
				s.Cancel(nil)
			}
			end()
			stop()
		}
		return nil
	}
}

// deadlines asks contexts below one with a deadline for that, all at once.
func deadlines(top, open derive) func(job) error {
	return func(j job) error {
		root, end := top(j.ctx)
		defer end()
		var leaves []context.Context
		for range 8 {
			leaf, end := nested(root, 4, open)
			defer end()
			leaf.Done()
			leaves = append(leaves, leaf)
		}
		for j.loop() {
			var wg sync.WaitGroup
			for _, leaf := range leaves {
				wg.Go(func() {
					for range 20_000 {
						leaf.Deadline()
					}
				})
			}
			wg.Wait()
			j.do(0)
		}
		return nil
	}
}

// burst cancels a standard context with many contexts below it, and waits until
// all are done.
func burst(open derive) func(job) error {
	return func(j job) error {
		const n = 20_000
		contexts, ends := make([]context.Context, n), make([]func(), n)
		for j.loop() {
			j.pause()
			root, stop := context.WithCancel(j.ctx)
			for i := range contexts {
				contexts[i], ends[i] = open(root)
				contexts[i].Done()
			}
			j.resume()
			stop()
			for _, ctx := range contexts {
				<-ctx.Done()
			}
			j.do(0)
			j.pause()
			for _, end := range ends {
				end()
			}
			j.resume()
		}
		return nil
	}
}

// groveCanceled cancels the tasks of a nursery while they are parked.
func groveCanceled(j job) error {
	return endParked(j, func(ctx context.Context, task func(ctx context.Context) error) error {
		return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			for range j.size {
				n.Go(task)
			}
			return nil
		})
	})
}

// errgroupCanceled cancels the tasks of an errgroup while they are parked.
func errgroupCanceled(j job) error {
	return endParked(j, func(ctx context.Context, task func(ctx context.Context) error) error {
		g, ctx := errgroup.WithContext(ctx)
		for range j.size {
			g.Go(func() error { return task(ctx) })
		}
		return g.Wait()
	})
}

var errNotCanceled = errors.New("no task reports that it was canceled")

// endParked cancels the tasks that run starts while all of them are parked.
func endParked(j job, run func(ctx context.Context, task func(ctx context.Context) error) error) error {
	for j.loop() {
		j.pause()
		ctx, stop := context.WithCancel(j.ctx)
		var parked sync.WaitGroup
		parked.Add(j.size)
		over := make(chan error, 1)
		var next atomic.Int64
		go func() {
			over <- run(ctx, func(ctx context.Context) error {
				j.do(int(next.Add(1) - 1))
				parked.Done()
				<-ctx.Done()
				return ctx.Err()
			})
		}()
		parked.Wait()
		j.resume()
		stop()
		if err := <-over; err == nil {
			return errNotCanceled
		}
	}
	return nil
}
