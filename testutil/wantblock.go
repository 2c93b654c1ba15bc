package testutil

import (
	"context"
	"testing"

	"github.com/grove-go/grove/internal/stacks"
)

// WantBlock runs fn in its own bubble, as [Bubble] does, and fails the test unless fn
// blocks for good: fn and all goroutines that it started wait for something that can no
// longer happen. It is for code that is documented to hang.
//
//	testutil.WantBlock(t, func(t *testing.T, ctx context.Context) {
//		token := nursery.NewLimiter(1)
//		for range 2 {
//			if err := token.Acquire(ctx); err != nil {
//				t.Error(err)
//			}
//		}
//	})
//
// A failure or a panic of fn is reported as usual, whether or not fn blocks. The test
// does not end if a goroutine in the bubble keeps running, with a ticker for example, or
// waits for something that is not virtual; see [Bubble].
//
// The goroutines stay in the process and keep their memory. [Main] and [VerifyNone] do
// not report them; the leak check of another package does. WantBlock panics if fn is
// nil or if it is called in a bubble.
func WantBlock(t *testing.T, fn func(t *testing.T, ctx context.Context)) {
	t.Helper()
	expect(t, "WantBlock", fn, blocked, "want it to block for good")
}

// WantLeak is like [WantBlock], but fn must return and leave goroutines behind that
// are blocked for good.
//
//	testutil.WantLeak(t, func(t *testing.T, ctx context.Context) {
//		_, r := channel.New[string](0)
//		go r.Receive(context.WithoutCancel(ctx))
//	})
func WantLeak(t *testing.T, fn func(t *testing.T, ctx context.Context)) {
	t.Helper()
	expect(t, "WantLeak", fn, left, "want it to return and leave goroutines blocked for good")
}

// expect fails the test, in the name of the calling function, unless the bubble of fn
// ends as wanted.
func expect(t *testing.T, name string, fn func(t *testing.T, ctx context.Context), want ending, text string) {
	t.Helper()
	mustFunc(name, fn != nil)
	how, stuck := inBubble(t, func(t *testing.T) { inScope(t, fn) })
	switch how {
	case want:
		purpose.add(stuck)
	case clean:
		t.Errorf("%s: the function returned, and left nothing behind; %s", name, text)
	default:
		t.Errorf("%s: %s; %s\n\n%s", name, how, text, withoutService(stuck))
	}
}

// mustFunc panics in the name of the calling function if given is false or if it is
// called in a bubble.
func mustFunc(name string, given bool) {
	if !given {
		panic("testutil: " + name + ": nil function")
	}
	if stacks.Bubble() != "" {
		panic("testutil: " + name + ": called in a synctest bubble; bubbles cannot be nested")
	}
}
