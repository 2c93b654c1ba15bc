package main

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
	"golang.org/x/text/secure/precis"

	"github.com/grove-go/grove/channel"
)

// maxName is how many characters a name may have.
const maxName = 24

// Reasons for refusing a client, in the words that the client is told.
var (
	errName  = websocket.CloseError{Code: websocket.StatusPolicyViolation, Reason: "names have 1 to 24 letters, digits and signs"}
	errTaken = websocket.CloseError{Code: websocket.StatusPolicyViolation, Reason: "that name is taken in this room"}
)

// An event is what clients are told, as JSON.
type event struct {
	Kind string    `json:"kind"` // welcome, joined, left or said
	Name string    `json:"name"` // the name of the member
	At   time.Time `json:"at"`
	Text string    `json:"text,omitempty"` // for said

	// The fields below are for welcome, the first event that a client gets.
	Room    string   `json:"room,omitempty"`
	Who     []string `json:"who,omitempty"`     // all in the room
	History []event  `json:"history,omitempty"` // the latest messages
}

// A hub has the rooms. A room exists while it has members.
type hub struct {
	backlog, history int

	mu     sync.Mutex // guards the fields below, and the rooms
	rooms  map[string]*room
	closed bool
}

// A room tells its members about arrivals, departures and messages. All of them go through
// one broadcast, so that all members see them in the same order. A [channel.Watch] of the
// members would be out of step with the messages: a member could appear after its first
// message.
//
// The policy for slow members is CutOff. With Block a client that does not read would hold
// up the room. With DropOldest a client would miss arrivals and departures without
// noticing. A client that is cut off is told so, and may come back and see the history.
type room struct {
	key, name string
	out       *channel.Broadcast[[]byte] // events, encoded once for all
	members   map[string]*member
	history   []event
}

// A member is a client in a room.
type member struct {
	hub       *hub
	room      *room
	key, name string
	welcome   []byte // the first event to send
	feed      *channel.Subscription[[]byte]
}

func newHub(backlog, history int) *hub {
	return &hub{backlog: backlog, history: history, rooms: make(map[string]*room)}
}

// join makes a client a member of a room and tells the room.
func (h *hub) join(roomName, name string) (*member, error) {
	roomName, roomKey, err := checkName(roomName)
	if err != nil {
		return nil, err
	}
	name, key, err := checkName(name)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, errStopping
	}
	r := h.rooms[roomKey]
	if r == nil {
		r = &room{
			key: roomKey, name: roomName,
			out: channel.NewBroadcast[[]byte](h.backlog), members: make(map[string]*member),
		}
		h.rooms[roomKey] = r
	}
	if r.members[key] != nil {
		return nil, errTaken
	}
	if err := r.tell(event{Kind: "joined", Name: name, At: time.Now()}); err != nil {
		return nil, err
	}
	m := &member{hub: h, room: r, key: key, name: name, feed: r.out.Subscribe(channel.CutOff)}
	r.members[key] = m
	var who []string
	for _, key := range slices.Sorted(maps.Keys(r.members)) {
		who = append(who, r.members[key].name)
	}
	m.welcome = encode(event{Kind: "welcome", Name: name, At: time.Now(), Room: r.name, Who: who, History: r.history})
	return m, nil
}

// say sends a message of m to the room, unless the room has ended or m has left.
func (m *member) say(text string) error {
	m.hub.mu.Lock()
	defer m.hub.mu.Unlock()
	r := m.room
	if m.hub.closed || r.members[m.key] != m {
		return nil
	}
	e := event{Kind: "said", Name: m.name, At: time.Now(), Text: text}
	r.history = append(r.history, e)
	r.history = r.history[max(0, len(r.history)-m.hub.history):]
	return r.tell(e)
}

// leave takes m out of the room. The room ends when it has no members.
func (m *member) leave() error {
	m.hub.mu.Lock()
	defer m.hub.mu.Unlock()
	r := m.room
	m.feed.Close()
	delete(r.members, m.key)
	if len(r.members) == 0 {
		delete(m.hub.rooms, r.key)
		return r.out.Close()
	}
	if m.hub.closed {
		return nil
	}
	return r.tell(event{Kind: "left", Name: m.name, At: time.Now()})
}

// close ends the rooms. Their members get the messages that were sent before.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, r := range h.rooms {
		r.out.Close()
	}
}

// tell publishes an event. Publish waits for no member, and publishers take turns under the
// lock.
func (r *room) tell(e event) error { return r.out.TryPublish(encode(e)) }

func encode(e event) []byte {
	b, err := json.Marshal(e)
	if err != nil {
		panic(err) // an event can always be encoded
	}
	return b
}

// checkName returns a name in the form that is shown and in the form that is compared, by
// RFC 8266 (nicknames). A room cannot have both Ann and ann, and a name cannot turn the
// direction of the text around it.
func checkName(s string) (name, key string, err error) {
	name, err = precis.Nickname.String(s)
	if err != nil || utf8.RuneCountInString(name) > maxName {
		return "", "", errName
	}
	key, err = precis.Nickname.CompareKey(s)
	if err != nil {
		return "", "", errName
	}
	return name, key, nil
}
