package blockingop

import (
	"context"

	"golang.org/x/sync/errgroup"
)

func tasks(ctx context.Context, out chan int) error {
	g, _ := errgroup.WithContext(ctx)
	g.Go(func() error {
		out <- 1 // want `send does not notice a cancellation`
		return nil
	})
	return g.Wait()
}
