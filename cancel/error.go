package cancel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/grove-go/grove/internal/bare"
	"github.com/grove-go/grove/internal/errtree"
)

var (
	// ErrClosed is the cause when the end of a scope, by [Scope.Close] or the return of
	// [Scope.Run], cancels the contexts below it. The cause also has the name of the scope,
	// so test for ErrClosed with errors.Is.
	ErrClosed = errors.New("scope has ended")

	// ErrStopping is the cause of a context made by [UntilStop] when an
	// enclosing scope has been asked to stop.
	ErrStopping = errors.New("asked to stop")

	// ErrGraceExpired is the cause when [Scope.Shutdown] cancels a scope that has
	// not ended within the grace.
	ErrGraceExpired = errors.New("grace expired")
)

// A closedError is the cause of a closed scope: ErrClosed with the scope's name.
type closedError struct{ scope string }

func (e *closedError) Error() string {
	if e.scope == "" {
		return ErrClosed.Error()
	}
	return "scope " + strconv.Quote(e.scope) + " has ended"
}

func (e *closedError) Is(target error) bool { return target == ErrClosed }

// A Source says what kind of event canceled a scope.
type Source uint8

// The sources of a cancellation.
const (
	SourceContext  Source = iota + 1 // an outer context that is not a scope
	SourceCancel                     // a call of Cancel
	SourceDeadline                   // a scope's deadline passed
	SourceTask                       // a task failed; see Scope.CancelAs
	SourceStop                       // a graceful stop: it was asked for (UntilStop), or its grace expired
	SourceClosed                     // the scope was closed, or its work is done
)

// String returns the source in a word or two.
func (s Source) String() string {
	switch s {
	case SourceContext:
		return "outer context"
	case SourceCancel:
		return "cancel"
	case SourceDeadline:
		return "deadline"
	case SourceTask:
		return "task"
	case SourceStop:
		return "stop"
	case SourceClosed:
		return "closed"
	}
	return "Source(" + strconv.Itoa(int(s)) + ")"
}

// A Reason tells why a context was canceled. See [ReasonOf].
type Reason struct {
	Source Source
	Scope  string // the name of the scope where it began, or ""
	Task   string // the name of the task that failed, for SourceTask, or ""
	Cause  error  // as context.Cause returns it
	File   string // where Cancel was called, for SourceCancel
	Line   int
}

// String describes the reason in one line, as in
//
//	canceled at crawl.go:42
//	deadline of scope "fetch"
//	task "index" failed
func (r Reason) String() string {
	scope := ""
	if r.Scope != "" {
		scope = " scope " + strconv.Quote(r.Scope)
	}
	switch r.Source {
	case SourceCancel:
		if r.File == "" {
			return "canceled" + scope
		}
		return fmt.Sprintf("canceled%s at %s:%d", scope, filepath.Base(r.File), r.Line)
	case SourceDeadline:
		return "deadline of" + cmp.Or(scope, " a scope")
	case SourceTask:
		in := ""
		if scope != "" {
			in = " in" + scope
		}
		if r.Task == "" {
			return "a task" + in + " failed"
		}
		return "task " + strconv.Quote(r.Task) + in + " failed"
	case SourceStop:
		if scope == "" {
			return "graceful stop"
		}
		return "graceful stop of" + scope
	case SourceClosed:
		return "end of" + cmp.Or(scope, " a scope")
	}
	return "outer context"
}

// ReasonOf returns why ctx was canceled, and whether it was. The first reason wins, and a
// descendant reports the reason of its ancestor. If ctx was canceled by means of the
// standard library, ReasonOf knows only the cause, and the source is [SourceContext]. If
// the standard library cancels ctx without a cause, and the enclosing scope ends later
// without a cause too, ReasonOf returns the reason of the scope, because it cannot tell the
// two apart.
//
// ReasonOf panics if ctx is nil.
func ReasonOf(ctx context.Context) (Reason, bool) {
	mustContext("ReasonOf", ctx)
	if e := endOf(ctx); e != nil {
		return e.error().Reason, true
	}
	return Reason{}, false
}

// Err returns nil while ctx is not done, and after that an [*Error] that tells why.
// A task returns it in place of ctx.Err(). All calls for the same scope return the
// same *Error. If ctx is not a scope, Err calls its Err method only when its Done
// channel is closed. Err panics if ctx is nil.
func Err(ctx context.Context) error {
	mustContext("Err", ctx)
	if e := endOf(ctx); e != nil {
		return e.error()
	}
	return nil
}

