package testutil

import (
	"context"
	"errors"
	"testing"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/testutil/errmatch"
)

// WantCheckpoint fails the test unless fn is a checkpoint: called with a context that
// is already canceled, fn returns an echo of that cancellation; see
// [cancel.Scope.IsEcho]. The echo may be ctx.Err(), context.Cause(ctx), [cancel.Err] or
// one of them wrapped, but not nil and not an error with an unrelated leaf.
//
// A checkpoint is a place where a task checks whether its context is done. In Go only the
// returned error shows that a function checked. WantCheckpoint therefore does not test
// whether fn lets other goroutines run, or what fn did before it gave up.
//
// fn runs once, in the caller's goroutine, with a scope below [context.Background]. A
// panic or a Goexit of fn propagates. If fn never returns, neither does WantCheckpoint;
// in a bubble that is reported as a deadlock.
//
// WantCheckpoint panics if t or fn is nil.
//
// This is Trio's assert_checkpoints, without the part on schedule points.
func WantCheckpoint(t testing.TB, fn func(ctx context.Context) error) {
	mustTB("WantCheckpoint", t)
	t.Helper()
	switch err, echo := callCanceled("WantCheckpoint", fn); {
	case err == nil:
		t.Errorf("WantCheckpoint: with a canceled context, fn returned nil: it is not a checkpoint, or it dropped the error of its context")
	case !echo:
		t.Errorf("WantCheckpoint: with a canceled context, fn returned an error that is not an echo of the cancellation:\n%v", errmatch.Tree(err))
	}
}

// WantNoCheckpoint fails the test unless fn has no checkpoints. It is for clean-up and
// other code that must not be interrupted. Called with a context that is already canceled,
// fn must run to its end and return nil. Any error fails the test, whether or not it is an
// echo of the cancellation.
//
// fn may check the context as long as it does not give up: code that runs under
// [cancel.Shield] is not a checkpoint. WantNoCheckpoint cannot detect a fn that gives
// up but returns nil; check the effects of fn as well.
//
// In all other respects WantNoCheckpoint is like [WantCheckpoint].
//
// This is Trio's assert_no_checkpoints, without the part on schedule points.
func WantNoCheckpoint(t testing.TB, fn func(ctx context.Context) error) {
	mustTB("WantNoCheckpoint", t)
	t.Helper()
	switch err, echo := callCanceled("WantNoCheckpoint", fn); {
	case echo:
		t.Errorf("WantNoCheckpoint: with a canceled context, fn gave up: %v", err)
	case err != nil:
		t.Errorf("WantNoCheckpoint: with a canceled context, fn failed for another reason:\n%v", errmatch.Tree(err))
	}
}

// callCanceled calls fn with a canceled context on behalf of the function name. It
// returns fn's error and whether the error is an echo.
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
