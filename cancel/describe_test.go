package cancel_test

import (
	"context"
	"errors"
	"math/bits"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/live"
)

// TestSizes bounds the sizes of scopes and their ends, on 64 bits, by size classes of the
// allocator.
func TestSizes(t *testing.T) {
	if bits.UintSize != 64 {
		return
	}
	for name, most := range map[string]uintptr{"Scope": 112, "end": 144} {
		if got := cancel.Sizes[name]; got > most {
			t.Errorf("a %s has %d bytes, want %d at most", name, got, most)
		}
	}
}

func TestDescribe(t *testing.T) {
	bubble(t, "an open scope is described", func(t *testing.T, ctx context.Context) {
		now := time.Now()
		outer := cancel.New(ctx, cancel.Timeout(time.Minute))
		defer outer.Close()
		s := cancel.New(outer, cancel.Name("fetch"), cancel.Timeout(time.Hour))
		defer s.Close()
		s.Shutdown(5 * time.Second)
		got := live.DescribeScope(s)
		want := live.ScopeInfo{
			Addr: live.Addr(s), Name: "fetch", Deadline: now.Add(time.Minute), OwnDeadline: now.Add(time.Hour),
			Stopping: true, GraceDue: now.Add(5 * time.Second),
		}
		if got != want {
			t.Errorf("described as %+v, want %+v", got, want)
		}
		shielded := cancel.New(s, cancel.Shielded())
		defer shielded.Close()
		if got := live.DescribeScope(shielded); !got.Shielded || !got.Deadline.IsZero() {
			t.Errorf("the shielded scope is described as %+v", got)
		}
		cancel.UntilStop(outer)
		none := func(uintptr) bool { return false }
		var names []string
		for _, info := range live.DescribeScopes(outer, 10, none) {
			names = append(names, info.Name)
		}
		if len(names) != 3 || names[1] != "fetch" {
			t.Errorf("the scopes are %q, want outer, fetch and the shielded one", names)
		}
		if n := len(live.DescribeScopes(outer, 2, none)); n != 2 {
			t.Errorf("%d scopes, want 2", n)
		}
		fetch := func(addr uintptr) bool { return addr == live.Addr(s) }
		if n := len(live.DescribeScopes(outer, 10, fetch)); n != 1 {
			t.Errorf("%d scopes without fetch, want 1", n)
		}
	})
	bubble(t, "an end is described with its time", func(t *testing.T, ctx context.Context) {
		for name, c := range map[string]struct {
			end    func(s *cancel.Scope)
			reason string
			closed bool
		}{
			"Cancel":   {func(s *cancel.Scope) { s.Cancel(nil) }, `canceled scope "s" at describe_test.go:`, false},
			"a cause":  {func(s *cancel.Scope) { s.Cancel(errors.New("boom")) }, `: boom`, false},
			"Close":    {func(s *cancel.Scope) { s.Close() }, `end of a scope`, true},
			"deadline": {func(s *cancel.Scope) { s.SetTimeout(0) }, `deadline of scope "s"`, false},
			"stop":     {func(s *cancel.Scope) { s.Shutdown(0) }, `graceful stop of scope "s"`, false},
		} {
			s := cancel.New(ctx, cancel.Name("s"))
			time.Sleep(time.Second)
			at := live.Now()
			c.end(s)
			time.Sleep(time.Second)
			got := live.DescribeScope(s).Canceled
			if c.closed {
				at = 0
			}
			if got == nil || got.At != at || got.Closed != c.closed || got.Err != s.Err() || !strings.Contains(got.Reason, c.reason) {
				t.Errorf("%s: described as %+v, want %q at %d", name, got, c.reason, at)
			}
			s.Close()
		}
	})
}
