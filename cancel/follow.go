package cancel

import "context"

// Follow also cancels the scope when ctx is canceled, with that context's error,
// cause and reason, as if the scope had two parents: before Follow returns if
// ctx is done already, and within one goroutine hop later on. Neither values nor
// the deadline of ctx show in the scope. The function returned ends this and
// reports whether it came before ctx was canceled. Close does not: call both.
// Follow panics if ctx is nil.
func (s *Scope) Follow(ctx context.Context) (stop func() bool) {
	mustContext("Scope.Follow", ctx)
	if e := endOf(ctx); e != nil {
		s.finish(e)
		return func() bool { return false }
	}
	return context.AfterFunc(ctx, func() {
		if e := endOf(ctx); e != nil {
			s.finish(e)
		}
	})
}
