package cancel

import (
	"context"
	"time"

	"github.com/grove-go/grove/internal/live"
	"github.com/grove-go/grove/internal/point"
)

// Stop asks everything in the scope, and below it through all shields and
// [context.WithoutCancel], to finish its work and return. Stop is a request,
// not a cancellation. Only code that waits on [UntilStop] notices it. Stop does
// not block. It cannot be undone; a second call has no effect.
//
// Kotlin and Erlang have such a shutdown in two steps. For Trio it is under discussion
// (python-trio/trio#147).
func (s *Scope) Stop() { s.StopCause(nil) }

// StopCause is [Scope.Stop] with a cause, which [context.Cause] returns for the contexts of
// [UntilStop]. A nil cause stands for [ErrStopping].
func (s *Scope) StopCause(cause error) {
	s.mu.Lock()
	before := s.is(stopping)
	if !before {
		if cause != nil {
			s.extraLocked().stopCause = cause
		}
		s.flags.Or(stopping)
	}
	s.mu.Unlock()
	if before {
		return
	}
	point.Here("Stop: flag set")
	// The walk passes shields, and scopes that have ended but are still in use.
	var listeners []*Scope
	for todo := []*Scope{s}; len(todo) > 0; {
		x := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		x.mu.Lock()
		for c := x.kids; c != nil; c = c.next {
			todo = append(todo, c)
			if c.is(isListener) {
				listeners = append(listeners, c)
			}
		}
		x.mu.Unlock()
	}
	point.Here("Stop: listeners found")
	e := stopped(s)
	persist(func() bool {
		if len(listeners) == 0 {
			return false
		}
		l := listeners[0]
		listeners = listeners[1:]
		l.finish(e)
		return true
	})
}

// Shutdown asks the scope to stop, as Stop does. If the scope has not ended
// within the grace, Shutdown cancels it with the cause [ErrGraceExpired]; if
// grace is zero or less, at once. Shutdown does not wait. A second Shutdown can
// only shorten the grace.
func (s *Scope) Shutdown(grace time.Duration) {
	if grace > 0 {
		s.setGrace(grace)
	} else {
		defer s.graceOver()
	}
	s.Stop()
}

// setGrace sets the timer of Shutdown.
func (s *Scope) setGrace(grace time.Duration) {
	s.hearStandard()
	due := time.Now().Add(grace)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Load() != nil {
		return
	}
	m := s.extraLocked()
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
	s.finish(&end{err: context.Canceled, cause: ErrGraceExpired, source: SourceStop, scope: s.Name(), at: live.Now()})
}

// UntilStop returns a context that is canceled as soon as a scope that encloses ctx is
// asked to stop, and when ctx is done. The cause of a stop is [ErrStopping], or the cause
// that was passed to [Scope.StopCause]. Use the returned context for calls that a graceful
// stop should interrupt, such as the wait for more work. Use ctx itself for calls that
// should finish.
//
// The returned context needs no release. UntilStop may be called again and again: all calls
// for the same ctx share what it registers, which is released when ctx is done. If ctx is
// never done, as with [context.WithoutCancel], the registration is released when the
// enclosing scope is closed. After that a stop does not reach contexts that UntilStop
// returned for ctx earlier, unless a scope is open below them. Call UntilStop again then.
// UntilStop returns ctx if no scope encloses it, if it is done, or if a stop already
// cancels it.
//
// The stopped scope is not canceled, so the returned context's error is not an
// echo. A task that finishes because of it returns [Err](ctx), which is nil
// unless ctx itself is done. To let a stop interrupt a whole block, open a scope
// with [New] below the returned context. If the block's error is an echo of that
// scope, by [Scope.IsEcho], return Err(ctx) in its place.
//
// UntilStop panics if ctx is nil.
func UntilStop(ctx context.Context) context.Context {
	mustContext("UntilStop", ctx)
	s := enclosing(ctx)
	if s == nil || isDone(ctx) || s.is(isListener) && ctx.Done() == s.Done() {
		return ctx
	}
	l := s.listen(ctx)
	point.Here("UntilStop: listening")
	// A Stop that began before the listener was in the tree may not have seen
	// it, but has set the flag.
	if by := stopper(s); by != nil {
		l.finish(stopped(by))
	}
	if ctx == context.Context(s) {
		return l
	}
	return &untilStop{Scope: l, values: ctx}
}

