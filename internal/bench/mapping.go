package main

import (
	"context"

	"github.com/sourcegraph/conc/iter"
	"golang.org/x/sync/errgroup"

	"github.com/grove-go/grove/nursery"
)

// groveMap calls Map.
func groveMap(j job) error {
	items := indices(j.size)
	return repeat(func(j job) error {
		results, err := nursery.Map(j.ctx, items, func(_ context.Context, i int) (int, error) {
			return j.do(i), nil
		}, nursery.Limit(j.limit))
		j.took(results)
		return err
	})(j)
}

// concMap uses the Mapper of conc, which does not take a context.
func concMap(j job) error {
	items := indices(j.size)
	m := iter.Mapper[int, int]{MaxGoroutines: j.limit}
	return repeat(func(j job) error {
		results, err := m.MapErr(items, func(i *int) (int, error) { return j.do(*i), nil })
		j.took(results)
		return err
	})(j)
}

// errgroupMap uses an errgroup with SetLimit. Its tasks write the results.
func errgroupMap(j job) error {
	items := indices(j.size)
	return repeat(func(j job) error {
		results := make([]int, len(items))
		g, _ := errgroup.WithContext(j.ctx)
		g.SetLimit(j.limit)
		for i, item := range items {
			g.Go(func() error {
				results[i] = j.do(item)
				return nil
			})
		}
		err := g.Wait()
		j.took(results)
		return err
	})(j)
}

// indices returns the numbers from 0 to size-1.
func indices(size int) []int {
	items := make([]int, size)
	for i := range items {
		items[i] = i
	}
	return items
}
