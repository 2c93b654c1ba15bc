package cancel

import (
	"context"
	"time"

	"github.com/grove-go/grove/internal/bare"
	"github.com/grove-go/grove/internal/point"
)

// How contexts of the standard library live below a scope.
//
// When package context derives a context, it looks up the nearest standard
// context above. If the parent has the same Done channel as that one, it
// registers the new context there, without a goroutine, whatever stands in
// between. Therefore the channel of Scope.Done belongs to a standard context,
// which the scope makes when Done is first called.
//
// A CancelFunc could not end that context with any Err and cause. So the
// context has a parent with an AfterFunc method, which keeps the function that
// package context passes to it. When the scope ends it calls the function, which
// asks the parent for Err and for the cause.

// A standard is the parent of the standard context of a scope. It is a
// [context.Context].
type standard struct {
	scope *Scope
	ctx   context.Context // the standard context
	end   func()          // ends ctx as the scope has ended
}

func newStandard(s *Scope) *standard {
	p := &standard{scope: s}
	ctx, stop := context.WithCancel(p)
	p.ctx = ctx
	// Should package context not call AfterFunc, ctx ends with the scope all the
	// same, but always with the Err context.Canceled.
	p.end = or(p.end, stop)
	return p
}

// or returns f, or otherwise if f is nil.
func or(f func(), otherwise context.CancelFunc) func() {
	if f == nil {
		return otherwise
	}
	return f
}

// never is the Done channel of a standard. Package context uses AfterFunc instead.
var never = make(chan struct{})

func (p *standard) Deadline() (time.Time, bool) { return time.Time{}, false }
func (p *standard) Done() <-chan struct{}       { return never }

func (p *standard) Err() error {
	if e := p.scope.state.Load(); e != nil {
		return e.err
	}
	return nil
}

// Value answers [context.Cause], which looks for a standard context with the
// cause. If the cause is Err, there need not be one.
func (p *standard) Value(key any) any {
	e := p.scope.state.Load()
	if e == nil || e.cause == e.err {
		return nil
	}
	return e.terminal().Value(key)
}

// AfterFunc keeps f. Package context calls it once, when ctx is made; see
// [context.AfterFunc]. The registration lasts, because ctx ends with the scope
// alone.
func (p *standard) AfterFunc(f func()) (stop func() bool) {
	p.end = f
	return notStopped
}

func notStopped() bool { return false }

// standardOf returns the standard context that package context would register a
// context below ctx with, or nil if there is none. It calls the methods Value and
// Done of ctx, as package context does.
func standardOf(ctx context.Context) context.Context {
	if standardKey == nil {
		return nil
	}
	std, ok := ctx.Value(standardKey).(context.Context)
	if !ok || std.Done() != ctx.Done() {
		return nil
	}
	return std
}

// standardKey is the key by which package context looks up its own contexts, or
// nil if it does not do that.
var standardKey = func() any {
	var p keyProbe
	_, stop := context.WithCancel(&p)
	stop()
	return p.key
}()

// A keyProbe is a context that notes the key of a look-up.
type keyProbe struct {
	standard
	key any
}

func (p *keyProbe) Err() error { return nil }

func (p *keyProbe) Value(key any) any {
	p.key = key
	return nil
}

// Done returns a channel that is closed when the scope is canceled or closed.
// Successive calls return the same channel.
//
// As with a context of the standard library, if Done is first called in a bubble
// of [testing/synctest], or a context is first derived from the scope there, the
// scope must not end outside the bubble.
func (s *Scope) Done() <-chan struct{} {
	if s.is(hasStd) {
		return s.std.ctx.Done()
	}
	// In this order the scope cannot miss an end above: one that comes before the
	// channel is made shows in state.
	s.register()
	point.Here("Done: registered")
	s.mu.Lock()
	defer s.mu.Unlock()
	if done := s.shown(); done != nil {
		return done
	}
	s.std = newStandard(s)
	s.flags.Or(hasStd)
	return s.std.ctx.Done()
}

// shown returns the channel that Done returns, or nil if Done would have to make
// it.
func (s *Scope) shown() <-chan struct{} {
	switch {
	case s.is(hasStd):
		return s.std.ctx.Done()
	case s.state.Load() != nil:
		return closedChan
	}
	return nil
}

func init() { bare.Done = bareDone }

// bareDone is bare.Done.
func bareDone(ctx context.Context) <-chan struct{} {
	if s, ok := ctx.(*Scope); ok {
		return s.bareDone()
	}
	return ctx.Done()
}

// bareDone is Done for a goroutine of this module that only waits. Its channel
// costs less, but package context does not recognize it.
func (s *Scope) bareDone() <-chan struct{} {
	switch f := s.flags.Load(); {
	case f&hasStd != 0:
		return s.std.ctx.Done()
	case f&hasBare != 0:
		return s.bare
	}
	s.register()
	point.Here("bareDone: registered")
	s.mu.Lock()
	defer s.mu.Unlock()
	if done := s.shown(); done != nil {
		return done
	}
	if !s.is(hasBare) {
		s.bare = make(chan struct{})
		s.flags.Or(hasBare)
	}
	return s.bare
}

// standard returns the standard context behind Done or, if the scope ended
// before there was one, a context that ended as the scope did. It returns nil
// for an open scope without one.
func (s *Scope) standard() context.Context {
	if s.is(hasStd) {
		return s.std.ctx
	}
	if s.state.Load() != nil {
		return s.full().terminal()
	}
	return nil
}
