package recipes

import (
	"context"

	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

// Work runs produce, which sends jobs, and calls handle for each job, in up to workers
// goroutines.
func Work[T any](ctx context.Context, workers int,
	produce func(ctx context.Context, jobs *channel.Sender[T]) error,
	handle func(ctx context.Context, job T) error,
) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		s, r := channel.New[T](workers)
		n.Go(func(ctx context.Context) error {
			defer s.Close()
			return produce(ctx, s)
		}, nursery.Name("produce"))
		// If a job fails, the nursery cancels produce. Closing r before that would only add
		// the error channel.ErrBroken.
		return nursery.EachFrom(ctx, r.All, handle, nursery.Limit(workers))
	})
}
