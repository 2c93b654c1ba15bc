package testutil

import (
	"context"
	"errors"
	"testing"

	"github.com/grove-go/grove/cancel"
)

// AssertCheckpoint fails the test unless fn is a checkpoint: called with a context
// that is canceled already, it returns an echo of that cancellation; see
// [cancel.Scope.IsEcho]. That may be ctx.Err(), context.Cause(ctx), [cancel.Err] or
// one of them wrapped, but neither nil nor an error with a leaf that is
// something else.
//
// A checkpoint is a place where a task looks whether its context is done. In Go
// nothing can look for it, as nothing can be thrown at a goroutine, and whoever
// looks shows it by the error. So that is all that counts: not whether fn lets
// other goroutines run, which in Go they do anyhow, nor what it did before it gave
// up.
//
// fn runs once, in the goroutine of the caller, with a scope below
// [context.Background]. A panic or a Goexit of fn goes on. If fn never returns,
// nor does AssertCheckpoint; in a bubble that is reported as a deadlock.
//
// AssertCheckpoint panics if t or fn is nil.
//
// This is Trio's assert_checkpoints, without the part on schedule points.
func AssertCheckpoint(t testing.TB, fn func(ctx context.Context) error) {
	mustTB("AssertCheckpoint", t)
	t.Helper()
	switch err, echo := callCanceled("AssertCheckpoint", fn); {
	case err == nil:
		t.Errorf("AssertCheckpoint: with a canceled context fn returned nil: it is no checkpoint, or drops the error of its context")
	case !echo:
		t.Errorf("AssertCheckpoint: with a canceled context fn returned an error that is no echo of the cancellation:\n%v", errorTree(err))
	}
}

// AssertNoCheckpoint fails the test unless fn is free of checkpoints, as clean-up
// and what must not be left half done have to be: called with a context that is
// canceled already, it runs to its end and returns nil. An error fails the test,
// be it an echo of the cancellation or not.
//
// Whether fn looked at the context does not count, only whether it gave up: what
// runs under [cancel.Shield] is no checkpoint. A fn that gives up and returns nil
// all the same cannot be told from one that does not give up; look at what it was
// to do.
//
// In all else AssertNoCheckpoint is like [AssertCheckpoint].
//
// This is Trio's assert_no_checkpoints, without the part on schedule points.
func AssertNoCheckpoint(t testing.TB, fn func(ctx context.Context) error) {
	mustTB("AssertNoCheckpoint", t)
	t.Helper()
	switch err, echo := callCanceled("AssertNoCheckpoint", fn); {
	case echo:
		t.Errorf("AssertNoCheckpoint: with a canceled context fn gave up: %v", err)
	case err != nil:
		t.Errorf("AssertNoCheckpoint: with a canceled context fn failed for another reason:\n%v", errorTree(err))
	}
}

// callCanceled calls fn with a canceled context, in the name of the function name,
// and returns its error and whether that is an echo.
func callCanceled(name string, fn func(ctx context.Context) error) (err error, echo bool) {
	if fn == nil {
		panic("testutil: " + name + ": nil function")
	}
	s := cancel.New(context.Background(), cancel.Name(name))
	defer s.Close()
	s.Cancel(errors.New("before the call"))
	err = fn(s)
	return err, s.IsEcho(err)
}
