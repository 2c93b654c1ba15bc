// Package kit has helpers for the tests of several packages.
package kit

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// Bubble runs fn as a subtest, in a bubble with a root scope.
func Bubble(t *testing.T, name string, fn func(t *testing.T, ctx context.Context)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { testutil.Bubble(t, fn) })
}

// MustPanic runs fn, which must panic with a text that contains want.
func MustPanic(t *testing.T, want string, fn func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
			t.Errorf("panic(%q), want one that contains %q", got, want)
		}
	}()
	fn()
}

// RunToEnd calls fn in a new goroutine and reports how it ended.
func RunToEnd(fn func()) string {
	ch := make(chan string)
	go func() {
		how := "called Goexit"
		defer func() {
			if recover() != nil {
				how = "panicked"
			}
			ch <- how
		}()
		fn()
		how = "returned"
	}()
	return <-ch
}

// Failures returns the failures in err if it is a group.
func Failures(err error) []error {
	if g, ok := err.(*nursery.GroupError); ok {
		return g.Unwrap()
	}
	return nil
}

// Heap returns how much memory is in use after garbage collection.
func Heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// WantNoGrowth fails the test if the heap grows by more than limit bytes with each call of
// round. It needs growth in several rounds, because the size of the heap varies.
func WantNoGrowth(t *testing.T, what string, limit uint64, round func()) {
	t.Helper()
	round()
	before := Heap()
	for i := 1; ; i++ {
		round()
		after := Heap()
		if after <= before+limit {
			return
		}
		if i == 5 {
			t.Errorf("%s: the heap grew by %d bytes", what, after-before)
			return
		}
		before = after
	}
}

// A Crowd counts how many goroutines are inside at a time. Its zero value is empty. It is
// safe for use by multiple goroutines simultaneously.
type Crowd struct {
	mu        sync.Mutex
	now, most int
}

// Enter counts a goroutine in. Call the result once, to count it out.
func (c *Crowd) Enter() (leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now++
	c.most = max(c.most, c.now)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.now--
	}
}

// Now returns how many goroutines are inside.
func (c *Crowd) Now() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Most returns how many goroutines have been inside at most.
func (c *Crowd) Most() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.most
}

// CaptureStderr collects writes to [os.Stderr] in out until the test ends. Tests that call
// it must not run in parallel.
func CaptureStderr(t testing.TB) (out func() string) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	setStderr(t, f)
	return func() string {
		t.Helper()
		text, err := os.ReadFile(f.Name())
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
}

// DiscardStderr drops writes to [os.Stderr] until the test ends. Tests that call it must
// not run in parallel.
func DiscardStderr(t testing.TB) {
	t.Helper()
	f, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	setStderr(t, f)
}

// setStderr sets os.Stderr to f until the test ends.
func setStderr(t testing.TB, f *os.File) {
	before := os.Stderr
	os.Stderr = f
	t.Cleanup(func() {
		os.Stderr = before
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
}
