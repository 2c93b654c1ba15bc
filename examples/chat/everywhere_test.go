package main

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/testutil"
)

// Wherever a session is canceled, it ends soon, has left its room, and the connection
// is closed.
func TestCancelSessionEverywhere(t *testing.T) {
	o := defaults()
	o.idle, o.rate = 3*time.Second, 1
	testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
		calm := context.WithoutCancel(ctx)
		err := runWorld(t, calm, calm, o, func(t *testing.T, w *world) {
			conns := make(chan *websocket.Conn, 1)
			w.chat.HandleFunc("GET /accept", func(w http.ResponseWriter, r *http.Request) {
				conn, err := websocket.Accept(w, r, nil)
				if err != nil {
					t.Error(err)
				}
				conns <- conn
			})
			bob := w.join("lobby", "bob")
			ann, err := w.dialPath("/accept", "lobby", "ann")
			if err != nil {
				t.Fatal(err)
			}
			w.reads(ann)
			w.clients.Go(func(ctx context.Context) error {
				for range burst + 2 {
					// Fails when the connection has been closed.
					_ = ann.conn.Write(ctx, websocket.MessageText, []byte("hello"))
				}
				return nil
			})
			if err := w.chat.session(ctx, <-conns, "lobby", "ann"); err == nil {
				t.Error("the session returned nil, want the reason for its end")
			}
			testutil.WaitAllBlocked()
			if got := ann.news(); len(got) == 0 || got[len(got)-1] != ending(ann.end) {
				t.Errorf("ann was told %q, want the end", got)
			}
			if r := w.chat.hub.rooms["lobby"]; r != nil && r.members["ann"] != nil {
				t.Error("ann is in the room, want that she has left")
			}
			bob.news()
		})
		if err != nil {
			t.Errorf("the chat returned %v, want nil", err)
		}
		return cancel.Err(ctx)
	}, testutil.Repeats(2), testutil.Within(writeTimeout+closeTimeout))
}

// Wherever the chat is canceled, all of it ends soon: no room is left, and every
// connection is closed.
func TestCancelEverywhere(t *testing.T) {
	o := defaults()
	o.idle, o.rate, o.backlog = 3*time.Second, 1, burst
	testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
		return runWorld(t, context.WithoutCancel(ctx), ctx, o, func(t *testing.T, w *world) {
			var clients []*client
			for _, name := range []string{"ann", "bob", "ann", ""} { // two of them are refused
				c, err := w.dial("lobby", name)
				if err != nil {
					continue // too late
				}
				w.reads(c)
				clients = append(clients, c)
			}
			stuck, err := w.dial("lobby", "stuck")
			if err == nil {
				clients = append(clients, stuck)
			}
			for range burst + 2 {
				for _, c := range clients {
					// Fails when the connection has been closed.
					_ = c.conn.Write(w.ctx, websocket.MessageText, []byte("hello"))
				}
			}
			sleep(t, w, 4*time.Second) // ann and bob are idle by now
			w.server.Stop()
			if stuck != nil {
				w.reads(stuck)
			}
			for _, c := range clients {
				for range c.told.All(w.ctx) {
				}
			}
		})
	}, testutil.Repeats(2), testutil.Within(writeTimeout+closeTimeout))
}
