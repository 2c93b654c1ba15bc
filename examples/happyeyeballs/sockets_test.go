package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
	"github.com/grove-go/grove/testutil/errmatch"
)

var (
	loopback6 = netip.IPv6Loopback()
	loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})
)

// listen opens a listener at 127.0.0.1.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// refusing returns an address without a listener.
func refusing(t *testing.T) string {
	t.Helper()
	l := listen(t)
	defer l.Close()
	return l.Addr().String()
}

// serve serves at l until body returns. Each connection gets back what it sends. It
// returns when all connections have been closed by their other end.
func serve(ctx context.Context, l net.Listener, body func(ctx context.Context) error) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		defer l.Close()
		n.Go(func(ctx context.Context) error {
			for {
				conn, err := l.Accept()
				if errors.Is(err, net.ErrClosed) {
					return nil
				}
				if err != nil {
					return err
				}
				n.Go(func(ctx context.Context) error {
					defer conn.Close()
					defer context.AfterFunc(ctx, func() { conn.Close() })()
					io.Copy(conn, conn) // the other end may break it off
					return nil
				})
			}
		})
		return body(ctx)
	})
}

// onSockets returns a Dialer for a host with the given addresses. The Dialer makes its
// attempts with d and real sockets. The second result checks that no connection is left
// open.
func onSockets(d *net.Dialer, six, four []netip.Addr) (dialer *Dialer, check func() error) {
	var opened, closed atomic.Int64
	dialer = &Dialer{
		Lookup: (&world{ip6: answer{addrs: six}, ip4: answer{after: ms, addrs: four}}).lookup,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := d.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			opened.Add(1)
			return &closing{conn, &closed}, nil
		},
	}
	return dialer, func() error {
		if opened.Load() != closed.Load() {
			return fmt.Errorf("%d connections were opened, and %d closed", opened.Load(), closed.Load())
		}
		return nil
	}
}

// A closing connection counts when it is closed.
type closing struct {
	net.Conn
	closed *atomic.Int64
}

func (c *closing) Close() error {
	c.closed.Add(1)
	return c.Conn.Close()
}

// exchange connects to the host at the port of l, sends something, gets it back, and
// closes the connection.
func exchange(ctx context.Context, d *Dialer, l net.Listener) error {
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return err
	}
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort("www.example.com", port))
	if err != nil {
		return err
	}
	defer conn.Close()
	const said = "hello"
	if _, err := io.WriteString(conn, said); err != nil {
		return err
	}
	heard := make([]byte, len(said))
	if _, err := io.ReadFull(conn, heard); err != nil || string(heard) != said {
		return fmt.Errorf("got back %q, %w", heard, err)
	}
	return nil
}

// In TestSocketsRefuse the attempt for IPv6 fails, because the address has no listener or
// there is no IPv6.
func TestSocketsRefuse(t *testing.T) {
	l := listen(t)
	err := serve(t.Context(), l, func(ctx context.Context) error {
		d, check := onSockets(new(net.Dialer), []netip.Addr{loopback6}, []netip.Addr{loopback4})
		return errors.Join(exchange(ctx, d, l), check())
	})
	if err != nil {
		t.Error(err)
	}
}

func TestSocketsAllRefuse(t *testing.T) {
	l := listen(t)
	l.Close()
	d, check := onSockets(new(net.Dialer), nil, []netip.Addr{loopback4})
	err := exchange(t.Context(), d, l)
	testutil.WantError(t, err, errmatch.Group(
		errmatch.Task("AAAA", errmatch.As[*net.DNSError](nil)),
		errmatch.Task(l.Addr().String(), errmatch.Is(syscall.ECONNREFUSED)),
	))
	if err := check(); err != nil {
		t.Error(err)
	}
}

// In TestSocketsSilent the first attempt waits after its socket has been opened.
func TestSocketsSilent(t *testing.T) {
	var attempts atomic.Int64
	silentOnce := &net.Dialer{ControlContext: func(ctx context.Context, _, _ string, _ syscall.RawConn) error {
		if attempts.Add(1) == 1 {
			<-ctx.Done()
		}
		return ctx.Err()
	}}
	l := listen(t)
	err := serve(t.Context(), l, func(ctx context.Context) error {
		d, check := onSockets(silentOnce, nil, []netip.Addr{loopback4, loopback4})
		return errors.Join(exchange(ctx, d, l), check())
	})
	if err != nil || attempts.Load() != 2 {
		t.Errorf("%d attempts, %v; want 2 and nil", attempts.Load(), err)
	}
}

// In TestSocketsPhotoFinish two attempts connect at nearly the same time, many times over.
func TestSocketsPhotoFinish(t *testing.T) {
	l := listen(t)
	err := serve(t.Context(), l, func(ctx context.Context) error {
		return nursery.For(ctx, 50, func(ctx context.Context, _ int) error {
			var attempts atomic.Int64
			both := make(chan struct{})
			together := &net.Dialer{ControlContext: func(context.Context, string, string, syscall.RawConn) error {
				if attempts.Add(1) == 2 {
					close(both)
				}
				<-both
				return nil
			}}
			d, check := onSockets(together, nil, []netip.Addr{loopback4, loopback4})
			return errors.Join(exchange(ctx, d, l), check())
		}, nursery.Limit(50))
	})
	if err != nil {
		t.Error(err)
	}
}
