package recipes_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/examples/docs/recipes"
	"github.com/grove-go/grove/testutil"
)

// sends returns a producer of the numbers below n.
func sends(n int) func(ctx context.Context, s *channel.Sender[int]) error {
	return func(ctx context.Context, s *channel.Sender[int]) error {
		for i := range n {
			if err := s.Send(ctx, i); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestWork(t *testing.T) {
	t.Run("all jobs", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			var sum atomic.Int64
			start := time.Now()
			err := recipes.Work(ctx, 4, sends(10), func(ctx context.Context, job int) error {
				sum.Add(int64(job))
				return cancel.Sleep(ctx, time.Second)
			})
			if err != nil || sum.Load() != 45 {
				t.Errorf("error %v, sum %d, want 45", err, sum.Load())
			}
			mustTake(t, start, 3*time.Second)
		})
	})
	t.Run("a failed job ends the producer", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			err := recipes.Work(ctx, 2, sends(1e6), func(_ context.Context, job int) error {
				if job == 5 {
					return errFull
				}
				return nil
			})
			if err == nil || err.Error() != "item 5: disk full" {
				t.Errorf("error %v, want the failure of the job alone", err)
			}
		})
	})
	t.Run("a failed producer ends the jobs", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			err := recipes.Work(ctx, 2, func(ctx context.Context, s *channel.Sender[int]) error {
				if err := s.Send(ctx, 1); err != nil {
					return err
				}
				return errFull
			}, func(ctx context.Context, _ int) error { return waits(ctx) })
			mustBe(t, err, errFull)
		})
	})
	t.Run("canceled", func(t *testing.T) {
		testutil.CancelEverywhere(t, func(_ *testing.T, ctx context.Context) error {
			return recipes.Work(ctx, 2, sends(3), func(ctx context.Context, _ int) error { return cancel.Sleep(ctx, time.Second) })
		}, testutil.Points(100), testutil.Repeats(1))
	})
}
