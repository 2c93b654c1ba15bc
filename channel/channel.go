package channel

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/grove-go/grove/internal/point"
)

var (
	// ErrClosed is returned by an operation on a handle, a [Broadcast] or a [Watch]
	// that has been closed, also by one that was blocked at that moment.
	ErrClosed = errors.New("channel: handle is closed")

	// ErrBroken is returned by a Send when all receivers have been closed: nobody
	// is ever going to receive the value.
	ErrBroken = errors.New("channel: all receivers are closed")

	// ErrWouldBlock is returned by a TrySend or TryPublish for which there is no
	// room, and by a TryReceive for which there is no value.
	ErrWouldBlock = errors.New("channel: operation would block")
)

// Stats is what Stats of a [Sender] and of a [Receiver] returns: the channel as
// it is at the moment.
type Stats struct {
	Len              int // values in the buffer
	Cap              int // values for which the buffer has room; -1: no bound
	Senders          int // handles that are open
	Receivers        int // handles that are open
	BlockedSenders   int // calls of Send that wait
	BlockedReceivers int // calls of Receive, ReceiveBatch and All that wait
}

// New returns the two ends of a new channel, which holds up to capacity values
// that have been sent and not received. With a capacity of 0 each Send waits
// for its receiver.
//
// New panics if capacity is negative. For a channel without a bound see
// [Unbounded].
func New[T any](capacity int) (*Sender[T], *Receiver[T]) {
	if capacity < 0 {
		panic(fmt.Sprintf("channel: New: capacity must not be negative, got %d", capacity))
	}
	return ends(&core[T]{ch: make(chan T, capacity)})
}

// ends returns the first handles of each side.
func ends[T any](c *core[T]) (*Sender[T], *Receiver[T]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.newSenderLocked(), c.newReceiverLocked()
}

// core is what the handles of a channel share: Go's own channel, and who has
// hold of it. The native channel does all that passes values; what is here is
// about the ends.
//
// The native channel is closed when the last sender is, so that receivers, also
// native ones, drain it and then see the end. When the last receiver is closed it
// stays open, and all senders are told.
type core[T any] struct {
	ch     chan T
	broken atomic.Bool  // all receivers are closed; set under mu
	over   *overflow[T] // of an unbounded channel
	ask    *demand      // of a generated channel

	mu         point.Mutex  // never held while anything blocks; guards the fields below
	senders    *Sender[T]   // those that are open, linked
	receivers  *Receiver[T] // likewise
	nsenders   int
	nreceivers int
	ended      bool // all senders are closed
}

// stats returns the figures of the channel.
func (c *core[T]) stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	stats := Stats{
		Len:       len(c.ch),
		Cap:       cap(c.ch),
		Senders:   c.nsenders,
		Receivers: c.nreceivers,
	}
	for s := c.senders; s != nil; s = s.next {
		stats.BlockedSenders += int(s.waits.Load())
	}
	for r := c.receivers; r != nil; r = r.next {
		stats.BlockedReceivers += int(r.waits.Load())
	}
	if c.over != nil {
		stats.Len += c.over.queue.Len()
		stats.Cap = -1
	}
	return stats
}

// drop takes what is in the buffer of a broken channel out of it, so that it can
// be collected.
func (c *core[T]) drop() {
	// Not before all who are blocked have been woken: they would count as having
	// sent.
	c.mu.Lock()
	c.mu.Unlock() //lint:ignore SA2001 to wait is the point
	point.Here("drop")
	for {
		select {
		case _, ok := <-c.ch:
			if !ok {
				return
			}
		default:
			return
		}
	}
}
