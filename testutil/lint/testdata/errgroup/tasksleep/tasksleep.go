package tasksleep

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

func tasks(ctx context.Context, d time.Duration) error {
	time.Sleep(d) // want `time.Sleep does not notice a cancellation; wait for a timer and for ctx.Done\(\)`
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		time.Sleep(time.Second) // want `time.Sleep does not notice a cancellation; wait for a timer and for ctx.Done\(\)`
		return ctx.Err()
	})
	return g.Wait()
}

func withoutContext() error {
	var g errgroup.Group
	g.Go(func() error {
		time.Sleep(time.Second)
		return nil
	})
	return g.Wait()
}
