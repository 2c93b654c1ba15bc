package testutil

import (
	"context"
	"testing"
)

// ExpectBlock runs fn in a bubble of its own, as [Bubble] does, and fails the test
// unless fn blocks for good: until it, and all goroutines that it has started, wait for
// something that cannot happen any more. It is for tests that state that something
// hangs, such as one that is documented to.
//
//	testutil.ExpectBlock(t, func(t *testing.T, ctx context.Context) {
//		token := nursery.NewLimiter(1)
//		for range 2 {
//			if err := token.Acquire(ctx); err != nil {
//				t.Error(err)
//			}
//		}
//	})
//
// If fn fails the test, or panics, that is reported as it is, whether it blocks or not.
// If something in the bubble goes on, with a ticker for example, or waits for what is
// not virtual, the test does not end; see [Bubble].
//
// The goroutines stay in the process, and so does what they hold. [Main] and
// [VerifyNone] do not report them; a leak check of another package does. ExpectBlock
// panics if fn is nil, and if it is called in a bubble.
func ExpectBlock(t *testing.T, fn func(t *testing.T, ctx context.Context)) {
	t.Helper()
	expect(t, "ExpectBlock", fn, blocked, "want it to block for good")
}

// ExpectLeak is [ExpectBlock], but fn must return, and leave goroutines behind that wait
// for good.
//
//	testutil.ExpectLeak(t, func(t *testing.T, ctx context.Context) {
//		_, r := channel.New[string](0)
//		go r.Receive(context.WithoutCancel(ctx))
//	})
func ExpectLeak(t *testing.T, fn func(t *testing.T, ctx context.Context)) {
	t.Helper()
	expect(t, "ExpectLeak", fn, left, "want it to return and to leave goroutines behind that wait for good")
}

// expect fails the test, in the name of a function, unless fn ends its bubble so.
func expect(t *testing.T, name string, fn func(t *testing.T, ctx context.Context), want ending, text string) {
	t.Helper()
	mustFunc(name, fn != nil)
	how, stuck := inBubble(t, func(t *testing.T) { inScope(t, fn) })
	switch how {
	case want:
		purpose.add(stuck)
	case clean:
		t.Errorf("%s: the function returned, and left nothing behind, %s", name, text)
	default:
		t.Errorf("%s: %s, %s\n\n%s", name, how, text, waiting(withoutService(stuck)))
	}
}

// mustFunc panics in the name of a function unless it was given one to run, and if it is
// called in a bubble.
func mustFunc(name string, given bool) {
	if !given {
		panic("testutil: " + name + ": nil function")
	}
	if bubble() != "" {
		panic("testutil: " + name + ": called within a synctest bubble, of which each test can have one")
	}
}
