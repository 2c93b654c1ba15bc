package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/grove-go/grove/cancel"
)

// A tree is a random tree of errors with its properties.
type tree struct {
	err    error
	real   int  // leaves that are not echoes
	echo   int  // leaves that are echoes
	opaque bool // holds errors that IsEcho cannot see
}

// A grower makes trees of errors from a script. A tree ends with the script.
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
	switch k % 7 {
	case 0:
		t := g.grow(depth - 1)
		t.err = fmt.Errorf("wrapped: %w", t.err)
		return t
	case 1:
		a, b := g.grow(depth-1), g.grow(depth-1)
		return tree{fmt.Errorf("both: %w and %w", a.err, b.err), a.real + b.real, a.echo + b.echo, a.opaque || b.opaque}
	case 2:
		t := g.grow(depth - 1)
		if t.echo > 0 && t.real == 0 { // the value of a panic counts as real
			t.real, t.echo = t.echo, 0
		}
		t.err = opaque{t.err, false}
		return t
	case 3, 4, 5:
		// A container may hold any errors in any order.
		c := containers[g.next()%len(containers)]
		a, b := g.grow(depth-1), g.grow(depth-1)
		return tree{c.make(a.err, b.err), a.real + b.real, a.echo + b.echo, a.opaque || b.opaque || c.opaque}
	}
	var joined tree
	var errs []error
	for range 1 + g.next()%4 {
		t := g.grow(depth - 1)
		errs = append(errs, t.err, nil)
		joined.real += t.real
		joined.echo += t.echo
		joined.opaque = joined.opaque || t.opaque
	}
	joined.err = errors.Join(errs...)
	return joined
}

// FuzzEcho builds random trees of errors. A tree with a leaf that is not an echo of the
// scope's cancellation is never an echo and never dropped. A tree of visible echoes only
// is always an echo.
func FuzzEcho(f *testing.F) {
	for _, script := range []string{
		"", "\x00", "\x01\x02", "\x80\x01", "\x81\x00\x05", "\x83\x03\x00\x01\x02\x06", "\x82\x00", "\x83\x01\x82\x00\x01",
		"\x85\x86\x87\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a",
	} {
		f.Add([]byte(script))
	}
	for i := range containers {
		const container = 129                                              // 3 modulo 7
		f.Add([]byte{container, byte(i), 0, 1})                            // two echoes
		f.Add([]byte{container, byte(i), 2, 5})                            // one is real
		f.Add([]byte{container, byte(i), 5, 2})                            // the other is real
		f.Add([]byte{container, 0, container, byte(i), 3, 6, 1})           // below another container
		f.Add([]byte{container, byte(i), container, byte(i + 1), 0, 0, 5}) // around another container
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
			{context.Canceled, 0, 1, false},
			{cause, 0, 1, false},
			{cancel.Err(s), 0, 1, false},
			{cancel.Err(child), 0, 1, false},
			{errors.New("context canceled"), 1, 0, false},
			{io.EOF, 1, 0, false},
			{context.DeadlineExceeded, 1, 0, false},
			{cancel.Err(other), 1, 0, false},
			{cancel.Err(std), 1, 0, false},
			{timeout, 1, 0, false},
			{cancel.ErrClosed, 1, 0, false},
			{emptyJoin{}, 1, 0, false},
			{uncomparable{"a"}, 1, 0, false},
			{(*cancel.Error)(nil), 1, 0, false},
			{&cancel.Error{Err: context.Canceled}, 1, 0, false},
		}}
		e := g.grow(6)
		want := e.real == 0
		if e.opaque && want {
			want = s.IsEcho(e.err) // either result is right
		}
		if got := s.IsEcho(e.err); got != want {
			t.Errorf("IsEcho() = %v, want %v, for %#v", got, want, e.err)
		}
		if got := s.Absorb(e.err); (got == nil) != want {
			t.Errorf("Absorb() = %v, for %#v", got, e.err)
		}
		open := cancel.New(t.Context())
		if open.IsEcho(e.err) {
			t.Errorf("IsEcho() of an open scope = true, want false, for %#v", e.err)
		}
	})
}
