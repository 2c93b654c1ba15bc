package cancel

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/grove-go/grove/internal/live"
	"github.com/grove-go/grove/internal/point"
)

// A clock is the deadline of a scope with its timer. The fields are guarded by the
// scope's mu.
type clock struct {
	moment
	timer *time.Timer
	fires time.Time // when timer is going to fire; zero: it is idle

	// shown is a copy of deadline that Deadline reads without mu. Moving the
	// deadline sets it to nil, and the next call of Deadline makes it. It is set
	// under mu.
	shown atomic.Pointer[time.Time]
}

// A moment is a time to set a deadline to.
type moment struct {
	deadline time.Time     // as the user gave it; zero: none
	due      time.Time     // the same instant on the monotonic clock
	left     time.Duration // until then
	relative bool          // left is what the user gave
}

// after returns the moment d from now.
func after(d time.Duration) moment {
	t := time.Now().Add(d)
	return moment{t, t, d, true}
}

// at returns the moment t.
func at(t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	now := time.Now()
	d := t.Sub(now)
	return moment{t, now.Add(d), d, false}
}

// Deadline returns the time at which the scope is going to be canceled as things stand: the
// earliest of its own deadline and the deadlines of everything that encloses it, up to the
// nearest shield. The effective deadline changes when one of these deadlines moves.
//
// If [context.WithDeadline] or WithTimeout derives a context from a scope, and the scope's
// deadline is the earlier one at that moment, the context has no deadline of its own. It
// does not get one when the scope's deadline moves to later. Use a scope in its place.
func (s *Scope) Deadline() (deadline time.Time, ok bool) {
	for {
		if c := s.clock.Load(); c != nil {
			if d := s.shownDeadline(c); !d.IsZero() && (!ok || d.Before(deadline)) {
				deadline, ok = d, true
			}
		}
		if s.is(shielded) {
			return deadline, ok
		}
		p, isScope := s.parent.(*Scope)
		if !isScope {
			break
		}
		s = p
	}
	if d, has := s.parent.Deadline(); has && (!ok || d.Before(deadline)) {
		return d, true
	}
	return deadline, ok
}

// shownDeadline returns the scope's own deadline, or zero.
func (s *Scope) shownDeadline(c *clock) time.Time {
	if d := c.shown.Load(); d != nil {
		return *d
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := c.deadline
	c.shown.Store(&d)
	return d
}

// SetDeadline moves the scope's own deadline to t, earlier or later, or removes
// it if t is zero. If t is in the past, the scope is canceled before
// SetDeadline returns. SetDeadline has no effect on a scope that has ended.
// When a deadline passes, the scope's Err is [context.DeadlineExceeded].
func (s *Scope) SetDeadline(t time.Time) {
	s.hearStandard() // an end above that has already happened comes first
	s.move(at(t), false)
}

// SetTimeout moves the scope's own deadline to d from now. If d is zero or
// less, the scope is canceled before SetTimeout returns.
//
// Calling SetTimeout at each message makes an idle timeout. That is cheap,
// because a deadline that moves to later does not touch the timer.
//
// A context from [context.WithTimeout] below the scope may have no timer of its own;
// see [Scope.Deadline].
func (s *Scope) SetTimeout(d time.Duration) {
	s.hearStandard() // an end above that has already happened comes first
	s.move(after(d), false)
}

// move sets the deadline. A scope that has ended keeps the one it has, unless
// it is new.
func (s *Scope) move(m moment, isNew bool) {
	point.Here("move: now")
	past := m.left <= 0 && !m.deadline.IsZero()
	s.mu.Lock()
	ended := s.state.Load() != nil
	if ended && !isNew {
		s.mu.Unlock()
		if past {
			s.help(ending)
		}
		return
	}
	c := s.clock.Load()
	if c == nil {
		c = new(clock)
		s.clock.Store(c)
	}
	c.moment = m
	c.shown.Store(nil)
	switch {
	case ended:
	case m.deadline.IsZero():
		if c.timer != nil {
			c.timer.Stop()
			c.fires = time.Time{}
		}
	case past:
		s.mu.Unlock()
		point.Here("move: past")
		s.expire()
		return
	case c.timer == nil:
		c.timer = time.AfterFunc(m.left, s.ring)
		c.fires = m.due
	case c.fires.IsZero() || m.due.Before(c.fires):
		c.timer.Reset(m.left)
		c.fires = m.due
	default:
		// The timer fires before the deadline, and ring sets it again.
	}
	s.mu.Unlock()
}

// ring is called by the timer. The deadline may have moved since the timer was
// set, or may be moving now, and the wall clock may have been set. Only what the
// clock says under mu counts.
func (s *Scope) ring() {
	point.Here("ring")
	s.mu.Lock()
	c := s.clock.Load()
	c.fires = time.Time{}
	if s.state.Load() != nil || c.due.IsZero() {
		s.mu.Unlock()
		return
	}
	if d := time.Until(c.due); d > 0 {
		c.timer.Reset(d)
		c.fires = c.due
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	point.Here("ring: due")
	s.expire()
}

// ownDue returns the scope's own deadline on the monotonic clock, or zero.
func (s *Scope) ownDue() time.Time {
	c := s.clock.Load()
	if c == nil {
		return time.Time{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.due
}

// expire ends the scope if its own deadline or one around it has passed. Timers
// that are due at the same time fire in any order. Therefore expire looks upward,
// to the nearest shield, for the earliest deadline, the outermost one on a tie,
// and ends the scope with that deadline.
func (s *Scope) expire() {
	first := s
	due := s.ownDue()
	foreign := false // due is the deadline of the parent of first
	for x := s; x != nil && !x.is(shielded) && !x.isDetached(); x = x.up {
		if s.state.Load() != nil {
			s.help(ending)
			return // many timers may be due at once, each with a long way to go
		}
		// The deadline of a context of another type may be no more than advice.
		if x.isForeign() && x.edge.std != nil {
			if d, ok := x.parent.Deadline(); ok && (due.IsZero() || !d.After(due)) {
				first, due, foreign = x, d, true
			}
		}
		if x.up != nil {
			if d := x.up.ownDue(); !d.IsZero() && (due.IsZero() || !d.After(due)) {
				first, due, foreign = x.up, d, false
			}
		}
	}
	point.Here("expire: looked above")
	switch {
	case due.After(time.Now()):
	case foreign:
		first.finish(&end{err: context.DeadlineExceeded, cause: context.DeadlineExceeded, source: SourceContext, at: live.Now()})
	case first != s:
		first.expireOwn()
	}
	// The deadline above may just have moved away, or a foreign context may keep it
	// from s. Then the scope's own deadline counts.
	s.expireOwn()
}

// expireOwn ends the scope if its own deadline has passed.
func (s *Scope) expireOwn() {
	s.hearStandard()
	point.Here("expireOwn: asked above")
	s.conclude(nil, expiring)
}

// expiredLocked returns the end of the scope by its own deadline, or nil if that
// has not passed. The caller ends the scope under the same lock, so that a
// deadline that moves away in time has no effect.
func (s *Scope) expiredLocked() *end {
	c := s.clock.Load()
	if c == nil || c.due.IsZero() || c.due.After(time.Now()) {
		return nil
	}
	e := &end{err: context.DeadlineExceeded, cause: context.DeadlineExceeded, source: SourceDeadline, scope: s.Name(), deadline: c.deadline, at: live.Now()}
	if c.relative {
		e.timeout, e.relative = c.left, true
	}
	return e
}
