package channel

import "context"

// A Sender is a handle to the sending side of a channel. The channel ends when
// all its senders are closed: receivers take what is in the buffer, and then get
// [io.EOF].
//
// A Sender is safe for use by multiple goroutines simultaneously. Goroutines that
// return independently of each other should have a handle each, made by Clone, and
// close it. Values that one goroutine sends by one sender arrive in the order in
// which it sent them.
//
// This is Trio's MemorySendChannel.
type Sender[T any] struct{ handle[T] }

// Send sends v. It blocks while the buffer is full or, if the capacity is 0,
// until a receiver takes v.
//
// If Send returns nil, v has been received or is in the buffer. If it returns an
// error, v has not been sent and is not going to be. The error is the first that
// applies of
//
//   - the [*cancel.Error] of ctx if ctx is done, even if there is room,
//   - [ErrClosed] if the handle is closed,
//   - [ErrBroken] if all receivers are closed, or one has called Refuse.
//
// Senders that are blocked are served first come, first served. Send panics if
// ctx is nil.
func (s *Sender[T]) Send(ctx context.Context, v T) error { return s.do("Sender.Send", ctx, &v) }

// TrySend sends v if that is possible without waiting, and returns [ErrWouldBlock] if it
// is not. The other errors are as for Send.
func (s *Sender[T]) TrySend(v T) error { return s.try(&v) }

// Clone returns another handle to the same side of the channel, which must be closed
// separately. It panics if s is closed.
func (s *Sender[T]) Clone() *Sender[T] {
	clone := new(Sender[T])
	s.clone(&clone.handle, "Sender")
	return clone
}

// Close closes the handle. A Send that is blocked on it returns [ErrClosed], and
// other handles are not affected. When the last sender is closed the channel ends.
//
// Close is idempotent. It does not block, and returns nil.
func (s *Sender[T]) Close() error {
	s.close(s.c.endLocked)
	return nil
}

// Stats returns figures about the channel. They are of one moment.
func (s *Sender[T]) Stats() Stats { return s.c.stats() }
