package channel

import (
	"context"
	"io"
	"iter"
	"sync/atomic"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
	"github.com/grove-go/grove/internal/point"
	"github.com/grove-go/grove/internal/ring"
)

// A Receiver is a handle to the receiving side of a channel. When all its
// receivers are closed the channel is broken: what is in the buffer is dropped,
// and each Send returns [ErrBroken].
//
// A Receiver is safe for use by multiple goroutines simultaneously, each value
// going to one of them. Goroutines that come to their end independently of each
// other should have one each, by Clone, and close it.
//
// This is Trio's MemoryReceiveChannel.
type Receiver[T any] struct {
	c      *core[T]
	ch     chan T       // the native channel; nil if the channel is unbounded
	closed atomic.Bool  // set under the core's mu
	waits  atomic.Int32 // calls that wait
	waker  waker

	prev, next *Receiver[T] // guarded by the core's mu
}

// newReceiverLocked returns a new handle.
func (c *core[T]) newReceiverLocked() *Receiver[T] {
	r := &Receiver[T]{c: c, waker: waker{wake: make(chan struct{})}, next: c.receivers}
	if c.over == nil {
		r.ch = c.ch
	}
	if r.next != nil {
		r.next.prev = r
	}
	c.receivers = r
	c.nreceivers++
	return r
}

// Receive returns the next value. It blocks while there is none.
//
// If it returns an error, it has taken no value. The error is, the first that
// applies,
//
//   - the [*cancel.Error] of ctx, if that is done, also if there is a value,
//   - [ErrClosed] if the handle is closed,
//   - [io.EOF] if all senders are closed and the buffer is empty: the end of the
//     channel, then and always again.
//
// Receivers that are blocked are served first come, first served. Receive panics
// if ctx is nil.
func (r *Receiver[T]) Receive(ctx context.Context) (T, error) {
	if ctx == nil {
		panic("channel: Receive: nil context; pass context.Background() if there is no other")
	}
	if err := cancel.Err(ctx); err != nil {
		var none T
		return none, err
	}
	point.Here("Receive: asked ctx")
	v, err := r.TryReceive()
	if err != ErrWouldBlock {
		return v, err
	}
	return r.wait(ctx)
}

// TryReceive returns the next value if that takes no waiting. The errors are
// those of Receive, except that it knows no context, and [ErrWouldBlock].
func (r *Receiver[T]) TryReceive() (v T, err error) {
	if r.gone() {
		return v, ErrClosed
	}
	point.Here("Receive: open")
	err = ErrWouldBlock
	select {
	case v, ok := <-r.ch:
		if ok {
			return v, nil
		}
		err = io.EOF
	default:
		if r.c.over != nil {
			v, err = r.c.pop()
		}
	}
	point.Here("Receive: tried")
	if err != nil && r.gone() {
		err = ErrClosed // so it was perhaps when there was nothing
	}
	return v, err
}

// gone reports whether the handle is closed. For the last one broken says so first.
func (r *Receiver[T]) gone() bool { return r.closed.Load() || r.c.broken.Load() }

// wait waits for the next value.
func (r *Receiver[T]) wait(ctx context.Context) (v T, err error) {
	c := r.c
	j := r.waker.join(ctx, &c.mu)
	var done <-chan struct{}
	if j == nil {
		done = bare.Done(ctx)
	}
	if c.ask != nil {
		c.ask.add()
	}
	r.waits.Add(1)
	point.Here("Receive: waits")
	var ok, came bool
	if j != nil {
		select {
		case v, ok = <-c.ch:
			came = true
		case <-j.over:
		}
	} else {
		select {
		case v, ok = <-c.ch:
			came = true
		case <-r.waker.wake:
		case <-done:
		}
	}
	r.waits.Add(-1)
	point.Here("Receive: waited")
	switch {
	case ok:
		return v, nil
	case came && !r.gone():
		return v, io.EOF
	}
	if c.ask != nil {
		c.ask.remove()
	}
	if err := cancel.Err(ctx); err != nil {
		return v, err
	}
	return v, ErrClosed
}

