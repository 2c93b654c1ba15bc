package recipes_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/docs/recipes"
	"github.com/grove-go/grove/testutil"
)

func TestRetry(t *testing.T) {
	// failing returns an operation that fails so many times, and the times at which it was
	// called.
	failing := func(fails int) (op func(context.Context) error, calls *[]time.Time) {
		calls = new([]time.Time)
		return func(context.Context) error {
			if *calls = append(*calls, time.Now()); len(*calls) <= fails {
				return errFull
			}
			return nil
		}, calls
	}
	t.Run("until it succeeds", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			op, calls := failing(3)
			if err := recipes.Retry(ctx, 5, time.Second, op); err != nil || len(*calls) != 4 {
				t.Fatalf("%d calls (%v), want 4", len(*calls), err)
			}
			for i := range 3 {
				pause, wait := (*calls)[i+1].Sub((*calls)[i]), time.Second<<i
				if pause < wait/2 || pause >= wait*3/2 {
					t.Errorf("pause of %v, want about %v", pause, wait)
				}
			}
		})
	})
	t.Run("in vain", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			op, calls := failing(10)
			mustBe(t, recipes.Retry(ctx, 5, time.Second, op), errFull)
			if len(*calls) != 5 {
				t.Errorf("%d calls, want 5", len(*calls))
			}
		})
	})
	t.Run("the error of a cancellation has the last failure", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			s := cancel.New(ctx, cancel.Timeout(10*time.Second))
			defer s.Close()
			op, _ := failing(100)
			err := recipes.Retry(s, 100, time.Second, op)
			mustBe(t, err, context.DeadlineExceeded)
			if !s.IsEcho(err) || !strings.Contains(fmt.Sprintf("%+v", err), errFull.Error()) {
				t.Errorf("error %+v, want an echo with %q", err, errFull)
			}
		})
	})
	t.Run("canceled", func(t *testing.T) {
		testutil.CancelEverywhere(t, func(_ *testing.T, ctx context.Context) error {
			op, _ := failing(3)
			return recipes.Retry(ctx, 5, time.Second, op)
		})
	})
}
