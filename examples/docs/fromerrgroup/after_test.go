package fromerrgroup_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func Example_afterTheEnd() {
	var kept context.Context
	fmt.Println(nursery.Run(context.Background(), func(ctx context.Context, _ *nursery.Nursery) error {
		kept = ctx
		return visit(ctx, "a")
	}, nursery.Name("pages")))
	fmt.Println(visit(kept, "slow"), "because of:", context.Cause(kept))
	fmt.Println(cancel.Err(kept))
	// Output:
	// <nil>
	// context canceled because of: scope "pages" has ended
	// context canceled: scope "pages" has ended (end of scope "pages")
}

// The context of a group is canceled when the group has ended, after a success, too.
func TestContextAfterTheEnd(t *testing.T) {
	for name, want := range map[string]error{
		"errgroup": context.Canceled, "conc": context.Canceled, "tomb": context.Canceled, "Grove": cancel.ErrClosed,
	} {
		inBubble(t, name, func(t *testing.T, ctx context.Context, _ func() time.Duration) {
			var kept context.Context
			err := waiters[name](ctx, func(ctx context.Context) error {
				kept = ctx
				return nil
			}, fails(nil))
			if err != nil || kept.Err() != context.Canceled {
				t.Errorf("error %v, error of the context %v", err, kept.Err())
			}
			mustBe(t, context.Cause(kept), want)
		})
	}
}
