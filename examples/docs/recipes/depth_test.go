package recipes_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/docs/recipes"
	"github.com/grove-go/grove/testutil"
)

// binary visits a binary tree of depth 4. Its nodes are words of a and b.
func binary(ctx context.Context, node string) ([]string, error) {
	if err := cancel.Sleep(ctx, time.Second); err != nil || len(node) == 4 {
		return nil, err
	}
	return []string{node + "a", node + "b"}, nil
}

func TestWalk(t *testing.T) {
	for limit, takes := range map[int]time.Duration{1: 31 * time.Second, 2: 16 * time.Second, 100: 5 * time.Second} {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			var mu sync.Mutex
			var nodes []string
			start := time.Now()
			err := recipes.Walk(ctx, "", limit, func(ctx context.Context, node string) ([]string, error) {
				mu.Lock()
				nodes = append(nodes, node)
				mu.Unlock()
				return binary(ctx, node)
			})
			if err != nil || len(nodes) != 31 {
				t.Errorf("error %v, visited %d nodes, want 31", err, len(nodes))
			}
			if limit == 1 && !slices.IsSorted(nodes) {
				t.Errorf("visited %q, want depth first", nodes)
			}
			mustTake(t, start, takes)
		})
	}
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		mustBe(t, recipes.Walk(ctx, "", 3, func(ctx context.Context, node string) ([]string, error) {
			if node == "ab" {
				return nil, errFull
			}
			return binary(ctx, node)
		}), errFull)
	})
	t.Run("a token is used again", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			start := time.Now()
			// A node takes a second and has a leaf, which takes half a second, and a node.
			err := recipes.Walk(ctx, 0, 2, func(ctx context.Context, node int) ([]int, error) {
				if node < 0 {
					return nil, cancel.Sleep(ctx, time.Second/2)
				}
				if err := cancel.Sleep(ctx, time.Second); err != nil || node == 10 {
					return nil, err
				}
				return []int{-1, node + 1}, nil
			})
			if err != nil {
				t.Error(err)
			}
			mustTake(t, start, 11*time.Second)
		})
	})
	t.Run("canceled", func(t *testing.T) {
		testutil.CancelEverywhere(t, func(_ *testing.T, ctx context.Context) error {
			return recipes.Walk(ctx, "a", 2, binary)
		}, testutil.Points(50), testutil.Repeats(1))
	})
}
