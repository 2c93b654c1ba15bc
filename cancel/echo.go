package cancel

import (
	"context"
	"slices"
	"time"

	"github.com/grove-go/grove/internal/errtree"
)

// IsEcho reports whether err says nothing more than that the scope was
// canceled. The scope has ended, and err is one of
//
//   - the scope's Err, or the cause of its end, itself,
//   - an [*Error] or [*TimeoutError] that stems from its end,
//   - an error with a method Is that reports that it is the scope's Err, as in
//     package net, if its type has no room for other errors,
//   - an error that wraps an echo and holds nothing else,
//   - an error that holds several errors, all of them echoes.
//
// An error holds several if it has a method Unwrap, WrappedErrors or Errors that returns
// []error, or if it is a slice of errors. It holds something else if one of its fields,
// exported or not, contains an error that is neither an echo nor what the error unwraps to.
// In doubt err is not an echo: reporting a cancellation is better than losing an error.
// IsEcho does not read a map or a struct with a lock, so an error that could hold errors
// there is in doubt. It does not look into functions and channels, or behind a pointer in
// an interface that is not an error. Errors that are only text in a message are not found.
//
// Nil is not an echo. Neither is an error with a method Echo() bool that returns
// false. A type should have this method if it wraps errors that must not be taken for
// a cancellation, such as the value of a panic.
func (s *Scope) IsEcho(err error) bool {
	if err == nil {
		return false
	}
	is := s.predicates()
	if s.ended() == nil {
		// The error may come from a scope beside that was told of an end above a moment
		// ago. Or it may come from a context of package context further in, with the same
		// deadline and a faster timer.
		s.hearAbove()
		if s.state.Load() == nil && (is != nil || some.echoes(err, nil)) {
			s.expire()
		}
		if s.state.Load() == nil {
			return false
		}
	}
	return s.full().echoes(err, is)
}

// some stands for an end that an open scope is about to be told. All cancellations are
// its echoes.
var some = &end{err: context.Canceled, cause: context.DeadlineExceeded}

// late stands for the end of a context that is open, by a deadline that has passed.
var late = &end{err: context.DeadlineExceeded, cause: context.DeadlineExceeded, source: SourceContext}

// predicates returns the functions of EchoIf that hold for the scope, the
// innermost first.
func (s *Scope) predicates() (is []func(err error) bool) {
	if !s.is(hasEchoIf) {
		return nil
	}
	for x := s; x != nil; x = x.around() {
		if m := x.more.Load(); m != nil && m.isEcho != nil {
			is = append(is, m.isEcho)
		}
	}
	return is
}

// judgeOf is bare.Judge.
func judgeOf(ctx context.Context) any {
	s, ok := ctx.(*Scope)
	if !ok || !s.is(hasEchoIf) {
		return nil
	}
	for x := s; x != nil; x = x.around() {
		if m := x.more.Load(); m != nil && m.isEcho != nil {
			return m
		}
	}
	return nil
}

// eventOf is bare.Event.
func eventOf(scope context.Context) any {
	if s := scope.(*Scope); s.ended() != nil {
		return s.full()
	}
	return nil
}

// echoes reports whether err is an echo of the end. The predicates in is are those
// of the enclosing scopes, from the innermost on. Each reports whether an error that
// does not wrap a cancellation was nevertheless caused by one.
func (e *end) echoes(err error, is []func(error) bool) bool {
	j := judge{end: e, is: is}
	for {
		if !j.echoes(err) {
			return false
		}
		last := len(j.errs) - 1
		if last < 0 {
			return true
		}
		err, j.errs = j.errs[last], j.errs[:last]
	}
}

// decides reports whether err is an echo, if that is known without looking at
// what it wraps.
func (e *end) decides(err error) (echo, known bool) {
	if err == e.err || errtree.Same(err, e.cause) { // == on e.err cannot panic
		return true, true
	}
	switch x := err.(type) {
	case *Error:
		return x != nil && x.end != nil && e.equal(x.end), true
	case *TimeoutError:
		return x != nil && x.end == e, true
	case interface{ Echo() bool }:
		return false, !x.Echo()
	}
	return false, false
}

// A judge decides whether an error is an echo. It keeps a list where it could
// recurse, because trees of errors can be deep.
type judge struct {
	end  *end
	is   []func(error) bool
	errs []error // still to be judged: all must be echoes
	work int
}

// maxWork bounds how much a judge looks at. Errors can form cycles; those are
// not echoes.
const maxWork = 1 << 22

