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

func TestRepeat(t *testing.T) {
	lasts := []time.Duration{1, 25, 3, 10, 1} // seconds
	for name, row := range map[string]struct {
		next recipes.Schedule
		want []int // seconds after the start
	}{
		"Pause":      {recipes.Pause(10 * time.Second), []int{0, 11, 46, 59, 79}},
		"SkipMissed": {recipes.SkipMissed(10 * time.Second), []int{0, 10, 40, 50, 70}},
		"CatchUp":    {recipes.CatchUp(10 * time.Second), []int{0, 10, 35, 38, 48}},
	} {
		t.Run(name, func(t *testing.T) {
			testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
				var begun []int
				start := time.Now()
				err := recipes.Repeat(ctx, row.next, func(ctx context.Context) error {
					begun = append(begun, int(time.Since(start)/time.Second))
					if len(begun) == len(lasts) {
						return errFull
					}
					return cancel.Sleep(ctx, lasts[len(begun)-1]*time.Second)
				})
				mustBe(t, err, errFull)
				if !slices.Equal(begun, row.want) {
					t.Errorf("runs began at %v, want %v", begun, row.want)
				}
			})
		})
	}
	t.Run("a stop lets a run end", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			runs := 0
			start := time.Now()
			time.AfterFunc(time.Minute+time.Second/2, cancel.FromContext(ctx).Stop)
			err := recipes.Repeat(ctx, recipes.SkipMissed(time.Minute), func(ctx context.Context) error {
				runs++
				return cancel.Sleep(ctx, time.Second)
			})
			if err != nil || runs != 2 {
				t.Errorf("%d runs (%v), want 2", runs, err)
			}
			mustTake(t, start, time.Minute+time.Second)
		})
	})
	t.Run("canceled", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			mustBe(t, cancel.FailAfter(ctx, time.Hour, func(ctx context.Context) error {
				return recipes.Repeat(ctx, recipes.Pause(time.Minute), cancel.Checkpoint)
			}), context.DeadlineExceeded)
		})
		testutil.CancelEverywhere(t, func(_ *testing.T, ctx context.Context) error {
			s := cancel.New(ctx)
			return s.Run(func(ctx context.Context) error {
				return recipes.Repeat(ctx, recipes.CatchUp(time.Minute), func(ctx context.Context) error {
					defer s.Stop()
					return cancel.Sleep(ctx, time.Second)
				})
			})
		})
	})
}
