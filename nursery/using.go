package nursery

import (
	"context"
	"sync"

	"github.com/grove-go/grove/cancel"
)

// Using makes each task of a nursery hold a token of the limiter while it runs. A
// task waits for its token in a goroutine of its own. If it is canceled meanwhile, it
// runs without one, as every task runs that was accepted: its context is done. The
// calls of [For], [Map], [Each] and the streams hold one likewise, but one that is
// canceled while it waits does not begin.
//
// The body holds no token, nor do daemons and tasks that were begun by [Start], for
// others wait for those. With [Limit] both limits hold. In [Nursery.Stats] a task that
// waits for its token counts as running.
//
// A task that opens a nursery which uses the same limiter gives back its token until
// that nursery has ended, and then waits for one again unless it is canceled. So a Map
// inside a Map, under one limiter, cannot come to a standstill. That is the case for a
// nursery opened below the context of the task; with tokens taken by
// [Limiter.Acquire] it is up to the caller.
//
// Using panics if l is nil.
func Using(l *Limiter) Option {
	if l == nil {
		panic("nursery: Using: nil limiter")
	}
	return usingOption{l}
}

type usingOption struct{ l *Limiter }

func (o usingOption) applyNursery(c *config) { c.limiter = o.l }

// A lease is the token of a task, and also the task's context, by which nurseries that
// are opened below it find the lease.
type lease struct {
	*cancel.Scope
	l *Limiter

	mu      sync.Mutex // guards the fields below
	held    bool       // the task has its token now
	lent    int        // nurseries inside for which it has given the token back
	waiting bool       // somebody waits for a token for the task
	ended   bool       // the task has returned
}

// leaseKey is the key under which a lease of that limiter is found.
type leaseKey struct{ l *Limiter }

// Value implements [context.Context].
func (t *lease) Value(key any) any {
	if key == (leaseKey{t.l}) {
		return t
	}
	return t.Scope.Value(key)
}

// lease waits for a token for a task with that context.
func (l *Limiter) lease(scope *cancel.Scope) (*lease, error) {
	if err := l.Acquire(scope); err != nil {
		return nil, err
	}
	return &lease{Scope: scope, l: l, held: true}, nil
}

// end gives the token back: the task has returned.
func (t *lease) end() {
	t.mu.Lock()
	held := t.held
	t.held, t.ended = false, true
	t.mu.Unlock()
	if held {
		t.l.Release()
	}
}

// lend gives the token back while a nursery inside, which uses the same limiter, is
// open. There may be several.
func (t *lease) lend() {
	t.mu.Lock()
	held := t.held
	t.held = false
	t.lent++
	t.mu.Unlock()
	if held {
		t.l.Release()
	}
}

// reclaim is called when a nursery inside has ended. The last one waits for a token,
// unless the task is canceled. Only one waits: if there are several, in goroutines of
// the task's, another might have it already, and the task wait for the one who waits.
func (t *lease) reclaim() {
	t.mu.Lock()
	t.lent--
	wanted := t.lent == 0 && !t.ended && !t.waiting
	t.waiting = t.waiting || wanted
	t.mu.Unlock()
	if !wanted {
		return
	}
	err := t.l.Acquire(t.Scope)
	t.mu.Lock()
	t.waiting = false
	t.held = err == nil && t.lent == 0 && !t.ended // as of now
	superfluous := err == nil && !t.held
	t.mu.Unlock()
	if superfluous {
		t.l.Release()
	}
}

// borrow has the task in which the nursery is opened, if there is one that has a token
// of the same limiter, lend it.
func (n *Nursery) borrow(ctx context.Context) {
	if n.lender, _ = ctx.Value(leaseKey{n.conf.limiter}).(*lease); n.lender != nil {
		n.lender.lend()
	}
}

// holding returns a task that holds a token of the nursery's limiter while it runs.
func (n *Nursery) holding(task func(ctx context.Context) error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		t, err := n.conf.limiter.lease(ctx.(*cancel.Scope))
		if err != nil {
			return task(ctx) // it was accepted
		}
		defer t.end()
		return task(t)
	}
}

// calls returns the function of a whole computation so that it holds a token of the
// limiter, if there is one, while it runs.
func calls[T, R any](c *config, fn func(ctx context.Context, v T) (R, error)) func(ctx context.Context, v T) (R, error) {
	l := c.limiter
	if l == nil {
		return fn
	}
	return func(ctx context.Context, v T) (R, error) {
		t, err := l.lease(ctx.(*cancel.Scope))
		if err != nil {
			var none R
			return none, err
		}
		defer t.end()
		return fn(t, v)
	}
}
