package main

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/grove-go/grove/nursery"
)

// groveNested opens nurseries inside each other, with a task at each level.
func groveNested(j job) error {
	var down func(ctx context.Context, level int) error
	down = func(ctx context.Context, level int) error {
		if level == j.size {
			return nil
		}
		j.do(level)
		return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return down(ctx, level+1) })
			return nil
		})
	}
	return down(j.ctx, 0)
}

// errgroupNested opens errgroups inside each other, with a task at each level.
func errgroupNested(j job) error {
	var down func(ctx context.Context, level int) error
	down = func(ctx context.Context, level int) error {
		if level == j.size {
			return nil
		}
		j.do(level)
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return down(ctx, level+1) })
		return g.Wait()
	}
	return down(j.ctx, 0)
}
