package channel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"sync"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
)

// ErrLagged is returned by a [Subscription] with the policy [CutOff] after it has been cut
// off.
var ErrLagged = errors.New("channel: subscriber has lagged behind, and was cut off")

// A Policy says what happens to a slow subscriber of a [Broadcast]. A subscriber is slow if
// it has as many values to receive as the broadcast's capacity when the next value is
// published.
type Policy int

// The policies for slow subscribers.
const (
	Block      Policy = iota + 1 // the publisher waits for it
	DropOldest                   // it loses the oldest value, and [Subscription.Dropped] counts it
	CutOff                       // it loses all, and gets ErrLagged from then on
)

// String returns the name of the policy.
func (p Policy) String() string {
	switch p {
	case Block:
		return "Block"
	case DropOldest:
		return "DropOldest"
	case CutOff:
		return "CutOff"
	}
	return "Policy(" + strconv.Itoa(int(p)) + ")"
}

// A Broadcast is a channel that passes each value to every subscriber. A subscriber
// receives the values that are published after it subscribed.
//
// A Broadcast is safe for use by multiple goroutines simultaneously.
type Broadcast[T any] struct {
	turn chan struct{} // holds an element while a goroutine publishes: publishers take turns
	room chan struct{} // has an element if a subscriber may have made room
	end  chan struct{} // closed by Close

	mu     sync.Mutex // never held while anything blocks; guards the fields below
	slots  []slot[T]  // value number i is in slots[i % len(slots)] until all have received it
	next   uint64     // number of the next value
	subs   *Subscription[T]
	nsubs  int
	closed bool
}

// A slot holds a value, and for how many subscribers.
type slot[T any] struct {
	v       T
	readers int
}

// NewBroadcast returns a new broadcast. A subscriber may be up to capacity values
// behind before it counts as slow. A broadcast belongs to the bubble of [testing/synctest]
// where it was made, if any. NewBroadcast panics if capacity is less than 1.
func NewBroadcast[T any](capacity int) *Broadcast[T] {
	if capacity < 1 {
		panic(fmt.Sprintf("channel: NewBroadcast: capacity must be at least 1, got %d", capacity))
	}
	return &Broadcast[T]{
		turn:  make(chan struct{}, 1),
		room:  make(chan struct{}, 1),
		end:   make(chan struct{}),
		slots: make([]slot[T], capacity),
	}
}

// Publish gives v to all subscribers. It waits while a subscriber with the policy [Block]
// is slow. All subscribers get v, or none: if Publish returns an error, v has not been
// published. The error is the [*cancel.Error] of ctx if ctx is done, and otherwise
// [ErrClosed] if the broadcast is closed. Without subscribers v is dropped.
//
// Publishers that are blocked are served first come, first served, and all
// subscribers see all values in the same order. Publish panics if ctx is nil.
func (b *Broadcast[T]) Publish(ctx context.Context, v T) error {
	if ctx == nil {
		panic("channel: Broadcast.Publish: nil context; pass context.Background() if there is no other")
	}
	if err := cancel.Err(ctx); err != nil {
		return err
	}
	done := bare.Done(ctx)
	select {
	case b.turn <- struct{}{}:
	case <-b.end:
		return cmp.Or(cancel.Err(ctx), ErrClosed)
	case <-done:
		return cancel.Err(ctx)
	}
	defer func() { <-b.turn }()
	for {
		// A select that finds several channels ready takes any of them.
		if err := cancel.Err(ctx); err != nil {
			return err
		}
		err := b.publish(v)
		if err != ErrWouldBlock {
			return err
		}
		select {
		case <-b.room:
		case <-b.end:
		case <-done:
		}
	}
}

// TryPublish publishes v if that is possible without waiting, for a subscriber or for
// another publisher. It returns [ErrWouldBlock] if it is not, and [ErrClosed] if the
// broadcast is closed.
func (b *Broadcast[T]) TryPublish(v T) error {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
		return b.publish(v)
	case <-b.end:
		return ErrClosed
	default:
		return ErrWouldBlock
	}
}

// publish gives v to all subscribers, unless it would have to wait for a subscriber.
func (b *Broadcast[T]) publish(v T) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	full := uint64(len(b.slots))
	for s := b.subs; s != nil; s = s.after {
		if s.policy == Block && b.next-s.at == full {
			return ErrWouldBlock
		}
	}
	var following *Subscription[T]
	for s := b.subs; s != nil; s = following {
		following = s.after
		if b.next-s.at < full {
			continue
		}
		if s.policy == DropOldest {
			b.release(s)
			s.dropped++
			continue
		}
		s.lagged = true
		b.removeLocked(s)
	}
	if b.nsubs > 0 {
		b.slots[b.next%full] = slot[T]{v, b.nsubs}
	}
	b.next++
	for s := b.subs; s != nil; s = s.after {
		s.signal()
	}
	return nil
}

// release gives up the next value that s is to receive.
func (b *Broadcast[T]) release(s *Subscription[T]) {
	x := &b.slots[s.at%uint64(len(b.slots))]
	s.at++
	x.readers--
	if x.readers == 0 {
		*x = slot[T]{}
	}
}

