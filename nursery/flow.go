package nursery

import (
	"context"
	"iter"
	"runtime"
	"runtime/pprof"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/point"
	"github.com/grove-go/grove/internal/ring"
)

// A flow calls a function for each item of a source, several at a time, for Each and the
// streams. The producer, a goroutine, takes items from the source, and a crew calls the
// function. The workers of the crew stay until the end, because the next item is bound to
// come soon.
//
// The limit is a number of slots. An item takes up a slot until its call has returned or,
// in a stream, until the consumer has taken its result. While no slot is free, the producer
// does not ask the source for an item.
//
// Workers that pull from the source under a lock, by iter.Pull, were tried. They were
// slower, and the source ran in goroutines that it must not lock to their threads.
type flow[T, R any] struct {
	crew[T]
	fn      func(ctx context.Context, item T) (R, error)
	results results

	// Guarded by the mu of the crew.
	room     point.Cond // the producer waits for a free slot
	ready    point.Cond // the consumer waits for a result
	slots    int        // taken up
	stopped  bool       // the scope has ended: nothing more is begun
	finished bool       // the source came to its end; the producer's, read when that has returned
	lost     bool       // an item has neither a result nor an error in its place
	buffer   reorderBuffer[R]
}

// results says what becomes of the results of a flow.
type results int

const (
	dropped   results = iota // there are none to take
	ordered                  // the consumer takes them in the order of the items
	unordered                // the consumer takes them as they come
)

// newFlow returns a flow in a nursery that is configured so.
func newFlow[T, R any](conf config, results results, fn func(ctx context.Context, item T) (R, error)) *flow[T, R] {
	f := &flow[T, R]{fn: fn, results: results}
	f.crew = crew[T]{limit: conf.width(), shift: f.shift, stay: true}
	conf.limit = 0 // the slots are the limit
	f.n = newNursery(conf)
	f.room.L, f.more.L, f.ready.L = &f.mu, &f.mu, &f.mu
	return f
}

// width returns how many calls of a helper function may run at a time.
func (c *config) width() int {
	if c.limit == 0 {
		return runtime.GOMAXPROCS(0)
	}
	return int(c.limit)
}

// produce is the producer: it takes items from the source while the scope is open.
func (f *flow[T, R]) produce(items iter.Seq[T]) {
	defer f.close()
	if f.n.scope.Err() != nil {
		return
	}
	f.n.scope.OnDone(f.stop)
	for item := range items {
		if !f.put(item) {
			return
		}
	}
	f.finished = true
}

// close is called when there will be no more items.
func (f *flow[T, R]) close() {
	point.Here("flow: close")
	f.mu.Lock()
	f.stay = false
	f.mu.Unlock()
	f.ready.Signal()
	f.more.Broadcast()
}

// put hands an item to the workers. It takes up a slot, which is free, waits until there
// is a free slot for the next item, and reports whether the next item is wanted.
func (f *flow[T, R]) put(item T) (more bool) {
	point.Here("flow: put")
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped {
		return false // and the source does not come to its end
	}
	f.slots++
	f.items.Push(item)
	f.callLocked()
	for f.slots == f.limit && !f.stopped {
		f.room.Wait()
	}
	return !f.stopped
}

// stop is called when the scope ends. It drops the items that no worker has taken. It wakes
// the producer, and the consumer if nothing is under way. Idle workers wait on until the
// producer calls close.
func (f *flow[T, R]) stop() {
	point.Here("flow: stop")
	f.mu.Lock()
	f.stopped = true
	if k := f.items.Len(); k > 0 {
		f.lost = true
		f.slots -= k
		f.items = ring.Long[T]{}
	}
	if f.slots == 0 {
		f.ready.Signal() // the producer may have returned: a panic of it ends the scope after that
	}
	f.mu.Unlock()
	f.room.Signal()
}

// shift calls fn for one item after the other while there are some. It returns false
// if fn has panicked: one deferred call is enough for all items.
func (f *flow[T, R]) shift(first bool) (over bool) {
	var (
		place   uint64  // of the item among the items that were taken
		done    cell[R] // what came of it
		running bool
		token   *lease
	)
	labels := labels{Context: f.n.scope}
	defer func() {
		if !running {
			return
		}
		done := f.crashed(recover(), place)
		token.end()
		f.mu.Lock()
		f.settleLocked(place, done)
		f.mu.Unlock()
	}()
	for ; ; first = false {
		point.Here("flow: next")
		f.mu.Lock()
		if done.state != pending {
			f.settleLocked(place, done)
		}
		item, ok := f.nextLocked(first)
		place = f.taken - 1
		f.mu.Unlock()
		if !ok {
			return true
		}
		running = true
		pprof.SetGoroutineLabels(&labels)
		var ctx context.Context
		if ctx, token = f.n.token(); ctx == nil {
			f.stop() // the scope may be about to call it: lost items must not make room for more
			done = cell[R]{state: lost}
		} else if v, err := f.fn(ctx, item); err == nil {
			done = cell[R]{value: v, state: kept}
		} else {
			done = f.failed(err, place) // runs methods of err, which may panic
		}
		token.end()
		running = false
	}
}

