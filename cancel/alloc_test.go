//go:build !race && !explore

package cancel_test

import (
	"context"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
)

// TestAllocs limits the allocations of common calls. The race detector adds
// allocations, so this file is left out of its builds.
func TestAllocs(t *testing.T) {
	parent := cancel.New(context.Background())
	parent.Done()
	std, stop := context.WithCancel(t.Context())
	defer stop()
	open, canceled := cancel.New(parent), cancel.New(parent)
	canceled.Cancel(nil)
	_ = cancel.Err(canceled)
	idle := cancel.New(parent, cancel.Timeout(time.Hour))
	listened := cancel.New(parent)
	cancel.UntilStop(listened)
	for _, row := range []struct {
		name string
		f    func()
		want float64
	}{
		{"New and Close", func() { cancel.New(parent).Close() }, 1},
		{"New and Close below a standard context", func() { cancel.New(std).Close() }, 1},
		{"New, Done and Close", func() {
			s := cancel.New(parent)
			s.Done()
			s.Close()
		}, 7}, // the scope, the channel and a standard context
		{"New, bare.Done and Close", func() {
			s := cancel.New(parent)
			bare.Done(s)
			s.Close()
		}, 2},
		{"New, Err and Close", func() {
			s := cancel.New(parent)
			_ = s.Err()
			s.Close()
		}, 1},
		{"Err of an open scope", func() { _ = cancel.Err(open) }, 0},
		{"Err of a canceled scope", func() { _ = cancel.Err(canceled) }, 0},
		{"Checkpoint", func() { _ = cancel.Checkpoint(open) }, 0},
		{"Deadline", func() { idle.Deadline() }, 0},
		{"SetTimeout", func() { idle.SetTimeout(time.Hour) }, 0},
		{"SetShield", func() { open.SetShield(true); open.SetShield(false) }, 0},
		{"FromContext", func() { cancel.FromContext(open) }, 0},
		{"a second UntilStop", func() { cancel.UntilStop(listened) }, 0},
	} {
		if got := testing.AllocsPerRun(100, row.f); got > row.want {
			t.Errorf("%s: %v allocations, want at most %v", row.name, got, row.want)
		}
	}
}

// TestSizeOfScope limits the size of a Scope, because each nursery and each timeout makes
// one.
func TestSizeOfScope(t *testing.T) {
	want := map[int]uintptr{32: 72, 64: 112}[strconv.IntSize]
	if size := reflect.TypeFor[cancel.Scope]().Size(); size > want {
		t.Errorf("size of Scope = %d bytes, want at most %d", size, want)
	}
}
