package freshctx

import (
	"context"
	"testing"

	"github.com/grove-go/grove/nursery"
)

func helper(t *testing.T, n *nursery.Nursery) {
	n.Go(func(ctx context.Context) error { return fetch(context.Background()) })
}
