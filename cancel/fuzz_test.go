package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/grove-go/grove/cancel"
)

// A tree is a random tree of errors, and what is known of it.
type tree struct {
	err  error
	real int // leaves that are no echo
	echo int // leaves that are
}

// A grower makes trees of errors as its script says. When the script is at its
// end, so is the tree.
type grower struct {
	script []byte
	leaves []tree
}

func (g *grower) next() int {
	if len(g.script) == 0 {
		return 0
	}
	b := g.script[0]
	g.script = g.script[1:]
	return int(b)
}

func (g *grower) grow(depth int) tree {
	k := g.next()
	if depth == 0 || k < 128 {
		return g.leaves[k%len(g.leaves)]
	}
	switch k % 5 {
	case 0:
		t := g.grow(depth - 1)
		t.err = fmt.Errorf("wrapped: %w", t.err)
		return t
	case 1:
		a, b := g.grow(depth-1), g.grow(depth-1)
		return tree{fmt.Errorf("both: %w and %w", a.err, b.err), a.real + b.real, a.echo + b.echo}
	case 2:
		t := g.grow(depth - 1)
		if t.echo > 0 && t.real == 0 { // a panic's value: all below is real
			t.real, t.echo = t.echo, 0
		}
		t.err = opaque{t.err, false}
		return t
	}
	var joined tree
	var errs []error
	for range 1 + g.next()%4 {
		t := g.grow(depth - 1)
		errs = append(errs, t.err, nil)
		joined.real += t.real
		joined.echo += t.echo
	}
	joined.err = errors.Join(errs...)
	return joined
}

// FuzzEcho builds random trees of errors. One with a leaf that is not an echo of
// the scope's cancellation is never called an echo, and is never dropped; one
// with nothing but echoes always is.
func FuzzEcho(f *testing.F) {
	for _, script := range []string{
		"", "\x00", "\x01\x02", "\x80\x01", "\x81\x00\x05", "\x83\x03\x00\x01\x02\x06", "\x82\x00", "\x83\x01\x82\x00\x01",
		"\x85\x86\x87\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a",
	} {
		f.Add([]byte(script))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		cause := errors.New("cause")
		s, other := cancel.New(t.Context()), cancel.New(t.Context())
		s.Cancel(cause)
		other.Cancel(errors.New("other cause"))
		std, stop := context.WithCancel(t.Context())
		stop()
		child, stop := context.WithCancel(cancel.New(s))
		defer stop()
		timeout := cancel.FailAfter(t.Context(), 0, echo)
		g := &grower{script, []tree{
			{context.Canceled, 0, 1},
			{cause, 0, 1},
			{cancel.Err(s), 0, 1},
			{cancel.Err(child), 0, 1},
			{errors.New("context canceled"), 1, 0},
			{io.EOF, 1, 0},
			{context.DeadlineExceeded, 1, 0},
			{cancel.Err(other), 1, 0},
			{cancel.Err(std), 1, 0},
			{timeout, 1, 0},
			{cancel.ErrClosed, 1, 0},
			{emptyJoin{}, 1, 0},
			{uncomparable{"a"}, 1, 0},
			{(*cancel.Error)(nil), 1, 0},
			{&cancel.Error{Err: context.Canceled}, 1, 0},
		}}
		e := g.grow(6)
		want := e.real == 0
		if got := s.IsEcho(e.err); got != want {
			t.Errorf("IsEcho() = %v, want %v, of %#v", got, want, e.err)
		}
		if got := s.Absorb(e.err); (got == nil) != want {
			t.Errorf("Absorb() = %v, of %#v", got, e.err)
		}
		open := cancel.New(t.Context())
		if open.IsEcho(e.err) {
			t.Errorf("IsEcho() of a scope that is not canceled = true, of %#v", e.err)
		}
	})
}
