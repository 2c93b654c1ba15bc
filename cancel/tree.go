package cancel

import (
	"slices"

	"github.com/grove-go/grove/internal/point"
)

// How an end travels down the tree; see Scope for the states of a scope.
//
// Goroutines help each other. A goroutine that finds a scope ended, and not
// settled, walks the tree below it as well, and returns when everything below
// has been told. It waits for the locks that other goroutines hold, and for
// nothing else. In particular it does not wait for hooks, which the goroutine
// that ended their scope calls: that would be a deadlock if a hook cancels an
// enclosing scope.

// enter puts a new scope into the tree. It ends the scope if something above
// has ended.
func (s *Scope) enter() {
	if s.isForeign() && isClosed(s.edge.far) && !s.is(shielded) {
		s.state.Store(s.edge.outerEnd())
		return
	}
	if s.up != nil {
		s.link()
	}
	if s.isForeign() {
		s.edge.enter()
	}
}

// link puts a new scope into the list of its enclosing scope, or ends it if that
// has ended.
func (s *Scope) link() {
	up := s.up
	up.mu.Lock()
	switch {
	case !up.isOver():
		up.listLocked(s)
	case up.state.Load() != nil && !s.isForeign() && !s.is(shielded):
		s.state.Store(up.fullLocked())
	default:
		up.mu.Unlock()
		s.relink()
		return
	}
	up.mu.Unlock()
}

// isOver reports whether the scope leaves the tree with the last scope below.
func (s *Scope) isOver() bool { return s.state.Load() != nil || s.is(dropped) }

// relink puts the scope into the list of its enclosing scope, which may have left
// the tree. Scopes above that have left are listed again, from the top down.
func (s *Scope) relink() {
	path := []*Scope{s}
	for len(path) > 0 {
		point.Here("link: next")
		x := path[len(path)-1]
		up := x.up
		up.mu.Lock()
		if up.isOver() && !up.listed && up.up != nil {
			path = append(path, up)
		} else {
			x.mu.Lock()
			if !x.listed {
				up.listLocked(x)
			}
			x.mu.Unlock()
			path = path[:len(path)-1]
		}
		up.mu.Unlock()
	}
}

// listLocked puts c, which is new or whose mu is held too, into the list of s.
func (s *Scope) listLocked(c *Scope) {
	c.listed = true
	c.next = s.kids
	if c.next != nil {
		c.next.prev = c
	}
	s.kids = c
}

// unlistLocked removes c from the list of s. The caller holds mu of both.
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
	ending    manner = iota
	expiring         // because of its deadline, if that has passed
	following        // because something above has ended, unless its shield is up
	noticing         // the same, in a goroutine that has only asked, and may hold locks
	closing          // by Close
)

// finish ends the scope with e, unless it has ended or what is above it has.
func (s *Scope) finish(e *end) {
	s.hearStandard()
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
	var hooks []*hook
	if s.state.Load() == nil {
		switch {
		case how == expiring:
			e = s.expiredLocked()
		case (how == following || how == noticing) && s.is(shielded):
			e = nil
		}
		if e != nil {
			hooks = s.endLocked(e, how != following && how != noticing, hooks)
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
		hooks = s.spread(hooks)
	}
	if emptied {
		up.prune()
	}
	callHooks(hooks, how)
}

// retireLocked takes the scope out of the tree if it has ended and nothing is
// below it. It reports whether something below has to be told, and whether the
// enclosing scope has ended and has nothing below it any more. The caller holds
// mu of both.
func (s *Scope) retireLocked() (untold, emptied bool) {
	if up := s.up; s.listed && s.kids == nil && s.isOver() {
		up.unlistLocked(s)
		emptied = up.kids == nil && up.isOver()
	}
	return s.untoldLocked(), emptied
}

// untoldLocked reports whether the scope has ended and something below has to be
// told.
func (s *Scope) untoldLocked() bool {
	return s.state.Load() != nil && !s.settled && s.kids != nil
}

// prune takes the scope out of the tree if it has ended and nothing is below it.
// It goes on with the scopes above.
func (s *Scope) prune() {
	for up := s.up; up != nil; s, up = up, up.up {
		point.Here("prune: next")
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

// endLocked ends the scope, and the standard contexts below it. It appends the
// scope's hooks to hooks, for the caller to call them.
func (s *Scope) endLocked(e *end, own bool, hooks []*hook) []*hook {
	s.own = own
	s.state.Store(e)
	point.Here("end: set")
	if f := s.flags.Load(); f&(hasStd|hasBare) != 0 {
		if f&hasBare != 0 {
			close(s.bare)
		}
		if f&hasStd != 0 {
			if e == closed && s.Name() != "" {
				s.fullLocked() // package context keeps the cause, which has the name
			}
			s.std.end()
		}
		s.flags.Or(told)
	}
	if c := s.clock.Load(); c != nil && c.timer != nil {
		c.timer.Stop()
	}
	if m := s.more.Load(); m != nil {
		if m.grace != nil {
			m.grace.Stop()
		}
		if m.hooks != nil {
			hooks = append(hooks, m.hooks)
			m.hooks = nil
		}
	}
	return hooks
}

// tellLocked ends c, a scope in the list of s, with e, unless e is nil or c has
// ended or is shielded. It reports whether something below c has to be told, and
// appends the hooks of c to hooks if it has ended c.
func (s *Scope) tellLocked(c *Scope, e *end, hooks []*hook) (untold bool, _ []*hook) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e != nil && c.state.Load() == nil && !c.is(shielded) {
		hooks = c.endLocked(e, false, hooks)
	}
	untold, _ = c.retireLocked()
	return untold, hooks
}

// spread tells everything below the scope, which has ended, and appends the hooks
// of the scopes that it ends to hooks. Trees may be deep, so spread keeps lists
// rather than call itself.
func (s *Scope) spread(hooks []*hook) []*hook {
	todo := append(make([]*Scope, 0, 8), s) // ended, with something below
	told := make([]*Scope, 0, 8)
	var foreign []*Scope
	for len(todo) > 0 {
		x := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		told = append(told, x)
		foreign = foreign[:0]
		x.mu.Lock()
		e := x.fullLocked()
		for c, next := x.kids, (*Scope)(nil); c != nil; c = next {
			next = c.next
			if c.isForeign() {
				foreign = append(foreign, c)
				continue
			}
			var untold bool
			if untold, hooks = x.tellLocked(c, e, hooks); untold {
				todo = append(todo, c)
			}
		}
		x.mu.Unlock()
		point.Here("spread: scopes told")
		for _, c := range foreign {
			// Its parent has ended by now if it is a standard context. A context of
			// another type tells the scope later, if it is registered.
			var e *end
			if isClosed(c.edge.far) && standardOf(c.parent) != nil {
				e = c.edge.outer()
			}
			point.Here("spread: asked a foreign parent")
			x.mu.Lock()
			var untold bool
			untold, hooks = x.tellLocked(c, e, hooks)
			x.mu.Unlock()
			if untold {
				todo = append(todo, c)
			}
			if c.state.Load() != nil {
				c.edge.leave()
			}
		}
	}
	point.Here("spread: all told")
	for _, x := range slices.Backward(told) { // upward: a scope leaves after those below
		x.mu.Lock()
		x.settled = true
		x.mu.Unlock()
		x.prune()
	}
	return hooks
}

// help tells everything below the scope if it has ended, unless that is done.
func (s *Scope) help(how manner) {
	s.mu.Lock()
	untold := s.untoldLocked()
	s.mu.Unlock()
	if untold {
		callHooks(s.spread(nil), how)
	}
}
