package channel

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
	"github.com/grove-go/grove/internal/live"
	"github.com/grove-go/grove/internal/point"
)

// A handle is what a [Sender] and a [Receiver] have in common.
type handle[T any] struct {
	// Immutable.
	c       *core[T]
	line    *line[T] // the line of its side
	handles *int     // how many handles of its side are open; guarded by the core's mu

	// Guarded by the core's mu.
	closed   bool
	newest   *waiter[T]      // the calls that wait
	canceler *canceler[T]    // or nil
	last     <-chan struct{} // the Done channel of the last context that a call waited with

	own  waiter[T]   // for one of the calls
	busy atomic.Bool // own is in use
}

// newHandle makes h a handle of one side of c.
func (c *core[T]) newHandle(h *handle[T], l *line[T], handles *int) {
	h.c, h.line, h.handles = c, l, handles
	h.own.h = h
	h.own.parked.L = (*parking[T])(c)
	*handles++
}

// sends reports whether the handle belongs to a sender.
func (h *handle[T]) sends() bool { return h.line == &h.c.sending }

// do sends *v, or receives into it, and waits if need be.
func (h *handle[T]) do(name string, ctx context.Context, v *T) error {
	if ctx == nil {
		panic("channel: " + name + ": nil context; pass context.Background() if there is no other")
	}
	if err := cancel.Err(ctx); err != nil {
		return err
	}
	point.Here("asked ctx")
	h.c.mu.Lock()
	partner, err := h.tryLocked(v)
	if err == ErrWouldBlock {
		return h.waitLocked(ctx, v)
	}
	h.c.mu.Unlock()
	partner.rouse()
	return err
}

// try sends *v, or receives into it, without waiting.
func (h *handle[T]) try(v *T) error {
	h.c.mu.Lock()
	partner, err := h.tryLocked(v)
	h.c.mu.Unlock()
	partner.rouse()
	return err
}

// tryLocked is try. The caller rouses the partner, a waiter that has been served,
// after unlocking the core.
func (h *handle[T]) tryLocked(v *T) (partner *waiter[T], err error) {
	switch {
	case h.closed:
		return nil, ErrClosed
	case h.sends():
		return h.c.sendLocked(*v)
	}
	return h.c.receiveLocked(v)
}

// waitLocked sends *v, or receives into it, after tryLocked returned ErrWouldBlock.
// It unlocks the core.
func (h *handle[T]) waitLocked(ctx context.Context, v *T) error {
	c := h.c
	var done <-chan struct{}
	k := h.canceler
	if s, ok := ctx.(*cancel.Scope); k != nil && ok && s == k.scope {
		done = k.done
	} else {
		c.mu.Unlock()
		done = h.prepare(ctx)
		point.Here("asked for Done")
		c.mu.Lock()
		if partner, err := h.tryLocked(v); err != ErrWouldBlock {
			c.mu.Unlock()
			partner.rouse()
			return err
		}
		if k = h.canceler; k != nil && k.done != done {
			k = nil
		}
	}
	w := &h.own
	if h.busy.Swap(true) {
		w = &waiter[T]{h: h, parked: sync.Cond{L: (*parking[T])(c)}}
	}
	w.v, w.ctx, w.done = *v, ctx, done
	switch {
	case k != nil:
		w.canceler = k
		k.calls++
	case done != nil:
		w.wake = make(chan struct{}, 1)
	}
	if h.sends() {
		c.tellReadyLocked()
	} else {
		c.tellAskedLocked()
	}
	if live.Enabled() {
		live.Parked(live.Addr(c), w.waitLocked)
	} else {
		w.waitLocked()
	}
	var none T
	err := w.err
	*v, w.v, w.err, w.ctx, w.done, w.wake = w.v, none, nil, nil, nil, nil
	if w == &h.own {
		h.busy.Store(false)
	}
	if err == errCanceled {
		return h.do("", ctx, v) // which goes on if a shield went up at that moment
	}
	return err
}

// A canceler takes the waiters of a handle out of the line when a context ends. It
// saves them a select. A handle that is used in a loop waits with the same context
// again and again, so the handle gets a canceler when it does so for the second time. An
// open context does not keep the handle alive, and the handle keeps no context that has
// ended.
type canceler[T any] struct {
	scope  *cancel.Scope           // the context, or nil if that is a standard context
	done   <-chan struct{}         // the Done channel of the context
	handle weak.Pointer[handle[T]] // the handle that waits
	leave  func() bool             // removes the canceler from the context

	dropped runtime.Cleanup // calls leave if the handle is dropped without Close

	// Guarded by the core's mu.
	calls int  // how many wait
	fired bool // the context has ended
}

// prepare returns the channel that is closed when ctx is done, and makes a canceler if
// one is due. The caller does not hold mu, because Done may be anyone's code.
func (h *handle[T]) prepare(ctx context.Context) (done <-chan struct{}) {
	done = bare.Done(ctx)
	h.c.mu.Lock()
	due := done != nil && h.last == done && h.cancelerIsFreeLocked() && (h.canceler == nil || h.canceler.done != done)
	h.last = done
	h.c.mu.Unlock()
	if !due {
		return done
	}
	k := &canceler[T]{done: done, handle: weak.Make(h)}
	if s, ok := ctx.(*cancel.Scope); ok {
		k.scope = s
		k.leave = bare.OnDone(s, k.fire)
	} else if std := bare.Standard(ctx, done); std != nil {
		k.leave = context.AfterFunc(std, k.fire)
	} else {
		return done
	}
	point.Here("canceler made")
	k.dropped = runtime.AddCleanup(h, func(leave func() bool) { leave() }, k.leave)
	h.c.mu.Lock()
	unused := k
	if h.cancelerIsFreeLocked() && !k.fired {
		unused, h.canceler = h.canceler, k
	}
	h.c.mu.Unlock()
	unused.end()
	return done
}

// end removes the canceler, which may be nil, from the context.
func (k *canceler[T]) end() {
	if k != nil {
		k.dropped.Stop()
		k.leave()
	}
}

// cancelerIsFreeLocked reports whether the handle may get another canceler.
func (h *handle[T]) cancelerIsFreeLocked() bool {
	return !h.closed && (h.canceler == nil || h.canceler.calls == 0)
}

// fire is called when the context ends.
func (k *canceler[T]) fire() {
	point.Here("canceler fired")
	h := k.handle.Value()
	if h == nil {
		return
	}
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	k.fired = true
	h.failLocked(k, errCanceled)
	if h.canceler == k {
		h.canceler = nil
		k.dropped.Stop()
	}
}

// failLocked takes the calls that wait out of the line because of err: those with
// the canceler k or, if k is nil, all.
func (h *handle[T]) failLocked(k *canceler[T], err error) {
	for w := h.newest; w != nil; {
		older := w.older
		if k == nil || w.canceler == k {
			h.line.failLocked(w, err)
		}
		w = older
	}
}

// clone makes n another handle of the same side.
func (h *handle[T]) clone(n *handle[T], name string) {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	if h.closed {
		panic("channel: " + name + ".Clone: the handle is closed")
	}
	h.c.newHandle(n, h.line, h.handles)
}

// close closes the handle. If it was the last one of its side, close calls last
// with the core locked.
func (h *handle[T]) close(last func()) {
	c := h.c
	c.mu.Lock()
	if !h.closed {
		h.closed = true
		h.failLocked(nil, ErrClosed)
		c.tellReadyLocked()
		if *h.handles--; *h.handles == 0 {
			last()
		}
	}
	k := h.canceler
	h.canceler, h.last = nil, nil
	c.mu.Unlock()
	k.end()
}
