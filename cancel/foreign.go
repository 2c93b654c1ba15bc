package cancel

import (
	"context"
	"sync"

	"github.com/grove-go/grove/internal/bare"
	"github.com/grove-go/grove/internal/errtree"
	"github.com/grove-go/grove/internal/live"
	"github.com/grove-go/grove/internal/point"
)

// An edge is a scope whose parent is foreign: a context of another type that
// ends by itself. If a scope encloses the parent, the edge is in the list of
// that scope. A parent that only adds values to a scope is not foreign.
//
// A foreign parent is asked for its Err only when its Done channel is closed or
// it has called back. Some contexts block in Err until then, and package context
// asks no earlier either.
type edge struct {
	Scope

	// Immutable.
	far <-chan struct{} // the parent's Done channel; nil: the parent never ends
	std context.Context // what standardOf returns for the parent

	// Guarded by hubs.mu.
	hub        *hub
	prev, next *edge // in the list of the hub
}

// A hub is a registration with a foreign context. All edges below a standard
// context share a hub. Thousands of requests may have one parent, and when that
// is canceled, package context starts a goroutine for each registration.
//
// An edge below a context of another type has a hub of its own. For such a
// context package context may have to start a goroutine at once, which must not
// serve scopes in several synctest bubbles.
type hub struct {
	ctx  context.Context // the standard context, or the parent of the one member
	done <-chan struct{} // its Done channel

	// Guarded by hubs.mu.
	members *edge
	stop    func() bool // removes the registration
	fired   bool
}

// hubs has the shared hubs by the Done channels of their contexts. No other lock is
// taken, and no method of a context called, under its mu.
var hubs = struct {
	mu     sync.Mutex
	byDone map[<-chan struct{}]*hub
}{byDone: make(map[<-chan struct{}]*hub)}

// An afterFuncer is a context that calls back when it is done, as
// [context.AfterFunc] describes.
type afterFuncer interface {
	AfterFunc(f func()) (stop func() bool)
}

// isDetached reports whether the scope is below a context that never ends.
func (s *Scope) isDetached() bool { return s.isForeign() && s.edge.far == nil }

// enter connects a new scope with its parent, which was open a moment ago or is
// shielded off.
func (b *edge) enter() {
	if up := b.up; up != nil {
		// A walk that ends the parent may have missed b.
		if up.state.Load() != nil {
			up.help(noticing)
		}
		if bare.IsClosed(b.far) {
			b.hear()
			return
		}
	}
	if p, ok := b.parent.(afterFuncer); ok && b.far != nil {
		// A context with this method may report its end by the callback alone.
		// Package context registers with it as well.
		b.flags.Or(registered)
		h := &hub{ctx: b.parent, done: b.far}
		b.join(h, p.AfterFunc(h.fire), false)
	}
}

// ask looks whether the parent of the edge has ended, and returns how the scope
// ended, or nil. After some calls for scopes below, ask registers the edge, so
// that those scopes need not ask any more.
func (s *Scope) ask() *end {
	const often = 16
	b := s.edge
	switch {
	case bare.IsClosed(b.far):
		b.hear()
	case s == &b.Scope:
	case b.is(registered):
		s.flags.Or(edgeTells)
	case b.flags.Add(asked)/asked == often:
		s.register()
	}
	return s.state.Load()
}

// register registers the edge with its parent, so that the scope is told when the
// parent ends. New leaves that out, because most scopes are only asked for their
// Err; see ended.
func (s *Scope) register() {
	b := s.edge
	if b == nil || b.far == nil || b.is(registered) || b.flags.Or(registered)&registered != 0 {
		return
	}
	hubs.mu.Lock()
	h := hubs.byDone[b.far]
	if h != nil {
		h.addLocked(b)
	}
	hubs.mu.Unlock()
	point.Here("register: looked for a hub")
	if h != nil {
		b.recheck()
		return
	}
	h = &hub{ctx: b.parent, done: b.far}
	if b.std != nil {
		h.ctx = b.std // and not the values of this edge's parent
	}
	b.join(h, context.AfterFunc(h.ctx, h.fire), b.std != nil)
}

// join makes the edge the first member of a new hub. If two edges register at
// once, other edges share the hub of one of them.
func (b *edge) join(h *hub, stop func() bool, share bool) {
	point.Here("join: registered")
	hubs.mu.Lock()
	h.stop = stop
	if h.fired {
		b.flags.Or(over)
	} else {
		h.addLocked(b)
		if share && hubs.byDone[h.done] == nil {
			hubs.byDone[h.done] = h
		}
	}
	hubs.mu.Unlock()
	b.recheck()
}

