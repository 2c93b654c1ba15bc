package nursery

import (
	"context"
	"iter"
	"runtime"
	"sync"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/ring"
)

// A flow calls a function for each item of a source, several at a time: it is what
// Each and the streams have in common. The feeder, a goroutine, takes items from
// the source, and workers call the function, one item after the other.
//
// An item takes up a slot, of which there are as many as the limit, until its call
// has returned or, in a stream, until its result has been taken. While no slot is
// free, the source is not asked for anything.
//
// Workers are begun one by one, as those of a limited nursery are and for the same
// reason; see limited. They stay until the end, for here the next item is bound to
// come soon. Workers that pull from the source under a lock, by iter.Pull, were
// tried: they were slower, and the source ran where it must not lock its thread.
type flow[T, R any] struct {
	n       *Nursery
	limit   int
	fn      func(ctx context.Context, item T) (R, error)
	results results

	mu       busyMutex
	room     sync.Cond     // the feeder waits for a free slot
	more     sync.Cond     // idle workers wait for items
	ready    sync.Cond     // the loop waits for a result
	items    ring.Queue[T] // no worker has taken them yet
	begun    uint64        // items that workers have taken
	slots    int           // taken up
	workers  int
	idle     int  // workers that wait
	coming   bool // a worker has been begun, or woken, and has not come to take an item yet
	stopped  bool // the scope has ended: nothing more is begun
	fed      bool // there will be no more items
	finished bool // the source came to its end; the feeder's, read when it has gone
	lost     bool // an item has no result, nor an error in its place
	window   window[R]
}

// results says what becomes of the results of a flow.
type results int

const (
	dropped   results = iota // nobody takes them
	ordered                  // the loop takes them in the order of the items
	unordered                // the loop takes them in the order in which they come
)

// newFlow returns a flow in a nursery that is configured so.
func newFlow[T, R any](conf config, results results, fn func(ctx context.Context, item T) (R, error)) *flow[T, R] {
	f := &flow[T, R]{limit: conf.width(), fn: calls(&conf, fn), results: results}
	conf.limit = 0 // the slots are the limit
	f.n = &Nursery{conf: conf}
	f.room.L, f.more.L, f.ready.L = &f.mu, &f.mu, &f.mu
	return f
}

// width returns how many calls of a whole computation may run at a time.
func (c *config) width() int {
	if c.limit == 0 {
		return runtime.GOMAXPROCS(0)
	}
	return c.limit
}

// feed is the feeder: it takes items from the source while the scope is open.
func (f *flow[T, R]) feed(items iter.Seq[T]) {
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
	f.mu.Lock()
	f.fed = true
	f.mu.Unlock()
	f.ready.Signal()
	f.more.Broadcast()
}

