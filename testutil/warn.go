package testutil

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"
)

// warn prints what the goroutines of a bubble wait for shortly before the tests time out,
// unless stop is called first. The variable name holds the number of the bubble.
//
// warn covers bubbles that Bubble cannot prove to be stuck: a ticker or a loop keeps
// running, or a goroutine waits for something that is not virtual, such as a mutex. The
// runtime's goroutine-leak profile does not help. It treats all goroutines that wait for
// a channel of a bubble or for a WaitGroup as live, and once it has found a leaked
// goroutine, the bubble never becomes idle (Go 1.26 and 1.27).
func warn(t *testing.T, name *atomic.Value) (stop func()) {
	deadline, ok := t.Deadline()
	if !ok {
		return func() {}
	}
	left := time.Until(deadline)
	timer := time.AfterFunc(left-min(left/4, 5*time.Second), func() {
		if bubble, ok := name.Load().(string); ok {
			fmt.Fprintf(os.Stderr, "testutil: the bubble of %s has not ended, and the tests are about to time out:\n\n%s\n\n", t.Name(), withoutService(inside(bubble)))
		}
	})
	return func() { timer.Stop() }
}
