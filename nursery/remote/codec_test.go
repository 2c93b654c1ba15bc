package remote_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/remote"
)

var errSoldOut = errors.New("sold out")

// A partError is registered.
type partError struct{ Part string }

func (e *partError) Error() string { return "no part " + e.Part }

// A countError is registered, and its JSON is a number.
type countError int

func (e countError) Error() string { return fmt.Sprint("count ", int(e)) }

func init() {
	remote.RegisterError("test.soldOut", errSoldOut)
	remote.RegisterErrorType[*partError]("test.part")
	remote.RegisterErrorType[countError]("test.count")
}

// there returns err as it arrives in another process.
func there(t testing.TB, err error) error {
	t.Helper()
	got, failed := remote.DecodeError(remote.EncodeError(err))
	if failed != nil {
		t.Fatalf("DecodeError(%v): %v", err, failed)
	}
	return got
}

func TestErrors(t *testing.T) {
	timeout := &cancel.TimeoutError{Scope: "prices", After: time.Second, Deadline: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Detail: io.EOF}
	canceled := &cancel.Error{Err: context.Canceled, Reason: cancel.Reason{Source: cancel.SourceTask, Scope: "index", Task: "read", Cause: errSoldOut, File: "/src/a.go", Line: 7}}
	panicked := &nursery.PanicError{Value: "ouch", Stack: []byte("goroutine 7"), Task: "boom", Others: []error{io.EOF}}
	for _, err := range []error{
		errSoldOut,
		fmt.Errorf("reading: %w", io.ErrUnexpectedEOF),
		nursery.NewGroupError("remote", &nursery.TaskError{Task: "sell", Err: errSoldOut}, &nursery.ItemError{Item: 3, Err: &partError{"p7"}}, countError(5)),
		&fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist},
		errors.Join(io.EOF, fs.ErrClosed, errors.New("mine")),
		panicked,
		&nursery.PanicError{Value: errSoldOut, Task: "boom"},
		canceled,
		&cancel.Error{Err: context.DeadlineExceeded, Reason: cancel.Reason{Source: cancel.SourceDeadline, Scope: "x", Cause: context.DeadlineExceeded}, Detail: errSoldOut},
		timeout,
		&remote.LostError{Func: "f", Worker: "w", Attempt: 2, Silent: 13 * time.Second},
		&remote.AbortedError{Func: "f", Worker: "w", Attempt: 2, Reason: cancel.Reason{Source: cancel.SourceStop, Cause: cancel.ErrGraceExpired}},
		&remote.RefusedError{Func: "f", Worker: "w", Why: "no such function"},
		nursery.ErrGoexit,
	} {
		got := there(t, err)
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", err) {
			t.Errorf("R17: %T arrives as\n%+v\nwant\n%+v", err, got, err)
		}
		for _, target := range []error{errSoldOut, io.EOF, io.ErrUnexpectedEOF, fs.ErrNotExist, fs.ErrClosed, context.Canceled, context.DeadlineExceeded, remote.ErrLost, remote.ErrAborted, remote.ErrRefused, nursery.ErrGoexit} {
			if errors.Is(got, target) != errors.Is(err, target) {
				t.Errorf("R17: errors.Is(%v, %v) = %v", err, target, errors.Is(got, target))
			}
		}
		again := there(t, got)
		if fmt.Sprintf("%+v", again) != fmt.Sprintf("%+v", err) {
			t.Errorf("R17: after two hops %T arrives as\n%+v\nwant\n%+v", err, again, err)
		}
	}
	group := there(t, nursery.NewGroupError("", &partError{"p7"}, countError(5)))
	if e, ok := errors.AsType[*partError](group); !ok || e.Part != "p7" {
		t.Errorf("R17: errors.As finds %v", e)
	}
	if e, ok := errors.AsType[countError](group); !ok || e != 5 {
		t.Errorf("R17: errors.As finds %v", e)
	}
	if e, ok := there(t, canceled).(*cancel.Error); !ok || e.Reason != canceled.Reason {
		t.Errorf("R17: the reason is %+v", e)
	}
	scope := cancel.New(t.Context())
	scope.Cancel(nil)
	if scope.IsEcho(there(t, cancel.Err(scope))) {
		t.Error("R5: a cancellation of another process is an echo")
	}
	scope.Close()
}

// A wild error breaks every custom.
type wild struct {
	text   func() string
	unwrap func() []error
}

func (w *wild) Error() string   { return w.text() }
func (w *wild) Unwrap() []error { return w.unwrap() }

// A circle unwraps to itself by a detour.
type circle struct{ next *circle }

func (*circle) Error() string   { return "circle" }
func (c *circle) Unwrap() error { return c.next }

// A chaotic error makes a new wrapper each time.
type chaotic struct{}

