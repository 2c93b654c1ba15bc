package cancel

import (
	"context"
	"time"

	"github.com/grove-go/grove/internal/bare"
	"github.com/grove-go/grove/internal/point"
)

// How contexts of the standard library live below a scope.
//
// Package context registers a derived context with its parent directly, and
// without a goroutine, if the parent's Done channel is that of the nearest
// standard context above it, whatever stands in between. So the channel that
// Done returns is that of a standard context, made when Done is first called.
// Its parent is a standard, which stands for the scope: AfterFunc keeps the
// function that cancels the standard context, and Err and Value tell that
// function how the scope ended.
// That is why it gets the right Err and cause, which a call of its CancelFunc
// could not give it.

// A standard is the parent of the standard context of a scope.
type standard struct {
	scope *Scope
	ctx   context.Context
	end   func() // ends ctx as the scope has ended
}

// never is the Done channel of a standard.
var never = make(chan struct{})

func (p *standard) Deadline() (time.Time, bool) { return time.Time{}, false }
func (p *standard) Done() <-chan struct{}       { return never }

func (p *standard) Err() error {
	if e := p.scope.state.Load(); e != nil {
		return e.err
	}
	return nil
}

// Value returns, once the scope has ended, the value of a standard context that
// ended for the same cause: context.Cause asks for it. Without a cause of its
// own, Err is enough.
func (p *standard) Value(key any) any {
	e := p.scope.state.Load()
	if e == nil || e.cause == e.err {
		return nil
	}
	return e.terminal().Value(key)
}

// AfterFunc implements the interface that [context.AfterFunc] describes.
// Package context calls it once, while ctx is made. As ctx is not canceled by
// itself, nothing has to be taken back.
func (p *standard) AfterFunc(f func()) (stop func() bool) {
	p.end = f
	return notStopped
}

func notStopped() bool { return false }

// Done returns a channel that is closed when the scope is canceled or closed.
// Successive calls return the same channel.
func (s *Scope) Done() <-chan struct{} {
	if s.is(hasStd) {
		return s.std.ctx.Done()
	}
	// Registered first, the scope cannot miss an end that comes before the
	// channel is there to be closed: state then says so.
	s.register()
	point.Here("Done: registered")
	s.mu.Lock()
	defer s.mu.Unlock()
	if done := s.shown(); done != nil {
		return done
	}
	s.std = &standard{scope: s}
	s.std.ctx = derived(s.std)
	s.flags.Or(hasStd)
	return s.std.ctx.Done()
}

// derived returns a standard context below parent. It ends with parent alone.
func derived(parent context.Context) context.Context {
	ctx, stop := context.WithCancel(parent)
	_ = stop
	return ctx
}

// shown returns the channel that Done has returned or is going to return, as
// far as that is known, or nil.
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

// bareDone is Done for a goroutine of this module that only waits. It returns a
// channel that costs less, and from which package context derives nothing.
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
