package cancel

import "github.com/grove-go/grove/internal/point"

// OnDone registers f to be called once when the scope ends. The goroutine that
// ends the scope calls f before it continues. Everything below the scope has ended
// by then, except what is below contexts of other types. If the scope has already
// ended, or if a call finds that a foreign context above has ended before the
// goroutine that tells so, f runs in a new goroutine.
//
// Calling stop removes the registration, and reports whether it did so before
// the scope ended. Stop does not wait for f.
//
// f must not block. Use [context.AfterFunc] to run something in a goroutine
// of its own. If f panics or calls [runtime.Goexit], other functions still run.
// OnDone panics if f is nil.
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

// callHooks calls the hooks, and the hooks behind each of them. Their scopes have
// ended, so that stop does not look at the lists any more.
func callHooks(hooks []*hook, how manner) {
	if len(hooks) == 0 {
		return
	}
	if how == noticing {
		go callHooks(hooks, following)
		return
	}
	defer func() {
		if len(hooks) > 0 { // a hook has called Goexit or panicked
			go callHooks(hooks, following)
		}
	}()
	for len(hooks) > 0 {
		h := hooks[0]
		if hooks[0] = h.next; h.next == nil {
			hooks = hooks[1:]
		}
		h.prev, h.next = nil, nil
		h.f()
	}
}
