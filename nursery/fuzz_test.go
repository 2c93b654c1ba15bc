package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// A realError has its own identity.
type realError struct{ id int }

func (e *realError) Error() string { return fmt.Sprint("real ", e.id) }

// A builder makes a tree of errors from bytes.
type builder struct {
	t    testing.TB
	data []byte
	echo []error // echoes to choose from
	real []error // the leaves made that are not echoes
}

func (b *builder) next() int {
	if len(b.data) == 0 {
		return 0
	}
	v := b.data[0]
	b.data = b.data[1:]
	return int(v)
}

func (b *builder) leaf() error {
	if len(b.echo) > 0 && b.next()%2 == 0 {
		return b.echo[b.next()%len(b.echo)]
	}
	err := &realError{len(b.real)}
	b.real = append(b.real, err)
	return err
}

func (b *builder) some(depth int) []error {
	var errs []error
	for range 1 + b.next()%3 {
		errs = append(errs, b.tree(depth-1))
	}
	return errs
}

func (b *builder) tree(depth int) error {
	if depth == 0 || len(b.data) == 0 {
		return b.leaf()
	}
	switch b.next() % 9 {
	case 0, 1:
		return errors.Join(b.some(depth)...)
	case 2:
		return fmt.Errorf("wrapped: %w", b.tree(depth-1))
	case 3:
		return fmt.Errorf("both: %w and %w", b.tree(depth-1), b.tree(depth-1))
	case 4:
		return &nursery.TaskError{Task: "x", Err: b.tree(depth - 1)}
	case 5:
		return &wrapper{b.next(), b.tree(depth - 1)}
	case 6, 7:
		return group(b.t, "g", b.some(depth)...)
	}
	// A panic is a real error, whatever its value.
	before := len(b.real)
	p := &nursery.PanicError{Value: b.leaf()}
	b.real = append(b.real[:before], p)
	return p
}

// corpus adds seeds for trees of all kinds.
func corpus(f *testing.F) {
	f.Add([]byte{})
	for i := range byte(9) {
		f.Add([]byte{i, 2, 6, 1, 3, 8, 4, 2, 0, 5, 7, 1, 1, 2})
		f.Add([]byte{6, 3, i, 1, 2, 3, i, 0, 8, i, 4, 0, 1, 2, 3})
	}
}

func FuzzSplit(f *testing.F) {
	corpus(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		b := &builder{t: t, data: data}
		err := b.tree(5)
		all := slices.Collect(nursery.Leaves(err))
		chosen := make(map[error]bool)
		var in, out []error
		for i, leaf := range all {
			if i < len(data) && data[i]%2 == 0 {
				chosen[leaf] = true
				in = append(in, leaf)
			} else {
				out = append(out, leaf)
			}
		}
		matched, rest := nursery.Split(err, func(e error) bool { return chosen[e] })
		if got := slices.Collect(nursery.Leaves(matched)); !slices.Equal(got, in) {
			t.Errorf("matched %v, want %v, of %+v", got, in, err)
		}
		if got := slices.Collect(nursery.Leaves(rest)); !slices.Equal(got, out) {
			t.Errorf("rest %v, want %v, of %+v", got, out, err)
		}
		if (matched == nil) != (len(in) == 0) || (rest == nil) != (len(out) == 0) {
			t.Errorf("Split() = %v, %v for %d and %d leaves", matched, rest, len(in), len(out))
		}
		for _, part := range []error{matched, rest} {
			for leaf := range nursery.Leaves(part) {
				if !errors.Is(part, leaf) {
					t.Errorf("errors.Is does not find %v in %+v", leaf, part)
				}
			}
			_ = fmt.Sprintf("%v %+v", part, part)
		}
	})
}

// FuzzEchoes checks that a nursery loses no real error, wherever in a tree it is, and
// drops every error that is entirely an echo.
func FuzzEchoes(f *testing.F) {
	corpus(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		first := errors.New("first")
		b := &builder{t: t, data: data}
		err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				<-ctx.Done()
				b.echo = []error{ctx.Err(), cancel.Err(ctx), context.Cause(ctx)}
				return b.tree(5)
			})
			return first
		})
		got := failures(t, err)
		if got[0] != first {
			t.Fatalf("failures = %v, want %v first", got, first)
		}
		if len(b.real) == 0 && len(got) != 1 {
			t.Errorf("failures = %v, want no echoes", got)
		}
		for _, e := range b.real {
			if !errors.Is(err, e) {
				t.Errorf("%v was lost: %+v", e, err)
			}
		}
	})
}
