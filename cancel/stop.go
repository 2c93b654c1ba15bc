package cancel

import (
	"context"
	"sync"
	"time"
)

// Stop asks everything in the scope, and below it through all shields and
// [context.WithoutCancel], to finish what it is doing and return. It is a
// request, not a cancellation: those see it who look out for it, with
// [UntilStop]. Stop does not block. It cannot be taken back; to stop again has
// no effect.
//
// This is Kotlin's and Erlang's idea of a shutdown in two steps rather than
// Trio's, where it is under discussion (python-trio/trio#147).
func (s *Scope) Stop() {
	if s.stopping.Swap(true) {
		return
	}
	s.mu.Lock()
	n := s.stopNodeLocked()
	s.mu.Unlock()
	if n != nil {
		n.spread(s)
	}
}

// Shutdown asks the scope to stop, as Stop does, and cancels it with the cause
// [ErrGraceExpired] if it has not ended within the grace, or at once if grace is
// zero or less. Shutdown does not wait. A second Shutdown can only shorten the
// grace.
func (s *Scope) Shutdown(grace time.Duration) {
	s.Stop()
	if grace <= 0 {
		s.graceOver()
		return
	}
	if s.ended() != nil {
		return
	}
	due := time.Now().Add(grace)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() != nil {
		return
	}
	m := s.extra()
	switch {
	case m.grace == nil:
		m.grace = time.AfterFunc(grace, s.graceOver)
	case due.Before(m.graceDue):
		m.grace.Reset(grace)
	default:
		return
	}
	m.graceDue = due
}

func (s *Scope) graceOver() {
	s.finish(&end{err: context.Canceled, cause: ErrGraceExpired, source: SourceStop, scope: s.name})
}

// UntilStop returns a context that is canceled, with the cause [ErrStopping], as
// soon as a scope that encloses ctx is asked to stop, and when ctx is done. Use
// it for what a graceful stop should interrupt, such as the wait for more work,
// and ctx itself for what it should let finish. It needs no release, and it may
// be called again and again: what it registers is shared by all calls for the
// same ctx, and goes when ctx is done or, if ctx never is, as one that comes from
// [context.WithoutCancel], when the scope around it is closed. Without an
// enclosing scope it returns ctx. It panics if ctx is nil.
//
// The scope that was asked to stop is not canceled, so an error of the context
// is an echo of nothing: who finishes because of it returns nil, or [Err] of ctx
// itself, which is nil unless that is done too. For a whole block that a stop is to
// interrupt, open a scope in it with [New]: an error that is an echo of that scope, by
// [Scope.IsEcho], is one for which the block returns Err of ctx.
func UntilStop(ctx context.Context) context.Context {
	mustContext("UntilStop", ctx)
	s := enclosing(ctx)
	if s == nil || s.listener || ctx.Err() != nil {
		return ctx
	}
	l := s.listen(ctx)
	// Looked at after the listener was registered: whoever asked before that
	// may not have seen it.
	if by := s.stopper(); by != nil {
		l.finish(stopped(by))
	}
	if ctx == context.Context(s) {
		return l
	}
	return &untilStop{Scope: l, values: ctx}
}

// An untilStop is what UntilStop returns for a context that is not a scope: its
// listener may have been made for another context, done at the same time but
// with other values.
type untilStop struct {
	*Scope
	values context.Context
}

func (u *untilStop) Value(key any) any {
	if key == &scopeKey {
		return u.Scope
	}
	if u.state.Load() != nil && u.own {
		return endedContext(u.values, u.full().cause).Value(key)
	}
	return u.values.Value(key)
}

// stopper returns the scope that was asked to stop, s or the nearest one
// around it, or nil.
func (s *Scope) stopper() *Scope {
	for ; s != nil; s = s.up {
		if s.stopping.Load() {
			return s
		}
	}
	return nil
}

// stopped returns the end of those that listen for a stop of by.
func stopped(by *Scope) *end {
	return &end{err: context.Canceled, cause: ErrStopping, source: SourceStop, scope: by.name}
}

// A stopNode stands for a scope in or below which somebody has called
// UntilStop. The nodes form a tree of their own, for a stop passes where a
// cancellation does not: through shields, and through scopes that have ended
// but are still in use. A node leaves it when its scope is closed and nothing is
// below it any more.
//
// Locks: a node's mu may be taken while a scope's mu is held, and nothing is
// taken while it is.
type stopNode struct {
	up *stopNode // set before anybody else knows the node

	mu        sync.Mutex
	closed    bool // the scope is
	gone      bool // out of the tree, for good
	kids      *stopNode
	listeners map[<-chan struct{}]*Scope // by the Done channel of their parents

	prev, next *stopNode // in up.kids, guarded by up.mu
}

