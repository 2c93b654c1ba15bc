package main

import (
	"context"
	"log"
	"net/http"

	"github.com/coder/websocket"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/internal/serve"
	"github.com/grove-go/grove/nursery"
)

// A chat answers requests for the page, and requests for a connection.
type chat struct {
	*http.ServeMux
	sessions *nursery.Nursery // owns the connections
	options  options
	hub      *hub
	log      *log.Logger
}

func newChat(sessions *nursery.Nursery, o options, log *log.Logger) *chat {
	c := &chat{http.NewServeMux(), sessions, o, newHub(o.backlog, o.history), log}
	c.Handle("GET /", page())
	c.HandleFunc("GET /ws", c.connect)
	return c
}

// handler returns the chat with a check that refuses requests from pages of other sites.
func (c *chat) handler() http.Handler { return serve.SameSite(c) }

// connect makes a session of a request. The library refuses requests from pages of other
// sites.
//
// Start begins the session before the connection leaves the server. Otherwise there would
// be a moment at which neither the server nor the nursery waits for the connection.
func (c *chat) connect(w http.ResponseWriter, r *http.Request) {
	_, err := nursery.Start(r.Context(), c.sessions, func(ctx context.Context, accepted func(struct{})) error {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return err // Accept has answered
		}
		query := r.URL.Query()
		accepted(struct{}{}) // from here on w and r belong to the library
		err = c.session(ctx, conn, query.Get("room"), query.Get("name"))
		c.log.Printf("%.40q in room %.40q: %v", query.Get("name"), query.Get("room"), err)
		return cancel.Err(ctx) // the end of a session does not fail the chat
	}, nursery.Name("session"))
	if err != nil {
		c.log.Printf("no connection for %s: %v", r.RemoteAddr, err)
	}
}

// untilStop waits until the chat is asked to stop, and then ends the rooms. If it is
// canceled, the sessions end with the chat, and untilStop leaves the rooms to them.
func (c *chat) untilStop(ctx context.Context) error {
	<-cancel.UntilStop(ctx).Done()
	if ctx.Err() != nil {
		return cancel.Err(ctx)
	}
	c.hub.close()
	return nil
}
