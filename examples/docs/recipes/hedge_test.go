package recipes_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/examples/docs/recipes"
	"github.com/grove-go/grove/testutil"
)

func TestHedge(t *testing.T) {
	type call = func(ctx context.Context) (int, error)
	// calls returns a function that makes the first call, and then the second.
	calls := func(first, second call) (fetch call, count *atomic.Int64) {
		count = new(atomic.Int64)
		return func(ctx context.Context) (int, error) {
			if count.Add(1) == 1 {
				return first(ctx)
			}
			return second(ctx)
		}, count
	}
	for name, row := range map[string]struct {
		first, second call
		want          int
		err           error
		calls         int64
		takes         time.Duration
	}{
		"the first in time":   {after(time.Second, 1, nil), after(time.Second, 2, nil), 1, nil, 1, time.Second},
		"the second":          {after(time.Hour, 1, nil), after(time.Second, 2, nil), 2, nil, 2, 11 * time.Second},
		"the first after all": {after(12*time.Second, 1, nil), after(time.Hour, 2, nil), 1, nil, 2, 12 * time.Second},
		"a failure":           {after(time.Second, 0, errFull), after(time.Second, 2, nil), 2, nil, 2, 2 * time.Second},
		"a late failure":      {after(11*time.Second, 0, errFull), after(5*time.Second, 2, nil), 2, nil, 2, 15 * time.Second},
		"both fail":           {after(time.Second, 0, errFull), after(time.Second, 0, errFull), 0, errFull, 2, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
				start := time.Now()
				fetch, count := calls(row.first, row.second)
				got, err := recipes.Hedge(ctx, 10*time.Second, fetch)
				mustBe(t, err, row.err)
				if got != row.want || count.Load() != row.calls {
					t.Errorf("Hedge() = %d after %d calls, want %d after %d", got, count.Load(), row.want, row.calls)
				}
				mustTake(t, start, row.takes)
			})
		})
	}
	t.Run("canceled", func(t *testing.T) {
		testutil.CancelEverywhere(t, func(_ *testing.T, ctx context.Context) error {
			fetch, _ := calls(after(20*time.Second, 1, nil), after(time.Minute, 2, nil))
			_, err := recipes.Hedge(ctx, 10*time.Second, fetch)
			return err
		})
	})
}
