package nilret

import (
	"context"

	"github.com/grove-go/grove/nursery"
)

func tasks(n *nursery.Nursery) {
	n.Go(func(c context.Context) error {
		if c.Err() != nil {
			return nil // want `return c.Err\(\)`
		}
		return nil
	})
}
