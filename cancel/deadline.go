package cancel

import (
	"context"
	"slices"
	"time"

	"github.com/grove-go/grove/internal/point"
)

// SetDeadline moves the scope's own deadline to t, earlier or later, or takes
// it away if t is zero. With a t in the past the scope is canceled before
// SetDeadline returns. It has no effect on a scope that has ended. When a
// deadline passes, the scope's Err is [context.DeadlineExceeded].
func (s *Scope) SetDeadline(t time.Time) {
	s.ended() // what came from above before counts
	s.moveTo(t)
}

// moveTo is SetDeadline, also for a scope of which nobody has asked yet whether
// what is above it has ended.
func (s *Scope) moveTo(t time.Time) {
	if t.IsZero() {
		s.move(t, time.Time{}, 0)
		return
	}
	now := time.Now()
	d := t.Sub(now)
	point.Here("SetDeadline: now")
	s.move(t, now.Add(d), d)
}

// SetTimeout moves the scope's own deadline to d from now. With a d of zero or
// less the scope is canceled before SetTimeout returns.
//
// To call it at each message makes an idle timeout. That is cheap: a deadline
// that moves to later costs no timer.
func (s *Scope) SetTimeout(d time.Duration) {
	s.ended() // what came from above before counts
	s.moveBy(d)
}

// moveBy is to SetTimeout what moveTo is to SetDeadline.
func (s *Scope) moveBy(d time.Duration) {
	t := time.Now().Add(d)
	s.move(t, t, d)
}

// move sets the deadline, due at the same instant on the monotonic clock, which
// is d from now.
func (s *Scope) move(deadline, due time.Time, d time.Duration) {
	past := d <= 0 && !deadline.IsZero()
	s.mu.Lock()
	if s.state.Load() != nil {
		s.mu.Unlock()
		if past {
			s.help()
		}
		return
	}
	m := s.extra()
	m.deadline, m.due, m.waited = deadline, due, false
	switch {
	case deadline.IsZero():
		if m.timer != nil {
			m.timer.Stop()
			m.fires = time.Time{}
		}
	case past:
		s.mu.Unlock()
		point.Here("SetDeadline: past")
		s.expire(false)
		return
	case m.timer == nil:
		m.timer = time.AfterFunc(d, s.ring)
		m.fires = due
	case m.fires.IsZero() || due.Before(m.fires):
		m.timer.Reset(d)
		m.fires = due
	default:
		// The timer rings before the deadline, and ring sets it again.
	}
	s.mu.Unlock()
}

// ring is called by the timer. A deadline may have moved since the timer was
// set, or at this very moment, and the wall clock may have been set: only what
// the clock says under mu counts.
func (s *Scope) ring() {
	point.Here("ring")
	s.mu.Lock()
	m := s.more
	m.fires = time.Time{}
	if s.state.Load() != nil || m.due.IsZero() {
		s.mu.Unlock()
		return
	}
	if d := time.Until(m.due); d > 0 {
		m.timer.Reset(d)
		m.fires = m.due
		s.mu.Unlock()
		return
	}
	waited := m.waited
	m.waited = true
	s.mu.Unlock()
	point.Here("ring: due")
	if s.expire(!waited) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() == nil && !m.due.IsZero() {
		m.timer.Reset(foreignDelay)
		m.fires = time.Now().Add(foreignDelay)
	}
}

// stopTimers is called, under mu, when the scope ends.
func (m *extras) stopTimers() {
	if m.timer != nil {
		m.timer.Stop()
	}
	if m.grace != nil {
		m.grace.Stop()
	}
}

// ownDeadline returns the scope's own deadline, if it has one.
func (s *Scope) ownDeadline() (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.more == nil {
		return time.Time{}, false
	}
	return s.more.deadline, !s.more.deadline.IsZero()
}

// ownDue returns the scope's own deadline on the monotonic clock, or zero.
func (s *Scope) ownDue() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.more == nil {
		return time.Time{}
	}
	return s.more.due
}

// foreignDelay is what a scope leaves to a foreign context above it that is due
// at the same time. By the virtual clock of a test it is no delay at all: the
// other timer rings at the same instant.
const foreignDelay = time.Millisecond

// expire ends the scope if its own deadline has passed. Timers that are due at
// the same time, or nearly, ring in any order. So expire looks upward for a
// deadline that came first, or at the same instant, and lets the scope whose
// deadline that was report it: the outermost one on a tie. If that is a foreign
// context, whose timer is about to ring, a patient call leaves it to that one,
// which knows its cause, and returns false.
func (s *Scope) expire(patient bool) (over bool) {
	due := s.ownDue()
	if due.IsZero() || due.After(time.Now()) {
		return true // there is none, or it was moved a moment ago
	}
	type earlier struct {
		scope   *Scope
		due     time.Time
		foreign bool // the deadline is that of the scope's parent
	}
	var above []earlier
	for x := s; x != nil && !x.shield.Load(); x = x.up {
		if _, ok := x.parent.(*Scope); !ok {
			if d, ok := x.parent.Deadline(); ok && !d.After(due) {
				above = append(above, earlier{x, d, true})
			}
		}
		if x.up != nil {
			if d := x.up.ownDue(); !d.IsZero() && !d.After(due) {
				above = append(above, earlier{x.up, d, false})
			}
		}
	}
	point.Here("expire: looked above")
	slices.Reverse(above) // outermost first
	slices.SortStableFunc(above, func(a, b earlier) int { return a.due.Compare(b.due) })
	for _, a := range above {
		switch {
		case s.ended() != nil:
			return true
		case !a.foreign:
			a.scope.strike()
		case patient && a.scope.parent.Err() == nil:
			return false
		default:
			a.scope.finish(&end{err: context.DeadlineExceeded, cause: context.DeadlineExceeded, source: SourceContext})
		}
	}
	// Those that came first may have been moved away just now, or be cut off by
	// a foreign context on the way up: then it is the scope's own deadline.
	s.strike()
	return true
}

// strike ends the scope if its own deadline has passed. Whether it has is
// decided under mu, so that one that is moved away in time does not strike.
func (s *Scope) strike() {
	if s.ended() != nil {
		s.help() // so that the caller, if it is below, is told
		return
	}
	point.Here("strike: open")
	s.mu.Lock()
	m := s.more
	if m == nil || m.due.IsZero() || m.due.After(time.Now()) {
		s.mu.Unlock()
		return
	}
	if s.conclude(&end{err: context.DeadlineExceeded, cause: context.DeadlineExceeded, source: SourceDeadline, scope: s.name, deadline: m.deadline}, true) {
		return
	}
	s.help()
}
