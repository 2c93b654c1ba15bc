package testutil

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/grove-go/grove/cancel"
)

// Bubble runs fn in a bubble of package synctest: time is virtual, starts at
// midnight UTC 2000-01-01, and jumps to the next timer when every goroutine in
// the bubble is blocked. The context is a root scope, named after the test,
// which is closed when fn returns; see [cancel.FromContext].
//
// Bubble fails the test if a goroutine that fn started is still there when all
// are blocked and no timer is left to wake one: that is a leak, or a deadlock,
// and synctest prints the stacks.
func Bubble(t *testing.T, fn func(t *testing.T, ctx context.Context)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := cancel.New(t.Context(), cancel.Name(t.Name()))
		defer s.Close()
		fn(t, s)
	})
}
