package channel

import (
	"io"
	"runtime"

	"github.com/grove-go/grove/internal/point"
	"github.com/grove-go/grove/internal/ring"
)

// native is how many values of an unbounded channel are in its native channel at
// most.
const native = 8

// Unbounded returns the two ends of a new channel that holds any number of
// values: Send never blocks. Mind that nothing then keeps a sender from being
// faster than its receivers, until memory runs out. A capacity, if a large one,
// is better nearly always.
func Unbounded[T any]() (*Sender[T], *Receiver[T]) {
	return ends(&core[T]{ch: make(chan T, native), over: new(overflow[T])})
}

// An overflow holds what does not fit into the native channel of an unbounded
// one: the native channel has the older values. While something is here the
// native channel is full, but for the moment between a receiver's taking a value
// from it and its filling it up again. Where a native select receives, which fills
// up nothing, a goroutine passes the values on, for as long as there are some.
//
// The fields are guarded by the core's mu.
type overflow[T any] struct {
	queue   ring.Queue[T]
	native  bool // somebody has called C
	pumping bool // the goroutine runs, and alone takes from queue
}

// push sends v, which takes no waiting.
func (s *Sender[T]) push(v T) error {
	c := s.c
	point.Here("Send: to the overflow")
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := s.err(); err != nil {
		return err
	}
	o := c.over
	if o.queue.Len() == 0 {
		select {
		case c.ch <- v:
			return nil
		default:
		}
	}
	o.queue.Push(v)
	c.pumpLocked()
	return nil
}

// pop is TryReceive.
func (c *core[T]) pop() (v T, err error) {
	// Under the lock, so that nothing is on its way from the overflow to the native
	// channel when both are found empty.
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		c.refillLocked()
		select {
		case v, ok := <-c.ch:
			if !ok {
				return v, io.EOF
			}
			c.refillLocked()
			return v, nil
		default:
		}
		if c.over.queue.Len() == 0 {
			return v, ErrWouldBlock
		}
		// The goroutine that serves native receivers has the next value in hand.
		c.mu.Unlock()
		runtime.Gosched()
		c.mu.Lock()
	}
}

// refillLocked fills the native channel up from the overflow.
func (c *core[T]) refillLocked() {
	o := c.over
	if o.pumping {
		return
	}
	for o.queue.Len() > 0 {
		select {
		case c.ch <- o.queue.First():
			c.shiftLocked()
		default:
			return
		}
	}
}

// shiftLocked takes the oldest value out of the overflow, which is in the native
// channel now.
func (c *core[T]) shiftLocked() {
	c.over.queue.Pop()
	if c.ended {
		c.endLocked()
	}
}

// goNative sees to it that a native select receives everything.
func (c *core[T]) goNative() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over.native = true
	c.pumpLocked()
}

// pumpLocked starts the goroutine that fills the native channel up, if one is
// needed.
func (c *core[T]) pumpLocked() {
	if o := c.over; o.native && !o.pumping && o.queue.Len() > 0 && !c.broken.Load() {
		o.pumping = true
		go c.pump()
	}
}

// pump is that goroutine. It does not wait for ever: when the channel is broken,
// there is room.
func (c *core[T]) pump() {
	o := c.over
	c.mu.Lock()
	for o.queue.Len() > 0 {
		v := o.queue.First()
		c.mu.Unlock()
		c.ch <- v
		c.mu.Lock()
		if c.broken.Load() {
			c.mu.Unlock()
			c.drop()
			return
		}
		c.shiftLocked()
	}
	o.pumping = false
	c.mu.Unlock()
}
