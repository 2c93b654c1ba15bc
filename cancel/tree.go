package cancel

import (
	"context"

	"github.com/grove-go/grove/internal/point"
)

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
		point.Here("ended: found above")
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
			if x.far() {
				break
			}
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

// far reports whether more scopes than one question may pass are above s, none
// of them linked: its parent, which is not a scope, would ask them all, each by
// way of the contexts between them.
func (s *Scope) far() bool {
	x := s.up
	for range maxWalk {
		if x == nil || x.link.Load() == linkedScope || x.state.Load() != nil {
			return false
		}
		x = x.up
	}
	return true
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
		point.Here("join: linking")
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
			point.Here("join: listed")
			s.hookParent()
			point.Here("join: hooked")
			// Whoever ends up while this happens has seen s in its list when it
			// had told its hooks; or it had told them before, and then:
			select {
			case <-done:
				s.ended()
			default:
			}
		}
		s.link.Store(linkedRelay)
	}
}

// hookParent registers the scope with its parent, which is not a scope.
func (s *Scope) hookParent() {
	stop := context.AfterFunc(s.parent, s.askParent)
	point.Here("hookParent: registered")
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

func (s *Scope) askParent() {
	point.Here("askParent")
	s.ended()
}

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
		point.Here("finish: open")
		s.mu.Lock()
		if s.conclude(e, true) {
			return
		}
	}
	s.help()
}

// help is for those who come second: somebody else has ended the scope, and may
// not be through with telling all below, on which the caller may count all the
// same.
func (s *Scope) help() {
	s.mu.Lock()
	untold := s.untoldLocked()
	s.mu.Unlock()
	if untold {
		s.spread()
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
	s.endLocked(e, own)
	untold := s.untoldLocked()
	unhook := s.unhook
	s.unhook = nil
	s.mu.Unlock()
	point.Here("conclude: ended")
	if untold {
		s.spread()
	}
	s.leave(unhook)
	return true
}

// endLocked marks the scope as ended.
func (s *Scope) endLocked(e *end, own bool) {
	if !own && e.source == SourceContext {
		// Below a foreign context the record stays here: that context's own
		// idea of its cause may change with what is above it.
		_, scope := s.parent.(*Scope)
		own = !scope
	}
	s.own = own
	s.state.Store(e)
	point.Here("end: set")
	if s.doneState.Load() == doneOpen {
		close(s.done)
		s.doneState.Store(doneClosed)
	}
	if m := s.more; m != nil {
		m.stopTimers()
	}
}

// untoldLocked reports whether there is something below the scope, which has
// ended, that may not have been told.
func (s *Scope) untoldLocked() bool {
	return !s.settled && (s.kids != nil || s.hooks != nil)
}

// spread tells everything below s, which has ended, and returns when all of it
// has been told, also what others are about to tell. It keeps lists of what is
// still to do rather than call itself, for trees may be deep.
func (s *Scope) spread() {
	var (
		todo   = []*Scope{s} // ended, with something below
		told   []*Scope
		relays []*Scope
	)
	for len(todo) > 0 {
		// First all the scopes that hang together: no foreign code runs.
		news := len(told)
		for len(todo) > 0 {
			x := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			told = append(told, x)
			x.mu.Lock()
			for c := x.kids; c != nil; c = c.next {
				if !c.relay && c.tell(x.fullLocked()) {
					todo = append(todo, c)
				}
			}
			x.mu.Unlock()
		}
		point.Here("spread: scopes told")
		// Then what others have registered with them. The list of a scope that
		// has ended does not change.
		for _, x := range told[news:] {
			x.mu.Lock()
			h := x.hooks
			x.mu.Unlock()
			for ; h != nil; h = h.next {
				h.run()
			}
		}
		point.Here("spread: hooks called")
		// And then the scopes below that, whose parents now say so.
		relays = relays[:0]
		for _, x := range told[news:] {
			x.mu.Lock()
			for c := x.kids; c != nil; c = c.next {
				if c.relay {
					relays = append(relays, c)
				}
			}
			x.mu.Unlock()
		}
		for _, c := range relays {
			point.Here("spread: a relay")
			e := c.state.Load()
			if e == nil {
				e = c.above()
			}
			if e != nil && c.tell(e) {
				todo = append(todo, c)
			}
		}
	}
	point.Here("spread: all told")
	for _, x := range told {
		x.mu.Lock()
		x.settled = true
		x.hooks = nil
		x.mu.Unlock()
	}
}

// tell ends the scope with e, unless it has ended or is shielded, and reports
// whether what is below it is to be told.
func (s *Scope) tell(e *end) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() == nil {
		if s.shield.Load() {
			return false
		}
		s.endLocked(e, false)
	}
	return s.untoldLocked()
}
