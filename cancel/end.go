package cancel

import (
	"context"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"time"
)

// An end records how a scope ended. All the scopes that end by one event share
// one record; its address is the event's identity. It refers to no scope or
// context, for errors refer to it and may be kept.
type end struct {
	err      error // context.Canceled or context.DeadlineExceeded
	cause    error // never nil
	source   Source
	scope    string    // the name of the scope in which it began
	deadline time.Time // for SourceDeadline
	task     string    // for SourceTask
	pcs      []uintptr // for SourceCancel: the call and what called it
	once     sync.Once
	shared   *Error // what Err returns, made when it is first asked for
}

// closed stands in a scope that was closed before it was canceled, so that
// Close need not make a record that is hardly ever asked for. full replaces it
// by one.
var closed = &end{err: context.Canceled, cause: ErrClosed, source: SourceClosed}

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
		e = &end{err: closed.err, cause: &closedError{s.name}, source: SourceClosed, scope: s.name}
		s.state.Store(e)
	}
	return e
}

// terminal returns a context of the standard library's that was canceled with
// the scope's cause and has the scope's values: what context.Cause finds when
// it looks for one in a scope that has ended.
func (s *Scope) terminal() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.extra()
	if m.ended == nil {
		m.ended = endedContext(s.parent, s.fullLocked().cause)
	}
	return m.ended
}

func endedContext(values context.Context, cause error) context.Context {
	ctx, stop := context.WithCancelCause(context.WithoutCancel(values))
	stop(cause)
	return ctx
}

// error returns the Error of this end.
func (e *end) error() *Error {
	e.once.Do(func() {
		e.shared = &Error{Err: e.err, Reason: e.reason(), end: e}
	})
	return e.shared
}

func (e *end) reason() Reason {
	r := Reason{Source: e.source, Scope: e.scope, Task: e.task, Cause: e.cause}
	if len(e.pcs) > 0 {
		frames := runtime.CallersFrames(e.pcs)
		for more := true; more; {
			var f runtime.Frame
			f, more = frames.Next()
			if f.Function == "runtime.goexit" {
				break // called by a goroutine of the library's own
			}
			if !ours(f.Function) {
				r.File, r.Line = f.File, f.Line
				break
			}
		}
	}
	return r
}

// callers returns the stack from the caller's caller on, as far as it may be
// this module's own and a frame more.
func callers() []uintptr {
	var pcs [8]uintptr
	n := runtime.Callers(3, pcs[:])
	return append([]uintptr(nil), pcs[:n]...)
}

// ours reports whether a function is part of the library, so that the place at
// which Cancel was called is the user's, also if they called another method
// that leads here.
func ours(function string) bool {
	rest, ok := strings.CutPrefix(function, "github.com/grove-go/grove/")
	return ok && (strings.HasPrefix(rest, "cancel.") || strings.HasPrefix(rest, "nursery."))
}

// same reports whether a and b are the same error, also if they cannot be
// compared, which == would answer with a panic.
func same(a, b error) bool {
	if a == nil || b == nil {
		return a == b
	}
	va, vb := reflect.ValueOf(a), reflect.ValueOf(b)
	switch {
	case va.Type() != vb.Type():
		return false
	case va.Comparable() && vb.Comparable():
		return a == b
	case va.Kind() == reflect.Slice:
		return va.Len() == vb.Len() && va.UnsafePointer() == vb.UnsafePointer()
	case va.Kind() == reflect.Map || va.Kind() == reflect.Func:
		return va.UnsafePointer() == vb.UnsafePointer()
	}
	return reflect.DeepEqual(a, b)
}
