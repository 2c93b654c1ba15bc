package cancel

import (
	"context"
	"time"

	"github.com/grove-go/grove/internal/live"
)

// Run calls fn with the scope as its context and closes the scope. It returns nil if the
// error of fn is an echo of the scope's own cancellation (see [Scope.IsEcho]). If an
// enclosing context is canceled too, the echo belongs to that context, and Run returns its
// [*Error]. Run returns any other error of fn unchanged.
//
// A scope is for one use. Run panics if Run or Close was called before, and if
// fn is nil. If fn panics, Run closes the scope and the panic goes on.
//
// This is Trio's "with CancelScope()".
func (s *Scope) Run(fn func(ctx context.Context) error) error {
	mustFunc("Scope.Run", fn)
	by, err := s.run(fn)
	if by != nil {
		return nil
	}
	return err
}

// run is Run. If the error of fn is an echo that ends here, run returns it all
// the same, with the end of the scope.
func (s *Scope) run(fn func(ctx context.Context) error) (by *end, err error) {
	s.mu.Lock()
	fresh := s.use == useNone
	s.use = max(s.use, useRun)
	s.mu.Unlock()
	if !fresh {
		panic("cancel: Scope.Run: the scope has been used; make a new one with cancel.New")
	}
	if live.Enabled() {
		defer live.Enter(s)()
	}
	defer s.Close()
	if err = fn(s); err != nil {
		return s.absorb(err)
	}
	return nil, nil
}

// runOrFail is run for a scope with a deadline that is a failure.
func (s *Scope) runOrFail(fn func(ctx context.Context) error) error {
	by, err := s.run(fn)
	switch {
	case by == nil:
		return err
	case by.source == SourceDeadline:
		return &TimeoutError{Scope: by.scope, After: by.timeout, Deadline: by.deadline, Detail: by.detail(err), end: by}
	}
	return nil
}

// runOrMove is run for a scope with a deadline that is not a failure.
func (s *Scope) runOrMove(fn func(ctx context.Context) error) (moved bool, err error) {
	by, err := s.run(fn)
	if by != nil {
		return by.source == SourceDeadline, nil
	}
	return false, err
}

// MoveOnAfter runs fn in a scope with the timeout d and gives up on fn if the timeout
// passes. It reports in moved whether the timeout cut fn short; if it did, err is nil.
// Otherwise err is what fn returned, as with [Scope.Run]. If fn returns nil, or an error
// that is not an echo of the timeout, MoveOnAfter returns that, even if the deadline has
// passed in the meantime. Of nested timeouts, only the timeout with the earliest deadline
// moves on. On a tie, the outermost does.
//
// With a d of zero or less fn runs with a context that is done from the start.
// [FromContext] of the context of fn returns the scope, to move its deadline.
// The options are the same as for [New].
//
// MoveOnAfter panics if ctx, fn or an option is nil.
//
// This is Trio's move_on_after, where an attribute of the scope says whether it
// moved on.
func MoveOnAfter(ctx context.Context, d time.Duration, fn func(ctx context.Context) error, opts ...Option) (moved bool, err error) {
	return timed("MoveOnAfter", ctx, after(d), fn, opts).runOrMove(fn)
}

// MoveOnAt is [MoveOnAfter] with the deadline t. The zero time stands for no
// deadline.
func MoveOnAt(ctx context.Context, t time.Time, fn func(ctx context.Context) error, opts ...Option) (moved bool, err error) {
	return timed("MoveOnAt", ctx, at(t), fn, opts).runOrMove(fn)
}

// FailAfter runs fn in a scope with the timeout d. It returns what fn returns, as
// [Scope.Run] does, or a [*TimeoutError] if the timeout cut fn short. If fn returns nil, or
// an error that is not an echo of the timeout, FailAfter returns that, even if the deadline
// has passed in the meantime. Of nested timeouts, only the timeout with the earliest
// deadline reports it. On a tie, the outermost does.
//
// An error of another library that the timeout caused, such as "signal: killed", is not an
// echo unless it unwraps to the error of the context; see [Because].
//
// With a d of zero or less fn runs with a context that is done from the start.
// The options are the same as for [New]. [Name] gives the timeout a name in its
// error.
//
// FailAfter panics if ctx, fn or an option is nil.
//
// This is Trio's fail_after. Unlike in Trio, a Cancel of the scope is not a timeout. If it
// cuts fn short, FailAfter returns nil.
func FailAfter(ctx context.Context, d time.Duration, fn func(ctx context.Context) error, opts ...Option) error {
	return timed("FailAfter", ctx, after(d), fn, opts).runOrFail(fn)
}

// FailAt is [FailAfter] with the deadline t. The zero time stands for no
// deadline.
func FailAt(ctx context.Context, t time.Time, fn func(ctx context.Context) error, opts ...Option) error {
	return timed("FailAt", ctx, at(t), fn, opts).runOrFail(fn)
}

// timed returns a scope with a deadline for fn, in the name of the function
// name.
func timed(name string, ctx context.Context, deadline moment, fn func(ctx context.Context) error, opts []Option) *Scope {
	mustContext(name, ctx)
	mustFunc(name, fn)
	return open(ctx, config{timed: true, deadline: deadline}.with(name, opts))
}

// mustFunc panics in the name of the function name if fn is nil.
func mustFunc(name string, fn func(ctx context.Context) error) {
	if fn == nil {
		panic("cancel: " + name + ": nil function")
	}
}
