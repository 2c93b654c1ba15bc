package cancel

import (
	"context"
	"time"

	"github.com/grove-go/grove/internal/point"
)

// SetShield raises or lowers the scope's shield. While it is up, cancellations and
// deadlines of enclosing contexts reach neither the scope nor the contexts below it. The
// scope's own Cancel and deadline still work. Values and a graceful stop pass through.
// Raising the shield does not undo a cancellation that has reached the scope. Lowering it
// cancels the scope, and everything below it, before SetShield returns, if a context that
// encloses it has been canceled in the meantime.
//
// This is Trio's CancelScope.shield.
func (s *Scope) SetShield(on bool) {
	if on {
		s.ended() // an end above that has already happened comes first
		point.Here("SetShield: asked above")
		s.mu.Lock()
		s.flags.Or(shielded)
		s.mu.Unlock()
		s.help(ending) // if it has ended, what is below ends too
		return
	}
	s.mu.Lock()
	s.flags.And(^shielded)
	s.mu.Unlock()
	point.Here("SetShield: lowered")
	// The scope has missed an end above that came while the shield was up.
	if e := s.above(); e != nil {
		point.Here("SetShield: asked above again")
		s.conclude(e, following)
	} else {
		s.help(ending) // another goroutine may be telling what is below
	}
}

// above returns the end of something above that reaches the scope, or nil. The end of
// a scope further up may not have reached the parent yet.
func (s *Scope) above() *end {
	if s.isForeign() {
		return s.edge.outer()
	}
	for x := s.up; x != nil; x = x.up {
		if x.ended() != nil {
			return x.full()
		}
		if x.isForeign() || x.is(shielded) {
			break
		}
	}
	return nil
}

// hearAbove ends the scope if a scope above has ended that has not told it yet.
func (s *Scope) hearAbove() {
	for x := s; x != nil && !x.isForeign() && !x.is(shielded); x = x.up {
		if x.state.Load() != nil {
			x.help(noticing)
			return
		}
	}
}

// Shield runs fn in a shielded scope, for clean-up that a cancellation of ctx must not cut
// short. The grace limits the time of fn, so that fn cannot hold up the end forever. Shield
// returns the error of fn or, if fn gave up because the grace passed, a [*TimeoutError].
// The options are the same as for [New].
//
// Shield panics if ctx, fn or an option is nil.
//
// For a function that must not be cut short at all, use a scope with the option [Shielded]
// and no deadline.
func Shield(ctx context.Context, grace time.Duration, fn func(ctx context.Context) error, opts ...Option) error {
	mustContext("Shield", ctx)
	mustFunc("Shield", fn)
	return open(ctx, config{timed: true, deadline: after(grace), shielded: true}.with("Shield", opts)).runOrFail(fn)
}
