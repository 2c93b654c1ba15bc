package nilret

import (
	"context"

	"golang.org/x/sync/errgroup"
)

func tasks(ctx context.Context, ch chan int) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		select {
		case <-ctx.Done():
			return nil // want `return ctx.Err\(\)`
		case ch <- 1:
			return nil
		}
	})
	return g.Wait()
}
