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
	closeTimeout = 10 * time.Second // the library takes this long at most to close a connection
	burst        = 10               // messages after which a client may be slowed down
)

// Reasons for the end of a session, in the words that the client is told.
var (
	errStopping = websocket.CloseError{Code: websocket.StatusGoingAway, Reason: "the server is going down"}
	errIdle     = websocket.CloseError{Code: websocket.StatusPolicyViolation, Reason: "you have said nothing for too long"}
	errSlow     = websocket.CloseError{Code: websocket.StatusPolicyViolation, Reason: "you are too slow to follow the room"}
	errBinary   = websocket.CloseError{Code: websocket.StatusUnsupportedData, Reason: "a message is text"}
	errEncoding = websocket.CloseError{Code: websocket.StatusInvalidFramePayloadData, Reason: "a message is UTF-8"}
)

// session serves a connection. It is a nursery with a task that reads and a task that
// writes. Each of these ends it: a task that fails, the idle timeout, which is the
// nursery's deadline, and the cancellation of ctx. session always returns the reason.
//
// Both tasks read and write with ctx, not with the context of the nursery, because the
// library drops a connection when its context is done, and the client would not be told
// why. When the nursery is canceled, its body closes the connection with a goodbye, and
// that ends the tasks.
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
		err := m.leave() // before the goodbye, which may take long
		if n.Scope().Err() == context.DeadlineExceeded && link.Err() == nil {
			err = errors.Join(errIdle, err)
		}
		hangUp(link, conn, errors.Join(err, context.Cause(ctx)))
		return err
	})
}

// hangUp closes the connection. If ctx is not done, it tells the client why. Errors do not
// matter: the connection is closed afterwards, and its reader and writer notice.
func hangUp(ctx context.Context, conn *websocket.Conn, why error) {
	if ctx.Err() != nil {
		_ = conn.CloseNow()
		return
	}
	// The library has already told the client about other errors.
	goodbye := websocket.CloseError{Code: websocket.StatusProtocolError}
	errors.As(why, &goodbye)
	_ = conn.Close(goodbye.Code, goodbye.Reason)
}

// failed returns the error of a task that cannot read or write. If our side has closed the
// connection, failed waits for the cancellation, because the code that closed it has the
// reason.
func failed(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
		return cancel.Forever(ctx)
	}
	return err
}

// read sends the client's messages to the room. Each message moves the deadline of the
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
		// A client that says too much waits, and is not read from meanwhile. Otherwise a
		// client could make all others too slow.
		if err := cancel.Sleep(ctx, pace.Reserve().Delay()); err != nil {
			return err
		}
	}
}

// write sends the client the events of the room.
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
	return errStopping // rooms with members end only when all rooms end
}
