package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"testing"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// FuzzNestedEchoes passes trees of errors through nested nurseries, some of which are
// canceled. It checks that no real error is lost, that no group is empty, and that an
// outer cancellation is reported.
func FuzzNestedEchoes(f *testing.F) {
	corpus(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		b := &builder{t: t, data: data}
		root := cancel.New(context.Background())
		defer root.Close()
		depth, outside := 1+b.next()%4, b.next()%2 == 0
		var open func(ctx context.Context, level int) error
		open = func(ctx context.Context, level int) error {
			how := b.next()
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				b.echo = append(b.echo, context.Canceled)
				if how%4 == 0 {
					n.Cancel(io.EOF)
					b.echo = append(b.echo, cancel.Err(ctx), context.Cause(ctx))
				}
				if level > 0 {
					return open(ctx, level-1)
				}
				if outside {
					root.Cancel(io.ErrClosedPipe)
				}
				if err := cancel.Err(ctx); err != nil {
					b.echo = append(b.echo, err, context.Cause(ctx))
				}
				return errors.Join(b.tree(4), ctx.Err())
			}, nursery.Name(fmt.Sprint(level)))
		}
		err := open(root, depth)
		for _, e := range b.real {
			if !errors.Is(err, e) {
				t.Errorf("%v was lost: %+v", e, err)
			}
		}
		if outside && err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("Run() = %+v, want the cancellation", err)
		}
		noEmpty(t, err)
	})
}

// noEmpty checks that no group in err is empty.
func noEmpty(t *testing.T, err error) {
	t.Helper()
	switch e := err.(type) {
	case *nursery.GroupError:
		if len(e.Unwrap()) == 0 {
			t.Error("a group without failures")
		}
		for _, f := range e.Unwrap() {
			if f == nil {
				t.Error("a failure that is nil")
			}
			noEmpty(t, f)
		}
	case interface{ Unwrap() error }:
		noEmpty(t, e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, f := range e.Unwrap() {
			noEmpty(t, f)
		}
	}
}

// FuzzSplitShape checks that both parts of a Split keep the groups of the whole error:
// the path of groups and names to each leaf is unchanged.
func FuzzSplitShape(f *testing.F) {
	corpus(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		b := &builder{t: t, data: data}
		err := b.tree(5)
		leaf := 0
		chosen := make(map[error]bool)
		for l := range nursery.Leaves(err) {
			chosen[l] = leaf < len(data) && data[leaf]%3 == 0
			leaf++
		}
		matched, rest := nursery.Split(err, func(e error) bool { return chosen[e] })
		var want, got [2][]string
		for p, l := range paths(err) {
			i := 1
			if chosen[l] {
				i = 0
			}
			want[i] = append(want[i], p)
		}
		for i, part := range []error{matched, rest} {
			for p := range paths(part) {
				got[i] = append(got[i], p)
			}
			noEmpty(t, part)
			if !slices.Equal(got[i], want[i]) {
				t.Errorf("part %d of %+v has the paths\n%q, want\n%q", i, err, got[i], want[i])
			}
		}
		// Splitting a part again returns it whole.
		if m, r := nursery.Split(matched, func(e error) bool { return chosen[e] }); m != matched || r != nil {
			t.Errorf("Split(matched) = %v, %v, want all, nil", m, r)
		}
		if m, r := nursery.Split(rest, func(e error) bool { return chosen[e] }); m != nil || r != rest {
			t.Errorf("Split(rest) = %v, %v, want nil, all", m, r)
		}
	})
}

// paths yields the leaves of err with the groups and tasks above them. Wrappers of
// unknown types look the same in a path.
func paths(err error) func(yield func(path string, leaf error) bool) {
	return func(yield func(string, error) bool) {
		var walk func(path string, err error) bool
		walk = func(path string, err error) bool {
			var inner []error
			switch e := err.(type) {
			case nil:
				return true
			case *nursery.GroupError:
				path += "/group " + e.Nursery()
				inner = e.Unwrap()
			case *nursery.TaskError:
				path += "/task " + e.Task
				inner = []error{e.Err}
			case interface{ Unwrap() error }:
				path += "/wrapper"
				if w := e.Unwrap(); w != nil {
					inner = []error{w}
				}
			case interface{ Unwrap() []error }:
				path += "/wrapper"
				inner = e.Unwrap()
			}
			if len(inner) == 0 {
				return yield(path+"/"+reflect.TypeOf(err).String(), err)
			}
			for _, i := range inner {
				if !walk(path, i) {
					return false
				}
			}
			return true
		}
		walk("", err)
	}
}
