package nursery

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
)

// errAbandoned is the cause with which a computation is canceled that nobody waits for.
var errAbandoned = errors.New("nobody waits for the result any more")

// Shared lets callers who want the same thing at the same time share one computation
// of it. The computation is a task of a nursery, not of the caller who happened to come
// first: each waits with a context of its own, and the computation is canceled when
// the last of them has given up.
//
// It is no cache: when a computation has ended, the next caller begins a new one.
//
// A Shared is safe for use by multiple goroutines simultaneously. It must not be
// copied. Its zero value is not usable.
//
// It is what golang.org/x/sync/singleflight does, but there all depend on the context
// of the first caller.
type Shared[K comparable, V any] struct {
	n  *Nursery
	fn func(ctx context.Context, key K) (V, error)

	mu    sync.Mutex
	calls map[K]*sharedCall[V] // those that can be joined
}

// NewShared returns a Shared whose computations are calls of fn, as tasks of n. They
// get a context below that of n, with the values of that and not those of a caller.
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

// Do returns what fn returns for the key. If a computation for that key is under way,
// Do waits for it, and otherwise begins one. All who wait for a computation get the
// same value and error.
//
// When ctx is done first, or from the start, Do returns the [*cancel.Error] of ctx; a
// computation that has ended already counts first. If that leaves nobody who waits, the
// computation is canceled, and what it returns is dropped. The next caller does not
// join it but begins a new one, also while it is still on its way out.
//
// The failure of a computation is not one of the nursery, which only those who wait get
// to know. If it returns an error because the nursery was canceled, that is a
// [*cancel.Error]. A panic or Goexit goes on in each of those who wait, and in the
// nursery if there is nobody who does.
//
// The computation begins at once also in a nursery with a [Limit] or [Using], and does
// not count against that, for those who wait may be tasks of the nursery. One that
// wants its own key waits for itself.
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
	select {
	case <-c.done:
	case <-bare.Done(ctx):
		if s.leave(key, c) {
			return none, cancel.Err(ctx)
		}
	}
	switch {
	case c.exit.panicked != nil:
		panic(c.exit.panicked)
	case c.exit.goexit:
		runtime.Goexit()
	}
	return c.value, c.exit.err
}

// join returns the computation of that key, with one more who waits for it.
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
	c := &sharedCall[V]{scope: info.scope, waiters: 1, done: make(chan struct{})}
	info.intercept = func(e exit) bool { return s.ended(key, c, e) }
	s.calls[key] = c
	go s.n.known(func(ctx context.Context) (err error) {
		c.value, err = s.fn(ctx, key)
		return err
	}, info)
	return c
}

// leave counts out one who has given up, unless the computation has ended. It cancels
// the computation if that was the last one.
func (s *Shared[K, V]) leave(key K, c *sharedCall[V]) bool {
	s.mu.Lock()
	select {
	case <-c.done:
		s.mu.Unlock()
		return false
	default:
	}
	c.waiters--
	last := c.waiters == 0
	if last {
		delete(s.calls, key)
	}
	s.mu.Unlock()
	if last { // runs the code of others
		c.scope.Cancel(errAbandoned)
	}
	return true
}

// ended is called when a computation has ended, and reports whether there is nothing
// about that which the nursery has to know.
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
