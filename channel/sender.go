package channel

import (
	"context"
	"sync/atomic"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
	"github.com/grove-go/grove/internal/point"
)

// A Sender is a handle to the sending side of a channel. The channel ends when
// all its senders are closed: what is in the buffer is received, and then
// [io.EOF].
//
// A Sender is safe for use by multiple goroutines simultaneously. Goroutines that
// come to their end independently of each other should have one each, by Clone,
// and close it. Values that one goroutine sends arrive in the order in which it
// sent them.
//
// This is Trio's MemorySendChannel.
type Sender[T any] struct {
	c      *core[T]
	ch     chan T      // the native channel; nil if the channel is unbounded
	closed atomic.Bool // set under the core's mu
	gate   gate
	waits  atomic.Int32 // calls that wait
	waker  waker

	prev, next *Sender[T] // guarded by the core's mu
}

// newSenderLocked returns a new handle.
func (c *core[T]) newSenderLocked() *Sender[T] {
	s := &Sender[T]{c: c, waker: waker{wake: make(chan struct{})}, next: c.senders}
	if c.over == nil {
		s.ch = c.ch
	}
	if s.next != nil {
		s.next.prev = s
	}
	c.senders = s
	c.nsenders++
	return s
}

// Send sends v. It blocks while the buffer is full or, if the capacity is 0,
// until a receiver takes v.
//
// If it returns nil, v has been received or is in the buffer. If it returns an
// error, v has not been sent and never will be. The error is, the first that
// applies,
//
//   - the [*cancel.Error] of ctx, if that is done, also if there is room,
//   - [ErrClosed] if the handle is closed,
//   - [ErrBroken] if all receivers are closed.
//
// Senders that are blocked are served first come, first served. Send panics if
// ctx is nil.
func (s *Sender[T]) Send(ctx context.Context, v T) error {
	if ctx == nil {
		panic("channel: Send: nil context; pass context.Background() if there is no other")
	}
	if err := cancel.Err(ctx); err != nil {
		return err
	}
	point.Here("Send: asked ctx")
	sent, ended := s.offer(v)
	if sent {
		return nil
	}
	return s.sendSlow(ctx, v, ended)
}

// sendSlow sends v, after an offer.
func (s *Sender[T]) sendSlow(ctx context.Context, v T, ended bool) error {
	if err := s.whyNot(v, ended); err != ErrWouldBlock {
		return err
	}
	if s.wait(ctx, v) {
		return nil
	}
	point.Here("Send: woken")
	if err := cancel.Err(ctx); err != nil {
		return err
	}
	s.c.mu.Lock() // whoever has woken us is through then
	defer s.c.mu.Unlock()
	return s.err()
}

// TrySend sends v if that takes no waiting. The errors are those of Send, except
// that it knows no context, and [ErrWouldBlock].
func (s *Sender[T]) TrySend(v T) error {
	sent, ended := s.offer(v)
	if sent {
		return nil
	}
	return s.whyNot(v, ended)
}

// whyNot tells why an offer has not sent v, or sends it into an unbounded channel.
func (s *Sender[T]) whyNot(v T, ended bool) error {
	point.Here("Send: not sent")
	if ended {
		return ErrClosed
	}
	if err := s.err(); err != nil {
		return err
	}
	if s.c.over != nil {
		return s.push(v)
	}
	return ErrWouldBlock
}

// offer sends v if the native channel has room for it, or a receiver waits. It
// also reports whether that was closed: this is the last handle, whose Close is
// about to say so. If the channel was broken in the meantime, the one who dropped
// what was in it may have missed v.
func (s *Sender[T]) offer(v T) (sent, ended bool) {
	defer func() {
		s.gate.leave()
		point.Here("Send: tried")
		if s.c.broken.Load() && sent {
			s.c.drop()
		}
		if recover() != nil {
			ended = true
		}
	}()
	s.gate.enter()
	if s.closed.Load() || s.c.broken.Load() {
		return false, false
	}
	s.gate.point("Send: open")
	select {
	case s.ch <- v:
		return true, false
	default:
		return false, false
	}
}

// wait waits until v can be sent, and reports whether it has been.
func (s *Sender[T]) wait(ctx context.Context, v T) (sent bool) {
	// Both outside of the gate, for this may be anybody's code.
	j := s.waker.join(ctx, &s.c.mu)
	var done <-chan struct{}
	if j == nil {
		done = bare.Done(ctx)
	}
	s.waits.Add(1)
	defer func() {
		s.waits.Add(-1)
		s.gate.leave()
		point.Here("Send: waited")
		if s.c.broken.Load() && sent {
			s.c.drop()
		}
		if recover() != nil {
			sent = false // closed under it, as for offer
		}
	}()
	s.gate.enter()
	if s.err() != nil {
		return false // nor may it touch the native channel any more; see gate
	}
	s.gate.point("Send: waits")
	if j != nil {
		select {
		case s.ch <- v:
			return true
		case <-j.over:
			return false
		}
	}
	select {
	case s.ch <- v:
		return true
	case <-s.waker.wake:
	case <-done:
	}
	return false
}

// err returns the error of a handle that cannot be used to send.
func (s *Sender[T]) err() error {
	if s.closed.Load() {
		return ErrClosed
	}
	s.gate.point("Send: not closed")
	if !s.c.broken.Load() {
		return nil
	}
	if s.closed.Load() { // in the meantime, and before it was broken
		return ErrClosed
	}
	return ErrBroken
}

// Clone returns another handle to the same side of the channel, to be closed by
// itself. It panics if s is closed.
func (s *Sender[T]) Clone() *Sender[T] {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if s.closed.Load() {
		panic("channel: Sender.Clone: the handle is closed")
	}
	return s.c.newSenderLocked()
}

// Close closes the handle. A Send that is blocked on it returns [ErrClosed], or
// has sent at that moment. Other handles are not touched. When the last sender is
// closed the channel ends.
//
// Close is idempotent. It does not block, and returns nil.
func (s *Sender[T]) Close() error {
	c := s.c
	defer s.waker.release() // without the lock
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.closed.Load() {
		return nil
	}
	s.gate.shut(s.waker.fireLocked)
	c.nsenders--
	if c.nsenders == 0 {
		// First of all: at this moment receivers see the end, and senders that the
		// handle is closed.
		c.ended = true
		c.endLocked()
	}
	s.gate.point("Close: ended")
	s.closed.Store(true)
	s.gate.reopen()
	point.Here("Close: closed")
	s.waker.fireLocked()
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		c.senders = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.prev, s.next = nil, nil
	return nil
}

// endLocked closes the native channel, when nothing can come into it any more.
func (c *core[T]) endLocked() {
	if c.over == nil || c.over.queue.Len() == 0 {
		close(c.ch)
	}
}

// Stats returns figures about the channel as of now.
func (s *Sender[T]) Stats() Stats { return s.c.stats() }
