package channel

import (
	"context"
	"sync/atomic"

	"github.com/grove-go/grove/cancel"
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
	ch     chan T        // the native channel; nil if the channel is unbounded
	status atomic.Uint32 // set under the core's mu
	gate   gate
	waits  atomic.Int32  // calls that wait
	wake   chan struct{} // closed when the status is not open any more

	prev, next *Sender[T] // guarded by the core's mu
}

// What becomes of a sender.
const (
	senderOpen uint32 = iota
	senderBroken
	senderClosed
)

// newSenderLocked returns a new handle.
func (c *core[T]) newSenderLocked() *Sender[T] {
	s := &Sender[T]{c: c, wake: make(chan struct{}), next: c.senders}
	if c.over == nil {
		s.ch = c.ch
	}
	if s.next != nil {
		s.next.prev = s
	}
	c.senders = s
	c.nsenders++
	if c.broken {
		s.becomeLocked(senderBroken)
	}
	return s
}

// becomeLocked sets the status, and wakes all who are blocked in the handle.
func (s *Sender[T]) becomeLocked(status uint32) {
	if s.status.Swap(status) == senderOpen {
		close(s.wake)
	}
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
	if ctx.Err() != nil {
		return cancel.Err(ctx)
	}
	if s.offer(v) {
		return nil
	}
	err := s.whyNot(v)
	if err != ErrWouldBlock {
		return err
	}
	done := ctx.Done() // outside of the gate, for this may be anybody's code
	s.waits.Add(1)
	sent := s.wait(done, v)
	s.waits.Add(-1)
	switch {
	case sent:
		return nil
	case ctx.Err() != nil:
		return cancel.Err(ctx)
	}
	return s.err()
}

// TrySend sends v if that takes no waiting. The errors are those of Send, except
// that it knows no context, and [ErrWouldBlock].
func (s *Sender[T]) TrySend(v T) error {
	if s.offer(v) {
		return nil
	}
	return s.whyNot(v)
}

// offer sends v if the native channel has room for it, or a receiver waits.
func (s *Sender[T]) offer(v T) (sent bool) {
	defer s.left()
	s.gate.enter()
	if s.status.Load() != senderOpen {
		return false
	}
	select {
	case s.ch <- v:
		s.sent()
		return true
	default:
		return false
	}
}

// left is deferred by those who send. Their native channel may be closed at that
// moment, if this is the last handle; the panic says just that.
func (s *Sender[T]) left() {
	s.gate.leave()
	_ = recover()
}

// sent is called when a value is in the native channel: if that was broken in the
// meantime, the one who dropped what was in it may have missed this one.
func (s *Sender[T]) sent() {
	if s.status.Load() == senderBroken {
		s.c.drop()
	}
}

// whyNot tells why v has not been sent, or sends it into a channel that is
// unbounded.
func (s *Sender[T]) whyNot(v T) error {
	if err := s.err(); err != nil {
		return err
	}
	if s.c.over != nil {
		return s.push(v)
	}
	return ErrWouldBlock
}

// err returns the error that the status calls for.
func (s *Sender[T]) err() error {
	switch s.status.Load() {
	case senderClosed:
		return ErrClosed
	case senderBroken:
		return ErrBroken
	}
	return nil
}

// wait waits until v can be sent, and reports whether it has been.
func (s *Sender[T]) wait(done <-chan struct{}, v T) (sent bool) {
	defer s.left()
	s.gate.enter()
	if s.status.Load() != senderOpen {
		return false
	}
	select {
	case s.ch <- v:
		s.sent()
		return true
	case <-s.wake:
	case <-done:
	}
	return false
}

// Clone returns another handle to the same side of the channel, to be closed by
// itself. It panics if s is closed.
func (s *Sender[T]) Clone() *Sender[T] {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if s.status.Load() == senderClosed {
		panic("channel: Sender.Clone: the handle is closed")
	}
	return s.c.newSenderLocked()
}

// Close closes the handle. A Send that is blocked on it returns [ErrClosed]. Other
// handles are not touched. When the last sender is closed the channel ends.
//
// Close is idempotent. It does not block, and returns nil.
func (s *Sender[T]) Close() error {
	c := s.c
	c.mu.Lock()
	if s.status.Load() == senderClosed {
		c.mu.Unlock()
		return nil
	}
	s.becomeLocked(senderClosed)
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		c.senders = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.prev, s.next = nil, nil
	c.mu.Unlock()
	s.gate.shut()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nsenders--
	if c.nsenders == 0 {
		c.ended = true
		c.endLocked()
	}
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
