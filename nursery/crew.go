package nursery

import (
	"context"
	"runtime"
	"runtime/pprof"

	"github.com/grove-go/grove/internal/point"
	"github.com/grove-go/grove/internal/ring"
)

// A crew is the goroutines that share the work of a limited nursery, or of a whole
// computation, item by item. To hand a running goroutine the next item costs a
// fraction of a new goroutine and a semaphore for each.
//
// One worker at a time is begun. It begins the next one, if there is still something
// to do, before it does an item itself. So few workers do short items, and none is
// begun for nothing while another is on its way.
//
// A worker counts in the nursery's state, an item that waits does not. While one waits
// there is a worker, if only on its way.
//
// A nursery without a limit that reuses idle workers was tried, and lost to contention
// for the lock.
type crew[T any] struct {
	n     *Nursery
	limit int
	shift func(first bool) (over bool) // does items while there are some; see work

	mu      busyMutex  // guards the fields below
	more    point.Cond // idle workers wait for items
	items   ring.Long[T]
	taken   uint64 // items that workers have taken
	workers int
	idle    int  // workers that wait
	coming  bool // a worker has been begun, or woken, and has not come to take an item yet
	stay    bool // workers wait for more items rather than leave
}

// callLocked sends for another worker if there is something to do. It returns false if
// the nursery has ended.
func (c *crew[T]) callLocked() (open bool) {
	switch {
	case c.coming || c.items.Len() == 0:
	case c.idle > 0:
		c.coming = true
		c.more.Signal()
	case c.workers < c.limit:
		if !c.n.enter(member) {
			return false
		}
		c.coming = true
		c.workers++
		go c.n.work(c.shift, true)
	}
	return true
}

// nextLocked returns the next item for a worker, which has just come if first is true.
// If there is none, the worker waits or, unless it is to stay, leaves.
func (c *crew[T]) nextLocked(first bool) (item T, ok bool) {
	came := first
	if first {
		c.coming = false
	}
	for c.items.Len() == 0 {
		if !c.stay {
			c.workers--
			return item, false
		}
		c.idle++
		c.more.Wait()
		c.idle--
		c.coming, came = false, true
	}
	item = c.items.Pop()
	c.taken++
	if came {
		c.callLocked() // the worker itself is in the nursery
	}
	return item, true
}

// work is a worker goroutine. It calls shift, with true the first time, until that returns true.
// If a call in it ends the goroutine by Goexit, another one goes on.
func (n *Nursery) work(shift func(first bool) (over bool), first bool) {
	n.label()
	over := false
	defer func() {
		if over {
			n.leave(member)
		} else {
			go n.work(shift, false)
		}
	}()
	for ; !over; first = false {
		over = shift(first)
	}
	runtime.KeepAlive(n) // for stacks; see consume
}

// A busyMutex is held for a few nanoseconds at a time, by many goroutines that have little
// else to do. More goroutines are runnable than there are processors, and then a sync.Mutex
// does not spin but parks.
type busyMutex struct{ point.Mutex }

// Lock locks m.
func (m *busyMutex) Lock() {
	for range 64 {
		if m.TryLock() {
			return
		}
	}
	m.Mutex.Lock()
}

// A job is a task that waits for its turn.
type job struct {
	task func(ctx context.Context) error
	info *taskInfo // or nil
}

// limit makes n a nursery that runs so many tasks at a time.
func (n *Nursery) limit(tasks int) {
	c := &crew[job]{n: n, limit: tasks}
	c.shift = n.shift
	n.set.crew = c
}

// queue queues a task of a limited nursery. It returns false if the nursery has ended.
func (n *Nursery) queue(j job) (accepted bool) {
	c := n.set.crew
	c.mu.Lock()
	c.items.Push(j)
	accepted = c.callLocked()
	if !accepted {
		c.items = ring.Long[job]{} // nothing else waits in a nursery that has ended
	}
	c.mu.Unlock()
	point.Here("Go: queued")
	return accepted
}

// shift runs the tasks of a limited nursery that wait; see crew.
func (n *Nursery) shift(first bool) (over bool) {
	c := n.set.crew
	labels := labels{Context: n.scope}
	for ; ; first = false {
		point.Here("worker")
		c.mu.Lock()
		j, ok := c.nextLocked(first)
		c.mu.Unlock()
		if !ok {
			point.Here("worker: nothing waits")
			return true
		}
		pprof.SetGoroutineLabels(&labels)
		n.call(j.task, j.info)
		point.Here("worker: task returned")
	}
}

// labels is a context that remembers the one value that it was asked for. A task may
// leave other labels of package pprof on its goroutine than the nursery's context has, and
// the goroutine goes on to the next task. A worker therefore sets them for each task.
type labels struct {
	context.Context
	asked bool
	value any
}

// Value implements [context.Context].
func (l *labels) Value(key any) any {
	if !l.asked {
		l.asked, l.value = true, l.Context.Value(key)
	}
	return l.value
}
