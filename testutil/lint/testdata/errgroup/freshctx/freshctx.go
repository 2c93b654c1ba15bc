package freshctx

import (
	"context"

	"golang.org/x/sync/errgroup"
)

func fetch(ctx context.Context) error { return ctx.Err() }

func tasks(ctx context.Context) error {
	g, _ := errgroup.WithContext(ctx)
	g.Go(func() error { return fetch(context.Background()) }) // want `context.Background in a task`
	return g.Wait()
}

func without() error {
	var g errgroup.Group
	g.Go(func() error { return fetch(context.Background()) })
	return g.Wait()
}
