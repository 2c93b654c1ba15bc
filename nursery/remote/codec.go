package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/errtree"
	"github.com/grove-go/grove/nursery"
)

// Limits of an encoded error.
const (
	maxDepth = 32
	maxNodes = 1000
	maxText  = 16 << 10  // bytes of a message or a stack
	maxTexts = 256 << 10 // bytes of all messages and stacks
	maxError = 1 << 20   // bytes that DecodeError takes
)

// A node is an error with what it wraps.
type node struct {
	Kind     string          `json:"k"`
	Name     string          `json:"n,omitempty"` // of a nursery, task, scope or function
	Message  string          `json:"m,omitempty"`
	Type     string          `json:"t,omitempty"`
	Code     string          `json:"c,omitempty"` // as registered
	Stack    string          `json:"s,omitempty"`
	Data     json.RawMessage `json:"d,omitempty"` // of a registered type
	Reason   *reason         `json:"r,omitempty"`
	Number   int64           `json:"i,omitempty"` // an index, or microseconds
	Attempt  int             `json:"a,omitempty"`
	Time     *time.Time      `json:"at,omitempty"`
	Worker   string          `json:"w,omitempty"`
	Children []*node         `json:"e,omitempty"`
}

// Kinds of nodes.
const (
	nodeGroup   = "group"
	nodeTask    = "task"
	nodeItem    = "item"
	nodePanic   = "panic"
	nodeCancel  = "cancel"
	nodeTimeout = "timeout"
	nodeLost    = "lost"
	nodeAborted = "aborted"
	nodeRefused = "refused"
	nodeCode    = "code"
	nodeError   = "error" // of a type that is not known
)

// RegisterError lets an error keep its identity on its way between processes: errors.Is
// finds err again in what [DecodeError] returns. Both processes register it under the
// same code, usually in a variable declaration or an init function. These are registered:
// context.Canceled and DeadlineExceeded, io.EOF and ErrUnexpectedEOF, ErrNotExist, ErrExist,
// ErrPermission and ErrClosed of io/fs, os.ErrDeadlineExceeded, net.ErrClosed,
// errors.ErrUnsupported, and the errors of packages cancel, nursery and remote. RegisterError panics if
// the code is empty or registered, or if err is nil or registered, or cannot be compared.
func RegisterError(code string, err error) {
	if err == nil {
		panic("remote: RegisterError: nil error")
	}
	if !reflect.TypeOf(err).Comparable() {
		panic(fmt.Sprintf("remote: RegisterError: an error that cannot be compared, of type %T", err))
	}
	known.mu.Lock()
	defer known.mu.Unlock()
	if _, ok := known.codes[err]; ok {
		panic(fmt.Sprintf("remote: RegisterError: registered twice: %v", err))
	}
	known.addLocked("RegisterError", code, func(*node) error { return err })
	known.codes[err] = code
}

// RegisterErrorType lets errors of type E keep their type on their way between processes, as
// JSON: errors.As finds an E with the same exported fields in what [DecodeError] returns. Both
// processes register it under the same code. RegisterErrorType panics if the code is empty or
// registered, or if E is registered or is an interface.
func RegisterErrorType[E error](code string) {
	t := reflect.TypeFor[E]()
	if t.Kind() == reflect.Interface {
		panic("remote: RegisterErrorType: an interface: " + t.String())
	}
	known.mu.Lock()
	defer known.mu.Unlock()
	if _, ok := known.types[t]; ok {
		panic("remote: RegisterErrorType: registered twice: " + t.String())
	}
	known.addLocked("RegisterErrorType", code, func(n *node) error {
		var e E
		if len(n.Data) == 0 || json.Unmarshal(n.Data, &e) != nil || isNil(e) {
			return nil
		}
		return e
	})
	known.types[t] = code
}

// known are the errors and types that were registered.
var known = registry{
	codes: make(map[error]string),
	types: make(map[reflect.Type]string),
	makes: make(map[string]func(*node) error),
}

type registry struct {
	mu    sync.RWMutex
	codes map[error]string
	types map[reflect.Type]string
	makes map[string]func(*node) error // by code; the results may be nil
}

func (r *registry) addLocked(fn, code string, make func(*node) error) {
	if code == "" {
		panic("remote: " + fn + ": empty code")
	}
	if _, ok := r.makes[code]; ok {
		panic(fmt.Sprintf("remote: %s: a code that is registered: %q", fn, code))
	}
	r.makes[code] = make
}

