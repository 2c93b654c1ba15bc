package main

import (
	"context"
	"iter"
	"sync"

	"github.com/sourcegraph/conc/stream"
	"golang.org/x/sync/errgroup"

	"github.com/grove-go/grove/nursery"
)

// streams returns the comparisons of loops over sequences.
func streams() []comparison {
	return []comparison{
		{
			name: "Each: a sequence of 20,000, nothing to do, limit 8",
			unit: perItem, size: 20_000, limit: 8,
			contestants: []contestant{
				{"nursery.Each", true, repeat(groveEach)},
				{"channel by hand, select with ctx.Done", false, repeat(feeding)},
				{"channel by hand, alone", false, repeat(feedingAlone)},
				{"errgroup, SetLimit", false, repeat(errgroupEach)},
			},
			goals: []goal{{"nursery.Each", []string{"channel by hand, select with ctx.Done"}, 1.0}},
		},
		{
			name: "Stream: 20,000 items in order, nothing to do, limit 8",
			unit: perItem, size: 20_000, limit: 8,
			contestants: []contestant{
				{"nursery.Stream", true, repeat(groveStream)},
				{"conc/stream", false, repeat(concStream)},
			},
			goals: []goal{{"nursery.Stream", []string{"conc/stream"}, 0.5}},
		},
		{
			name: "StreamUnordered: 20,000 items, nothing to do, limit 8",
			unit: perItem, size: 20_000, limit: 8,
			contestants: []contestant{
				{"nursery.StreamUnordered", true, repeat(groveStreamUnordered)},
				{"channels by hand", false, repeat(collecting)},
			},
		},
	}
}

// groveEach calls Each.
func groveEach(j job) error {
	return nursery.Each(j.ctx, numbers(j.size), func(_ context.Context, i int) error {
		j.do(i)
		return nil
	}, nursery.Limit(j.limit))
}

// groveStream consumes a Stream.
func groveStream(j job) error {
	return consume(j, nursery.Stream(j.ctx, numbers(j.size), j.result, nursery.Limit(j.limit)))
}

// groveStreamUnordered consumes a StreamUnordered.
func groveStreamUnordered(j job) error {
	return consume(j, nursery.StreamUnordered(j.ctx, numbers(j.size), j.result, nursery.Limit(j.limit)))
}

// result is do in the form for streams.
func (j job) result(_ context.Context, i int) (int, error) { return j.do(i), nil }

// consume takes the results of a stream.
func consume(j job, results iter.Seq2[int, error]) error {
	for r, err := range results {
		if err != nil {
			return err
		}
		j.take(r)
	}
	return nil
}

// feeding feeds workers through a channel, as programs do by hand with care: each wait for
// the channel also watches the context.
func feeding(j job) error {
	queue := make(chan int, j.limit)
	g, ctx := errgroup.WithContext(j.ctx)
	for range j.limit {
		g.Go(func() error {
			for {
				select {
				case i, ok := <-queue:
					if !ok {
						return nil
					}
					j.do(i)
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		})
	}
	g.Go(func() error { return feed(ctx, j, queue) })
	return g.Wait()
}

// feed sends the items to queue, and closes it.
func feed(ctx context.Context, j job, queue chan<- int) error {
	defer close(queue)
	for i := range numbers(j.size) {
		select {
		case queue <- i:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// feedingAlone is feeding without errors and cancellation.
func feedingAlone(j job) error {
	queue := make(chan int, j.limit)
	var wg sync.WaitGroup
	for range j.limit {
		wg.Go(func() {
			for i := range queue {
				j.do(i)
			}
		})
	}
	for i := range numbers(j.size) {
		queue <- i
	}
	close(queue)
	wg.Wait()
	return nil
}

// errgroupEach starts a task for each item in an errgroup with SetLimit.
func errgroupEach(j job) error {
	g, _ := errgroup.WithContext(j.ctx)
	g.SetLimit(j.limit)
	for i := range numbers(j.size) {
		g.Go(func() error {
			j.do(i)
			return nil
		})
	}
	return g.Wait()
}

// concStream uses the stream of conc, which calls its callbacks in order.
func concStream(j job) error {
	s := stream.New().WithMaxGoroutines(j.limit)
	for i := range numbers(j.size) {
		s.Go(func() stream.Callback {
			r := j.do(i)
			return func() { j.take(r) }
		})
	}
	s.Wait()
	return nil
}

// collecting feeds workers through a channel and receives their results from another
// channel, as programs do by hand with care.
func collecting(j job) error {
	queue := make(chan int, j.limit)
	results := make(chan int, j.limit)
	g, ctx := errgroup.WithContext(j.ctx)
	g.Go(func() error { return feed(ctx, j, queue) })
	for range j.limit {
		g.Go(func() error {
			for {
				select {
				case i, ok := <-queue:
					if !ok {
						return nil
					}
					select {
					case results <- j.do(i):
					case <-ctx.Done():
						return ctx.Err()
					}
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		})
	}
	over := make(chan error, 1)
	go func() {
		over <- g.Wait()
		close(results)
	}()
	for r := range results {
		j.take(r)
	}
	return <-over
}

// numbers walks the numbers from 0 to size-1.
func numbers(size int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range size {
			if !yield(i) {
				return
			}
		}
	}
}
