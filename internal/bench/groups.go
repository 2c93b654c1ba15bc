package main

import (
	"context"
	"sync"

	"github.com/sourcegraph/conc/pool"
	"golang.org/x/sync/errgroup"
	"gopkg.in/tomb.v2"

	"github.com/grove-go/grove/nursery"
)

// groveFor calls For.
func groveFor(j job) error {
	return nursery.For(j.ctx, j.size, func(_ context.Context, i int) error {
		j.do(i)
		return nil
	}, nursery.Limit(j.limit))
}

// groveRun starts a task for each item in a nursery with options.
func groveRun(j job, opts ...nursery.Option) error {
	return nursery.Run(j.ctx, func(_ context.Context, n *nursery.Nursery) error {
		for i := range j.size {
			n.Go(func(context.Context) error {
				j.do(i)
				return nil
			})
		}
		return nil
	}, opts...)
}

// groveLimited is groveRun with the limit of the job.
func groveLimited(j job) error { return groveRun(j, nursery.Limit(j.limit)) }

// groveUnlimited is groveRun without a limit.
func groveUnlimited(j job) error { return groveRun(j) }

// errgroupLimited starts a task for each item in an errgroup with SetLimit.
func errgroupLimited(j job) error {
	g, _ := errgroup.WithContext(j.ctx)
	g.SetLimit(j.limit)
	return errgroupGo(g, j)
}

// errgroupUnlimited is errgroupLimited without a limit.
func errgroupUnlimited(j job) error {
	g, _ := errgroup.WithContext(j.ctx)
	return errgroupGo(g, j)
}

func errgroupGo(g *errgroup.Group, j job) error {
	for i := range j.size {
		g.Go(func() error {
			j.do(i)
			return nil
		})
	}
	return g.Wait()
}

// concLimited starts a task for each item in a pool of conc with a maximum.
func concLimited(j job) error { return concGo(concPool(j).WithMaxGoroutines(j.limit), j) }

// concUnlimited is concLimited without a maximum.
func concUnlimited(j job) error { return concGo(concPool(j), j) }

// concPool returns a pool of conc that does the same as a nursery and errgroup: it has a
// context, and the first error cancels it.
func concPool(j job) *pool.ContextPool { return pool.New().WithContext(j.ctx).WithCancelOnError() }

func concGo(p *pool.ContextPool, j job) error {
	for i := range j.size {
		p.Go(func(context.Context) error {
			j.do(i)
			return nil
		})
	}
	return p.Wait()
}

// tombUnlimited starts a task for each item in a tomb, from a task of the tomb. The tomb
// would die if it had no task for a moment.
func tombUnlimited(j job) error {
	t, _ := tomb.WithContext(j.ctx)
	t.Go(func() error {
		for i := range j.size {
			t.Go(func() error {
				j.do(i)
				return nil
			})
		}
		return nil
	})
	return t.Wait()
}

// waitGroup starts a goroutine for each item. The goroutines can neither fail nor be
// canceled.
func waitGroup(j job) error {
	var wg sync.WaitGroup
	for i := range j.size {
		wg.Go(func() { j.do(i) })
	}
	wg.Wait()
	return nil
}
