package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/testutil"
)

// serves runs fn in a world. Its chat must end without an error.
func serves(t *testing.T, o options, fn func(t *testing.T, w *world)) {
	t.Helper()
	if err := inWorld(t, o, fn); err != nil {
		t.Errorf("the chat returned %v, want nil", err)
	}
}

func TestRoom(t *testing.T) {
	serves(t, defaults(), func(t *testing.T, w *world) {
		ann := w.join("lobby", "ann")
		ann.wasTold("welcome ann to lobby: ann")
		bob := w.join("Lobby", "bob")
		bob.wasTold("welcome bob to lobby: ann bob")
		ann.wasTold("bob joined")
		eve := w.join("attic", "eve")
		bob.says("hello")
		ann.says("  hi\n")
		ann.says("  ")
		for _, c := range []*client{ann, bob} {
			c.wasTold("bob: hello", "ann: hi")
		}
		eve.wasTold("welcome eve to attic: eve")
		ann.leaves()
		bob.wasTold("ann left")
	})
}

func TestHistory(t *testing.T) {
	o := defaults()
	o.history = 2
	serves(t, o, func(t *testing.T, w *world) {
		ann := w.join("lobby", "ann")
		for _, text := range []string{"one", "two", "three"} {
			ann.says(text)
		}
		bob := w.join("lobby", "bob")
		bob.wasTold("welcome bob to lobby: ann bob, ann: two, ann: three")
		ann.leaves()
		bob.leaves()
		if n := len(w.chat.hub.rooms); n != 0 {
			t.Errorf("%d rooms, want none: the last has left", n)
		}
		w.join("lobby", "bob").wasTold("welcome bob to lobby: bob")
	})
}

// A message of a client that has just left is dropped.
func TestSayAfterLeave(t *testing.T) {
	h := newHub(4, 4)
	ann, err1 := h.join("lobby", "ann")
	bob, err2 := h.join("lobby", "bob")
	if err := errors.Join(err1, err2, bob.leave(), bob.say("bye")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"bob joined", "bob left"} {
		var e event
		b, err := ann.feed.TryReceive()
		if err := errors.Join(err, json.Unmarshal(b, &e)); err != nil || e.String() != want {
			t.Errorf("ann was told %q, %v, want %q", e, err, want)
		}
	}
	if b, err := ann.feed.TryReceive(); err != channel.ErrWouldBlock {
		t.Errorf("ann was told %q, %v, want nothing more", b, err)
	}
	if n := ann.room.out.Subscribers(); n != 1 {
		t.Errorf("%d are told, want ann alone", n)
	}
	if err := errors.Join(ann.leave(), ann.say("bye")); err != nil {
		t.Error(err)
	}
	if err := ann.room.out.TryPublish(nil); err != channel.ErrClosed {
		t.Errorf("TryPublish() = %v after the last has left, want that the room has ended", err)
	}
}

func TestNames(t *testing.T) {
	const bad, taken = "end 1008 names have 1 to 24 letters, digits and signs", "end 1008 that name is taken in this room"
	serves(t, defaults(), func(t *testing.T, w *world) {
		ann := w.join("lobby", "Ann")
		ann.wasTold("welcome Ann to lobby: Ann")
		for _, test := range []struct{ room, name, want string }{
			{"lobby", "Ann", taken},
			{"lobby", "ann", taken},
			{"LOBBY", "ＡＮＮ ", taken},
			{"lobby", "", bad},
			{"lobby", "  ", bad},
			{"lobby", "two\nlines", bad},
			{"lobby", "zero\u200bwidth", bad},
			{"lobby", "\u202eturned", bad},
			{"lobby", "not \xff UTF-8", bad},
			{"lobby", strings.Repeat("é", maxName+1), bad},
			{"", "bob", bad},
			{strings.Repeat("é", maxName+1), "bob", bad},
		} {
			c := w.join(test.room, test.name)
			if got := strings.Join(c.news(), ", "); got != test.want {
				t.Errorf("%q in room %q was told %q, want %q", test.name, test.room, got, test.want)
			}
		}
		ann.wasTold()
		longest := strings.Repeat("é", maxName)
		w.join("attic", "ann").wasTold("welcome ann to attic: ann")
		w.join(longest, longest).wasTold("welcome " + longest + " to " + longest + ": " + longest)
		ann.leaves()
		w.join("lobby", "  ann   lee ").wasTold("welcome ann lee to lobby: ann lee")
	})
}

