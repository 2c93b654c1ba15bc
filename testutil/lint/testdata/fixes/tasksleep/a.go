package tasksleep

import (
	"context"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func parameter(c context.Context, d time.Duration) error {
	time.Sleep(2 * d) // want `use cancel.Sleep`
	<-time.After(d)   // want `use cancel.Sleep`
	return cancel.Err(c)
}

func task(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			time.Sleep(time.Second) // want `use cancel.Sleep`
			return nil
		})
		n.Go(func(context.Context) error {
			time.Sleep(time.Second) // want `use cancel.Sleep`
			return nil
		})
		_, err := nursery.Gather(ctx, func(ctx context.Context) (int, error) {
			time.Sleep(time.Second) // want `use cancel.Sleep`
			return 0, nil
		})
		return err
	})
}