// recheck is called after the scope was registered. The parent may have ended
// before, and so may the scope.
func (b *edge) recheck() {
	point.Here("recheck")
	if bare.IsClosed(b.far) || b.is(over) {
		b.hear()
	}
	if b.state.Load() != nil {
		b.leave()
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

// leaveAfter calls the hooks, and then leave, which calls a function of the foreign
// context.
func (b *edge) leaveAfter(hooks []*hook, how manner) {
	defer b.leave()
	callHooks(hooks, how)
}

// leave removes the registration of a scope that has ended.
func (b *edge) leave() {
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
	empty := h.members == nil
	if empty {
		h.retireLocked()
	}
	hubs.mu.Unlock()
	point.Here("leave: left")
	if empty {
		h.stop()
	}
}

// retireLocked removes the hub from hubs, so that no edge joins it any more.
func (h *hub) retireLocked() {
	if hubs.byDone[h.done] == h {
		delete(hubs.byDone, h.done)
	}
}

// fire is called when the context of the hub has ended.
func (h *hub) fire() {
	point.Here("fire: called")
	hubs.mu.Lock()
	first := h.members
	h.members, h.fired = nil, true
	h.retireLocked()
	hubs.mu.Unlock()
	if first == nil {
		return
	}
	point.Here("fire")
	first.adoptAll(foreignEnd(h.ctx))
}

// adoptAll ends the scope, and the scopes behind it in the list of the hub, with e,
// the end of their parents. The hub has fired, so that leave does not look at the
// list any more.
func (b *edge) adoptAll(e *end) {
	persist(func() bool {
		x := b
		if x == nil {
			return false
		}
		b, x.prev, x.next = x.next, nil, nil
		x.flags.Or(over)
		x.conclude(x.known(e), following)
		return true
	})
}

// hear ends the scope as its parent, which has ended, unless the shield is up.
// Everything below has been told when hear returns.
func (b *edge) hear() {
	if b.state.Load() != nil {
		b.help(noticing)
	} else if !b.is(shielded) {
		b.conclude(b.outerEnd(), noticing)
	}
}

// hearStandard is hear for the innermost edge whose parent is a standard context
// that has ended. Goroutines that are about to end the scope call it: they may hold
// a lock that a method of a context of another type takes.
func (s *Scope) hearStandard() {
	if s.state.Load() != nil {
		return
	}
	for x := s; x != nil && x.edge != nil; x = x.edge.up {
		b := x.edge
		switch {
		case b.standardEnded():
			b.hear()
			return
		case b.up != nil && b.up.state.Load() != nil:
			b.up.help(noticing) // the goroutine that tells may not have come to s
			return
		}
	}
}

// standardEnded reports whether the parent is a standard context that has ended.
func (b *edge) standardEnded() bool { return b.std != nil && bare.IsClosed(b.far) }

// outer returns the end of the parent, or nil if it is open.
func (b *edge) outer() *end {
	if !bare.IsClosed(b.far) && !b.is(over) {
		return nil
	}
	return b.outerEnd()
}

// outerEnd returns the end of the parent, which has ended. What a type around a
// standard context says of its end does not count, as for package context.
func (b *edge) outerEnd() *end {
	ctx := b.parent
	if b.std != nil {
		ctx = b.std
	}
	e := foreignEnd(ctx)
	point.Here("outerEnd: asked the parent")
	return b.known(e)
}

// known returns the record of the enclosing scope's end if e, the end of the
// parent, is the same event, and otherwise e.
func (b *edge) known(e *end) *end {
	if up := b.up; up != nil && up.ended() != nil {
		if o := up.full(); o.err == e.err && errtree.Same(o.cause, e.cause) {
			return o
		}
	}
	return e
}

// foreignEnd returns the end of ctx, a foreign context that has ended. An Err that
// the standard library does not have becomes the cause.
func foreignEnd(ctx context.Context) *end {
	err, cause := ctx.Err(), context.Cause(ctx)
	if !standardErr(err) {
		if cause == nil || standardErr(cause) {
			cause = err
		}
		if errtree.Is(err, context.DeadlineExceeded) {
			err = context.DeadlineExceeded
		} else {
			err = context.Canceled
		}
	}
	if cause == nil {
		cause = err
	}
	return &end{err: err, cause: cause, source: SourceContext, at: live.Now()}
}

// standardErr reports whether err is the Err of a standard context.
func standardErr(err error) bool {
	return errtree.Same(err, context.Canceled) || errtree.Same(err, context.DeadlineExceeded)
}
