package recipes

import (
	"context"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// Prices asks all shops and returns the prices that arrive in time.
func Prices(ctx context.Context, wait time.Duration, shops ...func(ctx context.Context) (int, error)) ([]int, error) {
	var outcomes []nursery.Outcome[int]
	_, err := cancel.MoveOnAfter(ctx, wait, func(ctx context.Context) error {
		outcomes = nursery.Settle(ctx, shops...)
		return cancel.Err(ctx)
	})
	var prices []int
	for _, o := range outcomes {
		if o.Err == nil {
			prices = append(prices, o.Value)
		}
	}
	return prices, err
}
