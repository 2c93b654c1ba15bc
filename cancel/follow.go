package cancel

import "context"

// Follow also cancels the scope when ctx is canceled, with that context's error,
// cause and reason, as if the scope had two parents. If ctx is already done,
// Follow cancels the scope before it returns. If ctx is a [*Scope], a function of
// [Scope.OnDone] cancels the scope, in most cases before the call that cancels ctx
// returns. Otherwise a goroutine does. Neither values nor the deadline of ctx show in the scope.
//
// Calling stop ends this, and reports whether it did so before ctx was canceled. Close does
// not end it, so call both. Follow panics if ctx is nil.
func (s *Scope) Follow(ctx context.Context) (stop func() bool) {
	mustContext("Scope.Follow", ctx)
	if e := endOf(ctx); e != nil {
		s.finish(e)
		return func() bool { return false }
	}
	if p, ok := ctx.(*Scope); ok {
		return p.OnDone(func() { s.finish(p.full()) })
	}
	return context.AfterFunc(ctx, func() { s.finish(endOfForeign(ctx)) })
}
