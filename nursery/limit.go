package nursery

import (
	"context"

	"github.com/grove-go/grove/internal/point"
	"github.com/grove-go/grove/internal/ring"
)

// A job is a task that waits for its turn.
type job struct {
	task func(ctx context.Context) error
	info *taskInfo
}

// limited holds the tasks of a limited nursery that wait, and counts its
// workers: goroutines, as many as the limit at most, each of which takes the
// next task when it is through with one. To hand a running worker the next task
// costs a fraction of a new goroutine and a semaphore per task.
//
// An unlimited nursery that reuses idle workers was tried and lost to
// contention for the lock.
//
// One worker at a time is begun, which begins the next one, if there is still
// something to do, before it takes a task for itself. So short tasks are done
// by few workers, and none is begun for nothing while another is on its way.
//
// A worker counts in the nursery's state, a task that waits does not: while one
// waits there is a worker, if only on its way.
//
// The fields are guarded by the nursery's mu.
type limited struct {
	workers int
	coming  bool // a worker has been begun, and has not come to take a task yet
	jobs    ring.Queue[job]
	taken   uint64 // tasks that workers have taken
}

// queue accepts a task of a limited nursery in the name of the function fn.
func (n *Nursery) queue(fn string, j job) {
	n.mu.Lock()
	begin, open := n.beginLocked()
	if open {
		n.jobs.Push(j)
	}
	n.mu.Unlock()
	if !open {
		n.refuse(fn)
	}
	if begin {
		point.Here("Go: queued")
		go n.worker(true)
	}
}

// beginLocked reports whether another worker is to be begun, and counts it in,
// and whether the nursery is open.
func (n *Nursery) beginLocked() (begin, open bool) {
	if n.coming || n.workers == n.conf.limit {
		return false, true // a worker is in the nursery
	}
	if !n.enter(member) {
		return false, false
	}
	n.coming = true
	n.workers++
	return true, true
}

// A busyMutex is one for which goroutines with little to do contend. What it guards
// takes a few nanoseconds, but sync.Mutex does not spin where more goroutines
// are runnable than there are processors, which is the rule here: it parks.
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

// worker runs what waits, until nothing does. It is the first in its place, the
// one that was coming, or goes on for one that a task has ended.
func (n *Nursery) worker(first bool) {
	idle := false
	defer func() {
		if idle {
			n.leave(member)
		} else {
			// A task called Goexit, which ends this goroutine. Another goes on.
			go n.worker(false)
		}
	}()
	point.Here("worker")
	for j, ok := n.next(first); ok; j, ok = n.next(false) {
		n.call(j.task, j.info)
		point.Here("worker: task returned")
	}
	point.Here("worker: nothing waits")
	idle = true
}

// next returns the task whose turn it is, or lets the worker go.
func (n *Nursery) next(first bool) (j job, ok bool) {
	n.mu.Lock()
	if first {
		n.coming = false
	}
	begin := false
	if ok = n.jobs.Len() > 0; ok {
		j = n.jobs.Pop()
		n.taken++
		if first && n.jobs.Len() > 0 {
			begin, _ = n.beginLocked()
		}
	} else {
		n.workers--
	}
	n.mu.Unlock()
	if begin {
		point.Here("worker: another is to come")
		go n.worker(true)
	}
	return j, ok
}
