package recipes

import (
	"context"

	"github.com/grove-go/grove/nursery"
)

// Walk visits a tree, depth first, by up to limit tasks. The function visit returns the
// children of a node.
func Walk[T any](ctx context.Context, root T, limit int, visit func(ctx context.Context, node T) ([]T, error)) error {
	spare := nursery.NewLimiter(limit - 1) // the body is a task, too
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		var walk func(ctx context.Context, node T) error
		walk = func(ctx context.Context, node T) error {
			children, err := visit(ctx, node)
			if err != nil {
				return err
			}
			for _, child := range children {
				if spare.TryAcquire() {
					n.Go(func(ctx context.Context) error {
						defer spare.Release()
						return walk(ctx, child)
					})
				} else if err := walk(ctx, child); err != nil {
					return err
				}
			}
			return nil
		}
		return walk(ctx, root)
	})
}
