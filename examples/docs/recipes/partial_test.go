package recipes_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/docs/recipes"
	"github.com/grove-go/grove/testutil"
)

// after returns a function that returns v and err after d.
func after[T any](d time.Duration, v T, err error) func(ctx context.Context) (T, error) {
	return func(ctx context.Context) (T, error) {
		if err := cancel.Sleep(ctx, d); err != nil {
			var zero T
			return zero, err
		}
		return v, err
	}
}

func TestPrices(t *testing.T) {
	shops := []func(ctx context.Context) (int, error){
		after(2*time.Second, 20, nil), after(time.Minute, 10, nil), after(time.Second, 0, errFull), after(time.Second, 30, nil),
	}
	for name, row := range map[string]struct {
		wait, takes time.Duration
		want        []int
	}{
		"in time":  {time.Hour, time.Minute, []int{20, 10, 30}},
		"too late": {10 * time.Second, 10 * time.Second, []int{20, 30}},
		"none":     {0, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
				start := time.Now()
				got, err := recipes.Prices(ctx, row.wait, shops...)
				if !slices.Equal(got, row.want) || err != nil {
					t.Errorf("Prices() = %v, %v, want %v", got, err, row.want)
				}
				mustTake(t, start, row.takes)
			})
		})
	}
	t.Run("canceled", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			err := cancel.FailAfter(ctx, time.Second, func(ctx context.Context) error {
				_, err := recipes.Prices(ctx, time.Minute, shops[1])
				return err
			})
			mustBe(t, err, context.DeadlineExceeded)
		})
		testutil.CancelEverywhere(t, func(_ *testing.T, ctx context.Context) error {
			_, err := recipes.Prices(ctx, 10*time.Second, shops...)
			return err
		})
	})
}
