package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/examples/internal/pipenet"
	"github.com/grove-go/grove/examples/internal/serve"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

// A world has a chat, and clients that are connected to it by pipes: what the chat
// writes waits until the client reads.
type world struct {
	t       *testing.T
	ctx     context.Context // of the clients
	clients *nursery.Nursery
	server  *cancel.Scope // to stop the chat, or cancel it
	chat    *chat
	net     *pipenet.Listener
	log     bytes.Buffer // of the chat
}

// logged fails the test unless the chat has logged that line.
func (w *world) logged(want string) {
	w.t.Helper()
	if lines := strings.Split(w.log.String(), "\n"); !slices.Contains(lines, want) {
		w.t.Errorf("the chat has logged\n\t%s\nwant this among it\n\t%s", strings.Join(lines, "\n\t"), want)
	}
}

// defaults are options for tests.
func defaults() options {
	o, err := parse(nil, io.Discard)
	if err != nil {
		panic(err)
	}
	return o
}

// inWorld runs fn with a chat, in virtual time, and then stops the chat. It returns
// what the chat returned.
func inWorld(t *testing.T, o options, fn func(t *testing.T, w *world)) (err error) {
	t.Helper()
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) { err = runWorld(t, ctx, ctx, o, fn) })
	return err
}

// runWorld is inWorld in a bubble, with a context for the clients and one for the chat.
func runWorld(t *testing.T, ctx, server context.Context, o options, fn func(t *testing.T, w *world)) error {
	t.Helper()
	w := &world{t: t, server: cancel.New(server), net: pipenet.Listen()}
	defer w.server.Close()
	var chatErr error
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		w.ctx, w.clients = ctx, n
		ready := make(chan struct{})
		n.Go(func(context.Context) error {
			chatErr = nursery.Run(w.server, func(ctx context.Context, n *nursery.Nursery) error {
				w.chat = newChat(n, o, log.New(io.MultiWriter(&w.log, t.Output()), "", 0))
				_, err := nursery.Start(ctx, n, serve.On(w.net, w.chat.handler()), nursery.Name("server"))
				close(ready)
				if err != nil {
					return err
				}
				return w.chat.untilStop(ctx)
			})
			return nil
		})
		<-ready
		defer w.server.Stop() // even if fn fails the test
		fn(t, w)
		return nil
	})
	if n := len(w.chat.hub.rooms); n != 0 {
		t.Errorf("%d rooms are left, want none", n)
	}
	return errors.Join(err, chatErr)
}

// A client notes what it is told.
type client struct {
	t    *testing.T
	ctx  context.Context
	name string
	conn *websocket.Conn
	raw  net.Conn                 // below conn
	told *channel.Receiver[event] // ends with the connection
	end  error                    // of reading; once told has ended
}

// http returns a client for single requests.
func (w *world) http() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: w.net.Dial, DisableKeepAlives: true}}
}

// dial connects a client that does not read.
func (w *world) dial(room, name string) (*client, error) { return w.dialPath("/ws", room, name) }

func (w *world) dialPath(path, room, name string) (*client, error) {
	c := &client{t: w.t, ctx: w.ctx, name: name}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		var err error
		c.raw, err = w.net.Dial(ctx, network, addr)
		return c.raw, err
	}}
	u := url.URL{Scheme: "ws", Host: "chat.test", Path: path, RawQuery: url.Values{"room": {room}, "name": {name}}.Encode()}
	conn, _, err := websocket.Dial(w.ctx, u.String(), &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(-1) // a welcome may be long
	c.conn = conn
	return c, nil
}

// deaf connects a client that does not read, and waits until nothing more happens.
func (w *world) deaf(room, name string) *client {
	w.t.Helper()
	c, err := w.dial(room, name)
	if err != nil {
		w.t.Fatalf("%s cannot connect: %v", name, err)
	}
	testutil.WaitAllBlocked()
	return c
}

// join connects a client that reads, and waits until nothing more happens.
func (w *world) join(room, name string) *client {
	w.t.Helper()
	c := w.deaf(room, name)
	c.hears(w)
	return c
}

// deafened connects a client that reads the welcome and no more, and waits until nothing
// more happens.
func (w *world) deafened(room, name string) *client {
	w.t.Helper()
	c := w.deaf(room, name)
	if _, err := c.read(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	testutil.WaitAllBlocked()
	return c
}

// hears lets c read from now on, and waits until nothing more happens.
func (c *client) hears(w *world) {
	w.reads(c)
	testutil.WaitAllBlocked()
}

// reads lets c read, until its connection ends.
func (w *world) reads(c *client) {
	send, receive := channel.Unbounded[event]()
	c.told = receive
	w.clients.Go(func(ctx context.Context) error {
		defer send.Close()
		for {
			e, err := c.read(ctx)
			if err != nil {
				c.end = err
				return nil
			}
			if err := send.Send(ctx, e); err != nil {
				return err
			}
		}
	}, nursery.Name(c.name))
}

// read reads the next event.
func (c *client) read(ctx context.Context) (event, error) {
	_, b, err := c.conn.Read(ctx)
	if err != nil {
		return event{}, err
	}
	var e event
	if err := json.Unmarshal(b, &e); err != nil {
		c.t.Errorf("%s was told %q: %v", c.name, b, err)
	}
	return e, nil
}

// says sends a message, and waits until nothing more happens.
func (c *client) says(text string) {
	c.t.Helper()
	c.writes(websocket.MessageText, text)
}

// writes is says for messages of any kind.
func (c *client) writes(kind websocket.MessageType, text string) {
	c.t.Helper()
	if err := c.conn.Write(c.ctx, kind, []byte(text)); err != nil {
		c.t.Errorf("%s cannot write: %v", c.name, err)
	}
	testutil.WaitAllBlocked()
}

// leaves closes the connection as a browser does.
func (c *client) leaves() {
	c.t.Helper()
	if err := c.conn.Close(websocket.StatusNormalClosure, "bye"); err != nil {
		c.t.Errorf("%s cannot leave: %v", c.name, err)
	}
	testutil.WaitAllBlocked()
}

// String returns an event in short.
func (e event) String() string {
	switch e.Kind {
	case "welcome":
		parts := []string{fmt.Sprintf("welcome %s to %s: %s", e.Name, e.Room, strings.Join(e.Who, " "))}
		for _, e := range e.History {
			parts = append(parts, e.String())
		}
		return strings.Join(parts, ", ")
	case "said":
		return e.Name + ": " + e.Text
	default:
		return e.Name + " " + e.Kind
	}
}

// wasTold fails the test unless c has been told just that since it was last asked. The
// end of the connection is "end", and the status and the reason if it was given one.
func (c *client) wasTold(want ...string) {
	c.t.Helper()
	if got := c.news(); !slices.Equal(got, want) {
		c.t.Errorf("%s was told\n\t%s\nwant\n\t%s", c.name, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// news returns what c has been told since it was last asked.
func (c *client) news() (all []string) {
	for {
		e, err := c.told.TryReceive()
		switch err {
		case nil:
			all = append(all, e.String())
		case io.EOF:
			return append(all, ending(c.end))
		default:
			return all
		}
	}
}

// ending is how news tells of the end of a connection.
func ending(err error) string {
	var end websocket.CloseError
	if !errors.As(err, &end) {
		return "end"
	}
	return fmt.Sprintf("end %d %s", end.Code, end.Reason)
}

// passed returns a function that returns how much time has passed since.
func passed() func() time.Duration {
	began := time.Now()
	return func() time.Duration { return time.Since(began) }
}
