package cancel

import "context"

// How the end of a scope travels.
//
// A scope that nobody waits for stands alone: it is in no list, and its Err
// asks upward. As soon as somebody has to be told of its end (Done was called,
// a context was derived from it, a scope below it was attached), it is
// attached: it and all the scopes above it are linked into the lists of those
// above them, from the top down, so that a linked scope never waits for a
// scope that is not linked itself. From then on the end of any of them marks
// it synchronously.
//
// Contexts of other packages may stand between two scopes. Such a scope is a
// relay: it is in the list of the next scope up (if there is one), which makes
// it ask its parent once the contexts between have been told, and it is
// registered with its parent by AfterFunc for the case that one of those is
// canceled by itself.

// maxWalk is the number of scopes that one question upward passes. A chain of
// scopes longer than that is attached instead, so that the cost for all of its
// scopes together stays linear.
const maxWalk = 16

// ended returns how the scope ended, or nil if it is open. A scope that has
// not been told yet asks upward, and takes over what it finds.
func (s *Scope) ended() *end {
	if e := s.state.Load(); e != nil {
		return e
	}
	if s.link.Load() == linkedScope {
		return nil
	}
	if e := s.above(); e != nil {
		s.adopt(e)
	}
	return s.state.Load()
}

// above returns the end that the scope has to take over from above, or nil.
func (s *Scope) above() *end {
	x := s
	for range maxWalk {
		if x.shield.Load() {
			return nil
		}
		p, ok := x.parent.(*Scope)
		if !ok {
			e := x.outer()
			if e != nil && x != s {
				// Let x own the record of it, so that all below x share it.
				x.adopt(e)
				return x.state.Load()
			}
			return e
		}
		if p.state.Load() != nil {
			return p.full()
		}
		if p.link.Load() == linkedScope {
			return nil
		}
		x = p
	}
	s.attach()
	return s.state.Load()
}

// outer returns the end of the scope's parent, which is not a scope, or nil if
// the parent has not been canceled.
func (s *Scope) outer() *end {
	err := s.parent.Err()
	if err == nil {
		return nil
	}
	cause := context.Cause(s.parent)
	if s.up != nil {
		if s.up.ended() != nil {
			if e := s.up.full(); e.err == err && same(e.cause, cause) {
				return e
			}
		}
	}
	return &end{err: err, cause: cause, source: SourceContext}
}

// attach sees to it that the scope is told when something above it ends.
func (s *Scope) attach() {
	if s.link.Load() >= linkedScope || s.state.Load() != nil {
		return
	}
	if s.up == nil || s.up.link.Load() >= linkedScope {
		s.join()
		return
	}
	var buf [8]*Scope
	chain := append(buf[:0], s)
	for x := s.up; x != nil && x.link.Load() < linkedScope && x.state.Load() == nil; x = x.up {
		chain = append(chain, x)
	}
	for i := len(chain) - 1; i >= 0; i-- {
		chain[i].join()
	}
}

// join links the scope to what is above it, which is linked already. Any
// number of goroutines may do it at once.
func (s *Scope) join() {
	if s.up != nil {
		s.link.CompareAndSwap(unlinked, linking)
	}
	p, direct := s.parent.(*Scope)
	var done <-chan struct{}
	if !direct {
		done = s.parent.Done()
		if done == nil {
			s.link.Store(linkedScope) // nothing above can be canceled
			return
		}
		// Values may stand between two scopes, which change nothing.
		p, direct = s.up, s.up != nil && done == s.up.Done()
	}
	if p != nil {
		p.mu.Lock()
		if p.state.Load() != nil && direct && !s.shield.Load() {
			e := p.fullLocked()
			p.mu.Unlock()
			s.adopt(e)
			return
		}
		// A scope that has ended must not come into a list: link was set
		// before this look at state, and leave looks at link after state was
		// set, so one of the two sees the other.
		if !s.listed && s.state.Load() == nil {
			s.relay = !direct
			s.listed = true
			s.prev, s.next = nil, p.kids
			if s.next != nil {
				s.next.prev = s
			}
			p.kids = s
		}
		if direct {
			s.link.Store(linkedScope)
		}
		p.mu.Unlock()
	}
	if !direct {
		select {
		case <-done:
			s.ended() // now: a hook would tell so by a goroutine
		default:
			s.hookParent()
		}
		s.link.Store(linkedRelay)
	}
}

