package main

import (
	"context"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/grove-go/grove/nursery"
)

// The contestants of this file start tasks that call do and wait for their context. Each
// uses one function for all its tasks, so that the comparison measures the tasks and not
// their closures.

// groveParked parks tasks of a nursery. It returns nil after their cancellation, because
// the tasks return nil.
func groveParked(j job) error {
	var next atomic.Int64
	task := func(ctx context.Context) error {
		j.do(int(next.Add(1) - 1))
		<-ctx.Done()
		return nil
	}
	return nursery.Run(j.ctx, func(_ context.Context, n *nursery.Nursery) error {
		for range j.size {
			n.Go(task)
		}
		return nil
	})
}

// errgroupParked parks tasks of an errgroup.
func errgroupParked(j job) error {
	var next atomic.Int64
	g, ctx := errgroup.WithContext(j.ctx)
	task := func() error {
		j.do(int(next.Add(1) - 1))
		<-ctx.Done()
		return nil
	}
	for range j.size {
		g.Go(task)
	}
	return g.Wait()
}

// concParked parks tasks of a pool of conc.
func concParked(j job) error {
	var next atomic.Int64
	p := concPool(j)
	task := func(ctx context.Context) error {
		j.do(int(next.Add(1) - 1))
		<-ctx.Done()
		return nil
	}
	for range j.size {
		p.Go(task)
	}
	return p.Wait()
}

// goroutineParked parks bare goroutines, which only a WaitGroup counts.
func goroutineParked(j job) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	wg.Add(j.size)
	task := func() {
		defer wg.Done()
		j.do(int(next.Add(1) - 1))
		<-j.ctx.Done()
	}
	for range j.size {
		go task()
	}
	wg.Wait()
	return nil
}
