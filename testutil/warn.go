package testutil

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"
)

// warn prints what the goroutines of a bubble wait for, shortly before the time for the
// tests is up, unless stop is called before. The bubble is that which is stored in name.
//
// This is for what no one can prove to wait for good: a bubble in which a ticker or a
// loop goes on, and one that waits for what is not virtual, such as a mutex. The
// runtime's goroutine-leak profile is no help. It takes all who wait for a channel of a
// bubble, or for a WaitGroup, for ones that will go on, and when it does find somebody
// leaked, the bubble never comes to rest any more (Go 1.26 and 1.27).
func warn(t *testing.T, name *atomic.Value) (stop func()) {
	deadline, ok := t.Deadline()
	if !ok {
		return func() {}
	}
	left := time.Until(deadline)
	timer := time.AfterFunc(left-min(left/4, 5*time.Second), func() {
		if bubble, ok := name.Load().(string); ok {
			fmt.Fprintf(os.Stderr, "testutil: the bubble of %s has not ended, and the time for the tests is nearly up:\n\n%s\n\n", t.Name(), waiting(withoutService(stacksIn(bubble))))
		}
	})
	return func() { timer.Stop() }
}