// code returns the code of a registered error or of its type, and whether the type is
// registered.
func (r *registry) code(err error) (code string, typed, ok bool) {
	t := reflect.TypeOf(err)
	r.mu.RLock()
	defer r.mu.RUnlock()
	if t.Comparable() && reflect.ValueOf(err).Comparable() {
		if code, ok = r.codes[err]; ok {
			return code, false, true
		}
	}
	code, ok = r.types[t]
	return code, true, ok
}

// matches returns the registered errors that the method Is of err, which wraps nothing, takes
// for its own: a number of an error of the operating system has one.
func (r *registry) matches(err error) (found []error) {
	is, ok := err.(interface{ Is(target error) bool })
	if !ok {
		return nil
	}
	r.mu.RLock()
	codes := maps.Clone(r.codes)
	r.mu.RUnlock()
	safely("Is", func() string {
		for target := range codes {
			if is.Is(target) {
				found = append(found, target)
			}
		}
		return ""
	})
	slices.SortFunc(found, func(a, b error) int { return strings.Compare(codes[a], codes[b]) })
	return found
}

// make returns a registered error, or nil.
func (r *registry) make(n *node) error {
	r.mu.RLock()
	f := r.makes[n.Code]
	r.mu.RUnlock()
	if f == nil {
		return nil
	}
	return f(n)
}

func init() {
	for code, err := range map[string]error{
		"context.Canceled":         context.Canceled,
		"context.DeadlineExceeded": context.DeadlineExceeded,
		"io.EOF":                   io.EOF,
		"io.ErrUnexpectedEOF":      io.ErrUnexpectedEOF,
		"fs.ErrNotExist":           fs.ErrNotExist,
		"fs.ErrExist":              fs.ErrExist,
		"fs.ErrPermission":         fs.ErrPermission,
		"fs.ErrClosed":             fs.ErrClosed,
		"os.ErrDeadlineExceeded":   os.ErrDeadlineExceeded,
		"net.ErrClosed":            net.ErrClosed,
		"errors.ErrUnsupported":    errors.ErrUnsupported,
		"cancel.ErrClosed":         cancel.ErrClosed,
		"cancel.ErrStopping":       cancel.ErrStopping,
		"cancel.ErrGraceExpired":   cancel.ErrGraceExpired,
		"nursery.ErrGoexit":        nursery.ErrGoexit,
		"nursery.ErrEnded":         nursery.ErrEnded,
		"nursery.ErrNotStarted":    nursery.ErrNotStarted,
		"remote.ErrCallerLost":     ErrCallerLost,
		"remote.ErrNotWanted":      ErrNotWanted,
	} {
		RegisterError(code, err)
	}
}

// EncodeError returns err with everything that it wraps as JSON, for [DecodeError] in
// another process. It is for programs that carry errors by other means than [Func.Call], such as
// the details of a gRPC status. Trees of more than 32 levels or 1000 errors are cut, and
// say how much is missing, and so are messages and stacks of more than 16 KiB, or 256 KiB
// together. A method of err that panics does not make EncodeError panic. It panics if err
// is nil.
func EncodeError(err error) []byte {
	if err == nil {
		panic("remote: EncodeError: nil error")
	}
	return newEncoder().bytes(err)
}

func (enc *encoder) bytes(err error) []byte {
	b, failed := json.Marshal(enc.encode(err, 0))
	if failed != nil { // not with strings and numbers
		b, _ = json.Marshal(&node{Kind: nodeError, Type: fmt.Sprintf("%T", err), Message: failed.Error()})
	}
	if len(b) > maxError/2 && !enc.small { // JSON makes up to six bytes of one
		small := newReasonEncoder()
		small.redact = enc.redact
		return small.bytes(err)
	}
	return b
}

// DecodeError returns the error that [EncodeError] was given. Nursery groups, tasks, items
// and panics, cancellations and time-outs have their types. A [*nursery.PanicError] of
// another process is an error like any other and does not panic; its value is a string, or
// an error. Registered errors are found by errors.Is and errors.As, and all others are an
// [*Error] with the message. An error that has a method Is wraps the registered errors for which
// it holds, so errors.Is finds fs.ErrNotExist in what os.Open returns. A cancellation is no echo of a scope in this process.
//
// DecodeError returns an error of its own in failed if b is more than 1 MiB or cannot be read.
// It looks up nothing that the other process names but registered codes.
func DecodeError(b []byte) (err, failed error) {
	if len(b) > maxError {
		return nil, fmt.Errorf("remote: DecodeError: %d bytes, want at most %d", len(b), maxError)
	}
	var n node
	if failed := json.Unmarshal(b, &n); failed != nil {
		return nil, fmt.Errorf("remote: DecodeError: %w", failed)
	}
	if n.Kind == "" {
		return nil, errors.New("remote: DecodeError: not an encoded error")
	}
	return n.decode(0), nil
}

