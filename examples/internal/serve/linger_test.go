package serve

import (
	"errors"
	"net"
	"testing"
	"time"
)

// Connections that wait to be accepted when a door is closed are accepted first.
func TestDoor(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := newDoor(l)
	const waiting = 5
	for range waiting {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	if err := d.await(-time.Second); err != nil {
		t.Fatal(err)
	}
	accepted := 0
	for {
		c, err := d.Accept()
		if errors.Is(err, net.ErrClosed) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		accepted++
		defer c.Close()
	}
	if accepted != waiting {
		t.Errorf("%d connections are accepted, want %d", accepted, waiting)
	}
	if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("a connection is made after the end", c.Close())
	}
}