func TestIdle(t *testing.T) {
	const idle = 10 * time.Minute // the default
	serves(t, defaults(), func(t *testing.T, w *world) {
		ann, bob := w.join("lobby", "ann"), w.join("lobby", "bob")
		sleep(t, w, 4*time.Minute)
		ann.says("anybody here?")
		ann.news()
		bob.news()
		sleep(t, w, idle-4*time.Minute-1)
		ann.wasTold()
		bob.wasTold()
		sleep(t, w, 1)
		bob.wasTold("end 1008 you have said nothing for too long")
		w.logged(`"bob" in room "lobby": status = StatusPolicyViolation and reason = "you have said nothing for too long"`)
		ann.wasTold("bob left")
		sleep(t, w, 4*time.Minute-1)
		ann.wasTold()
		sleep(t, w, 1)
		ann.wasTold("end 1008 you have said nothing for too long")
	})
}

// A client that is cut off leaves the room at once, even if it does not answer the goodbye.
func TestIdleAndDeaf(t *testing.T) {
	serves(t, defaults(), func(t *testing.T, w *world) {
		ann := w.join("lobby", "ann")
		w.deafened("lobby", "bob")
		sleep(t, w, 5*time.Minute)
		ann.says(" ") // dropped
		ann.news()
		sleep(t, w, 5*time.Minute)
		ann.wasTold("bob left")
	})
}

// sleep lets time pass, and then all that happens at that time.
func sleep(t *testing.T, w *world, d time.Duration) {
	t.Helper()
	if err := cancel.Sleep(w.ctx, d); err != nil {
		t.Error(err)
	}
	testutil.WaitAllBlocked()
}

// A client that does not read holds up no other client. If it reads on, it gets the reason
// for being cut off.
func TestSlow(t *testing.T) {
	o := defaults()
	o.backlog = 3
	serves(t, o, func(t *testing.T, w *world) {
		ann := w.join("lobby", "ann")
		slow := w.deaf("lobby", "slow")
		ann.news()
		took := passed()
		for _, text := range []string{"1", "2", "3"} {
			ann.says(text) // is kept, while the welcome is on its way
			ann.wasTold("ann: " + text)
		}
		ann.says("4")
		ann.wasTold("ann: 4")
		if took() != 0 {
			t.Errorf("ann was held up for %v by a client that does not read", took())
		}
		slow.hears(w)
		slow.wasTold("welcome slow to lobby: ann slow", "end 1008 you are too slow to follow the room")
		w.logged(`"slow" in room "lobby": task "writer": status = StatusPolicyViolation and reason = "you are too slow to follow the room"`)
		ann.wasTold("slow left")
	})
}

// A client that is not too far behind misses no message.
func TestBehind(t *testing.T) {
	o := defaults()
	o.backlog = 3
	serves(t, o, func(t *testing.T, w *world) {
		ann := w.join("lobby", "ann")
		slow := w.deaf("lobby", "slow")
		for _, text := range []string{"1", "2", "3"} {
			ann.says(text)
		}
		slow.hears(w)
		slow.wasTold("welcome slow to lobby: ann slow", "ann: 1", "ann: 2", "ann: 3")
	})
}

// A client that never reads again is cut off when a message has waited for too long. That
// closes the connection under the reader. Whether this is taken for the reason is a race,
// hence the rounds.
func TestStuck(t *testing.T) {
	for range 100 {
		serves(t, defaults(), func(t *testing.T, w *world) {
			ann := w.join("lobby", "ann")
			stuck := w.deaf("lobby", "stuck")
			ann.news()
			sleep(t, w, writeTimeout-1)
			ann.wasTold()
			sleep(t, w, 1)
			ann.wasTold("stuck left")
			stuck.hears(w)
			stuck.wasTold("end")
			w.logged(`"stuck" in room "lobby": task "writer": status = StatusPolicyViolation and reason = "you are too slow to follow the room"`)
		})
		if t.Failed() {
			return
		}
	}
}