// An encoder counts what it has encoded.
type encoder struct {
	nodes  int // that may still be made
	texts  int // bytes that may still be used
	small  bool
	redact bool
}

func newEncoder() *encoder { return &encoder{nodes: maxNodes, texts: maxTexts} }

// newReasonEncoder returns an encoder for the cause of a cancellation, which goes into the
// head of a message.
func newReasonEncoder() *encoder { return &encoder{nodes: 30, texts: 4 << 10, small: true} }

// text returns s without what is too much or is not UTF-8.
func (enc *encoder) text(s string) string {
	if most := min(maxText, max(enc.texts, 100)); len(s) > most {
		cut := strings.ToValidUTF8(s[:most], "\uFFFD")
		s = fmt.Sprintf("%s… (%d bytes more)", cut, len(s)-most)
	}
	enc.texts -= len(s)
	return strings.ToValidUTF8(s, "\uFFFD")
}

// encode returns the node of err, which is not nil.
func (enc *encoder) encode(err error, depth int) *node {
	enc.nodes--
	if isNil(err) {
		return &node{Kind: nodeError, Type: fmt.Sprintf("%T", err), Message: "<nil>"}
	}
	n := &node{}
	switch e := err.(type) {
	case *nursery.GroupError:
		n.Kind, n.Name = nodeGroup, enc.text(e.Nursery())
		n.Children = enc.encodeAll(e.Unwrap(), depth)
	case *nursery.TaskError:
		n.Kind, n.Name = nodeTask, enc.text(e.Task)
		n.Children = enc.encodeAll([]error{e.Err}, depth)
	case *nursery.ItemError:
		n.Kind, n.Number = nodeItem, int64(e.Item)
		n.Children = enc.encodeAll([]error{e.Err}, depth)
	case *nursery.PanicError:
		n.Kind, n.Name = nodePanic, enc.text(e.Task)
		if !enc.redact {
			n.Stack = enc.text(string(e.Stack))
		}
		if v, ok := e.Value.(error); ok && !isNil(v) {
			n.Type = nodeError // the value is the first child
			n.Children = enc.encodeAll(append([]error{v}, e.Others...), depth)
			break
		}
		n.Message = enc.text(safely("String", func() string { return fmt.Sprint(e.Value) }))
		n.Children = enc.encodeAll(e.Others, depth)
	case *cancel.Error:
		n.Kind, n.Reason = nodeCancel, enc.reason(e.Err, e.Reason, depth)
		if e.Detail != nil {
			n.Children = enc.encodeAll([]error{e.Detail}, depth)
		}
	case *cancel.TimeoutError:
		n.Kind, n.Name, n.Number = nodeTimeout, enc.text(e.Scope), micros(e.After)
		n.Time = &e.Deadline
		if e.Detail != nil {
			n.Children = enc.encodeAll([]error{e.Detail}, depth)
		}
	case *LostError:
		n.Kind, n.Name, n.Worker, n.Number = nodeLost, enc.text(e.Func), enc.text(e.Worker), micros(e.Silent)
		n.Attempt = e.Attempt
	case *AbortedError:
		n.Kind, n.Name, n.Worker, n.Attempt = nodeAborted, enc.text(e.Func), enc.text(e.Worker), e.Attempt
		n.Reason = enc.reason(context.Canceled, e.Reason, depth)
	case *RefusedError:
		n.Kind, n.Name, n.Worker, n.Message = nodeRefused, enc.text(e.Func), enc.text(e.Worker), enc.text(e.Why)
	case *Error:
		n.Kind, n.Type, n.Message = nodeError, enc.text(e.Type), enc.text(e.Message)
		n.Children = enc.encodeAll(e.wraps, depth)
	default:
		enc.encodeOther(n, err, depth)
	}
	return n
}

// encodeOther is encode for an error of another package.
func (enc *encoder) encodeOther(n *node, err error, depth int) {
	n.Kind, n.Type = nodeError, enc.text(fmt.Sprintf("%T", err))
	n.Message = enc.text(safely("Error", err.Error))
	if code, typed, ok := known.code(err); ok {
		n.Kind, n.Code = nodeCode, code
		if !typed {
			n.Message, n.Type = "", ""
			return
		}
		n.Data = enc.data(err)
	}
	var wraps []error
	safely("Unwrap", func() string {
		members, inner := errtree.Unwrap(err)
		if wraps = members; inner != nil {
			wraps = []error{inner}
		}
		return ""
	})
	if len(wraps) == 0 && n.Kind == nodeError {
		wraps = known.matches(err)
	}
	n.Children = enc.encodeAll(wraps, depth)
}

