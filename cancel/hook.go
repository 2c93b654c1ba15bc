package cancel

import (
	"context"

	"github.com/grove-go/grove/internal/point"
)

// OnDone registers f to be called once when the scope ends. The goroutine that ends the
// scope calls f before it continues. If the scope has already ended, or if a call that only
// asks about the end is the first to notice it, f runs in a new goroutine. Everything below
// the scope has ended by then, except contexts below foreign contexts.
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
	return s.hook(f, false)
}

// onDone is bare.OnDone.
func onDone(ctx context.Context, f func()) (stop func() bool) { return ctx.(*Scope).hook(f, true) }

// hook is OnDone. Functions of this module come first.
func (s *Scope) hook(f func(), first bool) (stop func() bool) {
	s.register()
	point.Here("OnDone: registered")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() != nil {
		// Not in this goroutine: the caller may hold a lock that f takes.
		go func() {
			s.learn()
			f()
		}()
		return func() bool { return false }
	}
	m := s.extraLocked()
	h := &hook{scope: s, f: f, first: first, next: m.hooks}
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
	f          func() // nil: it was called
	first      bool   // f is a function of this module, which does not block
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
	for _, h := range hooks {
		for ; h != nil; h = h.next {
			if h.first {
				h.f()
				h.f = nil
			}
		}
	}
	switch {
	case len(hooks) == 0:
	case how == noticing:
		go runHooks(hooks)
	default:
		runHooks(hooks)
	}
}

func runHooks(hooks []*hook) {
	persist(func() bool {
		if len(hooks) == 0 {
			return false
		}
		h := hooks[0]
		if hooks[0] = h.next; h.next == nil {
			hooks = hooks[1:]
		}
		h.prev, h.next = nil, nil
		if h.f != nil {
			h.f()
		}
		return true
	})
}

// persist calls step until it returns false. A step may run a hook. If that panics
// or calls Goexit, another goroutine goes on with the next step.
func persist(step func() bool) {
	over := false
	defer func() {
		if !over {
			go persist(step)
		}
	}()
	for step() {
	}
	over = true
}