func (chaotic) Error() string { return "chaos" }
func (chaotic) Unwrap() error {
	return &wild{chaotic{}.Error, func() []error { return []error{chaotic{}, chaotic{}} }}
}

// uncomparable is an error that == panics for.
type uncomparable []string

func (uncomparable) Error() string { return "uncomparable" }

func TestWildErrors(t *testing.T) {
	c := &circle{&circle{}}
	c.next.next = c
	var million []error
	for i := range 1_000_000 {
		million = append(million, fmt.Errorf("error %d", i))
	}
	deep := errors.New("bottom")
	for range 10_000 {
		deep = fmt.Errorf("x%w", deep)
	}
	var none *partError
	for name, err := range map[string]error{
		"panics":         &wild{func() string { panic("no text") }, func() []error { panic("no members") }},
		"a circle":       c,
		"chaos":          chaotic{},
		"a million":      errors.Join(million...),
		"a typed nil":    none,
		"uncomparable":   uncomparable{"a"},
		"not UTF-8":      errors.New("\xff\xfe"),
		"long":           errors.New(strings.Repeat("é", 1<<20)),
		"deep":           deep,
		"nil members":    &wild{func() string { return "x" }, func() []error { return []error{nil, io.EOF, nil} }},
		"a panic of one": &nursery.PanicError{Value: &wild{func() string { panic("no text") }, func() []error { return nil }}},
		"a nil group":    (*nursery.GroupError)(nil),
		"an empty label": &nursery.TaskError{Task: "x"},
		"an empty Error": &cancel.Error{},
	} {
		b := remote.EncodeError(err)
		if len(b) > 1<<20 {
			t.Errorf("R15: %s: %d bytes", name, len(b))
		}
		got, failed := remote.DecodeError(b)
		if failed != nil || got == nil {
			t.Errorf("R15: %s: DecodeError() = %v, %v", name, got, failed)
			continue
		}
		_ = fmt.Sprintf("%+v", got)
	}
	if s := there(t, errors.Join(million...)).Error(); !strings.Contains(s, "error 999999") && !strings.Contains(s, "bytes more") {
		t.Errorf("R15: a cut message does not say so: %.100q", s)
	}
	last := there(t, nursery.NewGroupError("", million...))
	leaves := slices.Collect(nursery.Leaves(last))
	if n := len(leaves); n > 1001 || leaves[n-1].Error() != "and 999001 more" {
		t.Errorf("R15: %d leaves, the last is %v", n, leaves[n-1])
	}
	for _, b := range []string{"", "x", "{}", "null", "[]", `{"k":5}`, strings.Repeat("x", 1<<20+1)} {
		if got, failed := remote.DecodeError([]byte(b)); failed == nil {
			t.Errorf("R15: DecodeError(%.20q) = %v, want an error", b, got)
		}
	}
}

func TestRegister(t *testing.T) {
	for want, f := range map[string]func(){
		"RegisterError: nil error":                      func() { remote.RegisterError("x", nil) },
		"RegisterError: empty code":                     func() { remote.RegisterError("", errors.New("x")) },
		"RegisterError: registered twice: sold out":     func() { remote.RegisterError("test.other", errSoldOut) },
		`RegisterError: a code that is registered: "io`: func() { remote.RegisterError("io.EOF", errors.New("x")) },
		"RegisterError: an error that cannot be compared": func() {
			remote.RegisterError("x", uncomparable{})
		},
		"RegisterErrorType: an interface: error":           func() { remote.RegisterErrorType[error]("x") },
		"RegisterErrorType: registered twice: remote_test": func() { remote.RegisterErrorType[countError]("x") },
		"RegisterErrorType: empty code":                    func() { remote.RegisterErrorType[uncomparable]("") },
		"EncodeError: nil error":                           func() { remote.EncodeError(nil) },
	} {
		kit.MustPanic(t, "remote: "+want, f)
	}
}

func FuzzDecodeError(f *testing.F) {
	f.Add(remote.EncodeError(nursery.NewGroupError("g", errSoldOut, &partError{"p"}, &nursery.PanicError{Value: io.EOF})))
	f.Add(remote.EncodeError(&cancel.TimeoutError{Detail: &cancel.Error{Err: context.Canceled}}))
	f.Add([]byte(`{"k":"code","c":"test.count","d":"x","e":[null,{"k":"task"},{"k":"cancel","r":{"src":99,"e":{"k":"cancel"}}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		err, failed := remote.DecodeError(b)
		if (err == nil) == (failed == nil) {
			t.Fatalf("DecodeError() = %v, %v", err, failed)
		}
		if err == nil {
			return
		}
		_ = fmt.Sprintf("%+v", err)
		if again, failed := remote.DecodeError(remote.EncodeError(err)); failed != nil || again == nil {
			t.Errorf("a second hop gives %v, %v", again, failed)
		}
	})
}
