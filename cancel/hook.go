package cancel

import "github.com/grove-go/grove/internal/point"

// OnDone registers f to be called once when the scope ends. The goroutine that
// ends the scope calls f before it continues, when the scope and everything
// below it in the tree has ended; contexts of other types in between excepted.
// If the scope has already ended, f runs in a new goroutine.
//
// Calling stop removes the registration, and reports whether it did so before
// the scope ended. Stop does not wait for f.
//
// f must not block. Use [context.AfterFunc] to run something in a goroutine
// of its own. OnDone panics if f is nil.
func (s *Scope) OnDone(f func()) (stop func() bool) {
	if f == nil {
		panic("cancel: Scope.OnDone: nil function")
	}
	s.register()
	point.Here("OnDone: registered")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() != nil {
		// Not in this goroutine: the caller may hold a lock that f takes.
		go f()
		return func() bool { return false }
	}
	m := s.extraLocked()
	h := &hook{scope: s, f: f, next: m.hooks}
	if h.next != nil {
		h.next.prev = h
	}
	m.hooks = h
	return h.stop
}

// A hook is a function to call when a scope ends: an element of the scope's
// list, guarded by the scope's mu.
type hook struct {
	scope      *Scope
	f          func()
	prev, next *hook
	stopped    bool
}

func (h *hook) stop() bool {
	s := h.scope
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() != nil || h.stopped {
		return false
	}
	h.stopped = true
	if h.prev != nil {
		h.prev.next = h.next
	} else {
		s.more.Load().hooks = h.next
	}
	if h.next != nil {
		h.next.prev = h.prev
	}
	h.prev, h.next = nil, nil
	return true
}

// callHooks calls the hooks of a scope that has ended, except those that
// another goroutine calls at the same time.
func (s *Scope) callHooks() {
	for {
		s.mu.Lock()
		h := s.hooksLocked()
		if h != nil {
			s.more.Load().hooks = h.next
		}
		s.mu.Unlock()
		if h == nil {
			return
		}
		h.f()
	}
}

func (s *Scope) hooksLocked() *hook {
	if m := s.more.Load(); m != nil {
		return m.hooks
	}
	return nil
}