// removeLocked takes s out of the subscribers, along with all that it has not
// received.
func (b *Broadcast[T]) removeLocked(s *Subscription[T]) {
	for s.at < b.next {
		b.release(s)
	}
	if s.before != nil {
		s.before.after = s.after
	} else {
		b.subs = s.after
	}
	if s.after != nil {
		s.after.before = s.before
	}
	s.before, s.after = nil, nil
	b.nsubs--
	close(s.out)
}

// Subscribe adds a subscriber. The policy says what happens when the subscriber is slow.
// Close the subscription when it is no longer needed. A subscriber of a broadcast that is
// closed gets [io.EOF]. Subscribe panics if the policy is not [Block], [DropOldest] or
// [CutOff].
func (b *Broadcast[T]) Subscribe(p Policy) *Subscription[T] {
	if p < Block || p > CutOff {
		panic(fmt.Sprintf("channel: Broadcast.Subscribe: p must be a policy, got %d", p))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &Subscription[T]{b: b, policy: p, at: b.next, wake: make(chan struct{}, 1), out: make(chan struct{}), after: b.subs}
	if s.after != nil {
		s.after.before = s
	}
	b.subs = s
	b.nsubs++
	return s
}

// Subscribers returns how many subscribers there are. Subscriptions that are closed or
// have been cut off do not count.
func (b *Broadcast[T]) Subscribers() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.nsubs
}

// Close ends the broadcast: subscribers receive what has been published, and then
// [io.EOF]. A Publish that is blocked returns [ErrClosed]. Close is idempotent,
// does not block, and returns nil.
func (b *Broadcast[T]) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		close(b.end)
	}
	return nil
}

// A Subscription receives what is published by a [Broadcast].
//
// A Subscription is safe for use by multiple goroutines simultaneously, each
// value going to one of them.
type Subscription[T any] struct {
	b      *Broadcast[T]
	policy Policy
	wake   chan struct{} // has an element if there may be a value
	out    chan struct{} // closed when the subscription is no subscriber any more

	// Guarded by the broadcast's mu.
	at            uint64 // number of the next value to receive
	dropped       uint64
	lagged        bool
	closed        bool
	before, after *Subscription[T]
}

func (s *Subscription[T]) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Receive returns the next value. It blocks while there is none. If it returns an error, it
// has taken no value. The error is the first that applies of
//
//   - the [*cancel.Error] of ctx if ctx is done, even if there is a value,
//   - [ErrClosed] if the subscription is closed,
//   - [ErrLagged] if it has been cut off,
//   - [io.EOF] if the broadcast is closed and all has been received.
//
// Receive panics if ctx is nil.
func (s *Subscription[T]) Receive(ctx context.Context) (T, error) {
	if ctx == nil {
		panic("channel: Subscription.Receive: nil context; pass context.Background() if there is no other")
	}
	woken := false
	for {
		if err := cancel.Err(ctx); err != nil {
			if woken {
				s.signal() // for another call
			}
			var none T
			return none, err
		}
		v, err := s.TryReceive()
		if err != ErrWouldBlock {
			return v, err
		}
		woken = false
		select {
		case <-s.wake:
			woken = true
		case <-s.out:
		case <-s.b.end:
		case <-bare.Done(ctx):
		}
	}
}

// TryReceive returns the next value if there is one, and [ErrWouldBlock] if there is
// none. The other errors are as for Receive.
func (s *Subscription[T]) TryReceive() (v T, err error) {
	b := s.b
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case s.closed:
		return v, ErrClosed
	case s.lagged:
		return v, ErrLagged
	case s.at == b.next && b.closed:
		return v, io.EOF
	case s.at == b.next:
		return v, ErrWouldBlock
	}
	full := uint64(len(b.slots))
	if s.policy == Block && b.next-s.at == full {
		select {
		case b.room <- struct{}{}:
		default:
		}
	}
	v = b.slots[s.at%full].v
	b.release(s)
	if s.at < b.next {
		s.signal() // another one may wait
	}
	return v, nil
}

// All returns an iterator over the values that are to come; see [Receiver.All].
// It ends without an error when the broadcast is closed and all has been received.
func (s *Subscription[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return all("Subscription", ctx, s.Receive)
}

// Dropped returns how many values the subscriber has lost because it was slow. It
// counts for the policy [DropOldest] alone.
func (s *Subscription[T]) Dropped() uint64 {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	return s.dropped
}

// Done returns a channel that is closed when the subscription is closed or has been
// cut off. A goroutine that is busy with a value can look there whether it is still a
// subscriber.
func (s *Subscription[T]) Done() <-chan struct{} { return s.out }

// Close ends the subscription. A Receive that is blocked returns [ErrClosed], and
// no publisher waits for the subscriber any more. Close is idempotent, does not
// block, and returns nil.
func (s *Subscription[T]) Close() error {
	b := s.b
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if !s.lagged {
		b.removeLocked(s)
		select {
		case b.room <- struct{}{}:
		default:
		}
	}
	return nil
}
