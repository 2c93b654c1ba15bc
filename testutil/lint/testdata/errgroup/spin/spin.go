package spin

import (
	"context"

	"golang.org/x/sync/errgroup"
)

func tasks(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		for { // want `endless loop`
			println("a")
		}
	})
	g.Go(func() error {
		for {
			if ctx.Err() != nil {
				println("b")
			}
		}
	})
	return g.Wait()
}
