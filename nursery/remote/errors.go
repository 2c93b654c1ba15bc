package remote

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grove-go/grove/cancel"
)

// Errors of a Call, for errors.Is, and causes that a handler may see.
var (
	// ErrLost: the outcome of the task is unknown. See [LostError].
	ErrLost = errors.New("remote: outcome unknown")
	// ErrAborted: the worker gave up the task. See [AbortedError].
	ErrAborted = errors.New("remote: aborted by the worker")
	// ErrRefused: the worker did not begin the task. See [RefusedError].
	ErrRefused = errors.New("remote: refused")

	// ErrCallerLost is the cause when a worker cancels a task because its caller was not
	// heard of within the lease.
	ErrCallerLost = errors.New("remote: the caller has not been heard of within the lease")
	// ErrNotWanted is the cause when a worker cancels a task because its caller does not
	// wait for it any more.
	ErrNotWanted = errors.New("remote: the caller does not wait for the task")
)

// A LostError says that the outcome of a task is unknown: its worker has not been heard of
// for the lease and the grace. The task may have happened, in whole or in part. It runs no
// longer if its handler obeys its context and the clocks run at the same rate. Errors.Is(err,
// ErrLost) holds.
type LostError struct {
	Func    string
	Worker  string
	Attempt int           // from 1 on
	Silent  time.Duration // since the worker was last heard of
}

// Error returns, for example,
//
//	crawl.fetch: outcome unknown: worker "w7" silent for 13.3s (attempt 1)
func (e *LostError) Error() string {
	return fmt.Sprintf("%s: outcome unknown: worker %q silent for %v (attempt %d)", e.Func, e.Worker, e.Silent, e.Attempt)
}

// Is reports whether target is ErrLost.
func (e *LostError) Is(target error) bool { return target == ErrLost }

// An AbortedError says that a worker began a task and gave it up, for a reason of its own.
// The task has ended. Errors.Is(err, ErrAborted) holds. It does not unwrap to the error of a
// context: the cancellation was not the caller's.
type AbortedError struct {
	Func    string
	Worker  string
	Attempt int
	Reason  cancel.Reason
}

// Error returns, for example,
//
//	crawl.fetch: worker "w7" gave up: grace expired (graceful stop) (attempt 1)
func (e *AbortedError) Error() string {
	why := e.Reason.String()
	if c := e.Reason.Cause; c != nil && c != context.Canceled && c != context.DeadlineExceeded {
		why = c.Error() + " (" + why + ")"
	}
	return fmt.Sprintf("%s: worker %q gave up: %s (attempt %d)", e.Func, e.Worker, why, e.Attempt)
}

// Is reports whether target is ErrAborted.
func (e *AbortedError) Is(target error) bool { return target == ErrAborted }

// A RefusedError says that a worker did not begin a task: it does not know the function, or
// cannot read the argument. Errors.Is(err, ErrRefused) holds.
type RefusedError struct {
	Func   string
	Worker string
	Why    string
}

// Error returns, for example,
//
//	crawl.fetch: worker "w7" refused: no such function
func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s: worker %q refused: %s", e.Func, e.Worker, e.Why)
}

// Is reports whether target is ErrRefused.
func (e *RefusedError) Is(target error) bool { return target == ErrRefused }

// An Error is an error of another process whose type is not known in this one.
type Error struct {
	Type    string // as %T prints it
	Message string

	wraps []error
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the errors that the error wrapped.
func (e *Error) Unwrap() []error { return e.wraps }
