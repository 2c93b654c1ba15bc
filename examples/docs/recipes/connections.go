package recipes

import (
	"context"
	"io"
	"net"

	"github.com/grove-go/grove/channel"
)

// A Pool holds up to a number of connections, which it opens when they are needed.
type Pool struct {
	open func(ctx context.Context) (net.Conn, error)

	// Slots that are not in use. Nil stands for a connection that is not open.
	put  *channel.Sender[net.Conn]
	free *channel.Receiver[net.Conn]
}

// NewPool returns a pool of size connections. Close closes them.
func NewPool(size int, open func(ctx context.Context) (net.Conn, error)) *Pool {
	put, free := channel.New[net.Conn](size)
	for range size {
		_ = put.TrySend(nil) // there is room
	}
	return &Pool{open, put, free}
}

// Do waits for a connection and calls fn with it. If fn fails, Do closes the connection.
// After Close, Do returns [net.ErrClosed].
func (p *Pool) Do(ctx context.Context, fn func(ctx context.Context, conn net.Conn) error) error {
	conn, err := p.free.Receive(ctx)
	if err == io.EOF { // after Close
		return net.ErrClosed
	}
	if err != nil {
		return err
	}
	healthy := false
	defer func() { p.release(conn, healthy) }()
	if conn == nil {
		if conn, err = p.open(ctx); err != nil {
			return err
		}
	}
	err = fn(ctx, conn)
	healthy = err == nil
	return err
}

func (p *Pool) release(conn net.Conn, healthy bool) {
	if conn != nil && !healthy {
		conn.Close() // its failure is known
		conn = nil
	}
	if err := p.put.TrySend(conn); err != nil && conn != nil {
		conn.Close() // the pool is closed, and nothing was lost
	}
}

// Close closes the connections that are not in use. Do closes the others after use.
func (p *Pool) Close() {
	p.free.Refuse()
	for conn := range p.free.All(context.Background()) { // does not wait after Refuse
		if conn != nil {
			conn.Close() // not in use
		}
	}
}
