package cancel

import (
	"context"
	"fmt"
	"strconv"

	"github.com/grove-go/grove/internal/live"
	"github.com/grove-go/grove/internal/point"
)

// Cancel cancels the scope and everything below it that is not shielded, with the given
// cause, which [context.Cause] then returns. A nil cause stands for [context.Canceled]. The
// first cancellation wins: Cancel has no effect if the scope has ended, or if an enclosing
// scope or standard context has ended and no shield keeps that out. The scope absorbs the
// cause as an echo. To fail, return an error.
//
// When Cancel returns, every scope and every standard context below that is not shielded is
// canceled, even if another goroutine canceled the scope at the same time. Two things may
// be unfinished: functions of [Scope.OnDone], if another goroutine canceled the scope, and
// the cancellation of contexts of other types that use a goroutine of their own, with the
// contexts below them. Cancel does not block, and calls no method of a foreign context.
//
// The place of the call is recorded for [ReasonOf].
func (s *Scope) Cancel(cause error) {
	if cause == nil {
		cause = context.Canceled
	}
	e := &end{err: context.Canceled, cause: cause, source: SourceCancel, scope: s.Name(), at: live.Now()}
	e.recordCallers()
	s.finish(e)
}

// CancelAs cancels the scope as Cancel does, for the reason that e gives. It is for
// libraries that know more of a cancellation than its cause: package nursery names the
// failed task, and a server names the place in the client's program. If e is the Error of
// another context, as [Err] returns it, the scope ends by the same event, and e is an echo
// of the scope's cancellation. Otherwise e.Err and e.Reason describe a new event. An empty
// Reason.Scope stands for the name of the scope, and a nil Reason.Cause for e.Err.
//
// Run and [Scope.Absorb] do not absorb the echo of a cancellation with the source
// [SourceClosed] or [SourceContext].
//
// CancelAs panics if e is nil, if e.Err is neither [context.Canceled] nor
// [context.DeadlineExceeded], or if e.Reason.Source is not one of the sources.
func (s *Scope) CancelAs(e *Error) {
	switch {
	case e == nil:
		panic("cancel: Scope.CancelAs: nil error")
	case !standardErr(e.Err):
		panic(fmt.Sprintf("cancel: Scope.CancelAs: Err must be context.Canceled or context.DeadlineExceeded, got %v", e.Err))
	case e.Reason.Source < SourceContext || e.Reason.Source > SourceClosed:
		panic("cancel: Scope.CancelAs: Reason.Source must be a source, got " + strconv.Itoa(int(e.Reason.Source)))
	}
	if e.end != nil {
		s.finish(e.end)
		return
	}
	r := e.Reason
	if r.Scope == "" {
		r.Scope = s.Name()
	}
	if r.Cause == nil {
		r.Cause = e.Err
	}
	end := &end{err: e.Err, cause: r.Cause, source: r.Source, scope: r.Scope, at: live.Now()}
	end.shared.Store(&Error{Err: e.Err, Reason: r, Detail: e.Detail, end: end})
	s.finish(end)
}

// Close ends the scope's use and releases what it holds. No timer and no entry
// in its parent stays behind, except while a shielded scope below is open. Close
// cancels everything below the scope that is not shielded, with the cause
// [ErrClosed]. When Close returns, all of it has been canceled, as when Cancel
// returns. Close is idempotent. To cancel with another cause, call Cancel first.
func (s *Scope) Close() {
	s.hearStandard() // an end above that has already happened comes first
	point.Here("Close: asked above")
	if s.more.Load() != nil {
		s.closeMore()
		return
	}
	s.conclude(closed, closing)
	point.Here("Close: concluded")
	s.dropDetached() // a listener may have come in the meantime
}

// closeMore is the end of Close for a scope that may have hooks. A hook may panic.
// Close itself, and what it calls for most scopes, uses little stack: many goroutines
// have just the two kilobytes they begin with.
func (s *Scope) closeMore() {
	defer s.dropDetached()
	s.conclude(closed, closing)
	point.Here("Close: concluded")
}
