package main

import (
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// claiming has workers that claim indices from a counter, as programs do by hand.
func claiming(j job) error {
	var next atomic.Int64
	g, ctx := errgroup.WithContext(j.ctx)
	for range j.limit {
		g.Go(func() error {
			for ctx.Err() == nil {
				i := int(next.Add(1) - 1)
				if i >= j.size {
					return nil
				}
				j.do(i)
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}

// queueing has workers that receive indices from a buffered channel, as programs do by
// hand. The buffer is large, because with a small buffer the workers sleep more than they
// work.
func queueing(j job) error {
	queue := make(chan int, 1024)
	g, ctx := errgroup.WithContext(j.ctx)
	for range j.limit {
		g.Go(func() error {
			for i := range queue {
				j.do(i)
			}
			return nil
		})
	}
	g.Go(func() error {
		defer close(queue)
		for i := range j.size {
			select {
			case queue <- i:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	return g.Wait()
}
