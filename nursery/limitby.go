package nursery

import (
	"context"
	"sync"

	"github.com/grove-go/grove/cancel"
)

// LimitBy makes each task of a nursery hold a token of the limiter while it runs. A
// task waits for its token in its goroutine. A task that is canceled while it waits
// runs without a token, with a context that is done, because every accepted task runs.
// The calls of [For], [Map], [Each] and the streams hold tokens as well, but a call that
// is canceled while it waits does not begin.
//
// The body holds no token. Neither do daemons and tasks begun by [Start], because other
// goroutines wait for them. With [Limit] both limits hold. In [Nursery.Stats] a task
// that waits for its token counts as running.
//
// A task that opens a nursery which uses the same limiter gives back its token until that
// nursery has ended, and then waits for one again unless it is canceled. So a Map inside a
// Map, under one limiter, cannot deadlock. A task that calls [Task.Wait] for a task under
// the same limiter gives back its token likewise. Both find the token by their ctx
// argument, so pass them the context of the task. Tokens taken by [Limiter.Acquire] are not
// given back.
//
// LimitBy panics if l is nil.
func LimitBy(l *Limiter) Option {
	if l == nil {
		panic("nursery: LimitBy: nil limiter")
	}
	return nurseryOption(func(c *config) { c.limiter = l })
}

// A lease is the token of a task. It is also the context of the task, so that a nursery
// that the task opens finds the lease.
type lease struct {
	*cancel.Scope
	l *Limiter

	mu      sync.Mutex // guards the fields below
	held    bool       // the task has its token now
	pauses  int        // calls of release without their reacquire
	waiting bool       // a goroutine waits for a token for the task
	ended   bool       // the task has returned
}

// leaseKey is the key under which a lease of that limiter is found.
type leaseKey struct{ l *Limiter }

// OfNursery implements [bare.NurseryKey]: a task does not get the token of a caller.
func (leaseKey) OfNursery() {}

// Value implements [context.Context].
func (t *lease) Value(key any) any {
	if key == (leaseKey{t.l}) {
		return t
	}
	return t.Scope.Value(key)
}

// lease waits for a token for a task with that context. It returns nil if the task was
// canceled first.
func (l *Limiter) lease(scope *cancel.Scope) *lease {
	if l.Acquire(scope) != nil {
		return nil
	}
	return &lease{Scope: scope, l: l, held: true}
}

// leaseOf returns the lease of the task with the context ctx, or nil.
func (l *Limiter) leaseOf(ctx context.Context) *lease {
	t, _ := ctx.Value(leaseKey{l}).(*lease)
	return t
}

// end gives the token back: the task has returned. The lease may be nil.
func (t *lease) end() {
	if t == nil {
		return
	}
	t.mu.Lock()
	held := t.held
	t.held, t.ended = false, true
	t.mu.Unlock()
	if held {
		t.l.Release()
	}
}

// release gives the token back while the task waits for a nursery that uses the same
// limiter, or for another task. Goroutines of the task may wait for several at a time. The
// lease may be nil.
func (t *lease) release() {
	if t == nil {
		return
	}
	t.mu.Lock()
	held := t.held
	t.held = false
	t.pauses++
	t.mu.Unlock()
	if held {
		t.l.Release()
	}
}

// reacquire is called when the task has waited. The last call takes a token again, unless
// the task is canceled. If wait is false, reacquire takes one even if none is free. Only
// one call waits, because a second one could wait for a token although the first has taken
// one for the task. The lease may be nil.
func (t *lease) reacquire(wait bool) {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.pauses--
	wanted := t.pauses == 0 && !t.ended && !t.waiting
	t.waiting = t.waiting || wanted
	t.mu.Unlock()
	if !wanted {
		return
	}
	var err error
	if wait {
		err = t.l.Acquire(t.Scope)
	} else {
		t.l.overdraw()
	}
	t.mu.Lock()
	t.waiting = false
	t.held = err == nil && t.pauses == 0 && !t.ended // as of now
	superfluous := err == nil && !t.held
	t.mu.Unlock()
	if superfluous {
		t.l.Release()
	}
}

// releaseCaller gives back the token of the task that opens the nursery, if that task has
// one of the same limiter.
func (n *Nursery) releaseCaller(ctx context.Context) {
	if n.set.caller = n.set.limiter.leaseOf(ctx); n.set.caller != nil {
		n.set.caller.release()
	}
}

// token waits for a token of the nursery's limiter, if it has one, for a call of a helper
// function. It returns the context of the call and its lease. The caller ends the lease
// after recording a failure of the call. If the scope has ended, ctx is nil.
func (n *Nursery) token() (ctx context.Context, t *lease) {
	switch l := n.set.limiter; {
	case l != nil:
		if t = l.lease(n.scope); t == nil {
			return nil, nil
		}
		return t, t
	case n.scope.Err() != nil:
		return nil, nil
	}
	return n.scope, nil
}
