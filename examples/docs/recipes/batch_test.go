package recipes_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/examples/docs/recipes"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// batched sends a number after each of the pauses, in seconds, and returns the batches of
// up to three numbers that arrive within ten seconds.
func batched(ctx context.Context, pauses []time.Duration) (batches [][]int, err error) {
	err = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		s, r := channel.New[int](100)
		n.Go(func(ctx context.Context) error {
			defer s.Close()
			for i, pause := range pauses {
				if err := cancel.Sleep(ctx, pause*time.Second); err != nil {
					return err
				}
				if err := s.Send(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
		defer r.Close()
		return nursery.EachFrom(ctx, recipes.Batches(r, 3, 10*time.Second), func(_ context.Context, batch []int) error {
			batches = append(batches, batch)
			return nil
		}, nursery.Limit(1))
	})
	return batches, err
}

func TestBatches(t *testing.T) {
	for name, row := range map[string]struct {
		pauses []time.Duration
		want   [][]int
	}{
		"none":     {nil, nil},
		"full":     {[]time.Duration{0, 0, 0, 0, 0, 0}, [][]int{{0, 1, 2}, {3, 4, 5}}},
		"the rest": {[]time.Duration{0, 0, 0, 0}, [][]int{{0, 1, 2}, {3}}},
		"too late": {[]time.Duration{60, 4, 7, 4, 4, 60}, [][]int{{0, 1}, {2, 3, 4}, {5}}},
	} {
		t.Run(name, func(t *testing.T) {
			testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
				got, err := batched(ctx, row.pauses)
				if !reflect.DeepEqual(got, row.want) || err != nil {
					t.Errorf("batches %v (%v), want %v", got, err, row.want)
				}
			})
		})
	}
	t.Run("a batch of one needs no time", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			s, r := channel.New[int](1)
			defer s.Close()
			if err := s.TrySend(7); err != nil {
				t.Error(err)
			}
			start := time.Now()
			for batch, err := range recipes.Batches(r, 1, time.Hour)(ctx) {
				if len(batch) != 1 || err != nil {
					t.Errorf("batch %v (%v)", batch, err)
				}
				break
			}
			mustTake(t, start, 0)
		})
	})
	t.Run("a cancellation yields what was received", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			s, r := channel.New[int](2)
			defer s.Close()
			for i := range 2 {
				if err := s.TrySend(i); err != nil {
					t.Error(err)
				}
			}
			scope := cancel.New(ctx, cancel.Timeout(time.Second))
			defer scope.Close()
			count := 0
			for batch, err := range recipes.Batches(r, 3, time.Hour)(scope) {
				if count += len(batch); err != nil {
					mustBe(t, err, context.DeadlineExceeded)
				}
			}
			if count != 2 {
				t.Errorf("%d values, want 2", count)
			}
		})
	})
	t.Run("canceled", func(t *testing.T) {
		testutil.CancelEverywhere(t, func(_ *testing.T, ctx context.Context) error {
			_, err := batched(ctx, []time.Duration{0, 20, 1})
			return err
		}, testutil.Points(100), testutil.Repeats(1))
	})
}