// A client that sends too much is slowed down, and other clients are not.
func TestFlood(t *testing.T) {
	o := defaults()
	o.rate, o.backlog = 2, burst+1
	serves(t, o, func(t *testing.T, w *world) {
		ann, eve := w.join("lobby", "ann"), w.join("lobby", "eve")
		took := passed()
		for range 3 * burst {
			if err := eve.conn.Write(w.ctx, websocket.MessageText, []byte("buy!")); err != nil {
				t.Fatal(err)
			}
		}
		testutil.WaitAllBlocked()
		// the last message need not have waited for its turn
		if want := time.Second * (2*burst - 1) / 2; took() != want {
			t.Errorf("%d messages took %v, want %v", 3*burst, took(), want)
		}
		if n := len(ann.news()); n != 3*burst+2 {
			t.Errorf("ann was told %d things, want the welcome, that eve has joined and %d messages", n, 3*burst)
		}
	})
}

func TestVanish(t *testing.T) {
	serves(t, defaults(), func(t *testing.T, w *world) {
		ann, bob := w.join("lobby", "ann"), w.join("lobby", "bob")
		ann.news()
		if err := bob.raw.Close(); err != nil {
			t.Error(err)
		}
		testutil.WaitAllBlocked()
		ann.wasTold("bob left")
		w.logged(`"bob" in room "lobby": task "reader": failed to get reader: failed to read frame header: EOF`)
	})
}

// Forbidden input ends the session, with a status that says why.
func TestMalformed(t *testing.T) {
	const masked = 0x80 // and a mask of zeros after the length
	bytes := func(b ...byte) func(*client) {
		return func(c *client) {
			if _, err := c.raw.Write(b); err != nil {
				c.t.Error(err)
			}
		}
	}
	text := func(kind websocket.MessageType, text string) func(*client) {
		return func(c *client) { c.writes(kind, text) }
	}
	o := defaults()
	for _, test := range []struct {
		name string
		send func(c *client)
		want string // a part of it
	}{
		{"binary", text(websocket.MessageBinary, "hi"), "end 1003 a message is text"},
		{"not UTF-8", text(websocket.MessageText, "\xff"), "end 1007 a message is UTF-8"},
		{"too long", text(websocket.MessageText, strings.Repeat("x", int(o.limit)+1)), "end 1009 "},
		{"not masked", bytes(0x81, 2, 'h', 'i'), "end 1002 "},
		{"reserved bit", bytes(0xc1, masked, 0, 0, 0, 0), "end 1002 "},
		{"unknown opcode", bytes(0x83, masked, 0, 0, 0, 0), "end 1002 "},
		{"continuation of nothing", bytes(0x80, masked, 0, 0, 0, 0), "end 1002 "},
		{"long control frame", bytes(0x89, masked|126, 0, 126, 0, 0, 0, 0), "end 1002 "},
		{"half a frame", func(c *client) { bytes(0x81, masked|5, 0, 0)(c); c.raw.Close() }, "end"},
	} {
		t.Run(test.name, func(t *testing.T) {
			serves(t, o, func(t *testing.T, w *world) {
				ann, eve := w.join("lobby", "ann"), w.join("lobby", "eve")
				ann.news()
				eve.news()
				test.send(eve)
				testutil.WaitAllBlocked()
				if got := eve.news(); len(got) != 1 || !strings.HasPrefix(got[0], test.want) {
					t.Errorf("eve was told %q, want %q", got, test.want)
				}
				ann.wasTold("eve left")
			})
		})
	}
	t.Run("binary, and it reads later", func(t *testing.T) {
		serves(t, o, func(t *testing.T, w *world) {
			eve := w.deaf("lobby", "eve")
			eve.writes(websocket.MessageBinary, "hi") // while the welcome is on its way
			sleep(t, w, 4*time.Second)
			eve.hears(w)
			eve.wasTold("welcome eve to lobby: eve", "end 1003 a message is text")
		})
	})
	t.Run("as long as may be", func(t *testing.T) {
		serves(t, o, func(t *testing.T, w *world) {
			ann := w.join("lobby", "ann")
			ann.news()
			longest := strings.Repeat("x", int(o.limit))
			ann.says(longest)
			ann.wasTold("ann: " + longest)
		})
	})
}

