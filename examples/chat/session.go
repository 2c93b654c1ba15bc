package main

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

const (
	writeTimeout = 10 * time.Second // for one message
	closeTimeout = 10 * time.Second // what the library takes to close a connection at most
	burst        = 10               // messages after which a client may be slowed down
)

// Reasons for which a session ends, as the client is told them.
var (
	errStopping = websocket.CloseError{Code: websocket.StatusGoingAway, Reason: "the server is going down"}
	errIdle     = websocket.CloseError{Code: websocket.StatusPolicyViolation, Reason: "you have said nothing for too long"}
	errSlow     = websocket.CloseError{Code: websocket.StatusPolicyViolation, Reason: "you are too slow to follow the room"}
	errBinary   = websocket.CloseError{Code: websocket.StatusUnsupportedData, Reason: "a message is text"}
	errEncoding = websocket.CloseError{Code: websocket.StatusInvalidFramePayloadData, Reason: "a message is UTF-8"}
)

// session is the life of a connection: a nursery with a task that reads and one that
// writes. Whichever fails ends the other, and so do the idle timeout, which is the
// nursery's deadline, and the cancellation of ctx. It returns the reason, always.
//
// The two read and write with ctx, not with the context of the nursery: the library
// drops a connection whose context is done, and then nobody can be told why. At the end
// of the nursery the body closes the connection with a goodbye, and that ends them.
func (c *chat) session(ctx context.Context, conn *websocket.Conn, room, name string) error {
	conn.SetReadLimit(c.options.limit)
	m, err := c.hub.join(room, name)
	if err != nil {
		hangUp(ctx, conn, err)
		return err
	}
	c.log.Printf("%q in room %q: came in", m.name, m.room.name)
	link := ctx
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return c.read(ctx, link, conn, m) }, nursery.Name("reader"))
		n.Go(func(ctx context.Context) error { return c.write(ctx, link, conn, m) }, nursery.Name("writer"))
		<-ctx.Done()
		err := m.leave() // before the goodbye, which may take its time
		if n.Scope().Err() == context.DeadlineExceeded && link.Err() == nil {
			err = errors.Join(errIdle, err)
		}
		hangUp(link, conn, errors.Join(err, context.Cause(ctx)))
		return err
	})
}

// hangUp closes the connection with a word about why or, if ctx is done, without. How
// that goes makes no difference: the connection is closed then, and who reads or writes
// hears of it.
func hangUp(ctx context.Context, conn *websocket.Conn, why error) {
	if ctx.Err() != nil {
		_ = conn.CloseNow()
		return
	}
	// Of other errors the library has told, if there was anybody left to be told.
	goodbye := websocket.CloseError{Code: websocket.StatusProtocolError}
	errors.As(why, &goodbye)
	_ = conn.Close(goodbye.Code, goodbye.Reason)
}

// failed is what a task returns that cannot read or write. If it is because the
// connection has been closed on our side, the one who did that says why, and ends the
// session with it.
func failed(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
		return cancel.Forever(ctx)
	}
	return err
}

// read tells the room what the client says. Each message moves the deadline of the
// session.
func (c *chat) read(ctx, link context.Context, conn *websocket.Conn, m *member) error {
	pace := rate.NewLimiter(rate.Limit(c.options.rate), burst)
	for {
		cancel.FromContext(ctx).SetTimeout(c.options.idle)
		kind, b, err := conn.Read(link)
		switch {
		case err != nil:
			return failed(ctx, err)
		case kind != websocket.MessageText:
			return errBinary
		case !utf8.Valid(b):
			return errEncoding
		}
		if text := strings.TrimSpace(string(b)); text != "" {
			if err := m.say(text); err != nil {
				return err
			}
		}
		// Who says too much waits, and is not read from meanwhile. Otherwise one could
		// make all others too slow.
		if err := cancel.Sleep(ctx, pace.Reserve().Delay()); err != nil {
			return err
		}
	}
}

// write sends the client what is told in the room.
func (c *chat) write(ctx, link context.Context, conn *websocket.Conn, m *member) error {
	send := func(b []byte) error {
		late, err := cancel.MoveOnAfter(link, writeTimeout, func(ctx context.Context) error {
			return conn.Write(ctx, websocket.MessageText, b)
		})
		if late {
			err = errSlow
		}
		if err != nil {
			return failed(ctx, err)
		}
		return nil
	}
	if err := send(m.welcome); err != nil {
		return err
	}
	for b, err := range m.feed.All(ctx) {
		if err == channel.ErrLagged {
			return errSlow
		}
		if err != nil {
			return err
		}
		if err := send(b); err != nil {
			return err
		}
	}
	return errStopping // a room ends under those in it only if all do
}
