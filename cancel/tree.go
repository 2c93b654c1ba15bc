package cancel

import (
	"slices"

	"github.com/grove-go/grove/internal/bare"
	"github.com/grove-go/grove/internal/point"
)

// How an end travels down the tree; see Scope for the states of a scope.
//
// A scope tells of its end, by its channels and standard contexts, after
// everything below it has ended.
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
	if s.isForeign() && bare.IsClosed(s.edge.far) && !s.is(shielded) {
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
	case s.endsWithLocked(up):
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

// relink puts a new scope into the list of its enclosing scope, which may have left
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
			switch {
			case x == s && s.endsWithLocked(up):
				s.state.Store(up.fullLocked()) // up was dropped, and has ended since link looked
			case !x.listed:
				up.listLocked(x)
			}
			x.mu.Unlock()
			path = path[:len(path)-1]
		}
		up.mu.Unlock()
	}
	if s.state.Load() != nil {
		s.up.prune() // what was listed again
	}
}

// endsWithLocked reports whether the new scope must end because up, the enclosing scope,
// has ended.
func (s *Scope) endsWithLocked(up *Scope) bool {
	return up.state.Load() != nil && !s.isForeign() && !s.is(shielded)
}

// listLocked puts c into the list of s. If c is not new, the caller holds mu of c too.
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

// A manner says how a scope ends.
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
			if s.kids == nil && s.isSilent() {
				s.tellLocked()
			}
		}
	}
	point.Here("conclude: ended")
	untold, emptied := s.retireLocked()
	s.mu.Unlock()
	if up != nil {
		up.mu.Unlock()
	}
	if untold {
		hooks = s.spread(hooks)
	}
	if emptied {
		up.prune()
	}
	switch {
	case s.isForeign() && s.is(registered) && s.state.Load() != nil:
		// If register is about to set the flag, recheck finds the scope ended.
		s.edge.leaveAfter(hooks, how)
	case hooks != nil:
		callHooks(hooks, how)
	}
}

// retireLocked takes the scope out of the tree if it has ended and nothing is
// below it. It reports whether the scope or a context below must be told, and
// whether the enclosing scope has ended and has nothing below it any more. The
// caller holds mu of both.
func (s *Scope) retireLocked() (untold, emptied bool) {
	untold = s.untoldLocked()
	if up := s.up; s.listed && s.kids == nil && s.isOver() && !untold {
		up.unlistLocked(s)
		emptied = up.kids == nil && up.isOver()
	}
	return untold, emptied
}

// untoldLocked reports whether the scope has ended, and it or a context below has not been
// told.
func (s *Scope) untoldLocked() bool {
	if s.state.Load() == nil {
		return false
	}
	return s.isSilent() || s.kids != nil && !s.settled
}

// isSilent reports whether the scope, which has ended, has yet to tell of it.
func (s *Scope) isSilent() bool {
	f := s.flags.Load()
	return f&(hasStd|hasBare) != 0 && f&told == 0
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

// endLocked ends the scope. It appends the scope's hooks to hooks, for the caller to
// call them.
func (s *Scope) endLocked(e *end, own bool, hooks []*hook) []*hook {
	s.own = own
	s.state.Store(e)
	point.Here("end: set")
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

// tellLocked closes the channels of the scope and ends the standard contexts below
// it, unless that is done. The scope, and everything below it, has ended.
func (s *Scope) tellLocked() {
	if s.is(told) {
		return
	}
	if s.is(hasBare) {
		close(s.bare)
	}
	if s.is(hasStd) {
		if s.Name() != "" {
			s.fullLocked() // package context keeps the cause, which has the name
		}
		s.std.end()
	}
	s.flags.Or(told)
}

// spread ends everything below the scope, which has ended, and tells of it. It
// returns hooks and the hooks of the scopes that it ends.
func (s *Scope) spread(hooks []*hook) []*hook {
	w := walk{todo: []*Scope{s}, hooks: hooks}
	for len(w.todo) > 0 {
		silent := len(w.done)
		w.end()
		for _, x := range w.done[silent:] {
			x.mu.Lock()
			x.tellLocked()
			x.mu.Unlock()
			point.Here("spread: scope told")
		}
		w.ask()
	}
	point.Here("spread: all told")
	for _, x := range slices.Backward(w.done) { // upward: a scope leaves after those below
		x.mu.Lock()
		x.settled = true
		x.mu.Unlock()
		x.prune()
	}
	return w.hooks
}

// A walk ends what is below a scope. Trees may be deep, so it keeps lists rather
// than call itself.
type walk struct {
	todo    []*Scope // ended, and to look below
	done    []*Scope // looked below, those above first
	foreign []*Scope // edges, to ask
	hooks   []*hook  // of the scopes that the walk has ended
}

// end ends everything below the scopes to look below, except the edges.
func (w *walk) end() {
	for len(w.todo) > 0 {
		x := w.todo[len(w.todo)-1]
		w.todo = w.todo[:len(w.todo)-1]
		w.done = append(w.done, x)
		point.Here("spread: next")
		x.mu.Lock()
		e := x.fullLocked()
		for c, next := x.kids, (*Scope)(nil); c != nil; c = next {
			next = c.next
			if c.isForeign() {
				w.foreign = append(w.foreign, c)
			} else {
				w.passLocked(c, e)
			}
		}
		x.mu.Unlock()
	}
}

// ask ends each edge if its parent has ended. A standard parent has, by now. A
// context of another type tells the edge later, if that is registered.
func (w *walk) ask() {
	for _, c := range w.foreign {
		var e *end
		if c.edge.standardEnded() {
			e = c.edge.outerEnd()
		}
		point.Here("spread: asked a foreign parent")
		c.up.mu.Lock()
		w.passLocked(c, e)
		c.up.mu.Unlock()
	}
	w.foreign = w.foreign[:0]
}

// passLocked ends c with e, unless e is nil or c has ended or is shielded. The
// caller holds mu of the scope above.
func (w *walk) passLocked(c *Scope, e *end) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e != nil && c.state.Load() == nil && !c.is(shielded) {
		w.hooks = c.endLocked(e, false, w.hooks)
	}
	if untold, _ := c.retireLocked(); untold {
		w.todo = append(w.todo, c)
	}
}

// learn is called by a goroutine that may learn of the scope's end by asking. If the
// scope has ended, everything below it has ended, and Done is closed, when learn
// returns.
func (s *Scope) learn() {
	if s.state.Load() == nil {
		return
	}
	closed := false
	switch f := s.flags.Load(); {
	case f&told != 0:
		return
	// A goroutine that closes a channel wakes all waiters before it gives up mu, and
	// they ask next.
	case f&hasStd != 0:
		closed = bare.IsClosed(s.std.ctx.Done())
	case f&hasBare != 0:
		closed = bare.IsClosed(s.bare)
	}
	if !closed {
		s.help(noticing)
	}
}

// help tells everything below the scope if it has ended, unless that is done.
func (s *Scope) help(how manner) {
	s.mu.Lock()
	untold := s.untoldLocked()
	if !untold && s.state.Load() != nil {
		s.tellLocked()
	}
	s.mu.Unlock()
	if untold {
		callHooks(s.spread(nil), how)
	}
}
