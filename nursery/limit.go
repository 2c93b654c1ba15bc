package nursery

import "context"

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
// A worker counts in the nursery's state, a task that waits does not: while one
// waits there are as many workers as the limit allows.
//
// The fields are guarded by the nursery's mu.
type limited struct {
	workers int
	jobs    ring
	handed  uint64 // tasks that a worker was given after its first
}

// queue accepts a task of a limited nursery in the name of the function fn.
func (n *Nursery) queue(fn string, j job) {
	n.lockBusy()
	if n.workers == n.conf.limit {
		n.jobs.push(j)
		n.mu.Unlock()
		return
	}
	open := n.enter(member)
	if open {
		n.workers++
	}
	n.mu.Unlock()
	if !open {
		n.refuse(fn)
	}
	go n.worker(j)
}

// lockBusy locks mu, for which workers with short tasks contend. What it guards
// takes a few nanoseconds, but sync.Mutex does not spin where more goroutines
// are runnable than there are processors, which is the rule here: it parks.
func (n *Nursery) lockBusy() {
	for range 64 {
		if n.mu.TryLock() {
			return
		}
	}
	n.mu.Lock()
}

// worker runs j and then what waits, until nothing does.
func (n *Nursery) worker(j job) {
	idle := false
	defer func() {
		if !idle {
			// A task called Goexit, which ends this goroutine. Another goes on.
			if j, ok := n.next(); ok {
				go n.worker(j)
				return
			}
		}
		n.leave(member)
	}()
	for ok := true; ok; j, ok = n.next() {
		n.call(j.task, j.info)
	}
	idle = true
}

// next returns the task whose turn it is, or lets the worker go.
func (n *Nursery) next() (job, bool) {
	n.lockBusy()
	defer n.mu.Unlock()
	if n.jobs.len == 0 {
		n.workers--
		return job{}, false
	}
	n.handed++
	return n.jobs.pop(), true
}

// A ring is a first-in-first-out queue of jobs.
type ring struct {
	buf  []job // its length is a power of two, or 0
	head int
	len  int
}

const (
	ringMin  = 16   // what a ring begins with
	ringKeep = 1024 // what an empty ring keeps at most, so that a burst leaves nothing behind
)

func (r *ring) push(j job) {
	if r.len == len(r.buf) {
		grown := make([]job, max(ringMin, 2*len(r.buf)))
		k := copy(grown, r.buf[r.head:])
		copy(grown[k:], r.buf[:r.head])
		r.buf, r.head = grown, 0
	}
	r.buf[(r.head+r.len)&(len(r.buf)-1)] = j
	r.len++
}

// pop returns the oldest job of a ring that is not empty.
func (r *ring) pop() job {
	j := r.buf[r.head]
	r.buf[r.head] = job{}
	r.head = (r.head + 1) & (len(r.buf) - 1)
	r.len--
	if r.len == 0 && len(r.buf) > ringKeep {
		*r = ring{}
	}
	return j
}
