package cancel

import "github.com/grove-go/grove/internal/point"

// How an end travels down the tree; see Scope for the states of a scope.
//
// A goroutine that comes second walks the tree as well, below a scope that has
// ended and is not settled, so that it may count on the whole tree as the first
// one may. It waits for the locks that the first one holds, and for nothing
// else. A hook that another goroutine is calling is not waited for: that would
// be a deadlock where a hook cancels a scope around its own.

// enter puts the scope, which nobody else knows yet, into the tree. It ends the
// scope if what is above it has ended.
func (s *Scope) enter() {
	if s.up != nil {
		s.link()
	}
	if s.isForeign() {
		s.edge.enter()
	}
}

// link puts the scope into the list of its enclosing scope. If that has left
// the tree it comes back, and what is above it before.
func (s *Scope) link() {
	path := append(make([]*Scope, 0, 8), s)
	for len(path) > 0 {
		x := path[len(path)-1]
		p := x.up
		p.mu.Lock()
		switch {
		case p.state.Load() != nil && x == s && !s.isForeign() && !s.is(shielded):
			s.state.Store(p.fullLocked())
			p.mu.Unlock()
			return
		case p.up != nil && !p.listed && p.state.Load() != nil:
			path = append(path, p)
		default:
			p.listLocked(x)
			path = path[:len(path)-1]
		}
		p.mu.Unlock()
	}
}

// listLocked puts c into the list of s, if it is not there.
func (s *Scope) listLocked(c *Scope) {
	c.mu.Lock()
	if !c.listed {
		c.listed = true
		c.next = s.kids
		if c.next != nil {
			c.next.prev = c
		}
		s.kids = c
	}
	c.mu.Unlock()
}

// unlistLocked takes c, whose mu is held as well, out of the list of s.
func (s *Scope) unlistLocked(c *Scope) {
	c.listed = false
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		s.kids = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.prev, c.next = nil, nil
	if c.is(isListener) {
		s.forgetLocked(c)
	}
}

// A manner says how a scope comes to its end.
type manner int

const (
	ending    manner = iota // by itself
	expiring                // by its deadline, if that has passed
	following               // because something above it has ended, unless a shield keeps that out
	closing                 // by Close
)

// finish ends the scope with e, unless it has ended or what is above it has.
func (s *Scope) finish(e *end) {
	s.ended()
	point.Here("finish: asked above")
	s.conclude(e, ending)
}

// conclude ends the scope with e, unless it has ended or the manner forbids it.
// If the scope has ended, everything below has been told when conclude returns,
// even by other goroutines.
func (s *Scope) conclude(e *end, how manner) {
	up := s.up
	if up != nil {
		up.mu.Lock()
	}
	s.mu.Lock()
	if how == closing {
		s.use = useOver
	}
	if s.state.Load() == nil {
		if how == expiring {
			e = s.expiredLocked()
		} else if how == following && s.is(shielded) {
			e = nil
		}
		if e != nil {
			s.endLocked(e, how != following)
		}
	}
	point.Here("conclude: ended")
	untold, emptied := s.retireLocked()
	s.mu.Unlock()
	if up != nil {
		up.mu.Unlock()
	}
	if s.state.Load() != nil && s.isForeign() {
		s.edge.leave()
	}
	if untold {
		s.spread()
	} else if emptied {
		up.prune()
	}
}

// retireLocked takes the scope out of the tree if it has ended and nothing is
// below it. It reports whether something below has to be told, and whether
// that leaves the enclosing scope, which has ended, with nothing below it. The
// caller holds the locks of both.
func (s *Scope) retireLocked() (untold, emptied bool) {
	if s.state.Load() == nil {
		return false, false
	}
	if up := s.up; s.listed && s.kids == nil {
		up.unlistLocked(s)
		emptied = up.kids == nil && up.state.Load() != nil
	}
	return !s.settled && (s.kids != nil || s.hooksLocked() != nil), emptied
}

// prune takes the scope out of the tree if it has ended and nothing is below
// it, and then the scopes above it of which the same is true.
func (s *Scope) prune() {
	for up := s.up; up != nil; s, up = up, up.up {
		up.mu.Lock()
		s.mu.Lock()
		_, emptied := s.retireLocked()
		s.mu.Unlock()
		up.mu.Unlock()
		if !emptied {
			return
		}
	}
}

// endLocked marks the scope as ended.
func (s *Scope) endLocked(e *end, own bool) {
	s.own = own
	s.state.Store(e)
	point.Here("end: set")
	if f := s.flags.Load(); f&(hasStd|hasBare) != 0 {
		if f&hasBare != 0 {
			close(s.bare)
		}
		if f&hasStd != 0 {
			if e == closed && s.Name() != "" {
				s.fullLocked() // package context keeps the cause, which has the name in it
			}
			s.std.end()
		}
		s.flags.Or(told)
	}
	if c := s.clock.Load(); c != nil && c.timer != nil {
		c.timer.Stop()
	}
	if m := s.more.Load(); m != nil && m.grace != nil {
		m.grace.Stop()
	}
}

// tellLocked ends c, a scope in the list of s, with e, unless e is nil or c has
// ended or is shielded. It reports whether something below c has to be told.
func (s *Scope) tellLocked(c *Scope, e *end) (untold bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e != nil && c.state.Load() == nil && !c.is(shielded) {
		c.endLocked(e, false)
	}
	untold, _ = c.retireLocked()
	return untold
}

// spread tells everything below the scope, which has ended. It keeps lists of
// what is still to do rather than call itself, because trees may be deep.
func (s *Scope) spread() {
	todo := append(make([]*Scope, 0, 8), s) // ended, with something below
	told := make([]*Scope, 0, 8)
	var foreign []*Scope
	for len(todo) > 0 {
		// All scopes that hang together come first, and package context's
		// contexts with them. No code of other packages runs.
		fresh := len(told)
		foreign = foreign[:0]
		for len(todo) > 0 {
			x := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			told = append(told, x)
			x.mu.Lock()
			e := x.fullLocked()
			for c, next := x.kids, (*Scope)(nil); c != nil; c = next {
				next = c.next
				if c.isForeign() {
					foreign = append(foreign, c)
				} else if x.tellLocked(c, e) {
					todo = append(todo, c)
				}
			}
			x.mu.Unlock()
		}
		point.Here("spread: scopes told")
		for _, x := range told[fresh:] {
			x.callHooks()
		}
		point.Here("spread: hooks called")
		// Scopes below foreign contexts come last: those may have ended by now.
		for _, c := range foreign {
			point.Here("spread: a foreign parent")
			e := c.edge.outer()
			c.up.mu.Lock()
			untold := c.up.tellLocked(c, e)
			c.up.mu.Unlock()
			if untold {
				todo = append(todo, c)
			}
			if c.state.Load() != nil {
				c.edge.leave()
			}
		}
	}
	point.Here("spread: all told")
	for i := len(told) - 1; i >= 0; i-- { // from below, so that all that are empty leave
		x := told[i]
		x.mu.Lock()
		x.settled = true
		x.mu.Unlock()
		x.prune()
	}
}

// help is for a goroutine that found the scope ended: it returns when everything
// below has been told.
func (s *Scope) help() {
	s.mu.Lock()
	untold := s.state.Load() != nil && !s.settled && (s.kids != nil || s.hooksLocked() != nil)
	s.mu.Unlock()
	if untold {
		s.spread()
	}
}
