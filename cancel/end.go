package cancel

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
)

// An end records how a scope ended. All scopes that end by one event share one
// record, and the address of the record is the identity of the event. An end
// refers to no scope, because errors refer to the end and may be kept.
type end struct {
	err   error  // context.Canceled or context.DeadlineExceeded
	cause error  // never nil
	scope string // the name of the scope where it began
	at    int64  // when it happened, or was noticed, by live.Now; 0 for closed

	deadline time.Time     // for SourceDeadline
	timeout  time.Duration // for SourceDeadline, if relative
	source   Source
	relative bool       // the deadline was given as a timeout
	pcs      [4]uintptr // for SourceCancel: the callers of Cancel

	shared atomic.Pointer[Error]           // what Err returns, made when it is first asked for
	std    atomic.Pointer[context.Context] // see terminal
}

// closed is the state of a scope that was closed before it was canceled. It saves
// Close a record that is hardly ever asked for. full replaces it by a record.
var closed = &end{err: context.Canceled, cause: &closedError{}, source: SourceClosed}

// full returns the record of how the scope, which has ended, did so.
func (s *Scope) full() *end {
	if e := s.state.Load(); e != closed {
		return e
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fullLocked()
}

func (s *Scope) fullLocked() *end {
	e := s.state.Load()
	if e == closed {
		e = &end{err: e.err, cause: e.cause, source: e.source, scope: s.Name()}
		if e.scope != "" {
			e.cause = &closedError{e.scope}
		}
		s.state.Store(e)
	}
	return e
}

// terminal returns a standard context that was canceled with the cause of the
// end and has no values. Package context finds it when it looks for the cause of
// a scope that ended so.
func (e *end) terminal() context.Context {
	if std := e.std.Load(); std != nil {
		return *std
	}
	std, stop := context.WithCancelCause(context.Background())
	stop(e.cause)
	e.std.CompareAndSwap(nil, &std)
	return std
}

// error returns the Error of the end. All calls return the same one.
func (e *end) error() *Error {
	if e.shared.Load() == nil {
		e.shared.CompareAndSwap(nil, &Error{Err: e.err, Reason: e.reason(), end: e})
	}
	return e.shared.Load()
}

func (e *end) reason() Reason {
	r := Reason{Source: e.source, Scope: e.scope, Cause: e.cause}
	frames := runtime.CallersFrames(e.pcs[:])
	for more := e.pcs[0] != 0; more; {
		var f runtime.Frame
		f, more = frames.Next()
		if f.Function == "runtime.goexit" {
			break // a goroutine of this module called Cancel
		}
		if f.PC != 0 && !ours(f.Function) {
			r.File, r.Line = f.File, f.Line
			break
		}
	}
	return r
}

// recordCallers records the callers of the exported method that calls it: as many
// frames of this module as there may be, and one more.
func (e *end) recordCallers() { runtime.Callers(3, e.pcs[:]) }

// ours reports whether a function is part of this module. The place of a call of
// Cancel is in the user's code, even if the user called another method that calls
// Cancel.
func ours(function string) bool {
	rest, ok := strings.CutPrefix(function, "github.com/grove-go/grove/")
	return ok && (strings.HasPrefix(rest, "cancel.") || strings.HasPrefix(rest, "nursery."))
}
