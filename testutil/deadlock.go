package testutil

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/grove-go/grove/internal/stacks"
	"github.com/grove-go/grove/nursery/debug"
)

// An ending says how a bubble ended.
type ending string

const (
	clean   ending = ""
	blocked ending = "all goroutines are blocked for good"
	left    ending = "the function returned but left goroutines blocked for good"
)

// inBubble runs fn in a bubble of package synctest. It returns how the bubble ended and
// the goroutines that are stuck, which stay in the process. If fn ends
// after failing the test, inBubble does not return.
func inBubble(t *testing.T, fn func(t *testing.T)) (how ending, stuck *stacks.Dump) {
	t.Helper()
	var name atomic.Value  // of string
	defer debug.Enable()() // names and ages for reports
	defer warn(t, &name)()
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		err, ok := v.(error) // its type is not exported by the runtime
		switch {
		case ok && err.Error() == "deadlock: all goroutines in bubble are blocked":
			how = blocked
		case ok && strings.HasPrefix(err.Error(), "deadlock: "):
			how = left
		default:
			panic(v)
		}
		stuck = inside(name.Load().(string))
	}()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		name.Store(stacks.Bubble())
		fn(t)
	})
	return clean, nil
}
