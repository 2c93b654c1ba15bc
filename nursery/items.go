package nursery

import (
	"context"
	"sync/atomic"

	"github.com/grove-go/grove/cancel"
)

// For calls fn for each index from 0 to count-1, several at a time, and returns
// when all calls have returned. They are begun in order.
//
// The first failure cancels the context of the others, and no further call is
// begun; For then returns the error of [Run]. With [KeepGoing] the others go on, and
// the error has all failures. If the context is canceled, no further call is begun
// either, and the error says so if that left anything undone.
//
// With [Limit] so many calls run at a time. The default is as many as there are
// processors ([runtime.GOMAXPROCS]), which suits work that computes: for work that
// waits, for a network for example, choose a limit. Calls share goroutines, as tasks
// under a limit do.
//
// A panic or Goexit of a call goes on in the caller, as it does with Run. The options
// are those of Run. For panics if ctx or fn is nil, or count is negative.
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

// Map calls fn for each item, several at a time, and returns the results in the
// order of the items. If one fails it returns nil and the error, as [For] does, in
// particular about failures, cancellation and [Limit]; if err is nil all results are
// there. With [KeepGoing] it returns, along with the error, the results of those
// that did not fail, each in its place.
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
	if conf.limiter != nil {
		free := fn
		held := calls(&conf, func(ctx context.Context, i int) (struct{}, error) { return struct{}{}, free(ctx, i) })
		fn = func(ctx context.Context, i int) error {
			_, err := held(ctx, i)
			return err
		}
	}
	n := &Nursery{conf: conf}
	l := &loop{n: n, count: int64(count), fn: fn}
	err := n.run(ctx, func(context.Context, *Nursery) error {
		n.scope.OnDone(l.stop)
		for range min(workers, count) - 1 {
			n.mustEnter("For", member)
			go l.work()
		}
		l.claim() // the body is a worker too
		return nil
	})
	if err == nil && l.done.Load() < l.count {
		return cancel.Err(n.scope)
	}
	return err
}

// A loop is a call of For. Its workers claim one index after the other, which costs
// a fraction of passing it to them.
type loop struct {
	n     *Nursery
	count int64
	fn    func(ctx context.Context, i int) error

	_    [64]byte     // what changes all the time has a cache line of its own
	next atomic.Int64 // the index to be claimed next
	_    [64]byte
	done atomic.Int64 // calls that returned nil; each worker adds its own in the end
}

// work is a worker in a goroutine of its own.
func (l *loop) work() {
	over := false
	defer func() {
		if over {
			l.n.leave(member)
		} else {
			// A call of Goexit ends this goroutine, also if there was a panic on the
			// way and that has been recovered. Another goes on.
			go l.work()
		}
	}()
	l.claim()
	over = true
}

// claim calls fn for one index after the other, while there are some and the scope
// is open. It returns also if fn panics.
func (l *loop) claim() {
	for !l.claimOn() {
	}
}

// claimOn is claim, but returns false when fn has panicked: one deferred call is
// enough for all indices, so that they cost nothing but themselves.
func (l *loop) claimOn() (over bool) {
	n, count, fn, ctx := l.n, l.count, l.fn, l.n.scope
	if ctx.Err() != nil {
		return true // stop may come a moment later
	}
	done := int64(0)
	defer func() {
		l.done.Add(done)
		if !over {
			n.crashed(recover(), nil)
		}
	}()
	for {
		i := l.next.Add(1) - 1
		if i >= count {
			return true
		}
		err := fn(ctx, int(i))
		if err == nil {
			done++
			continue
		}
		n.failed("", err)
		if ctx.Err() != nil {
			return true // also if stop is only about to be called
		}
	}
}

// stop is called when the scope ends: it leaves nothing to be claimed, so that
// nobody has to look at the scope for each index.
func (l *loop) stop() { l.next.Store(l.count) }
