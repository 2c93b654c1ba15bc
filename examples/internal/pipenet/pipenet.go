// Package pipenet is a network without sockets, for tests in a bubble. The time of a bubble
// stands still while a goroutine waits for a real socket.
package pipenet

import (
	"context"
	"net"
	"sync"
)

// A Listener accepts the connections that its Dial makes. The connections are pipes: a
// write waits for a read. A Listener is safe for use by multiple goroutines simultaneously.
type Listener struct {
	conns  chan net.Conn
	closed chan struct{}
	close  func()
}

// Listen returns an open Listener.
func Listen() *Listener {
	l := &Listener{conns: make(chan net.Conn), closed: make(chan struct{})}
	l.close = sync.OnceFunc(func() { close(l.closed) })
	return l
}

// Accept waits for a Dial. After Close it returns [net.ErrClosed].
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and Dial. Accepted connections stay open.
func (l *Listener) Close() error {
	l.close()
	return nil
}

// Addr returns an address for printing.
func (l *Listener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// Dial waits until it is accepted, and returns the other end of the connection. It ignores
// the address, and fits in [net/http.Transport]. It returns [net.ErrClosed] after Close,
// and the error of ctx if ctx is done.
func (l *Listener) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