// put hands an item, for which a slot is free, to the workers. It waits until there
// is a free slot for the next one, and reports whether that is wanted.
func (f *flow[T, R]) put(item T) (more bool) {
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

// stop is called when the scope ends: what no worker has taken yet is dropped. The
// feeder has to be told, and the loop if there is nothing more to wait for; workers
// who wait for the feeder wait on.
func (f *flow[T, R]) stop() {
	f.mu.Lock()
	f.stopped = true
	if k := f.items.Len(); k > 0 {
		f.lost = true
		f.slots -= k
		f.items = ring.Queue[T]{}
	}
	if f.slots == 0 {
		f.ready.Signal() // the feeder may have gone: its panic ends the scope after that
	}
	f.mu.Unlock()
	f.room.Signal()
}

// callLocked sends for another worker if there is something to do.
func (f *flow[T, R]) callLocked() {
	switch {
	case f.coming || f.items.Len() == 0:
	case f.idle > 0:
		f.coming = true
		f.more.Signal()
	case f.workers < f.limit:
		f.coming = true
		f.workers++
		f.n.mustEnter("flow", member) // who calls it is in the nursery
		go f.work(true)
	}
}

// work is a worker, which has just been begun, or goes on for one that fn has ended.
func (f *flow[T, R]) work(first bool) {
	over := false
	defer func() {
		if over {
			f.n.leave(member)
		} else {
			// A call of Goexit ends this goroutine, also if there was a panic on the
			// way and that has been recovered. Another goes on.
			go f.work(false)
		}
	}()
	for ; !over; first = false {
		over = f.serve(first)
	}
}

// serve calls fn for one item after the other while there are some. It returns
// false if fn has panicked: one deferred call is enough for all items.
func (f *flow[T, R]) serve(first bool) (over bool) {
	var (
		place   uint64  // of the item among those that were begun
		done    cell[R] // what came of it
		running bool
	)
	defer func() {
		if !running {
			return
		}
		done := f.crashed(recover())
		f.mu.Lock()
		f.settleLocked(place, done)
		f.mu.Unlock()
	}()
	for ; ; first = false {
		f.mu.Lock()
		if done.state != pending {
			f.settleLocked(place, done)
		}
		item, ok := f.nextLocked(first)
		place = f.begun - 1
		f.mu.Unlock()
		if !ok {
			return true
		}
		running = true
		v, err := f.fn(f.n.scope, item)
		if err == nil {
			done = cell[R]{value: v, state: kept}
		} else {
			done = f.failed(err) // runs methods of err, which may panic
		}
		running = false
	}
}

// nextLocked waits for an item for a worker to take. It returns false if there will
// be none.
func (f *flow[T, R]) nextLocked(first bool) (item T, ok bool) {
	came := first
	if first {
		f.coming = false
	}
	for f.items.Len() == 0 {
		if f.fed {
			return item, false
		}
		f.idle++
		f.more.Wait()
		f.idle--
		f.coming, came = false, true
	}
	item = f.items.Pop()
	f.begun++
	if came {
		f.callLocked()
	}
	return item, true
}

// keepsErrors reports whether errors of items are for the loop, and for nobody else.
func (f *flow[T, R]) keepsErrors() bool { return f.results != dropped && f.n.conf.keepGoing }

// failed deals with an error that fn returned.
func (f *flow[T, R]) failed(err error) cell[R] {
	c := cell[R]{err: err, state: kept}
	if !f.keepsErrors() {
		f.n.failed("", err)
		c = cell[R]{state: lost}
	}
	if f.n.scope.Err() != nil {
		f.stop() // the scope is about to call it
	}
	return c
}

// crashed deals with a call of fn that did not return; see Nursery.crashed.
func (f *flow[T, R]) crashed(v any) cell[R] {
	if v != nil && f.keepsErrors() && f.n.conf.recoverPanics {
		return cell[R]{err: newPanicError(v, ""), state: kept}
	}
	f.n.crashed(v, nil)
	return cell[R]{state: lost}
}

// settleLocked does with a result what is to be done with it.
func (f *flow[T, R]) settleLocked(place uint64, c cell[R]) {
	f.lost = f.lost || c.state == lost
	switch {
	case f.results == ordered:
		f.window.put(place, c)
		if place == f.window.head {
			f.ready.Signal()
		}
	case f.results == unordered && c.state == kept:
		f.window.put(f.window.tail, c)
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
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		switch c := f.window.first(); c.state {
		case kept:
			f.window.pop()
			f.freeLocked()
			return c, true
		case lost:
			return c, false
		}
		if f.slots == 0 && f.fed {
			return c, false
		}
		f.ready.Wait()
	}
}

// undone returns the error that stands for what was left undone, if anything was,
// when nobody is in the nursery any more.
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
	kept                     // a value, or an error that the loop is to see
	lost                     // nothing that the loop is to see
)

// A window holds results until the loop takes them. They have places, numbered from
// 0 on, and are put in any order.
type window[R any] struct {
	cells      []cell[R] // its length is a power of two, or 0
	head, tail uint64    // the place to be taken next, and the one behind the last that was put
}

func (w *window[R]) at(place uint64) *cell[R] { return &w.cells[place&uint64(len(w.cells)-1)] }

func (w *window[R]) put(place uint64, c cell[R]) {
	for place-w.head >= uint64(len(w.cells)) {
		old := *w
		w.cells = make([]cell[R], max(8, 2*len(old.cells)))
		for p := old.head; p < old.tail; p++ {
			*w.at(p) = *old.at(p)
		}
	}
	*w.at(place) = c
	w.tail = max(w.tail, place+1)
}

// first returns what is at the place to be taken next.
func (w *window[R]) first() cell[R] {
	if w.head == w.tail {
		return cell[R]{}
	}
	return *w.at(w.head)
}

func (w *window[R]) pop() {
	*w.at(w.head) = cell[R]{}
	w.head++
}
