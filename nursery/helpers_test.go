package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
)

var (
	bubble    = kit.Bubble
	mustPanic = kit.MustPanic
	runToEnd  = kit.RunToEnd
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

// failures returns the failures in err, which must be a group.
func failures(t *testing.T, err error) []error {
	t.Helper()
	g, ok := err.(*nursery.GroupError)
	if !ok {
		t.Fatalf("Run() = %v (%T), want a *GroupError", err, err)
	}
	return g.Unwrap()
}

// isItem reports whether err is an ItemError of the item with that error.
func isItem(err error, item int, want error) bool {
	e, ok := err.(*nursery.ItemError)
	return ok && e.Item == item && e.Err == want
}

// message returns the first line of the message of err.
func message(err error) string {
	line, _, _ := strings.Cut(fmt.Sprint(err), "\n")
	return line
}

// caught runs fn, which must panic with a *PanicError, and returns it.
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

// wantNoError fails the test if Run returned an error.
func wantNoError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}