// listen returns a scope below ctx that is canceled when s, which is the
// innermost scope around ctx, is asked to stop.
func (s *Scope) listen(ctx context.Context) *Scope {
	key := ctx.Done()
	if key == s.Done() {
		// Shared by all contexts that add values to s, and returned for s.
		ctx = s
	}
	for {
		node := s.joinStops()
		if node == nil { // all the scopes around ctx are closed
			return &Scope{parent: ctx, up: s, listener: true}
		}
		node.mu.Lock()
		if node.gone {
			node.mu.Unlock()
			continue
		}
		if l, ok := node.listeners[key]; ok {
			node.mu.Unlock()
			return l
		}
		l := &Scope{parent: ctx, up: s, listener: true}
		if node.listeners == nil {
			node.listeners = make(map[<-chan struct{}]*Scope)
		}
		node.listeners[key] = l
		node.mu.Unlock()
		l.AfterFunc(func() {
			node.mu.Lock()
			delete(node.listeners, key)
			node.mu.Unlock()
			node.prune()
			l.Close()
		})
		return l
	}
}

// joinStops returns the scope's node, linked to the nodes of the scopes above
// it. In place of a scope that is closed the next one up counts; if all are, it
// returns nil.
func (s *Scope) joinStops() *stopNode {
	var chain []*Scope
	for x := s; x != nil; x = x.up {
		chain = append(chain, x)
	}
	var node *stopNode
	for i := len(chain) - 1; i >= 0; i-- {
		if n := chain[i].joinStopsOf(node); n != nil {
			node = n
		}
	}
	return node
}

// joinStopsOf returns the scope's node, linked to the node up or to what has
// taken its place, or nil if the scope is closed.
func (s *Scope) joinStopsOf(up *stopNode) *stopNode {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	m := s.extra()
	if m.stop == nil {
		m.stop = new(stopNode)
		m.stop.join(up)
	}
	return m.stop
}

// join links the node to up, or to the next one above that is in the tree.
func (n *stopNode) join(up *stopNode) {
	for ; up != nil; up = up.up {
		up.mu.Lock()
		if !up.gone {
			n.up = up
			n.next = up.kids
			if n.next != nil {
				n.next.prev = n
			}
			up.kids = n
			up.mu.Unlock()
			return
		}
		up.mu.Unlock()
	}
}

// close notes that the node's scope is closed.
func (n *stopNode) close() {
	n.mu.Lock()
	n.closed = true
	// Of a context that is detached, and so never done, nobody tells that it is
	// not in use any more.
	delete(n.listeners, nil)
	n.mu.Unlock()
	n.prune()
}

// prune takes the node out of the tree if nobody needs it any more, and then
// those above it of which the same is true.
func (n *stopNode) prune() {
	for n != nil {
		n.mu.Lock()
		needed := n.gone || !n.closed || n.kids != nil || len(n.listeners) > 0
		n.gone = n.gone || !needed
		n.mu.Unlock()
		if needed {
			return
		}
		if up := n.up; up != nil {
			up.mu.Lock()
			if n.prev != nil {
				n.prev.next = n.next
			} else {
				up.kids = n.next
			}
			if n.next != nil {
				n.next.prev = n.prev
			}
			n.prev, n.next = nil, nil
			up.mu.Unlock()
		}
		n = n.up
	}
}

// stopNodeLocked returns the scope's node, or nil if it has none.
func (s *Scope) stopNodeLocked() *stopNode {
	if s.more == nil {
		return nil
	}
	return s.more.stop
}

// spread cancels all that listen at the node or below it, because by was asked
// to stop.
func (n *stopNode) spread(by *Scope) {
	e := stopped(by)
	var listeners []*Scope
	for todo := []*stopNode{n}; len(todo) > 0; {
		x := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		x.mu.Lock()
		for _, l := range x.listeners {
			listeners = append(listeners, l)
		}
		for k := x.kids; k != nil; k = k.next {
			todo = append(todo, k)
		}
		x.mu.Unlock()
	}
	for _, l := range listeners {
		l.finish(e)
	}
}
