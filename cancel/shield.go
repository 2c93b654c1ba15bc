package cancel

import (
	"context"
	"time"

	"github.com/grove-go/grove/internal/point"
)

// SetShield raises or lowers the scope's shield. While it is up, neither the
// cancellation of what encloses the scope nor a deadline there reaches the
// scope or what is below it; the scope's own Cancel and deadline work on, and
// values and a graceful stop pass through. A cancellation that had reached the
// scope before stays. Lowering the shield lets a cancellation that waits
// outside in, also to what is below, before SetShield returns.
//
// This is Trio's CancelScope.shield.
func (s *Scope) SetShield(on bool) {
	if on {
		// What has reached the scope by now has, even if nobody asked yet.
		s.ended()
		point.Here("SetShield: asked above")
	}
	s.mu.Lock()
	s.shield.Store(on)
	s.mu.Unlock()
	point.Here("SetShield: set")
	if !on {
		// While the shield was up what is above may have ended, and may not
		// tell again, so a link is no reason not to ask.
		if s.state.Load() == nil {
			if e := s.above(); e != nil {
				s.adopt(e)
			}
		}
		// Somebody else may have let it in, and not be through with telling those
		// below, on which the caller may count all the same.
		if s.state.Load() != nil {
			s.help()
		}
	}
}

// Shield runs fn in a shielded scope, for clean-up that the cancellation of ctx
// must not cut short, and bounds it by grace, lest it hold up the end for ever.
// It returns what fn returns or, if the grace passed and fn gave up because of
// it, a [*TimeoutError]. It panics if ctx or fn is nil.
//
// A pause that must not be cut short has no such form on purpose; a scope made
// with [Shielded] and no deadline is one.
func Shield(ctx context.Context, grace time.Duration, fn func(ctx context.Context) error) error {
	mustContext("Shield", ctx)
	mustFunc("Shield", fn)
	return New(ctx, Shielded(), Timeout(grace)).runOrFail(fn)
}
