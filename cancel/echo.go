package cancel

import "context"

// IsEcho reports whether err says nothing more than that the scope was
// canceled: the scope has ended, and every leaf of err (through Unwrap() error
// and Unwrap() []error) is one of
//
//   - the scope's Err, or an error that says of itself, by a method Is, that it
//     is that, as those of package net do,
//   - the cause of its end, itself,
//   - an [*Error] or [*TimeoutError] that stems from its end.
//
// An error with a single leaf that is something else is no echo. Neither is
// nil, nor an error whose method Echo() bool returns false, which a type
// should have that wraps what must not be taken for a cancellation, such as
// the value of a panic.
func (s *Scope) IsEcho(err error) bool {
	if err == nil {
		return false
	}
	is := s.predicates()
	if s.ended() == nil {
		// A deadline may have passed whose timer has not fired yet: one of package
		// context, further in and due at the same instant, was faster.
		if !late.echoes(err, is) {
			return false
		}
		s.expire()
		if s.state.Load() == nil {
			return false
		}
	}
	return s.full().echoes(err, is)
}

// late stands for the end of a scope that is open, by a deadline that has passed.
var late = &end{err: context.DeadlineExceeded, cause: context.DeadlineExceeded, source: SourceContext}

// predicates returns the functions of EchoIf that hold for the scope, the
// innermost first.
func (s *Scope) predicates() (is []func(err error) bool) {
	if !s.is(hasEchoIf) {
		return nil
	}
	for x := s; x != nil; x = x.up {
		if m := x.more.Load(); m != nil && m.isEcho != nil {
			is = append(is, m.isEcho)
		}
	}
	return is
}

func (e *end) echoes(err error, is []func(err error) bool) bool {
	if same(err, e.cause) {
		return true
	}
	switch x := err.(type) {
	case *Error:
		return x != nil && x.end != nil && e.equal(x.end)
	case *TimeoutError:
		return x != nil && x.end == e
	case interface{ Echo() bool }:
		if !x.Echo() {
			return false
		}
	}
	switch x := err.(type) {
	case interface{ Unwrap() error }:
		if inner := x.Unwrap(); inner != nil {
			return e.echoes(inner, is)
		}
	case interface{ Unwrap() []error }:
		inner := x.Unwrap()
		some := false
		for _, i := range inner {
			if i == nil {
				continue
			}
			if !e.echoes(i, is) {
				return false
			}
			some = true
		}
		if some {
			return true
		}
	}
	if err == e.err {
		return true
	}
	for _, f := range is {
		if f(err) {
			return true
		}
	}
	own, ok := err.(interface{ Is(error) bool })
	return ok && own.Is(e.err)
}

// equal reports whether the two ends are one event. Of a context that is not a
// scope, everyone who asks makes a record of their own.
func (e *end) equal(o *end) bool {
	return e == o ||
		e.source == SourceContext && o.source == SourceContext && e.err == o.err && same(e.cause, o.cause)
}

// Absorb returns what is left of err, the error of what ran in the scope, at
// the scope's border. An echo of the scope's own cancellation (see
// [Scope.IsEcho]) ends there: Absorb returns nil. If a context that encloses the
// scope is canceled as well, and not shielded off, the echo belongs to that one,
// and Absorb returns its [*Error], with err as the detail. Absorb returns any
// other error unchanged.
//
// [Scope.Run] does this. Absorb is for code that runs something in a scope by
// other means. Call it before the scope is closed.
func (s *Scope) Absorb(err error) error {
	by, err := s.absorb(err)
	if by != nil {
		return nil
	}
	return err
}

// absorb is Absorb. If the echo ends here, it returns the end of the scope, and
// err.
func (s *Scope) absorb(err error) (by *end, left error) {
	if !s.IsEcho(err) {
		return nil, err
	}
	e := s.full()
	if !s.own || e.source == SourceContext || e.source == SourceClosed {
		return nil, err
	}
	if !s.is(shielded) {
		if outer := s.above(); outer != nil {
			return nil, outer.because(e.detail(err))
		}
	}
	return e, err
}

// Because returns the [*Error] of ctx if ctx is done, with err as its detail: it
// says that err happened because ctx was canceled. Use it for an error that a
// cancellation caused and that does not unwrap to the error of the context, such
// as "signal: killed" from os/exec or a status from gRPC. If ctx is not done,
// Because returns err. It returns nil if err is nil, and panics if ctx is nil.
//
// For errors that are known by their look everywhere in a program see [EchoIf].
func Because(ctx context.Context, err error) error {
	mustContext("Because", ctx)
	if err == nil {
		return nil
	}
	if e := endOf(ctx); e != nil {
		return e.because(err)
	}
	return err
}

// because returns the Error of the end with err, if it is not nil, as its detail.
func (e *end) because(err error) *Error {
	detail := e.detail(err)
	if detail == nil {
		return e.error()
	}
	return &Error{Err: e.err, Reason: e.error().Reason, Detail: detail, end: e}
}

// detail returns err, or nil if err says nothing that the end does not say. If
// err stands for the same end, detail returns the detail of err.
func (e *end) detail(err error) error {
	switch x := err.(type) {
	case *Error:
		if x != nil && x.end != nil && e.equal(x.end) {
			return x.Detail
		}
	case *TimeoutError:
		if x != nil && x.end == e {
			return x.Detail
		}
	}
	if same(err, e.err) || same(err, e.cause) {
		return nil
	}
	return err
}
