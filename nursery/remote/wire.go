package remote

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/grove-go/grove/cancel"
)

// A message is the length of its head, four bytes in network byte order, a head in JSON,
// and a body. Fields of the head that a version does not know are ignored.

// version is the version of the messages.
const version = 1

// Limits of what is taken from a peer.
const (
	maxHead = 256 << 10
	maxName = 200  // bytes of the name of a function, a worker or a caller
	maxPath = 1024 // bytes of a path
)

// Kinds of messages.
const (
	kindCall   = "call"
	kindClaim  = "claim"
	kindGrant  = "grant"
	kindBeat   = "beat"
	kindOrder  = "order" // also the answer to a beat
	kindResult = "result"
	kindOK     = "ok" // the answer to a result
)

// head is the head of every message. Times are what is left, in microseconds, because
// the clocks of two machines need not agree.
type head struct {
	V    int    `json:"v"`
	Kind string `json:"k"`

	Caller string `json:"c,omitempty"` // of a call
	Worker string `json:"w,omitempty"` // of a claim, beat, result

	ref               // of a call, result
	Fn     string     `json:"fn,omitempty"`
	Path   string     `json:"path,omitempty"`
	Lease  int64      `json:"lease,omitempty"`
	Claims []ref      `json:"claims,omitempty"`
	Grants []grant    `json:"grants,omitempty"`
	Run    [][2]int64 `json:"run,omitempty"` // of a beat: id and attempt
	Orders []order    `json:"orders,omitempty"`
	End    string     `json:"end,omitempty"` // of a result
	Why    *reason    `json:"why,omitempty"` // of a result
	Gone   bool       `json:"gone,omitempty"`
}

// ref names an attempt of a task.
type ref struct {
	ID      int64  `json:"id,omitempty"`
	Attempt int    `json:"at,omitempty"`
	Token   string `json:"tok,omitempty"` // what only the caller and its workers know
}

// A grant is the answer to a claim.
type grant struct {
	Deny   string `json:"no,omitempty"` // why not; empty: the task is the worker's
	Budget *int64 `json:"b,omitempty"`  // nil: no deadline
	Stop   bool   `json:"s,omitempty"`
}

// An order changes a running task.
type order struct {
	ref
	Cancel  *reason `json:"x,omitempty"`
	Gone    bool    `json:"g,omitempty"` // the caller does not wait for the task
	Stop    bool    `json:"s,omitempty"`
	Budget  *int64  `json:"b,omitempty"`
	Forever bool    `json:"f,omitempty"` // no deadline any more
}

// Ends of a task.
const (
	endValue   = "value"
	endError   = "error"
	endEcho    = "echo"    // of the caller's cancellation
	endWorker  = "worker"  // the worker gave up
	endRefused = "refused" // never begun
)

// A reason is a cancel.Reason.
type reason struct {
	Deadline bool   `json:"d,omitempty"`
	Source   int    `json:"src"`
	Scope    string `json:"n,omitempty"`
	Task     string `json:"t,omitempty"`
	Cause    *node  `json:"e,omitempty"`
	File     string `json:"f,omitempty"`
	Line     int    `json:"l,omitempty"`
}

// reasonOf returns the reason why ctx, which is done, was canceled.
func reasonOf(ctx context.Context) *reason {
	e, _ := cancel.Err(ctx).(*cancel.Error)
	return newReasonEncoder().reason(e.Err, e.Reason, 0)
}

// decode returns the cancellation, as one for CancelAs.
func (r *reason) decode(depth int) *cancel.Error {
	e := &cancel.Error{Err: context.Canceled, Reason: cancel.Reason{
		Source: cancel.Source(r.Source), Scope: r.Scope, Task: r.Task, File: r.File, Line: r.Line,
	}}
	if r.Deadline {
		e.Err = context.DeadlineExceeded
	}
	if r.Source < int(cancel.SourceContext) || r.Source > int(cancel.SourceClosed) {
		e.Reason.Source = cancel.SourceCancel
	}
	e.Reason.Cause = e.Err
	if r.Cause != nil {
		e.Reason.Cause = r.Cause.decode(depth + 1)
	}
	return e
}

// pack returns a message.
func pack(h *head, body []byte) ([]byte, error) {
	h.V = version
	text, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("remote: %w", err)
	}
	msg := make([]byte, 4, 4+len(text)+len(body))
	binary.BigEndian.PutUint32(msg, uint32(len(text)))
	return append(append(msg, text...), body...), nil
}

// unpack returns the head and the body of a message, which is part of msg. If the head
// can be read and has another version, it returns both with an error.
func unpack(msg []byte) (h head, body []byte, err error) {
	if len(msg) < 4 {
		return h, nil, errors.New("remote: a message without a head")
	}
	n := binary.BigEndian.Uint32(msg)
	if n > maxHead || int(n) > len(msg)-4 {
		return h, nil, fmt.Errorf("remote: a message of %d bytes with a head of %d", len(msg), n)
	}
	if err := json.Unmarshal(msg[4:4+n], &h); err != nil {
		return head{}, nil, fmt.Errorf("remote: the head of a message: %w", err)
	}
	if h.V != version {
		return h, nil, fmt.Errorf("remote: a message of version %d, want %d", h.V, version)
	}
	if len(h.Fn) > maxName || len(h.Path) > maxPath || h.Caller != "" && !validName(h.Caller) || h.Worker != "" && !validName(h.Worker) {
		return head{}, nil, errors.New("remote: a message with a name that is not valid")
	}
	return h, msg[4+n:], nil
}

// micros returns a time that is left, rounded down.
func micros(d time.Duration) int64 { return max(0, d.Microseconds()) }

// duration is the inverse of micros for a number from a peer.
func duration(us int64) time.Duration {
	const most = int64(100 * 365 * 24 * time.Hour / time.Microsecond)
	return time.Duration(min(max(0, us), most)) * time.Microsecond
}

// Addresses.
func callerAddr(name string) string { return "c." + name } // claims and results
func beatAddr(name string) string   { return "b." + name }
func workerAddr(name string) string { return "w." + name } // orders

// messageID names an attempt of a task for the queue.
func messageID(caller string, r ref) string {
	return caller + "." + strconv.FormatInt(r.ID, 10) + "." + strconv.Itoa(r.Attempt)
}

// mustName panics in the name of fn unless name can be part of an address.
func mustName(fn, name string) {
	if !validName(name) {
		panic(fmt.Sprintf("remote: %s: a name has 1 to %d letters, digits, dots, dashes and underscores, got %q", fn, maxName, name))
	}
}

func validName(name string) bool {
	for _, c := range []byte(name) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_') {
			return false
		}
	}
	return name != "" && len(name) <= maxName && name[0] != '.' && name[len(name)-1] != '.' && !strings.Contains(name, "..")
}