// When the chat stops, each client gets the messages that were sent before, and a goodbye.
func TestStop(t *testing.T) {
	const goodbye = "end 1001 the server is going down"
	serves(t, defaults(), func(t *testing.T, w *world) {
		ann, eve := w.join("lobby", "ann"), w.join("attic", "eve")
		late := w.deaf("lobby", "late")
		ann.says("last words")
		ann.news()
		eve.news()
		took := passed()
		w.server.Stop()
		testutil.WaitAllBlocked()
		ann.wasTold(goodbye)
		eve.wasTold(goodbye)
		if _, err := w.dial("lobby", "too late"); err == nil {
			t.Error("one can connect to a chat that is stopping")
		}
		late.says("is dropped")
		late.hears(w)
		late.wasTold("welcome late to lobby: ann late", "ann: last words", goodbye)
		if took() != 0 {
			t.Errorf("the goodbyes took %v, want no time", took())
		}
		w.logged(`"ann" in room "lobby": task "writer": status = StatusGoingAway and reason = "the server is going down"`)
	})
}

// A client that joins while the chat stops gets a goodbye, too.
func TestJoinAfterStop(t *testing.T) {
	serves(t, defaults(), func(t *testing.T, w *world) {
		w.chat.hub.close()
		w.join("lobby", "ann").wasTold("end 1001 the server is going down")
	})
}

// A canceled chat has no time for a goodbye, whatever its clients do.
func TestCancel(t *testing.T) {
	enough := errors.New("enough")
	for name, before := range map[string]func(w *world){
		"without clients": func(w *world) {},
		"one reads":       func(w *world) { w.join("lobby", "ann") },
		"one reads nothing": func(w *world) {
			w.deaf("lobby", "ann")
		},
		"one says too much": func(w *world) {
			ann := w.deafened("lobby", "ann")
			for range burst + 1 {
				ann.says(" ") // so that the writer has nothing to do
			}
		},
		"one does not hear what is said last": func(w *world) {
			w.deaf("lobby", "ann")
			w.server.Stop()
		},
		"one does not hear the goodbye": func(w *world) {
			w.deafened("lobby", "ann")
			w.server.Stop()
		},
		"one neither hears nor may go on": func(w *world) {
			w.deaf("lobby", "ann").writes(websocket.MessageBinary, "hi")
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := inWorld(t, defaults(), func(t *testing.T, w *world) {
				before(w)
				testutil.WaitAllBlocked()
				w.server.Cancel(enough)
				testutil.WaitAllBlocked() // and no time passes
				if n := w.chat.sessions.Stats().Running; n != 0 {
					t.Errorf("%d tasks go on, want none", n)
				}
			})
			if e := new(cancel.Error); !errors.As(err, &e) || e.Reason.Cause != enough {
				t.Errorf("the chat returned %v, want that it was canceled", err)
			}
		})
	}
}

// Clients that read get no goodbye from a canceled chat. Its deadline is not taken for the
// deadline of a session.
func TestDeadline(t *testing.T) {
	for range 100 { // it is a race which task notices first
		err := inWorld(t, defaults(), func(t *testing.T, w *world) {
			ann := w.join("lobby", "ann")
			ann.news()
			w.server.SetTimeout(time.Minute)
			sleep(t, w, time.Minute)
			ann.wasTold("end")
			w.logged(`"ann" in room "lobby": context deadline exceeded (deadline of a scope)`)
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the chat returned %v, want that its deadline has passed", err)
		}
		if t.Failed() {
			return
		}
	}
}

// A page of another site cannot send messages for its visitor.
func TestOrigin(t *testing.T) {
	serves(t, defaults(), func(t *testing.T, w *world) {
		for origin, want := range map[string]int{
			"":                  http.StatusSwitchingProtocols,
			"http://chat.test":  http.StatusSwitchingProtocols,
			"http://other.test": http.StatusForbidden,
		} {
			_, answer, err := websocket.Dial(w.ctx, "ws://chat.test/ws?room=lobby&name=", &websocket.DialOptions{
				HTTPClient: w.http(),
				HTTPHeader: http.Header{"Origin": {origin}},
			})
			if answer == nil || answer.StatusCode != want {
				t.Errorf("from %q: %v, want status %d", origin, err, want)
			}
		}
	})
}
