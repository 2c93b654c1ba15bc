package recipes

import (
	"context"
	"iter"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
)

// Batches returns a source of batches for [nursery.EachFrom]. A batch ends when it has
// size values, when the time d has passed since its first value, or with the channel.
func Batches[T any](r *channel.Receiver[T], size int, d time.Duration) func(ctx context.Context) iter.Seq2[[]T, error] {
	return func(ctx context.Context) iter.Seq2[[]T, error] {
		return func(yield func([]T, error) bool) {
			for v, err := range r.All(ctx) {
				if err != nil {
					yield(nil, err)
					return
				}
				batch := []T{v}
				// An error ends the batch here, and the outer loop at its next value.
				_, _ = cancel.MoveOnAfter(ctx, d, func(ctx context.Context) error {
					for len(batch) < size {
						v, err := r.Receive(ctx)
						if err != nil {
							return err
						}
						batch = append(batch, v)
					}
					return nil
				})
				if !yield(batch, nil) {
					return
				}
			}
		}
	}
}
