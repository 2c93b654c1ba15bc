package cancel

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/grove-go/grove/internal/errtree"
	"github.com/grove-go/grove/internal/point"
)

// An edge is a scope whose parent is a foreign context: not a scope, nor one
// with nothing but values in between. It may be below another scope all the
// same, further up, and is in the list of that.
//
// A foreign parent is asked for its Err only when its Done channel is closed or
// it has called back. Some contexts block in Err until then, and package
// context asks no earlier either.
type edge struct {
	Scope
	far        <-chan struct{} // the parent's Done channel, nil if it is never canceled
	registered atomic.Bool     // with the parent, or about to be
	over       atomic.Bool     // the parent has called back
	asked      atomic.Uint32   // counts questions of scopes below, until registered

	// Guarded by hubs.mu.
	hub        *hub
	prev, next *edge
}

// A hub is a registration with a foreign context. All scopes below contexts
// with the same Done channel share one: thousands of requests may have one
// parent, and package context starts a goroutine for each registration when
// that is canceled.
type hub struct {
	parent context.Context // of the first member
	done   <-chan struct{} // its key in hubs.byDone, or nil if it has only one member

	// Guarded by hubs.mu.
	members *edge
	stop    func() bool // takes the registration back; nil while it is being made
	fired   bool
}

// hubs has the hubs by the Done channels of their contexts. Its lock is the
// last in the order, and no method of a context is called under it.
var hubs = struct {
	mu     sync.Mutex
	byDone map[<-chan struct{}]*hub
}{byDone: make(map[<-chan struct{}]*hub)}

// An afterFuncer is a context that calls back when it is done, as
// [context.AfterFunc] describes.
type afterFuncer interface {
	AfterFunc(f func()) (stop func() bool)
}

// enter connects the scope, which nobody else knows yet, with its parent.
func (b *edge) enter() {
	if isClosed(b.far) {
		b.hear()
	} else if p, ok := b.parent.(afterFuncer); ok && b.far != nil {
		// Such a context may tell of its end by the callback alone. Package
		// context uses it too.
		b.registered.Store(true)
		h := &hub{parent: b.parent}
		hubs.mu.Lock()
		h.addLocked(b)
		hubs.mu.Unlock()
		h.started(p.AfterFunc(h.fire))
		b.recheck()
	}
}

// ask looks whether the parent of the edge has ended, and returns how the scope
// has ended, or nil. A scope that is asked again and again has its edge
// registered, which costs less from then on.
func (s *Scope) ask() *end {
	const often = 16
	b := s.edge
	switch {
	case isClosed(b.far):
		b.hear()
	case s == &b.Scope:
	case b.registered.Load():
		s.flags.Or(edgeTells)
	case b.asked.Add(1) == often:
		s.register()
	}
	return s.state.Load()
}

// register sees to it that the scope is told when a foreign context above it
// ends. Until somebody has to be told, Err asks; see ended.
func (s *Scope) register() {
	b := s.edge
	if b == nil || b.far == nil || b.registered.Load() || b.registered.Swap(true) {
		return
	}
	hubs.mu.Lock()
	h := hubs.byDone[b.far]
	first := h == nil
	if first {
		h = &hub{parent: b.parent, done: b.far}
		hubs.byDone[b.far] = h
	}
	h.addLocked(b)
	hubs.mu.Unlock()
	point.Here("register: in the hub")
	if first {
		h.started(context.AfterFunc(h.parent, h.fire))
	}
	b.recheck()
}

// recheck is called when the scope has been registered: the parent may have
// ended before that, and the scope too.
func (b *edge) recheck() {
	if isClosed(b.far) {
		b.hear()
	}
	if b.state.Load() != nil {
		b.leave()
	}
}

// started sets the function that takes the registration back.
func (h *hub) started(stop func() bool) {
	point.Here("started")
	hubs.mu.Lock()
	h.stop = stop
	unused := h.members == nil
	hubs.mu.Unlock()
	if unused {
		stop()
	}
}

func (h *hub) addLocked(b *edge) {
	b.hub = h
	b.next = h.members
	if b.next != nil {
		b.next.prev = b
	}
	h.members = b
}

// leave takes back the registration of a scope that has ended.
func (b *edge) leave() {
	if !b.registered.Load() {
		return // register looks at the state later
	}
	hubs.mu.Lock()
	h := b.hub
	if h == nil || h.fired {
		hubs.mu.Unlock()
		return
	}
	b.hub = nil
	if b.prev != nil {
		b.prev.next = b.next
	} else {
		h.members = b.next
	}
	if b.next != nil {
		b.next.prev = b.prev
	}
	b.prev, b.next = nil, nil
	var stop func() bool
	if h.members == nil {
		stop = h.stop
		h.retireLocked()
	}
	hubs.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// retireLocked takes the hub out of hubs, so that no scope joins it any more.
func (h *hub) retireLocked() {
	if h.done != nil {
		delete(hubs.byDone, h.done)
	}
}

// fire is called when the context of the hub has ended.
func (h *hub) fire() {
	hubs.mu.Lock()
	first := h.members
	h.members, h.fired = nil, true
	if first != nil {
		h.retireLocked()
	}
	hubs.mu.Unlock()
	if first == nil {
		return
	}
	point.Here("fire")
	// One record for all that have the same parent.
	e := foreignEnd(h.parent)
	pointer := reflect.TypeOf(h.parent).Kind() == reflect.Pointer // comparing cannot panic
	for b, next := first, (*edge)(nil); b != nil; b = next {
		next = b.next
		b.over.Store(true)
		own := e
		if !pointer || b.parent != h.parent {
			own = foreignEnd(b.parent)
		}
		b.adopt(own)
	}
}

// hear takes over the end of the parent, which has ended, unless a shield keeps
// it out. Everything below is told when it returns.
func (b *edge) hear() {
	if b.state.Load() != nil {
		b.help()
	} else if !b.is(shielded) {
		b.adopt(foreignEnd(b.parent))
	}
}

// adopt ends the scope with e, the end of its parent.
func (b *edge) adopt(e *end) {
	b.conclude(b.known(e), following)
}

// outer returns the end of the parent, or nil if it is open.
func (b *edge) outer() *end {
	if !isClosed(b.far) && !b.over.Load() {
		return nil
	}
	return b.known(foreignEnd(b.parent))
}

// known returns the record that the enclosing scope has of e, the end of the
// parent, or e if that is another event.
func (b *edge) known(e *end) *end {
	if up := b.up; up != nil && up.ended() != nil {
		if o := up.full(); o.err == e.err && errtree.Same(o.cause, e.cause) {
			return o
		}
	}
	return e
}

// foreignEnd returns the end of ctx, a foreign context that has ended.
func foreignEnd(ctx context.Context) *end {
	err, cause := ctx.Err(), context.Cause(ctx)
	if !standardErr(err) {
		// A context may have an error of its own, which becomes the cause.
		if cause == nil || standardErr(cause) {
			cause = err
		}
		if errors.Is(err, context.DeadlineExceeded) {
			err = context.DeadlineExceeded
		} else {
			err = context.Canceled
		}
	}
	if cause == nil {
		cause = err
	}
	return &end{err: err, cause: cause, source: SourceContext}
}

// standardErr reports whether err is one of the two that a standard context has.
func standardErr(err error) bool {
	return errtree.Same(err, context.Canceled) || errtree.Same(err, context.DeadlineExceeded)
}
