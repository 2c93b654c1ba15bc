package channel

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/point"
)

// A waker is what wakes those who are blocked in a handle: the handle's end, and
// that of their contexts. A select over three channels, one of them shared by all
// tasks of a nursery, costs a good deal more than one over two that few use. So
// when a handle blocks again and again in the same scope, as it does in a loop, the
// two are joined into one channel.
//
// The fields are guarded by the core's mu where they are not atomic.
type waker struct {
	wake  chan struct{} // closed when the handle is, or the channel is broken
	woken bool          // wake is closed

	last  atomic.Pointer[cancel.Scope] // in which a call was blocked last
	joint atomic.Pointer[joint]
}

// A joint is closed when a scope ends, or a handle's wake is closed. It refers to no
// handle: the scope may outlive that.
type joint struct {
	scope *cancel.Scope
	over  chan struct{}
	fired atomic.Bool
	leave func() bool // takes it off the scope
}

func (j *joint) fire() {
	if !j.fired.Swap(true) {
		close(j.over)
	}
}

// join returns the joint of the handle and ctx, or nil if there is none: if ctx is
// no scope, has not been used before, or another one is in use.
func (w *waker) join(ctx context.Context, lock sync.Locker) *joint {
	s, ok := ctx.(*cancel.Scope)
	if !ok {
		return nil
	}
	if j := w.joint.Load(); j != nil && j.scope == s {
		return j
	}
	if w.last.Load() != s {
		w.last.Store(s)
		return nil
	}
	if j := w.joint.Load(); j != nil && !j.fired.Load() {
		return nil // somebody may be blocked in it
	}
	j := &joint{scope: s, over: make(chan struct{})}
	j.leave = s.OnDone(j.fire) // before anybody can wait for it
	point.Here("join: registered")
	lock.Lock()
	old := w.joint.Load()
	taken := w.woken || old != nil && !old.fired.Load()
	if !taken {
		w.joint.Store(j)
	}
	lock.Unlock()
	if taken {
		j.leave()
		return nil
	}
	return j
}

// fireLocked wakes all who are blocked.
func (w *waker) fireLocked() {
	if w.woken {
		return
	}
	w.woken = true
	close(w.wake)
	if j := w.joint.Load(); j != nil {
		j.fire()
	}
}

// release lets go of the scope. The handle is closed.
func (w *waker) release() {
	if j := w.joint.Load(); j != nil {
		j.leave()
	}
}
