package errtree_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"testing"

	"github.com/grove-go/grove/internal/errtree"
)

// Errors that give their members in different ways.
type (
	joined  struct{ errs []error }
	wrapped struct{ errs []error }
	several struct{ errs []error }
	list    []error
	array   [2]error
	paths   []*fs.PathError
	last    struct{ errs []error } // Unwrap is the last of several
	chain   []error                // as in hashicorp's multierror
	both    struct{ a, b []error }
	mixed   struct {
		err  error
		errs []error
	}
	self struct{ n int }
)

func (joined) Error() string       { return "joined" }
func (wrapped) Error() string      { return "wrapped" }
func (several) Error() string      { return "several" }
func (list) Error() string         { return "list" }
func (array) Error() string        { return "array" }
func (paths) Error() string        { return "paths" }
func (last) Error() string         { return "last" }
func (chain) Error() string        { return "chain" }
func (both) Error() string         { return "both" }
func (self) Error() string         { return "self" }
func (m multiError) Error() string { return "multi" }

type multiError struct{ errs []error }

func (mixed) Error() string              { return "mixed" }
func (m mixed) Unwrap() error            { return m.err }
func (m mixed) Errors() []error          { return m.errs }
func (j joined) Unwrap() []error         { return j.errs }
func (w wrapped) WrappedErrors() []error { return w.errs }
func (s several) Errors() []error        { return s.errs }
func (l last) Unwrap() error             { return l.errs[len(l.errs)-1] }
func (l last) WrappedErrors() []error    { return l.errs }
func (c chain) Unwrap() error            { return c[1:] }
func (m multiError) Unwrap() error       { return chain(m.errs) }
func (m multiError) Errors() []error     { return m.errs }
func (b both) Unwrap() []error           { return b.a }
func (b both) Errors() []error           { return b.b }
func (s *self) Unwrap() error            { return s }

// A cycle has itself as a member.
type cycle struct{ errs []error }

func (c *cycle) Error() string   { return "cycle" }
func (c *cycle) Unwrap() []error { return c.errs }

func TestUnwrap(t *testing.T) {
	a, b, c := errors.New("a"), errors.New("b"), errors.New("c")
	path := &fs.PathError{Op: "open", Err: a}
	circle := &cycle{errs: []error{a, nil}}
	circle.errs = append(circle.errs, circle)
	for _, tt := range []struct {
		name    string
		err     error
		members []error
		inner   error
	}{
		{"a leaf", a, nil, nil},
		{"a wrapper", fmt.Errorf("x: %w", a), nil, a},
		{"a wrapper of nothing", &fs.PathError{}, nil, nil},
		{"a wrapper of itself", &self{1}, nil, nil},
		{"Unwrap", joined{[]error{nil, a, nil, b}}, []error{a, b}, nil},
		{"WrappedErrors", wrapped{[]error{a, b, nil}}, []error{a, b}, nil},
		{"Errors", several{[]error{a}}, []error{a}, nil},
		{"a slice", list{a, nil, b}, []error{a, b}, nil},
		{"an array", array{a}, []error{a}, nil},
		{"a slice of a concrete type", paths{nil, path}, []error{path}, nil},
		{"no members", joined{[]error{nil}}, nil, nil},
		{"an empty slice", chain{}, nil, nil},
		{"Unwrap is the last", last{[]error{a, b}}, []error{a, b}, nil},
		{"Unwrap is a list of the same", multiError{[]error{a, b, c}}, []error{a, b, c}, nil},
		{"Unwrap is another list", mixed{array{b, c}, []error{a}}, []error{a, array{b, c}}, nil},
		{"a slice with Unwrap", chain{a, b, c}, []error{a, b, c}, nil},
		{"methods that differ", both{[]error{a, b}, []error{b, c, a, c}}, []error{a, b, c, c}, nil},
		{"the same twice", both{[]error{a, a}, []error{a, a}}, []error{a, a}, nil},
		{"a member of itself", circle, []error{a}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			members, inner := errtree.Unwrap(tt.err)
			if inner != tt.inner || !slices.Equal(members, tt.members) {
				t.Errorf("Unwrap() = %v, %v, want %v, %v", members, inner, tt.members, tt.inner)
			}
		})
	}
	if want := []error{a, nil, circle}; !slices.Equal(circle.errs, want) {
		t.Errorf("Unwrap changed the list of the error to %v", circle.errs)
	}
}

// Errors that == panics for.
type (
	slice    []string
	mapping  map[string]int
	function func()
	holder   struct{ any }
	twoPart  struct {
		n    int
		rest []string
	}
	fixed [1]any
)

func (slice) Error() string    { return "slice" }
func (mapping) Error() string  { return "mapping" }
func (function) Error() string { return "function" }
func (holder) Error() string   { return "holder" }
func (twoPart) Error() string  { return "twoPart" }
func (fixed) Error() string    { return "fixed" }

func TestSame(t *testing.T) {
	s, m, f := slice{"a", "b"}, mapping{"a": 1}, function(func() {})
	pointer := &twoPart{}
	for i, tt := range []struct {
		a, b error
		want bool
	}{
		{nil, nil, true},
		{nil, io.EOF, false},
		{io.EOF, nil, false},
		{io.EOF, io.EOF, true},
		{errors.New("a"), errors.New("a"), false},
		{io.EOF, s, false},
		{s, s, true},
		{s, s[:1], false},
		{s, slice{"a", "b"}, false},
		{m, m, true},
		{m, mapping{"a": 1}, false},
		{f, f, false},
		{function(nil), function(nil), true},
		{holder{s}, holder{s}, true},
		{holder{s}, holder{slice{"a", "b"}}, false},
		{holder{s}, holder{m}, false},
		{holder{io.EOF}, holder{io.EOF}, true},
		{holder{nil}, holder{s}, false},
		{holder{2}, holder{2}, true},
		{twoPart{1, s}, twoPart{1, s}, true},
		{twoPart{1, s}, twoPart{2, s}, false},
		{pointer, pointer, true},
		{pointer, &twoPart{}, false},
		{fixed{s}, fixed{s}, true},
		{fixed{s}, fixed{m}, false},
	} {
		if got := errtree.Same(tt.a, tt.b); got != tt.want {
			t.Errorf("%d: Same(%#v, %#v) = %v, want %v", i, tt.a, tt.b, got, tt.want)
		}
	}
}

// A circular error unwraps to itself by a detour.
type circular struct{ other *circular }

func (*circular) Error() string   { return "circular" }
func (c *circular) Unwrap() error { return c.other }

func TestIs(t *testing.T) {
	a, b := errors.New("a"), errors.New("b")
	circle := &circular{&circular{}}
	circle.other.other = circle
	for _, tt := range []struct {
		name string
		err  error
		want bool
	}{
		{"nil", nil, false},
		{"itself", a, true},
		{"another", b, false},
		{"a wrapper", fmt.Errorf("%w", a), true},
		{"a member", several{[]error{b, a}}, true},
		{"an Is method", fmt.Errorf("%w", yes{}), true},
		{"a type that == panics for", slice{"a"}, false},
		{"a circle", circle, false},
	} {
		if got := errtree.Is(tt.err, a); got != tt.want {
			t.Errorf("%s: Is() = %v, want %v", tt.name, got, tt.want)
		}
	}
	if !errtree.Is(slice(nil), slice(nil)) {
		t.Error("Is() = false for a slice and itself, want true")
	}
}

// A yes is every error.
type yes struct{}

func (yes) Error() string { return "yes" }
func (yes) Is(error) bool { return true }
