package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

var errBoom = errors.New("boom")

// bubble runs fn in a bubble with a root scope.
func bubble(t *testing.T, name string, fn func(t *testing.T, ctx context.Context)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { testutil.Bubble(t, fn) })
}

// failing returns a task that fails after d.
func failing(d time.Duration, err error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		if err := cancel.Sleep(ctx, d); err != nil {
			return err
		}
		return err
	}
}

// failures returns what is in the group that err must be.
func failures(t *testing.T, err error) []error {
	t.Helper()
	g, ok := err.(*nursery.GroupError)
	if !ok {
		t.Fatalf("Run() = %v (%T), want a *GroupError", err, err)
	}
	return g.Unwrap()
}

// mustPanic runs fn, which must panic with a text that contains want.
func mustPanic(t *testing.T, want string, fn func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
			t.Errorf("panic(%q), want one that contains %q", got, want)
		}
	}()
	fn()
}

// caught runs fn and returns the *PanicError with which it panics.
func caught(t *testing.T, fn func()) (p *nursery.PanicError) {
	t.Helper()
	defer func() {
		t.Helper()
		v := recover()
		var ok bool
		if p, ok = v.(*nursery.PanicError); !ok {
			t.Fatalf("panic(%v), want a *PanicError", v)
		}
	}()
	fn()
	return nil
}

// runToEnd calls fn in a goroutine of its own and tells how it ended.
func runToEnd(fn func()) string {
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
