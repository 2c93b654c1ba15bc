package serve

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grove-go/grove/cancel"
)

// settling is how long a server that lingers waits for the first request of connections
// that it has accepted.
const settling = time.Second

// lastCall is the deadline of the last Accept of a listener.
const lastCall = time.Millisecond

// A door is a listener that closes without a loss. It first accepts the waiting
// connections, and then gives accepted connections time for a request.
// [http.Server.Shutdown] alone drops both. The system resets a connection that was not
// accepted, and the server closes a connection if it has not read the first request.
type door struct {
	net.Listener
	closing atomic.Bool

	mu    sync.Mutex            // guards the fields below
	ended bool                  // no more connections are accepted
	drops bool                  // connections in fresh are closed
	fresh map[net.Conn]struct{} // connections without a request
}

func newDoor(l net.Listener) *door {
	return &door{Listener: l, fresh: make(map[net.Conn]struct{})}
}

// Accept accepts a connection. While the door is closing, it returns [net.ErrClosed] when
// no connection waits.
func (d *door) Accept() (net.Conn, error) {
	var began time.Time // the last call
	for {
		c, err := d.Listener.Accept()
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return c, err
		}
		// Accept first looks for a connection, unless the deadline has passed already, and
		// then waits for a connection or the deadline. If it took longer than the deadline,
		// the look may have been skipped, so there is another last call.
		if !began.IsZero() && time.Since(began) < 2*lastCall {
			return nil, errors.Join(net.ErrClosed, d.Listener.Close())
		}
		began = time.Now()
		if err := d.await(lastCall); err != nil {
			return nil, err
		}
	}
}

// await gives the listener a deadline.
func (d *door) await(t time.Duration) error {
	return d.Listener.(interface{ SetDeadline(time.Time) error }).SetDeadline(time.Now().Add(t))
}

// close closes the door. It returns when each connection that came through the door has had
// a request, has ended, or has been silent for too long.
func (d *door) close(ctx context.Context) error {
	d.closing.Store(true)
	if _, ok := d.Listener.(interface{ SetDeadline(time.Time) error }); !ok {
		if err := d.Listener.Close(); err != nil {
			return err
		}
	} else if err := d.await(lastCall); err != nil {
		return err
	}
	_, err := cancel.MoveOnAfter(ctx, settling, func(ctx context.Context) error {
		for d.waits() {
			if err := cancel.Sleep(ctx, 5*time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

func (d *door) waits() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.ended || len(d.fresh) > 0
}

// end notes that no more connections are accepted.
func (d *door) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
}

// connKey is the key of the connection in the context of a request.
type connKey struct{}

// ConnContext is for [http.Server.ConnContext].
func (d *door) ConnContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// ConnState is for [http.Server.ConnState].
func (d *door) ConnState(c net.Conn, s http.ConnState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch s {
	case http.StateNew:
		d.fresh[c] = struct{}{}
		if d.drops {
			c.Close()
		}
	case http.StateClosed, http.StateHijacked:
		delete(d.fresh, c)
	}
}

// begun notes that a request has come. It reports whether to serve the request. Requests on
// connections that drop has closed are not served.
func (d *door) begun(ctx context.Context) bool {
	c, _ := ctx.Value(connKey{}).(net.Conn)
	d.mu.Lock()
	defer d.mu.Unlock()
	_, fresh := d.fresh[c]
	delete(d.fresh, c)
	return !fresh || !d.drops
}

// drop is for [http.Server.RegisterOnShutdown]. It closes the connections without a
// request. Shutdown alone would wait for their first request, for more than five seconds,
// and then drop it.
func (d *door) drop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drops = true
	for c := range d.fresh {
		c.Close()
	}
}
