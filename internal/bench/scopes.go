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

// An opener derives a context from parent, and returns it with a function that ends it.
type opener func(parent context.Context) (ctx context.Context, end func())

func openScope(parent context.Context) (context.Context, func()) {
	s := cancel.New(parent)
	return s, s.Close
}

func openStandard(parent context.Context) (context.Context, func()) {
	ctx, stop := context.WithCancelCause(parent)
	return ctx, func() { stop(nil) }
}

// scopes returns the comparisons of cancel scopes with contexts of package context.
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
		parent      opener // of ours
		open, shown float64
		waited      float64
	}{
		{"below its own kind", openScope, 0.8, 1.6, 1.0},
		{"below a standard context", openStandard, 0.6, 2.2, 1.9},
	} {
		add("Open and close, "+below.name, below.open, openAndClose(below.parent, openScope, nil), openAndClose(openStandard, openStandard, nil))
		done := func(ctx context.Context) { ctx.Done() }
		add("Open, Done and close, "+below.name, below.shown, openAndClose(below.parent, openScope, done), openAndClose(openStandard, openStandard, done))
		wait := func(ctx context.Context) { bare.Done(ctx) }
		add("Open, wait and close, "+below.name, below.waited, openAndClose(below.parent, openScope, wait), openAndClose(openStandard, openStandard, wait))
	}
	add("1,000 times Err, 5 deep", 1.1, askErr(openScope, true), askErr(openStandard, true))
	add("1,000 times Err, 5 deep, Done not called", 1.1, askErr(openScope, false), askErr(openStandard, false))
	for _, kind := range []struct {
		name   string
		atMost float64
		derive opener
	}{
		{"WithCancel", 1.2, openStandard},
		{"WithTimeout", 1.1, func(parent context.Context) (context.Context, func()) {
			return context.WithTimeout(parent, time.Hour)
		}},
		{"AfterFunc", 1.1, func(parent context.Context) (context.Context, func()) {
			stop := context.AfterFunc(parent, func() {})
			return nil, func() { stop() }
		}},
	} {
		add(kind.name+" and its end, below a value", kind.atMost, openAndClose(withValue(openScope), kind.derive, nil), openAndClose(withValue(openStandard), kind.derive, nil))
	}
	add("Open, derive a context, Cancel(nil) and close", 1.8, deriveAndCancel(openScope), deriveAndCancel(openStandard))
	add("Deadline, 5 deep, 8 goroutines, 20,000 times each", 2.0, askDeadline(func(parent context.Context) (context.Context, func()) {
		s := cancel.New(parent, cancel.Timeout(time.Hour))
		return s, s.Close
	}, openScope), askDeadline(func(parent context.Context) (context.Context, func()) {
		return context.WithTimeout(parent, time.Hour)
	}, openStandard))
	add("The end of a standard context with 20,000 below it", 1.4, endAll(openScope), endAll(openStandard))
	list = append(list, comparison{
		name: "The end of 50,000 parked tasks", unit: perOp, size: 50_000,
		contestants: []contestant{{"nursery.Run", true, groveCanceled}, {"errgroup", false, errgroupCanceled}},
		goals:       []goal{{"nursery.Run", []string{"errgroup"}, 0.9}},
	})
	return list
}

// openAndClose derives a context from a parent, uses it unless use is nil, and ends it.
func openAndClose(parent, open opener, use func(ctx context.Context)) func(job) error {
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

// withValue derives a context with a value.
func withValue(parent opener) opener {
	return func(ctx context.Context) (context.Context, func()) {
		type key struct{}
		p, end := parent(ctx)
		return context.WithValue(p, key{}, 1), end
	}
}

// nested derives n contexts, one below the other.
func nested(parent context.Context, n int, open opener) (leaf context.Context, end func()) {
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

// askErr asks an open context for its error.
func askErr(open opener, done bool) func(job) error {
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

// deriveAndCancel opens a context, derives another from it, and cancels it.
func deriveAndCancel(open opener) func(job) error {
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

// askDeadline asks contexts below a context with a deadline for it, concurrently.
func askDeadline(top, open opener) func(job) error {
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

// endAll cancels a standard context with many contexts below it, and waits until
// all are done.
func endAll(open opener) func(job) error {
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