// ReceiveBatch waits for a value, as Receive does, and then takes what else is
// there without waiting, up to len(buf) values in all, into buf. It returns how
// many it took: at least one if err is nil, none otherwise. The errors are those
// of Receive. It panics if ctx is nil or buf is empty.
func (r *Receiver[T]) ReceiveBatch(ctx context.Context, buf []T) (n int, err error) {
	if len(buf) == 0 {
		panic("channel: ReceiveBatch: empty buffer")
	}
	if buf[0], err = r.Receive(ctx); err != nil {
		return 0, err
	}
	for n = 1; n < len(buf); n++ {
		v, err := r.TryReceive()
		if err != nil {
			break
		}
		buf[n] = v
	}
	return n, nil
}

// All returns an iterator over the values that are to come, for
//
//	for line, err := range r.All(ctx) {
//		if err != nil {
//			return err
//		}
//		words += len(strings.Fields(line))
//	}
//
// It ends without an error at the end of the channel. Any other error of
// Receive comes once, with a zero value, and ends it. Leaving the loop does not
// close the handle. All panics if ctx is nil.
func (r *Receiver[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return all(ctx, r.Receive)
}

// all returns an iterator over what receive returns.
func all[T any](ctx context.Context, receive func(context.Context) (T, error)) iter.Seq2[T, error] {
	if ctx == nil {
		panic("channel: All: nil context; pass context.Background() if there is no other")
	}
	return func(yield func(T, error) bool) {
		for {
			v, err := receive(ctx)
			if err == io.EOF || !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// C returns the channel as one of Go's own, to receive from in a select with
// timers and other channels:
//
//	select {
//	case v, ok := <-r.C():
//		if !ok {
//			fmt.Println("end of channel")
//			return
//		}
//		fmt.Println(v)
//	case <-ticker.C:
//		fmt.Println("nothing for an hour")
//	case <-ctx.Done():
//		return
//	}
//
// What is received from it counts as received by r. It is closed at the end of
// the channel, and does not tell of r being closed: C of a handle that is closed
// already returns a channel that has come to its end.
func (r *Receiver[T]) C() <-chan T {
	if r.closed.Load() {
		ended := make(chan T)
		close(ended)
		return ended
	}
	c := r.c
	if c.over != nil {
		c.goNative()
	}
	if c.ask != nil {
		c.ask.keep()
	}
	return c.ch
}

// Clone returns another handle to the same side of the channel, to be closed by
// itself. It panics if r is closed.
func (r *Receiver[T]) Clone() *Receiver[T] {
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	if r.closed.Load() {
		panic("channel: Receiver.Clone: the handle is closed")
	}
	return r.c.newReceiverLocked()
}

// Close closes the handle. A Receive that is blocked on it returns [ErrClosed],
// or a value that came at the same moment. Other handles are not touched. When
// the last receiver is closed, what is in the buffer is dropped, and senders that
// are blocked return [ErrBroken].
//
// Close is idempotent. It does not block, and returns nil.
func (r *Receiver[T]) Close() error {
	c := r.c
	defer r.waker.release() // without the lock
	c.mu.Lock()
	if r.closed.Load() {
		c.mu.Unlock()
		return nil
	}
	c.nreceivers--
	last := c.nreceivers == 0
	if last {
		c.broken.Store(true) // first of all: at this moment all see it
	}
	point.Here("Close: broken")
	r.closed.Store(true)
	r.waker.fireLocked()
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		c.receivers = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	}
	r.prev, r.next = nil, nil
	point.Here("Close: closed")
	if last {
		// Those who are blocked are woken before anything is dropped: room would
		// let them send.
		for s := c.senders; s != nil; s = s.next {
			s.waker.fireLocked()
		}
		if c.over != nil {
			c.over.queue = ring.Queue[T]{}
		}
	}
	c.mu.Unlock()
	point.Here("Close: told")
	if last {
		c.drop()
	}
	return nil
}

// Stats returns figures about the channel as of now.
func (r *Receiver[T]) Stats() Stats { return r.c.stats() }