// data returns err as JSON, or nil.
func (enc *encoder) data(err error) (data json.RawMessage) {
	safely("MarshalJSON", func() string {
		if b, failed := json.Marshal(err); failed == nil && len(b) <= min(maxText, enc.texts) {
			enc.texts -= len(b)
			data = b
		}
		return ""
	})
	return data
}

// reason returns the reason of a cancellation whose error is at this depth.
func (enc *encoder) reason(err error, r cancel.Reason, depth int) *reason {
	if enc.redact {
		r.File, r.Line, r.Cause = "", 0, nil
	}
	out := &reason{
		Deadline: errors.Is(err, context.DeadlineExceeded),
		Source:   int(r.Source), Scope: enc.text(r.Scope), Task: enc.text(r.Task),
		File: enc.text(r.File), Line: r.Line,
	}
	if r.Cause != nil && r.Cause != err {
		out.Cause = enc.encodeAll([]error{r.Cause}, depth)[0]
	}
	return out
}

// encodeAll returns the nodes of the errors that one at this depth wraps.
func (enc *encoder) encodeAll(errs []error, depth int) (nodes []*node) {
	for i, err := range errs {
		if depth+1 >= maxDepth || enc.nodes <= 0 {
			return append(nodes, &node{Kind: nodeError, Message: fmt.Sprintf("and %d more", len(errs)-i)})
		}
		if err != nil {
			nodes = append(nodes, enc.encode(err, depth+1))
		}
	}
	return nodes
}

// safely returns what a method of a foreign error returns, or a text that says that it
// panicked.
func safely(method string, f func() string) (s string) {
	defer func() {
		if v := recover(); v != nil {
			s = fmt.Sprintf("the method %s of the error panicked: %v", method, v)
		}
	}()
	return f()
}

// isNil reports whether err is a nil pointer, map or the like: its methods are likely to
// panic.
func isNil(err error) bool {
	switch v := reflect.ValueOf(err); v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
		return v.IsNil()
	}
	return false
}

// decode returns the error of a node.
func (n *node) decode(depth int) error {
	if depth > 2*maxDepth {
		return &Error{Message: n.Message}
	}
	var children []error
	for _, c := range n.Children {
		if c != nil {
			children = append(children, c.decode(depth+1))
		}
	}
	only := func() error {
		if len(children) == 1 {
			return children[0]
		}
		return &Error{Message: fmt.Sprintf("%d errors where one is expected", len(children)), wraps: children}
	}
	switch n.Kind {
	case nodeGroup:
		if len(children) > 0 {
			return nursery.NewGroupError(n.Name, children...)
		}
	case nodeTask:
		return &nursery.TaskError{Task: n.Name, Err: only()}
	case nodeItem:
		return &nursery.ItemError{Item: int(n.Number), Err: only()}
	case nodePanic:
		p := &nursery.PanicError{Value: n.Message, Stack: []byte(n.Stack), Task: n.Name}
		if n.Type == nodeError && len(children) > 0 {
			p.Value, children = children[0], children[1:]
		}
		p.Others = children
		return p
	case nodeCancel:
		if n.Reason == nil {
			break
		}
		e := n.Reason.decode(depth)
		if len(children) > 0 {
			e.Detail = only()
		}
		return e
	case nodeTimeout:
		e := &cancel.TimeoutError{Scope: n.Name, After: duration(n.Number)}
		if n.Time != nil {
			e.Deadline = *n.Time
		}
		if len(children) > 0 {
			e.Detail = only()
		}
		return e
	case nodeLost:
		return &LostError{Func: n.Name, Worker: n.Worker, Attempt: n.Attempt, Silent: duration(n.Number)}
	case nodeAborted:
		e := &AbortedError{Func: n.Name, Worker: n.Worker, Attempt: n.Attempt}
		if n.Reason != nil {
			e.Reason = n.Reason.decode(depth).Reason
		}
		return e
	case nodeRefused:
		return &RefusedError{Func: n.Name, Worker: n.Worker, Why: n.Message}
	case nodeCode:
		if err := known.make(n); err != nil {
			return err
		}
		if n.Message == "" {
			n.Message = n.Code
		}
	}
	return &Error{Type: n.Type, Message: n.Message, wraps: children}
}
