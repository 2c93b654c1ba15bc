package cancel

import (
	"context"
	"time"
)

// Run calls fn with the scope as its context, closes the scope, and returns
// fn's error, unless that is an echo of the scope's own cancellation (see
// [Scope.IsEcho]): that ends here, and Run returns nil. If a context that
// encloses the scope is canceled too, the echo belongs to that one, and Run
// returns its [*Error].
//
// A scope runs once: Run panics if it, or Close, was called before, and if fn is
// nil. When fn panics the scope is closed and the panic goes on.
//
// This is Trio's "with CancelScope()".
func (s *Scope) Run(fn func(ctx context.Context) error) error {
	mustFunc("Scope.Run", fn)
	_, err := s.run(fn)
	return err
}

// run is Run, and also returns the end of the scope if it absorbed its echo.
func (s *Scope) run(fn func(ctx context.Context) error) (*end, error) {
	s.mu.Lock()
	used := s.used || s.closed
	s.used = true
	s.mu.Unlock()
	if used {
		panic("cancel: Scope.Run: the scope has been used; make a new one with cancel.New")
	}
	defer s.Close()
	if err := fn(s); err != nil {
		return s.absorb(err)
	}
	return nil, nil
}

// runOrFail is run for a scope whose own deadline is a failure.
func (s *Scope) runOrFail(fn func(ctx context.Context) error) error {
	e, err := s.run(fn)
	if e != nil && e.source == SourceDeadline {
		return &TimeoutError{Scope: e.scope, Deadline: e.deadline, end: e}
	}
	return err
}

// MoveOnAfter runs fn in a scope with the timeout d and moves on if it takes
// longer: it reports in moved whether that timeout cut fn short, in which case
// err is nil. Otherwise err is what fn returned, as it is for [Scope.Run]: if fn
// returns nil, or a real error, that counts even if the deadline passed in the
// meantime. With several around each other, exactly the one whose deadline came
// first moves on, the outermost one of those with the same deadline.
//
// With a d of zero or less fn runs with a context that is done from the start.
// MoveOnAfter panics if ctx or fn is nil. The scope, to move its deadline, is
// [FromContext] of fn's context.
//
// This is Trio's move_on_after, which tells moved by an attribute of the scope.
func MoveOnAfter(ctx context.Context, d time.Duration, fn func(ctx context.Context) error) (moved bool, err error) {
	mustContext("MoveOnAfter", ctx)
	mustFunc("MoveOnAfter", fn)
	return timed(ctx, d).runOrMove(fn)
}

// MoveOnAt is [MoveOnAfter] with the deadline t; zero stands for none.
func MoveOnAt(ctx context.Context, t time.Time, fn func(ctx context.Context) error) (moved bool, err error) {
	mustContext("MoveOnAt", ctx)
	mustFunc("MoveOnAt", fn)
	return New(ctx, Deadline(t)).runOrMove(fn)
}

func (s *Scope) runOrMove(fn func(ctx context.Context) error) (bool, error) {
	e, err := s.run(fn)
	return e != nil && e.source == SourceDeadline, err
}

// FailAfter runs fn in a scope with the timeout d. It returns what fn returns, as
// [Scope.Run] does, or a [*TimeoutError] if fn was cut short by that timeout. If
// fn returns nil, or a real error, that counts even if the deadline passed in
// the meantime. With several around each other, exactly the one whose deadline
// came first reports it, the outermost one of those with the same deadline.
//
// With a d of zero or less fn runs with a context that is done from the start.
// FailAfter panics if ctx or fn is nil.
//
// This is Trio's fail_after. Unlike there, a Cancel of the scope is no timeout.
func FailAfter(ctx context.Context, d time.Duration, fn func(ctx context.Context) error) error {
	mustContext("FailAfter", ctx)
	mustFunc("FailAfter", fn)
	return timed(ctx, d).runOrFail(fn)
}

// FailAt is [FailAfter] with the deadline t; zero stands for none.
func FailAt(ctx context.Context, t time.Time, fn func(ctx context.Context) error) error {
	mustContext("FailAt", ctx)
	mustFunc("FailAt", fn)
	return New(ctx, Deadline(t)).runOrFail(fn)
}

// timed is New(ctx, Timeout(d)) without the cost of an option.
func timed(ctx context.Context, d time.Duration) *Scope {
	s := New(ctx)
	s.moveBy(d)
	return s
}

// mustFunc panics in the name of the function name if fn is nil.
func mustFunc(name string, fn func(ctx context.Context) error) {
	if fn == nil {
		panic("cancel: " + name + ": nil function")
	}
}