// echoes reports false if err is a real error. Otherwise err is an echo if all
// that it adds to errs is.
func (j *judge) echoes(err error) bool {
	var buf [8]error
	chain := buf[:0] // err and what it wraps, one error each, from the outside in
	for len(chain) < errtree.MaxChain {
		echo, known := j.end.decides(err)
		if known {
			return echo && j.nothingElse(append(chain, err), len(chain))
		}
		chain = append(chain, err)
		members, inner := errtree.Unwrap(err)
		switch {
		case len(members) > 0:
			j.errs = append(j.errs, members...)
			return j.nothingElse(append(chain, members...), len(chain))
		case inner == nil:
			return (j.leaf(err) || j.predicate(chain)) && j.nothingElse(chain, len(chain)-1)
		}
		err = inner
	}
	return false
}

// leaf reports whether err, which wraps nothing, says of itself that it is an
// echo. If it can hold other errors, it may speak for one of them.
func (j *judge) leaf(err error) bool {
	is, ok := err.(interface{ Is(error) bool })
	return ok && !errtree.MayHold(err) && (is.Is(j.end.err) || j.end == some && is.Is(context.DeadlineExceeded))
}

// predicate reports whether a predicate accepts an error of the chain. No error
// of the chain wraps several: a predicate that uses errors.As would look at one of
// them and miss the others.
func (j *judge) predicate(chain []error) bool {
	for _, err := range slices.Backward(chain) {
		for _, is := range j.is {
			if is(err) {
				return true
			}
		}
	}
	return false
}

// nothingElse reports whether the first n of errs hold only errors that are in
// errs, or are echoes. It adds to j.errs what remains to be judged.
func (j *judge) nothingElse(errs []error, n int) bool {
	for i, err := range errs[:n] {
		next := i + 1 // in errs: usually, fields are in order
		ok := errtree.AllHeld(err, func(h errtree.Held) bool {
			if j.work++; next < len(errs) && h.Is(errs[next]) {
				next++
				return true
			}
			if h.Is(j.end.err) || h.Is(j.end.cause) || h.Is(errs[len(errs)-1]) {
				return true
			}
			if j.work += len(errs); j.work > maxWork {
				return false
			}
			if k := slices.IndexFunc(errs, h.Is); k >= 0 {
				next = k + 1
				return true
			}
			held, ok := h.Read()
			if ok {
				j.errs = append(j.errs, held)
			}
			return ok
		})
		if j.work++; !ok || j.work > maxWork {
			return false
		}
	}
	return true
}

// equal reports whether the two ends are one event. For a context that is not a
// scope, each call of endOf makes another record.
func (e *end) equal(o *end) bool {
	return e == o || e == some ||
		e.source == SourceContext && o.source == SourceContext && e.err == o.err && errtree.Same(e.cause, o.cause)
}

// Absorb returns the error that leaves the scope, if a function in the scope has returned
// err. If err is an echo of the scope's own cancellation (see [Scope.IsEcho]), Absorb
// returns nil. If an enclosing context is canceled as well, and no shield keeps it out, the
// echo belongs to that context, and Absorb returns its [*Error], with err as the detail.
// Absorb returns any other error unchanged.
//
// [Scope.Run] does this. Absorb is for code that runs functions in a scope by other means.
// Call it before the scope is closed.
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
// as "signal: killed" from os/exec or a status from gRPC. A ctx whose deadline has
// passed counts as done, even if its timer has not fired yet. If ctx is not done,
// Because returns err. It returns nil if err is nil, and panics if ctx is nil.
//
// If a library returns such errors in many places, use [EchoIf].
func Because(ctx context.Context, err error) error {
	mustContext("Because", ctx)
	if err == nil {
		return nil
	}
	e := endOf(ctx)
	if e == nil {
		e = lateEnd(ctx)
	}
	if e == nil {
		return err
	}
	return e.because(err)
}

// lateEnd returns the end of ctx, which is open, if its deadline has passed: a
// connection with the same deadline may be faster than the timer.
func lateEnd(ctx context.Context) *end {
	if d, ok := ctx.Deadline(); !ok || d.After(time.Now()) {
		return nil
	}
	if s := enclosing(ctx); s != nil {
		s.expire()
		if e := endOf(ctx); e != nil || ctx == context.Context(s) {
			return e
		}
	}
	if standardOf(ctx, ctx.Done()) == nil {
		return nil // its deadline may be no more than advice
	}
	return late
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
	// A group of one error says no more than that. Groups can form cycles.
	inner := err
	for n := 0; inner != nil && n < 100; n++ {
		members, _ := errtree.Unwrap(inner)
		if len(members) != 1 {
			break
		}
		inner = members[0]
	}
	switch x := inner.(type) {
	case *Error:
		if x != nil && x.end != nil && e.equal(x.end) {
			return x.Detail
		}
	case *TimeoutError:
		if x != nil && x.end == e {
			return x.Detail
		}
	}
	if inner == nil || inner == e.err || errtree.Same(inner, e.cause) {
		return nil
	}
	return err
}
