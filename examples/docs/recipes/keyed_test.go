package recipes_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/docs/recipes"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// numbered runs four tasks for each of three keys, with the options. It returns the numbers
// of the tasks of each key, in the order of their ends. A task fails with the error of its
// number.
func numbered(ctx context.Context, errs map[int]error, opts ...nursery.Option) (map[string][]int, error) {
	var mu sync.Mutex
	ended := map[string][]int{}
	err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		k := recipes.NewKeyed[string](n)
		for i := range 4 {
			for _, key := range []string{"a", "b", "c"} {
				k.Go(key, func(ctx context.Context) error {
					err := cancel.Sleep(ctx, time.Duration(4-i)*time.Second)
					mu.Lock()
					defer mu.Unlock()
					ended[key] = append(ended[key], i)
					if err != nil {
						return err
					}
					return errs[i]
				})
			}
		}
		return nil
	}, opts...)
	return ended, err
}

func TestKeyed(t *testing.T) {
	for name, row := range map[string]struct {
		opts  []nursery.Option
		errs  map[int]error
		takes time.Duration
	}{
		"keys run concurrently":   {nil, nil, 10 * time.Second},
		"a limit":                 {[]nursery.Option{nursery.Limit(1)}, nil, 30 * time.Second},
		"tasks are canceled":      {nil, map[int]error{1: errFull}, 7 * time.Second},
		"with KeepGoing they run": {[]nursery.Option{nursery.KeepGoing()}, map[int]error{1: errFull}, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
				start := time.Now()
				ended, err := numbered(ctx, row.errs, row.opts...)
				mustBe(t, err, row.errs[1])
				mustTake(t, start, row.takes)
				for _, key := range []string{"a", "b", "c"} {
					if want := []int{0, 1, 2, 3}; !slices.Equal(ended[key], want) {
						t.Errorf("tasks of %s ended in the order %v, want %v", key, ended[key], want)
					}
				}
			})
		})
	}
	t.Run("canceled", func(t *testing.T) {
		testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
			ended, err := numbered(ctx, nil)
			if len(ended["a"]) != 4 {
				t.Errorf("%d tasks of a ran, want 4", len(ended["a"]))
			}
			return err
		}, testutil.Points(50), testutil.Repeats(1))
	})
}
