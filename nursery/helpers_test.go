package nursery_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/testkit"
	"github.com/grove-go/grove/nursery"
)

var (
	bubble    = testkit.Bubble
	mustPanic = testkit.MustPanic
)

var errBoom = errors.New("boom")

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
