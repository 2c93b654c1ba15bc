package errtree_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/grove-go/grove/internal/errtree"
)

// Errors with fields.
type (
	exported   struct{ Err error }
	unexported struct{ err error }
	anything   struct{ Value any }
	values     struct{ list []any }
	nested     struct {
		in struct{ part struct{ err error } }
	}
	behind     struct{ p *part }
	byName     struct{ errs map[string]error }
	locked     struct{ c *collector }
	lockedSelf struct {
		mu  sync.Mutex
		err error
	}
	lockedText struct {
		mu   sync.Mutex
		text string
	}
	stacked struct {
		Err   error
		trace *trace
	}
	coded struct{ Code code }
	node  struct {
		err  error
		next *node
	}
	plain struct {
		s string
		p *int
		l [][]byte
		m map[string][]int
	}
	opaque struct {
		f func() error
		c chan error
		m map[string]any
		p *struct{ v any }
	}
	recursive struct{ r []recursive } // in doubt, it may
	anyMap    map[string]any
)

type (
	part      struct{ Err error }
	collector struct {
		mu   sync.Mutex
		errs []error
	}
	trace []string
	code  int
)

func (trace) Error() string       { return "trace" }
func (code) Error() string        { return "code" }
func (exported) Error() string    { return "exported" }
func (unexported) Error() string  { return "unexported" }
func (anything) Error() string    { return "anything" }
func (values) Error() string      { return "values" }
func (nested) Error() string      { return "nested" }
func (behind) Error() string      { return "behind" }
func (byName) Error() string      { return "byName" }
func (locked) Error() string      { return "locked" }
func (*lockedSelf) Error() string { return "lockedSelf" }
func (*lockedText) Error() string { return "lockedText" }
func (stacked) Error() string     { return "stacked" }
func (coded) Error() string       { return "coded" }
func (*node) Error() string       { return "node" }
func (plain) Error() string       { return "plain" }
func (opaque) Error() string      { return "opaque" }
func (anyMap) Error() string      { return "anyMap" }
func (recursive) Error() string   { return "recursive" }

func TestAllHeld(t *testing.T) {
	a, b := errors.New("a"), errors.New("b")
	deep := nested{}
	deep.in.part.err = a
	circle := &node{err: a}
	circle.next = circle
	for _, tt := range []struct {
		name string
		err  error
		want []string // held errors: ! cannot be read, ? is unknown
		all  bool     // in spite of the unknown ones
	}{
		{"no fields", a, nil, true},
		{"nil", exported{}, nil, true},
		{"an exported field", exported{a}, []string{"a"}, true},
		{"an unexported field", unexported{a}, []string{"!a"}, true},
		{"an unknown one", unexported{io.EOF}, []string{"?"}, false},
		{"of a pointer", &unexported{a}, []string{"!a"}, true},
		{"of a nil pointer", (*unexported)(nil), nil, true},
		{"a nil pointer in an interface", exported{(*lockedSelf)(nil)}, []string{"?"}, false},
		{"an interface with an error", anything{a}, []string{"a"}, true},
		{"an interface with a list of errors", anything{[]error{a}}, []string{"a"}, true},
		{"an interface with a list of interfaces", anything{[]any{1, a}}, []string{"a"}, true},
		{"an interface with a struct", anything{part{a}}, []string{"a"}, true},
		{"an interface with something else", anything{"x"}, nil, true},
		{"a list", joined{[]error{a, nil, b}}, []string{"!a", "!b"}, true},
		{"a list of interfaces", values{[]any{1, a, nil, "x"}}, []string{"!a"}, true},
		{"the error is a list", list{a, b}, []string{"a", "b"}, true},
		{"a struct in a struct", deep, []string{"!a"}, true},
		{"behind a pointer", behind{&part{a}}, []string{"!a"}, true},
		{"behind a nil pointer", behind{}, nil, true},
		{"a map of errors", byName{map[string]error{"x": a}}, []string{"?"}, false},
		{"an empty map of errors", byName{map[string]error{}}, nil, true},
		{"behind a pointer, with a lock", locked{&collector{sync.Mutex{}, nil}}, []string{"?"}, false},
		{"a nil pointer to a lock", locked{}, nil, true},
		{"a lock of its own", &lockedSelf{sync.Mutex{}, a}, []string{"?"}, false},
		{"a lock of its own, and no place for an error", &lockedText{sync.Mutex{}, "text"}, nil, true},
		{"a map of errors in an interface", anything{map[string]error{"x": a}}, []string{"?"}, false},
		{"an empty map of errors in an interface", anything{map[string]error{}}, nil, true},
		{"a part with a method Error", stacked{a, new(trace)}, []string{"a", "?"}, true},
		{"a zero value with a method Error", coded{0}, nil, true},
		{"a value with a method Error", coded{1}, []string{"code"}, true},
		{"a linked list", &node{a, &node{b, nil}}, []string{"!a", "?", "!b"}, true},
		{"what it does not look for", opaque{f: func() error { return a }, p: &struct{ v any }{a}}, nil, true},
		{"fmt", fmt.Errorf("%w", a), []string{"!a"}, true},
		{"fmt with two", fmt.Errorf("%w %w", a, b), []string{"!a", "!b"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			all := errtree.AllHeld(tt.err, func(h errtree.Held) bool {
				held := "?"
				if err, ok := h.Read(); ok {
					held = err.Error()
				} else if h.Is(a) {
					held = "!a"
				} else if h.Is(b) {
					held = "!b"
				}
				got = append(got, held)
				return held != "?"
			})
			if !slices.Equal(got, tt.want) || all != tt.all {
				t.Errorf("AllHeld() = %v, of %q, want %v, %q", all, got, tt.all, tt.want)
			}
		})
	}
	t.Run("stops when told", func(t *testing.T) {
		calls := 0
		if errtree.AllHeld(list{a, b}, func(errtree.Held) bool { calls++; return false }) || calls != 1 {
			t.Errorf("%d calls, want 1", calls)
		}
	})
	t.Run("a cycle of pointers ends", func(t *testing.T) {
		if errtree.AllHeld(circle, func(h errtree.Held) bool { return h.Is(a) }) {
			t.Error("AllHeld() = true of a cycle, want false")
		}
	})
}

func TestMayHold(t *testing.T) {
	for want, errs := range map[bool][]error{
		false: {io.EOF, plain{"", nil, nil, nil}, &plain{}, code(1), trace{}},
		true: {
			exported{}, &unexported{}, anything{}, values{}, nested{}, behind{}, byName{}, locked{}, stacked{}, coded{},
			list{}, &node{}, opaque{nil, nil, nil, nil}, recursive{nil}, function(nil), anyMap{},
		},
	} {
		for _, err := range errs {
			if got := errtree.MayHold(err); got != want {
				t.Errorf("MayHold(%T) = %v, want %v", err, got, want)
			}
		}
	}
}