// keepsErrors reports whether errors of items go to the consumer rather than the nursery.
func (f *flow[T, R]) keepsErrors() bool { return f.results != dropped && f.n.config().keepGoing }

// failed deals with an error that fn returned for the item at that place.
func (f *flow[T, R]) failed(err error, place uint64) cell[R] {
	e := exit{err: err}.of(int(place))
	c := cell[R]{err: e.label(err, ""), state: kept}
	if !f.keepsErrors() {
		c = f.lose(e)
	}
	if !f.n.config().keepGoing {
		f.stop()
	}
	return c
}

// crashed deals with a call of fn that did not return. The caller has recovered v.
func (f *flow[T, R]) crashed(v any, place uint64) cell[R] {
	e := crashed(v, "").of(int(place))
	if v != nil && f.keepsErrors() && f.n.config().recoverPanics {
		return cell[R]{err: e.label(e.err, ""), state: kept}
	}
	return f.lose(e)
}

// lose hands a failure to the nursery. The item has no result.
func (f *flow[T, R]) lose(x exit) cell[R] {
	f.n.settle(x, nil)
	if f.n.scope.Err() != nil {
		f.stop() // the scope may be about to call it
	}
	return cell[R]{state: lost}
}

// settleLocked records a result.
func (f *flow[T, R]) settleLocked(place uint64, c cell[R]) {
	f.lost = f.lost || c.state == lost
	switch {
	case f.results == ordered:
		f.buffer.put(place, c)
		if place == f.buffer.head {
			f.ready.Signal()
		}
	case f.results == unordered && c.state == kept:
		f.buffer.put(f.buffer.tail, c)
		f.ready.Signal()
	default:
		f.freeLocked()
	}
}

// freeLocked frees a slot.
func (f *flow[T, R]) freeLocked() {
	f.slots--
	f.room.Signal()
	if f.slots == 0 {
		f.ready.Signal() // there may be nothing more to wait for
	}
}

// take waits for the next result. It returns false if there will be none: all have
// been taken, or the next one is lost.
func (f *flow[T, R]) take() (c cell[R], ok bool) {
	point.Here("flow: take")
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		switch c := f.buffer.first(); c.state {
		case kept:
			f.buffer.pop()
			f.freeLocked()
			return c, true
		case lost:
			return c, false
		}
		if f.slots == 0 && !f.stay {
			return c, false
		}
		f.ready.Wait()
	}
}

// settleRest hands errors that the consumer has not taken to the nursery: a result before
// them is lost, so that the consumer does not get to them. All goroutines have left the
// nursery.
func (f *flow[T, R]) settleRest() {
	for ; f.buffer.head < f.buffer.tail; f.buffer.pop() {
		if c := f.buffer.first(); c.err != nil {
			f.n.settle(exit{err: c.err}, nil)
		}
	}
}

// undone returns the error of the cancellation if something was left undone. All
// goroutines have left the nursery.
func (f *flow[T, R]) undone() error {
	if f.finished && !f.lost {
		return nil
	}
	return cancel.Err(f.n.scope)
}

// A cell is what came of an item.
type cell[R any] struct {
	value R
	err   error // instead of the value
	state cellState
}

type cellState uint8

const (
	pending cellState = iota // nothing yet
	kept                     // a value, or an error for the consumer
	lost                     // nothing for the consumer
)

// A reorderBuffer holds results until the consumer takes them. They have places, numbered
// from 0 on, and are put in any order.
type reorderBuffer[R any] struct {
	cells      []cell[R] // its length is a power of two, or 0
	head, tail uint64    // the place to take next, and the place behind the last result
}

func (b *reorderBuffer[R]) at(place uint64) *cell[R] { return &b.cells[place&uint64(len(b.cells)-1)] }

func (b *reorderBuffer[R]) put(place uint64, c cell[R]) {
	for place-b.head >= uint64(len(b.cells)) {
		old := *b
		b.cells = make([]cell[R], max(8, 2*len(old.cells)))
		for p := old.head; p < old.tail; p++ {
			*b.at(p) = *old.at(p)
		}
	}
	*b.at(place) = c
	b.tail = max(b.tail, place+1)
}

// first returns the cell at the place to take next.
func (b *reorderBuffer[R]) first() cell[R] {
	if b.head == b.tail {
		return cell[R]{}
	}
	return *b.at(b.head)
}

func (b *reorderBuffer[R]) pop() {
	*b.at(b.head) = cell[R]{}
	b.head++
}
