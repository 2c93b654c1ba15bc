package channel

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/grove-go/grove/internal/bare"
	"github.com/grove-go/grove/internal/point"
)

// A line is a queue of calls that wait on one side of a channel: first come, first
// served. It is guarded by the core's mu.
type line[T any] struct {
	first, last *waiter[T]
	len         int
}

// A waiter is a call of Send or Receive that waits in a line.
//
// A goroutine that takes a waiter out of the line has served it, or sets err to say
// why not. Then it calls rouse, once, after which the waiter belongs to the call.
type waiter[T any] struct {
	h   *handle[T] // immutable
	v   T          // to send, or received
	err error

	// Guarded by the core's mu.
	prev, next   *waiter[T] // in the line
	older, newer *waiter[T] // in the list of the handle
	inLine       bool

	ctx      context.Context
	done     <-chan struct{} // of ctx; nil: never
	canceler *canceler[T]    // takes the waiter out of the line when done is closed; nil: the call does

	wake   chan struct{} // what the call waits for; nil: parked
	parked sync.Cond     // its lock is a parking
	roused atomic.Bool   // tells the race detector what Signal promises: it synchronizes before Wait returns
}

// errCanceled is the error of a waiter with a context that is done.
var errCanceled = errors.New("channel: context is done")

// pushLocked puts w at the end of the line.
func (l *line[T]) pushLocked(w *waiter[T]) {
	w.inLine = true
	w.prev = l.last
	if w.prev != nil {
		w.prev.next = w
	} else {
		l.first = w
	}
	l.last = w
	l.len++

	w.older = w.h.newest
	if w.older != nil {
		w.older.newer = w
	}
	w.h.newest = w
}

// removeLocked takes w out of the line.
func (l *line[T]) removeLocked(w *waiter[T]) {
	w.inLine = false
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		l.first = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		l.last = w.prev
	}
	w.prev, w.next = nil, nil
	l.len--

	if w.newer != nil {
		w.newer.older = w.older
	} else {
		w.h.newest = w.older
	}
	if w.older != nil {
		w.older.newer = w.newer
	}
	w.older, w.newer = nil, nil

	if w.canceler != nil {
		w.canceler.calls--
		w.canceler = nil
	}
}

// nextLocked takes the first waiter with an open context out of the line, for
// the caller to serve and rouse. It returns nil if there is none.
func (l *line[T]) nextLocked() *waiter[T] {
	for w := l.first; w != nil; w = l.first {
		if !bare.IsOver(w.ctx, w.done) {
			l.removeLocked(w)
			return w
		}
		l.failLocked(w, errCanceled)
	}
	return nil
}

// failLocked takes w out of the line because of err.
func (l *line[T]) failLocked(w *waiter[T], err error) {
	l.removeLocked(w)
	w.err = err
	w.rouse()
}

// failAllLocked takes all waiters out of the line because of err.
func (l *line[T]) failAllLocked(err error) {
	for l.first != nil {
		l.failLocked(l.first, err)
	}
}

// rouse wakes the call of w, which may be nil. It does not block.
func (w *waiter[T]) rouse() {
	if w == nil {
		return
	}
	wake := w.wake // before roused, which gives the waiter back
	w.roused.Store(true)
	if wake != nil {
		wake <- struct{}{}
	} else {
		w.parked.Signal()
	}
}

// waitLocked waits in the line, and unlocks the core. It returns when w has been
// served, or w.err says why not.
func (w *waiter[T]) waitLocked() {
	c, l := w.h.c, w.h.line
	l.pushLocked(w)
	if w.wake == nil {
		w.parked.Wait() // which unlocks the core
		w.roused.Load()
		point.Here("wait: roused")
		return
	}
	c.mu.Unlock()
	select {
	case <-w.wake:
		point.Here("wait: roused")
	case <-w.done:
		point.Here("wait: context is done")
		c.mu.Lock()
		if w.inLine {
			l.removeLocked(w)
			w.err = errCanceled
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		<-w.wake // another goroutine was faster
	}
}

// A parking is a core as the lock of a [sync.Cond]: a call that has been roused does
// not need the lock. A call that waits for a Cond belongs to no synctest bubble
// afterwards, as a channel does.
type parking[T any] core[T]

func (p *parking[T]) Lock()   {}
func (p *parking[T]) Unlock() { p.mu.Unlock() }