// An untilStop is what UntilStop returns for a context that is not a scope: its
// listener may have been made for another context with the same Done channel
// and other values.
type untilStop struct {
	*Scope
	values context.Context
}

func (u *untilStop) Value(key any) any {
	if key == &scopeKey {
		return u.Scope
	}
	if std := u.standard(); std != nil {
		if v := std.Value(key); v != nil {
			return v
		}
	}
	return u.values.Value(key)
}

// stopper returns the innermost scope around ctx that was asked to stop, or nil.
func stopper(ctx context.Context) *Scope {
	s := enclosing(ctx)
	for s != nil && !s.is(stopping) {
		s = s.around()
	}
	return s
}

// stopped returns the end of the listeners that a stop of by reaches.
func stopped(by *Scope) *end {
	cause := ErrStopping
	if m := by.more.Load(); m != nil && m.stopCause != nil {
		cause = m.stopCause
	}
	return &end{err: context.Canceled, cause: cause, source: SourceStop, scope: by.Name()}
}

// listen returns the listener for ctx: a scope below it that is canceled when
// s, the innermost scope around ctx, is asked to stop.
func (s *Scope) listen(ctx context.Context) *Scope {
	key := ctx.Done()
	if key == s.Done() {
		ctx = s // all contexts that only add values to s share the listener of s
	}
	if key == nil {
		// Such a context counts as out of use when the scope around it is closed.
		// Later calls register with the next scope further up.
		for s != nil && (s.is(isListener) || s.wasClosed()) {
			s = s.around()
		}
	}
	if l := s.listener(key); l != nil {
		return l
	}
	point.Here("listen: nobody does yet")
	l := attach(ctx)
	l.flags.Or(isListener)
	if s == nil {
		l.flags.Or(dropped) // all the scopes around ctx are closed
		return l
	}
	l.up = s
	l.enter()
	l.register() // a listener is not closed, so it leaves the tree by the end of ctx
	point.Here("listen: linked")
	s.mu.Lock()
	other := s.listenerLocked(key)
	if other == nil && l.listed { // not if it has ended in the meantime
		m := s.extraLocked()
		if m.listeners == nil {
			m.listeners = make(map[<-chan struct{}]*Scope)
		}
		m.listeners[key] = l
	}
	s.mu.Unlock()
	if other != nil {
		l.Close()
		return other
	}
	if key == nil && s.wasClosed() {
		s.dropDetached()
	}
	return l
}

func (s *Scope) wasClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.use == useOver
}

// listener returns the listener for contexts with the Done channel key, or nil.
func (s *Scope) listener(key <-chan struct{}) *Scope {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listenerLocked(key)
}

func (s *Scope) listenerLocked(key <-chan struct{}) *Scope {
	if m := s.more.Load(); m != nil {
		return m.listeners[key]
	}
	return nil
}

// forgetLocked is called when l, a listener, leaves the list of s.
func (s *Scope) forgetLocked(l *Scope) {
	key := s.shown()
	if l.isForeign() {
		key = l.edge.far
	}
	if s.listenerLocked(key) == l {
		delete(s.more.Load().listeners, key)
	}
}

// dropDetached drops the listener for contexts that are never done: it leaves
// the tree as soon as nothing is below it. The scope is closed.
func (s *Scope) dropDetached() {
	if s.more.Load() == nil {
		return
	}
	s.mu.Lock()
	l := s.listenerLocked(nil)
	if l != nil {
		delete(s.more.Load().listeners, nil)
		l.flags.Or(dropped)
	}
	s.mu.Unlock()
	if l != nil {
		l.prune()
	}
}
