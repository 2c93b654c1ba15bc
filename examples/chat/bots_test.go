package main

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/coder/websocket"

	"github.com/grove-go/grove/nursery"
)

// A thousand bots join at once, and each sends a message. Each gets all messages of its
// room, in the same order as the other bots, and leaves. In the end the rooms are empty,
// and nothing is left.
func TestBots(t *testing.T) {
	const bots, rooms = 1000, 40
	said := make([][]string, bots)
	serves(t, defaults(), func(t *testing.T, w *world) {
		err := nursery.For(w.ctx, bots, func(ctx context.Context, i int) (err error) {
			said[i], err = w.bot(ctx, i, i%rooms, bots/rooms)
			return err
		}, nursery.Limit(bots))
		if err != nil {
			t.Errorf("%+v", err)
		}
	})
	for i, got := range said {
		want := said[i%rooms]
		if !slices.Equal(got, want) {
			t.Fatalf("bot %d was told %q, and another one in its room %q", i, got, want)
		}
	}
	for room := range rooms {
		all := slices.Sorted(slices.Values(said[room]))
		for i := range all {
			if want := fmt.Sprintf("bot %03d: I am in room %d", room+i*rooms, room); all[i] != want {
				t.Fatalf("in room %d was said %q, want %q", room, all, want)
			}
		}
	}
}

// bot sends a message in a room, and leaves after a number of messages. It returns the
// messages.
func (w *world) bot(ctx context.Context, i, room, many int) (said []string, err error) {
	c, err := w.dial(fmt.Sprintf("room %d", room), fmt.Sprintf("bot %03d", i))
	if err != nil {
		return nil, err
	}
	w.reads(c)
	for e, err := range c.told.All(ctx) {
		if err != nil {
			return nil, err
		}
		switch e.Kind {
		case "welcome":
			for _, e := range e.History {
				said = append(said, e.String())
			}
			text := fmt.Sprintf("I am in room %d", room)
			if err := c.conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
				return nil, err
			}
		case "said":
			said = append(said, e.String())
		}
		if len(said) == many {
			return said, c.conn.Close(websocket.StatusNormalClosure, "")
		}
	}
	return said, fmt.Errorf("bot %d was told %d of %d things: %v", i, len(said), many, c.end)
}
