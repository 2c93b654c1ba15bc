package nursery

import (
	"context"
	"sync/atomic"

	"github.com/grove-go/grove/cancel"
)

// For calls fn for each index from 0 to count-1, several at a time, and returns when
// all calls have returned. Calls begin in the order of the indices.
//
// The first failure cancels the context of the other calls, no further call begins, and For
// returns the error of [Run]. With [KeepGoing] the other calls go on, and the error has all
// failures. If ctx is canceled, no further call begins, and For returns the error of the
// cancellation if work was left undone.
//
// [Limit] bounds how many calls run at a time. The default is one for each processor
// ([runtime.GOMAXPROCS]), which suits computations. Choose a limit for calls that wait,
// for a network for example.
//
// Calls share goroutines, as tasks under a limit do, and the caller's is one of them. A
// call that changes its goroutine, by [runtime.LockOSThread] or
// [runtime/pprof.SetGoroutineLabels], must undo that. [runtime/pprof.Do] does.
//
// A panic or Goexit of a call goes on in the caller, as with Run. The options are the
// same as for Run. For panics if ctx or fn is nil, or if count is negative.
func For(ctx context.Context, count int, fn func(ctx context.Context, i int) error, opts ...Option) error {
	switch {
	case ctx == nil:
		panic("nursery: For: nil context; pass context.Background() if there is no other")
	case fn == nil:
		panic("nursery: For: nil function")
	}
	mustNotBeNegative("For: count", count)
	return claim(ctx, configure("For", opts), count, fn)
}

// Map calls fn for each item, several at a time, and returns the results in the order
// of the items. Failures, cancellation and [Limit] are as with [For]. If err is nil, all
// results are there. Otherwise Map returns no results, but with [KeepGoing] it returns
// the results of the calls that did not fail, each in its place.
//
// Map panics if ctx or fn is nil.
func Map[T, R any](ctx context.Context, items []T, fn func(ctx context.Context, item T) (R, error), opts ...Option) ([]R, error) {
	switch {
	case ctx == nil:
		panic("nursery: Map: nil context; pass context.Background() if there is no other")
	case fn == nil:
		panic("nursery: Map: nil function")
	}
	conf := configure("Map", opts)
	results := make([]R, len(items))
	err := claim(ctx, conf, len(items), func(ctx context.Context, i int) error {
		r, err := fn(ctx, items[i])
		if err == nil {
			results[i] = r
		}
		return err
	})
	if err != nil && !conf.keepGoing {
		return nil, err
	}
	return results, err
}

// claim is For with a nursery that is configured so.
func claim(ctx context.Context, conf config, count int, fn func(ctx context.Context, i int) error) error {
	workers := conf.width()
	conf.limit = 0 // the workers are the limit
	n := newNursery(conf)
	l := &loop{n: n, count: int64(count), fn: fn}
	err := n.run(ctx, func(context.Context, *Nursery) error {
		n.scope.OnDone(l.stop)
		for range min(workers, count) - 1 {
			n.mustEnter("For", member)
			go n.work(l.shift, true)
		}
		for !l.shift(true) { // the body is a worker too
		}
		return nil
	})
	if err == nil && l.done.Load() < l.count {
		return cancel.Err(n.scope)
	}
	return err
}

// A loop is a call of For. Its workers claim one index after the other, which costs
// a fraction of handing it to them.
type loop struct {
	n     *Nursery
	count int64
	fn    func(ctx context.Context, i int) error

	_    [64]byte     // what changes all the time has a cache line of its own
	next atomic.Int64 // the index to be claimed next
	_    [64]byte
	done atomic.Int64 // calls that returned nil; each worker adds its own in the end
}

// shift calls fn for one index after the other, while there are some and the scope is
// open. It returns false if fn has panicked: one deferred call is enough for all
// indices, so that they cost nothing but themselves.
func (l *loop) shift(bool) (over bool) {
	n, count, fn := l.n, l.count, l.fn
	if n.scope.Err() != nil {
		return true // stop may come a moment later
	}
	var (
		ctx     context.Context = n.scope
		limiter                 = n.set.limiter
		token   *lease
		done    int64
		i       int64
	)
	defer func() {
		l.done.Add(done)
		if !over {
			n.settle(crashed(recover(), "").of(int(i)), nil)
			token.end()
		}
	}()
	for {
		i = l.next.Add(1) - 1
		if uint64(i) >= uint64(count) { // next may have gone over the largest number
			return true
		}
		if limiter != nil {
			if token = limiter.lease(n.scope); token == nil {
				return true
			}
			ctx = token
		}
		err := fn(ctx, int(i))
		if err == nil {
			done++
		} else {
			n.settle(exit{err: err}.of(int(i)), nil)
		}
		if limiter != nil {
			token.end()
		}
		if err != nil && (!n.set.keepGoing || n.scope.Err() != nil) {
			return true // stop may be about to be called
		}
	}
}

// stop is called when the scope ends: it leaves nothing to be claimed, so that no
// worker has to look at the scope for each index.
func (l *loop) stop() { l.next.Store(l.count) }
