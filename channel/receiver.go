package channel

import (
	"context"
	"io"
	"iter"
)

// A Receiver is a handle to the receiving side of a channel. When all receivers
// of a channel are closed the channel is broken: what is in the buffer is dropped,
// and each Send returns [ErrBroken].
//
// A Receiver is safe for use by multiple goroutines simultaneously. Each value
// goes to one of them. Goroutines that return independently of each other should
// have a handle each, made by Clone, and close it.
//
// This is Trio's MemoryReceiveChannel.
type Receiver[T any] struct{ handle[T] }

// Receive returns the next value. It blocks while there is none.
//
// If Receive returns an error, it has taken no value. The error is the first that
// applies of
//
//   - the [*cancel.Error] of ctx if ctx is done, even if there is a value,
//   - [ErrClosed] if the handle is closed,
//   - [io.EOF] if all senders are closed, or Refuse was called, and the buffer is
//     empty: the end of the channel.
//
// Receivers that are blocked are served first come, first served. Receive panics
// if ctx is nil.
func (r *Receiver[T]) Receive(ctx context.Context) (v T, err error) {
	err = r.do("Receiver.Receive", ctx, &v)
	return v, err
}

// TryReceive returns the next value if there is one, and [ErrWouldBlock] if there is
// none. The other errors are as for Receive.
func (r *Receiver[T]) TryReceive() (v T, err error) {
	err = r.try(&v)
	return v, err
}

// ReceiveBatch waits for a value, as Receive does, and then takes the other values that are
// there, up to len(buf) in all, into buf. It returns how many values it took: at least one
// if err is nil, and none otherwise. The errors are the same as for Receive. ReceiveBatch
// panics if ctx is nil or buf is empty.
func (r *Receiver[T]) ReceiveBatch(ctx context.Context, buf []T) (n int, err error) {
	if len(buf) == 0 {
		panic("channel: Receiver.ReceiveBatch: empty buffer")
	}
	if err := r.do("Receiver.ReceiveBatch", ctx, &buf[0]); err != nil {
		return 0, err
	}
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	for n = 1; n < len(buf); n++ {
		sender, err := r.tryLocked(&buf[n])
		if err != nil {
			break
		}
		sender.rouse()
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
// It ends without an error at the end of the channel. Any other error of Receive is yielded
// once, with a zero value, and ends the iterator. Leaving the loop does not close the
// handle. All panics if ctx is nil.
func (r *Receiver[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return all("Receiver", ctx, r.Receive)
}

// all returns an iterator over what receive returns. It is not inlined because the compiler
// would inline the iterator too, and the stack of a loop that waits would not have the
// line of the loop.
//
//go:noinline
func all[T any](typ string, ctx context.Context, receive func(context.Context) (T, error)) iter.Seq2[T, error] {
	if ctx == nil {
		panic("channel: " + typ + ".All: nil context; pass context.Background() if there is no other")
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

// Ready returns a channel that is closed as soon as TryReceive may have something
// to return: a value, the end of the channel, or ErrClosed. It is for a select with
// timers and other channels:
//
//	select {
//	case <-r.Ready():
//		v, err := r.TryReceive()
//		if err == channel.ErrWouldBlock {
//			continue // another receiver was faster
//		}
//		if err != nil {
//			return err
//		}
//		fmt.Println(v)
//	case <-ticker.C:
//		fmt.Println("nothing for an hour")
//	case <-ctx.Done():
//		return cancel.Err(ctx)
//	}
//
// Call Ready anew for each select. Calls of Receive that are blocked are served before
// a TryReceive.
//
// As with a native channel, if Ready is called in a bubble of [testing/synctest] while
// the channel has no value, the next value must not be sent outside the bubble.
func (r *Receiver[T]) Ready() <-chan struct{} {
	c := r.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.closed || c.buffer.Len() > 0 || c.sending.first != nil || c.endedLocked() {
		return closedChan
	}
	if c.ready == nil {
		c.ready = make(chan struct{})
		c.tellAskedLocked()
	}
	return c.ready
}

// closedChan is what Ready returns if TryReceive has something to return.
var closedChan = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Refuse ends the channel from the receiving side. Each Send returns [ErrBroken] from
// then on, even if it is blocked. Receivers take what is in the buffer, and then get
// [io.EOF]. A receiver that needs no more values, but has to release the values that
// were sent, loses none:
//
//	r.Refuse()
//	for {
//		conn, err := r.TryReceive()
//		if err != nil {
//			break
//		}
//		conn.Close()
//	}
//
// Refuse acts on the channel, even if this handle is closed. It does not block, is
// idempotent, and has no effect if all senders are closed.
//
// This is Tokio's Receiver::close.
func (r *Receiver[T]) Refuse() {
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	r.c.refuseLocked()
}

// Clone returns another handle to the same side of the channel, which must be closed
// separately. It panics if r is closed.
func (r *Receiver[T]) Clone() *Receiver[T] {
	clone := new(Receiver[T])
	r.clone(&clone.handle, "Receiver")
	return clone
}

// Close closes the handle. A Receive that is blocked on it returns [ErrClosed], and other
// handles are not affected. When the last receiver is closed, what is in the buffer is
// dropped, and senders that are blocked return [ErrBroken]. If values must be released,
// call Refuse first, and receive them.
//
// Close is idempotent. It does not block, and returns nil.
func (r *Receiver[T]) Close() error {
	r.close(r.c.breakLocked)
	return nil
}

// Stats returns figures about the channel. They are of one moment.
func (r *Receiver[T]) Stats() Stats { return r.c.stats() }
