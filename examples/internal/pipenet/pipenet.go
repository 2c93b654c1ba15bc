// Package pipenet is a network without sockets, for tests in a bubble, whose time
// stands still while a goroutine waits for a real one.
package pipenet

import (
	"context"
	"net"
	"sync"
)

// A Listener accepts the connections that its Dial makes, which are pipes: what is
// written waits until it is read. It is for any number of goroutines.
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

// Accept waits for a Dial. It returns [net.ErrClosed] once l is closed.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and Dial. What has been accepted stays open.
func (l *Listener) Close() error {
	l.close()
	return nil
}

// Addr returns an address that is good for nothing but to be printed.
func (l *Listener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// Dial waits until it is accepted and returns the other end, whatever address it is
// asked for: it fits in [net/http.Transport]. It returns [net.ErrClosed] once l is
// closed, and the error of ctx.
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
