package channel

import (
	"errors"
	"fmt"
	"io"

	"github.com/grove-go/grove/internal/ring"
)

var (
	// ErrClosed is returned by an operation on a handle, a [Broadcast] or a [Watch]
	// that is closed, even if the operation was blocked when it was closed.
	ErrClosed = errors.New("channel: handle is closed")

	// ErrBroken is returned by a Send if no receiver is going to take the value: all
	// are closed, or one has called Refuse.
	ErrBroken = errors.New("channel: no receiver takes values any more")

	// ErrWouldBlock is returned by TrySend and TryPublish if there is no room, and by
	// TryReceive if there is no value.
	ErrWouldBlock = errors.New("channel: operation would block")
)

// Stats describes a channel at one moment. See [Sender.Stats].
type Stats struct {
	Len              int // values in the buffer
	Cap              int // values that fit into the buffer; -1: no bound
	Senders          int // handles that are open
	Receivers        int // handles that are open
	BlockedSenders   int // calls of Send that wait
	BlockedReceivers int // calls of Receive, ReceiveBatch and All that wait
}

// New returns the two ends of a new channel, which holds up to capacity values
// that have been sent and not received. With a capacity of 0 each Send waits
// for its receiver.
//
// In a bubble of [testing/synctest], goroutines that wait are durably blocked,
// wherever the channel was made. A channel must not be used inside and outside of
// a bubble at the same time. If a goroutine waits inside, its context must not end
// outside.
//
// New panics if capacity is negative. For a channel without a bound see
// [Unbounded].
func New[T any](capacity int) (*Sender[T], *Receiver[T]) {
	if capacity < 0 {
		panic(fmt.Sprintf("channel: New: capacity must not be negative, got %d", capacity))
	}
	return ends[T](capacity)
}

// Unbounded returns the two ends of a new channel that holds any number of
// values: Send does not block. Nothing keeps a sender from being faster than its
// receivers until memory runs out. A channel with a large capacity is nearly
// always the better choice.
func Unbounded[T any]() (*Sender[T], *Receiver[T]) { return ends[T](unbounded) }

const unbounded = -1

// ends returns the first handles of each side.
func ends[T any](capacity int) (*Sender[T], *Receiver[T]) {
	c := &core[T]{capacity: capacity}
	s, r := new(Sender[T]), new(Receiver[T])
	c.newHandle(&s.handle, &c.sending, &c.senders)
	c.newHandle(&r.handle, &c.receiving, &c.receivers)
	return s, r
}

// A core is what the handles of a channel share. Senders wait only while the buffer
// is full, and receivers only while it is empty and no sender waits.
type core[T any] struct {
	// mu is never held while a goroutine blocks or code of a user runs. It guards the
	// fields below and, in part, handles and waiters.
	mu lock

	capacity  int // or unbounded; immutable
	buffer    ring.Queue[T]
	sending   line[T]
	receiving line[T]
	senders   int           // handles that are open
	receivers int           // handles that are open
	refused   bool          // receivers take no new value
	ready     chan struct{} // what Ready returns, or nil; closed when it is taken out

	demand chan struct{} // of Generate, has an element if the producer should look for receivers; or nil
}

// sendLocked sends v, or returns ErrWouldBlock. The caller rouses the receiver, if
// there is one, after unlocking the core.
func (c *core[T]) sendLocked(v T) (receiver *waiter[T], err error) {
	if c.refused {
		return nil, ErrBroken
	}
	if r := c.receiving.nextLocked(); r != nil {
		r.v = v
		return r, nil
	}
	if c.capacity != unbounded && c.buffer.Len() >= c.capacity {
		return nil, ErrWouldBlock
	}
	c.buffer.Push(v)
	c.tellReadyLocked()
	return nil, nil
}

// receiveLocked receives into v, or returns ErrWouldBlock. The caller rouses the
// sender, if there is one, after unlocking the core.
func (c *core[T]) receiveLocked(v *T) (sender *waiter[T], err error) {
	s := c.sending.nextLocked()
	switch {
	case c.buffer.Len() > 0:
		*v = c.buffer.Pop()
		if s != nil {
			c.buffer.Push(s.v)
		}
	case s != nil:
		*v = s.v
	case c.endedLocked():
		return nil, io.EOF
	default:
		return nil, ErrWouldBlock
	}
	return s, nil
}

// endedLocked reports whether no value is going to be sent any more.
func (c *core[T]) endedLocked() bool { return c.senders == 0 || c.refused }

// endLocked is called when the last sender is closed.
func (c *core[T]) endLocked() { c.receiving.failAllLocked(io.EOF) }

// refuseLocked refuses new values.
func (c *core[T]) refuseLocked() {
	c.refused = true
	c.sending.failAllLocked(ErrBroken)
	c.receiving.failAllLocked(io.EOF)
	c.tellReadyLocked()
	c.tellAskedLocked()
}

// breakLocked is called when the last receiver is closed.
func (c *core[T]) breakLocked() {
	c.refuseLocked()
	c.buffer = ring.Queue[T]{}
}

// tellReadyLocked is called when there may be something to receive.
func (c *core[T]) tellReadyLocked() {
	if c.ready != nil {
		close(c.ready)
		c.ready = nil
	}
}

// stats returns the figures of the channel.
func (c *core[T]) stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{
		Len:              c.buffer.Len(),
		Cap:              c.capacity,
		Senders:          c.senders,
		Receivers:        c.receivers,
		BlockedSenders:   c.sending.len,
		BlockedReceivers: c.receiving.len,
	}
}
