// Package kit holds what the tests of several packages need.
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

// Heap returns how much memory is in use when nothing is garbage.
func Heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// WantNoGrowth fails the test if the heap grows by more than limit bytes with each
// call of round. It takes several to fail, for the heap has a life of its own.
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

// A Crowd counts how many are inside at a time. Its zero value is empty. It may be used
// by many goroutines at once.
type Crowd struct {
	mu        sync.Mutex
	now, most int
}

// Enter lets one in. The result is to be called once, to let it out again.
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

// Now returns how many are inside.
func (c *Crowd) Now() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Most returns how many there have been at most.
func (c *Crowd) Most() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.most
}

// CaptureStderr collects in out what is written to [os.Stderr] until the test ends. Tests
// that call it must not run in parallel.
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

// DiscardStderr drops what is written to [os.Stderr] until the test ends. Tests that call
// it must not run in parallel.
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
