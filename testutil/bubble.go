package testutil

import (
	"context"
	"testing"

	"github.com/grove-go/grove/cancel"
)

// Bubble runs fn in a bubble of package synctest. Time is virtual: it starts at midnight
// UTC 2000-01-01 and jumps to the next timer when every goroutine in the bubble is
// blocked. The context passed to fn is a root scope named after the test, which is closed
// when fn returns; see [cancel.FromContext].
//
//	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
//		start := time.Now()
//		if err := fetchAll(ctx, nursery.NewLimiter(2)); err != nil {
//			t.Fatal(err)
//		}
//		if took := time.Since(start); took != 2*time.Second {
//			t.Errorf("3 pages by 2 connections took %v, want 2s", took)
//		}
//	})
//
// Bubble fails the test if fn does not return, because all goroutines in the bubble wait
// for each other and no timer is left to wake one, or if goroutines are blocked for good
// when fn has returned. Time stands still from then on, so sleeping goroutines count as
// blocked for good. The report has a table of what each goroutine waits for, and the
// stacks. The other tests go on.
//
// Bubble cannot detect a goroutine that is stuck while others in the bubble keep running,
// with a ticker for example, or a goroutine that waits for something that is not virtual:
// a [sync.Mutex], the network, a process. Such a test does not end. If the tests have a
// timeout (go test -timeout), the table is printed to standard error shortly before it.
//
// Bubble panics if fn is nil or if it is called in a bubble.
func Bubble(t *testing.T, fn func(t *testing.T, ctx context.Context)) {
	t.Helper()
	mustFunc("Bubble", fn != nil)
	how, stuck := inBubble(t, func(t *testing.T) { inScope(t, fn) })
	if how == clean {
		return
	}
	t.Fatalf("Bubble: deadlock: %s\n\n%s", how, withoutService(stuck))
}

// inScope calls fn with a root scope.
func inScope(t *testing.T, fn func(t *testing.T, ctx context.Context)) {
	t.Helper()
	s := cancel.New(t.Context(), cancel.Name(t.Name()))
	defer s.Close()
	fn(t, s)
}
