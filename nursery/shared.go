package nursery

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
)

// errAbandoned is the cause when a computation is canceled because no caller waits.
var errAbandoned = errors.New("no caller waits for the result any more")

// Shared lets callers share a computation if they ask for the same key at the same
// time. The computation is a task of a nursery, and does not depend on the caller that
// came first. Each caller waits with its own context. The computation is canceled when
// the last caller has given up.
//
// Shared is not a cache. When a computation has ended, the next caller begins a new one.
//
// A Shared is safe for use by multiple goroutines simultaneously. It must not be
// copied. Its zero value is not usable.
//
// golang.org/x/sync/singleflight does the same, but there all callers depend on the
// context of the first.
type Shared[K comparable, V any] struct {
	n  *Nursery
	fn func(ctx context.Context, key K) (V, error)

	mu    sync.Mutex
	calls map[K]*sharedCall[V] // the calls that can be joined
}

// NewShared returns a Shared. Its computations are calls of fn, as tasks of n. The
// context of a computation has the values of n's context and no values of a caller.
// NewShared panics if n or fn is nil.
func NewShared[K comparable, V any](n *Nursery, fn func(ctx context.Context, key K) (V, error)) *Shared[K, V] {
	if n == nil {
		panic("nursery: NewShared: nil nursery")
	}
	if fn == nil {
		panic("nursery: NewShared: nil function")
	}
	n.mustScope("NewShared")
	return &Shared[K, V]{n: n, fn: fn, calls: make(map[K]*sharedCall[V])}
}

// A sharedCall is a computation.
type sharedCall[V any] struct {
	scope   *cancel.Scope
	waiters int           // guarded by the mu of its Shared
	done    chan struct{} // closed when the fields below are set
	value   V
	exit    exit
}

// Do returns what fn returns for the key. If a computation for the key is under way,
// Do waits for it, and otherwise begins one. All callers that wait for a computation get
// the same value and error.
//
// If ctx is done first, or already, Do returns the [*cancel.Error] of ctx. If no other
// caller waits, the computation is canceled, and its result is dropped. The next caller
// begins a new computation, even if the canceled one has not returned yet.
//
// An error of fn is returned to the callers that wait, and does not fail the nursery. If
// fn returns an error because the nursery was canceled, Do returns the [*cancel.Error]
// of that cancellation. A panic or Goexit of fn goes on in each caller that waits, or in
// the nursery if there is none.
//
// The computation begins at once, even in a nursery with a [Limit] or [LimitBy], and does
// not count against either, because the callers that wait may be tasks of the nursery. A
// computation that calls Do with its own key deadlocks.
//
// Do panics if ctx is nil, and if the nursery's Run has returned.
func (s *Shared[K, V]) Do(ctx context.Context, key K) (V, error) {
	if ctx == nil {
		panic("nursery: Shared.Do: nil context; pass context.Background() if there is no other")
	}
	var none V
	if err := cancel.Err(ctx); err != nil {
		return none, err
	}
	c := s.join(key)
	await(c.scope, c.done, bare.Done(ctx))
	err := cancel.Err(ctx)
	if err != nil && s.leave(key, c) {
		return none, err
	}
	switch {
	case c.exit.panicked != nil:
		panic(c.exit.panicked)
	case c.exit.goexit:
		runtime.Goexit()
	case err != nil:
		return none, err
	}
	return c.value, c.exit.err
}

// join returns the computation for the key, with one more waiter.
func (s *Shared[K, V]) join(key K) *sharedCall[V] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.calls[key]; c != nil {
		c.waiters++
		return c
	}
	s.n.mustEnter("Shared.Do", member)
	info := new(taskInfo)
	info.openScope("Shared.Do", s.n)
	s.n.remember(info, false)
	c := &sharedCall[V]{scope: info.scope, waiters: 1, done: make(chan struct{})}
	info.intercept = func(e exit) bool { return s.ended(key, c, e) }
	if again := key; again == key { // a key like NaN is never found, nor deleted
		s.calls[key] = c
	}
	go s.n.known(func(ctx context.Context) (err error) {
		c.value, err = s.fn(ctx, key)
		return err
	}, info)
	return c
}

// leave counts out a caller that has given up, unless the computation has ended. It
// cancels the computation if no other caller waits.
func (s *Shared[K, V]) leave(key K, c *sharedCall[V]) bool {
	s.mu.Lock()
	if bare.IsClosed(c.done) {
		s.mu.Unlock()
		return false
	}
	c.waiters--
	last := c.waiters == 0
	if last {
		delete(s.calls, key)
	}
	s.mu.Unlock()
	if last { // without the lock, because Cancel runs hooks
		c.scope.Cancel(errAbandoned)
	}
	return true
}

// ended is called when a computation has ended. It reports whether the nursery has
// nothing to do with how it ended.
func (s *Shared[K, V]) ended(key K, c *sharedCall[V], e exit) bool {
	if e.err != nil && c.scope.IsEcho(e.err) {
		e.err = cancel.Err(c.scope)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.waiters == 0 {
		return e.panicked == nil && !e.goexit
	}
	delete(s.calls, key)
	c.exit = e
	close(c.done)
	return true
}