// hookParent registers the scope with its parent, which is not a scope.
func (s *Scope) hookParent() {
	stop := context.AfterFunc(s.parent, s.askParent)
	s.mu.Lock()
	superfluous := s.state.Load() != nil || s.unhook != nil
	if !superfluous {
		s.unhook = stop
	}
	s.mu.Unlock()
	if superfluous {
		stop()
	}
}

func (s *Scope) askParent() { s.ended() }

// leave takes the scope, which has ended, out of what is above it. unhook is
// what was in the scope after it had ended.
func (s *Scope) leave(unhook func() bool) {
	if p := s.up; p != nil && s.link.Load() != unlinked {
		p.mu.Lock()
		if s.listed {
			s.listed = false
			if s.prev != nil {
				s.prev.next = s.next
			} else {
				p.kids = s.next
			}
			if s.next != nil {
				s.next.prev = s.prev
			}
			s.prev, s.next = nil, nil
		}
		p.mu.Unlock()
	}
	if unhook != nil {
		unhook()
	}
}

// finish ends the scope with e, unless it has ended or what is above it has.
func (s *Scope) finish(e *end) {
	if s.ended() == nil {
		s.mu.Lock()
		if s.conclude(e, true) {
			return
		}
	}
	// Somebody else came first and may not be through with it. The caller may
	// count on the scopes below being marked all the same.
	s.mu.Lock()
	below := s.kids != nil && !s.settled
	s.mu.Unlock()
	if below {
		s.spread(nil)
	}
}

// adopt ends the scope with what ended something above it, unless it has ended
// or is shielded.
func (s *Scope) adopt(e *end) {
	s.mu.Lock()
	if s.shield.Load() {
		s.mu.Unlock()
		return
	}
	s.conclude(e, false)
}

// conclude ends the scope with e and tells all below, unless it has ended. The
// caller holds mu, which conclude unlocks.
func (s *Scope) conclude(e *end, own bool) (first bool) {
	if s.state.Load() != nil {
		s.mu.Unlock()
		return false
	}
	hooks := s.endLocked(e, own)
	below := hooks != nil || s.kids != nil
	unhook := s.unhook
	s.unhook = nil
	s.mu.Unlock()
	if below {
		s.spread(hooks)
	}
	s.leave(unhook)
	return true
}

// endLocked marks the scope as ended and returns the hooks that the caller has
// to run when it no longer holds mu.
func (s *Scope) endLocked(e *end, own bool) *hook {
	s.own = own
	s.state.Store(e)
	if s.doneState.Load() == doneOpen {
		close(s.done)
		s.doneState.Store(doneClosed)
	}
	if m := s.more; m != nil {
		m.stopTimers()
	}
	hooks := s.hooks
	s.hooks = nil
	return hooks
}

// spread tells everything below s, which has ended, and runs the hooks of s.
// It returns when all of it has been told. It keeps lists of what is still to
// do rather than call itself, for trees may be deep.
func (s *Scope) spread(hooks *hook) {
	var (
		todo    = []*Scope{s} // ended; what is below is to be told
		pending []*hook       // the heads of lists of hooks to run
		relays  []*Scope      // to ask their parents
	)
	tell := func(c *Scope, e *end) {
		hooks, parent := c.tell(e)
		if hooks != nil {
			pending = append(pending, hooks)
		}
		if parent {
			todo = append(todo, c)
		}
	}
	if hooks != nil {
		pending = append(pending, hooks)
	}
	for len(todo)+len(pending)+len(relays) > 0 {
		// First all the scopes that hang together: no foreign code runs.
		for len(todo) > 0 {
			x := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			x.mu.Lock()
			for c := x.kids; c != nil; c = c.next {
				if c.relay {
					relays = append(relays, c)
				} else {
					tell(c, x.fullLocked())
				}
			}
			x.mu.Unlock()
		}
		// Then what others have registered with them.
		for _, h := range pending {
			for h != nil {
				next := h.next
				h.f()
				h = next
			}
		}
		pending = pending[:0]
		// And then the scopes below that, whose parents now say so.
		for _, c := range relays {
			if e := c.state.Load(); e != nil {
				tell(c, e)
			} else if e := c.above(); e != nil {
				tell(c, e)
			}
		}
		relays = relays[:0]
	}
	s.mu.Lock()
	s.settled = true
	s.mu.Unlock()
}

// tell ends the scope with e, unless it has ended or is shielded. It returns
// the hooks that are to be run now, and whether what is below the scope is to
// be told.
func (s *Scope) tell(e *end) (hooks *hook, parent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() == nil {
		if s.shield.Load() {
			return nil, false
		}
		hooks = s.endLocked(e, false)
	}
	return hooks, s.kids != nil && !s.settled
}
