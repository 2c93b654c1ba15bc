package recipes

import (
	"context"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// Hedge calls fetch. It calls fetch again after the delay, or as soon as the first call
// fails. It returns the first value and cancels the other call.
func Hedge[T any](ctx context.Context, delay time.Duration, fetch func(ctx context.Context) (T, error)) (T, error) {
	failed := make(chan struct{})
	first := func(ctx context.Context) (T, error) {
		v, err := fetch(ctx)
		if err != nil {
			close(failed)
		}
		return v, err
	}
	second := func(ctx context.Context) (v T, err error) {
		select {
		case <-failed:
		case <-time.After(delay):
		case <-ctx.Done():
			return v, cancel.Err(ctx)
		}
		return fetch(ctx)
	}
	return nursery.First(ctx, first, second)
}
