package remote

import (
	"context"
	"errors"
	"time"
)

// An Engine carries messages between clients and workers. Package
// [github.com/grove-go/grove/nursery/remote/remotetest] has one in memory for tests, and
// the module github.com/grove-go/grove/nursery/remote/nats one for NATS JetStream.
//
// An engine may lose, repeat, delay and reorder everything that it was given, messages
// that it acknowledged among them. Clients and workers cope with that; see the package's
// rules. All methods may be called by several goroutines at the same time. An engine keeps
// neither a message nor a slice that it passes to a function after that has returned.
type Engine interface {
	// Enqueue adds a message to a queue for at most ttl. It returns a receipt for
	// Queued. A message whose id has been enqueued in the last minutes may be dropped.
	// Enqueue gives up when ctx is done. It returns an error that wraps ErrBusy if the
	// queue is full.
	Enqueue(ctx context.Context, queue, id string, ttl time.Duration, msg []byte) (receipt string, err error)

	// Queued reports whether the message with that receipt is in the queue: it has not
	// been acknowledged, and its time is not over.
	Queued(ctx context.Context, queue, receipt string) (bool, error)

	// Pull returns a source of a queue's messages.
	Pull(queue string) (Source, error)

	// Request sends a message to an address and returns the answer of the function that
	// listens there. It returns an error that wraps ErrNobody if it is known that no
	// function does, and gives up when ctx is done.
	Request(ctx context.Context, addr string, msg []byte) ([]byte, error)

	// Publish sends a message to an address without an answer. It does not wait until
	// the message has arrived.
	Publish(addr string, msg []byte) error

	// Listen calls fn for each message that is sent to an address, one at a time. The
	// function reply answers a request, and does nothing for a message of Publish. When
	// stop has returned, fn does not run and is not called again.
	Listen(addr string, fn func(msg []byte, reply func([]byte))) (stop func(), err error)
}

// A Source delivers the messages of a queue. Each message goes to one of the sources. A
// message that is not acknowledged within some seconds is delivered again.
type Source interface {
	// Next waits until there is a message, and calls fn for it and for further messages
	// that are there, most in all. It may return without a message after a while. When
	// ctx is done, it returns soon.
	Next(ctx context.Context, most int, fn func(Delivery)) error
}

// A Delivery is a message that was taken from a queue.
type Delivery interface {
	Data() []byte                  // belongs to the receiver
	Times() int                    // how often the message has been delivered
	Ack() error                    // removes the message from the queue
	Nak(delay time.Duration) error // returns it to the queue after the delay
}

// Errors of an Engine.
var (
	ErrNobody = errors.New("remote: nobody listens at the address")
	ErrBusy   = errors.New("remote: the queue is full")
)
