package cancel

import (
	"context"
	"time"

	"github.com/grove-go/grove/internal/bare"
	"github.com/grove-go/grove/internal/live"
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
// context below ctx with, or nil if there is none. The Done channel of ctx is done.
// standardOf calls the method Value of ctx, as package context does.
func standardOf(ctx context.Context, done <-chan struct{}) context.Context {
	if standardKey == nil || done == nil {
		return nil
	}
	std, ok := ctx.Value(standardKey).(context.Context)
	if !ok || std.Done() != done {
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
// Everything below the scope has ended by then, except contexts below foreign
// contexts. Successive calls return the same channel.
//
// As with a context of the standard library, the scope must not end outside a bubble of
// [testing/synctest] in three cases: if Done is first called in the bubble, if a context is
// first derived from the scope there, and if a goroutine first waits for the scope there,
// as in [Sleep].
func (s *Scope) Done() <-chan struct{} {
	if s.is(hasStd) {
		return s.std.ctx.Done()
	}
	// In this order the scope cannot miss an end above: an end that comes before the
	// channel is made shows in state.
	s.register()
	point.Here("Done: registered")
	s.mu.Lock()
	done := s.shown()
	if done == nil {
		s.std = newStandard(s)
		s.flags.Or(hasStd)
		done = s.std.ctx.Done()
	}
	s.mu.Unlock()
	s.learn()
	return done
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

func init() {
	bare.Done = bareDone
	bare.IsOver = isOver
	bare.Judge = judgeOf
	bare.Event = eventOf
	bare.OnDone = onDone
	bare.Standard = standardOf
	bare.WithValues = withValues
	live.DescribeScope = describe
	live.DescribeScopes = describeBelow
	live.CanceledAt = canceledAt
}

// withValues is bare.WithValues.
func withValues(scope, values context.Context, name string) context.Context {
	up := scope.(*Scope)
	s := below(valuesContext{up, values}, up)
	if name != "" {
		s.more.Store(&extras{name: name})
	}
	s.enter()
	return s
}

// A valuesContext is a scope with the values of another context, as the parent of a scope
// that answers for itself when this package looks for scopes by values. Package context
// looks for its own contexts by values too, and finds the scope's.
type valuesContext struct {
	*Scope
	values context.Context
}

// Value implements [context.Context].
func (c valuesContext) Value(key any) any {
	if key == standardKey {
		return c.Scope.Value(key)
	}
	if _, ok := key.(bare.NurseryKey); ok {
		return c.Scope.Value(key)
	}
	return c.values.Value(key)
}

// String keeps [Scope.String] of a scope below readable.
func (c valuesContext) String() string { return c.Scope.String() + ".WithValues" }

// isOver is bare.IsOver.
func isOver(ctx context.Context, done <-chan struct{}) bool {
	s, ok := ctx.(*Scope)
	if !ok {
		return bare.IsClosed(done)
	}
	if s.state.Load() != nil {
		return true
	}
	b := s.edge
	if b == nil || s.is(edgeTells) || !bare.IsClosed(b.far) {
		return false
	}
	for x := s; x != &b.Scope; x = x.up {
		if x.is(shielded) {
			return false
		}
	}
	return !b.is(shielded)
}

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
	done := s.shown()
	if done == nil {
		if !s.is(hasBare) {
			s.bare = make(chan struct{})
			s.flags.Or(hasBare)
		}
		done = s.bare
	}
	s.mu.Unlock()
	s.learn()
	return done
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