// endOf returns how ctx ended, or nil.
func endOf(ctx context.Context) *end {
	if s, ok := ctx.(*Scope); ok {
		if s.Err() == nil {
			return nil
		}
		return s.full()
	}
	if !isDone(ctx) {
		return nil
	}
	return endOfForeign(ctx)
}

// endOfForeign returns the end of ctx, a foreign context that has ended.
func endOfForeign(ctx context.Context) *end {
	e := foreignEnd(ctx)
	if s := enclosing(ctx); s != nil && s.ended() != nil {
		if o := s.full(); o.err == e.err && errtree.Same(o.cause, e.cause) {
			return o
		}
	}
	return e
}

// isDone reports whether ctx is canceled. Some contexts block in Err until they
// are done; see edge.
func isDone(ctx context.Context) bool {
	if s, ok := ctx.(*Scope); ok {
		return s.ended() != nil
	}
	return bare.IsClosed(ctx.Done())
}

// An Error says that a context was canceled, and why. [Err] returns it, and so do all
// functions of this module that give up because a context is done.
//
// errors.Is(err, context.Canceled) or errors.Is(err, context.DeadlineExceeded) holds as it
// does for the context's Err. The cause is in the message and in Reason, but not in the
// tree of errors. If a task was canceled because of io.EOF, errors.Is does not find io.EOF
// in its Error. The detail is not in the tree either.
//
// The verb %+v prints the detail as well, on lines of its own.
type Error struct {
	Err    error // context.Canceled or context.DeadlineExceeded
	Reason Reason
	Detail error // an error that the cancellation caused, or nil; see Because

	end *end
}

// Error returns, for example,
//
//	context canceled: disk full (task "read" in scope "index" failed)
func (e *Error) Error() string {
	s := "context canceled"
	if e.Err != nil {
		s = e.Err.Error()
	}
	if c := e.Reason.Cause; c != nil && !errtree.Same(c, e.Err) {
		s += ": " + c.Error()
	}
	return s + " (" + e.Reason.String() + ")"
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether Err is [context.DeadlineExceeded].
func (e *Error) Timeout() bool { return errtree.Same(e.Err, context.DeadlineExceeded) }

// Format implements [fmt.Formatter]; see the type.
func (e *Error) Format(f fmt.State, verb rune) { format(f, verb, e, e.Detail) }

// A TimeoutError says that a deadline cut an operation short: [FailAfter],
// [FailAt] and [Shield] return it. errors.Is(err, context.DeadlineExceeded)
// holds.
//
// The verb %+v prints the detail as well, on lines of its own.
type TimeoutError struct {
	Scope    string        // the name of the scope with the deadline, or ""
	After    time.Duration // the timeout that was set last; 0 if the deadline was set as an instant
	Deadline time.Time     // the deadline that passed
	Detail   error         // the error of the function, if it says more; not in the tree of errors

	end *end
}

// Error returns, for example,
//
//	timed out after 2ms (scope "prices")
func (e *TimeoutError) Error() string {
	s := "timed out"
	if e.After > 0 || e.end != nil && e.end.relative {
		s += " after " + max(0, e.After).String()
	} else {
		s += " at " + e.Deadline.Format("2006-01-02 15:04:05.999 MST")
	}
	if e.Scope != "" {
		s += " (scope " + strconv.Quote(e.Scope) + ")"
	}
	return s
}

// Is reports whether target is [context.DeadlineExceeded].
func (e *TimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// Timeout returns true. A TimeoutError is a net.Error, as
// [context.DeadlineExceeded] is.
func (e *TimeoutError) Timeout() bool { return true }

// Temporary returns true, as it does for [context.DeadlineExceeded].
func (e *TimeoutError) Temporary() bool { return true }

// Format implements [fmt.Formatter]; see the type.
func (e *TimeoutError) Format(f fmt.State, verb rune) { format(f, verb, e, e.Detail) }

// format prints err by verb, and the detail below it for %+v.
func format(f fmt.State, verb rune, err, detail error) {
	s := err.Error()
	switch {
	case verb == 'q':
		s = strconv.Quote(s)
	case verb != 'v' && verb != 's':
		s = fmt.Sprintf("%%!%c(%T=%s)", verb, err, s)
	case verb == 'v' && f.Flag('+') && detail != nil:
		s += "\n    " + strings.ReplaceAll(fmt.Sprintf("%+v", detail), "\n", "\n    ")
	}
	io.WriteString(f, s) // fmt.State keeps the error
}
