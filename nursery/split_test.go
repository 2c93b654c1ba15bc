package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"testing"

	"github.com/grove-go/grove/nursery"
)

// group returns the error of a nursery with tasks that return errs, in that order.
func group(t testing.TB, name string, errs ...error) error {
	t.Helper()
	return nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for _, err := range errs {
			n.Go(func(context.Context) error { return err })
		}
		return nil
	}, nursery.Name(name), nursery.KeepGoing(), nursery.Limit(1))
}

// A wrapper is an error of a type unknown to the package.
type wrapper struct {
	code  int
	inner error
}

func (w *wrapper) Error() string { return fmt.Sprint(w.code, ": ", w.inner) }
func (w *wrapper) Unwrap() error { return w.inner }

func TestSplit(t *testing.T) {
	isEOF := func(err error) bool { return errors.Is(err, io.EOF) }
	t.Run("N3/both sides keep the shape", func(t *testing.T) {
		inner := group(t, "inner", io.EOF, fs.ErrExist)
		err := group(t, "outer", &nursery.TaskError{Task: "x", Err: inner}, fmt.Errorf("read: %w", io.EOF), errBoom)
		matched, rest := nursery.Split(err, isEOF)
		const m = "nursery \"outer\": 2 failures\n├── task \"x\": nursery \"inner\": 1 failure\n│   └── EOF\n└── read: EOF"
		const r = "nursery \"outer\": 2 failures\n├── task \"x\": nursery \"inner\": 1 failure\n│   └── file already exists\n└── boom"
		if got := fmt.Sprintf("%+v", matched); got != m {
			t.Errorf("matched:\n%s\nwant:\n%s", got, m)
		}
		if got := fmt.Sprintf("%+v", rest); got != r {
			t.Errorf("rest:\n%s\nwant:\n%s", got, r)
		}
	})
	t.Run("N3/all or nothing returns the error itself", func(t *testing.T) {
		err := group(t, "g", io.EOF, fmt.Errorf("x: %w", io.EOF))
		if m, r := nursery.Split(err, isEOF); m != err || r != nil {
			t.Errorf("Split() = %v, %v, want all, nil", m, r)
		}
		if m, r := nursery.Split(err, func(error) bool { return false }); m != nil || r != err {
			t.Errorf("Split() = %v, %v, want nil, all", m, r)
		}
		if m, r := nursery.Split(nil, isEOF); m != nil || r != nil {
			t.Errorf("Split(nil) = %v, %v, want nil, nil", m, r)
		}
		if m, r := nursery.Split(io.EOF, isEOF); m != io.EOF || r != nil {
			t.Errorf("Split(EOF) = %v, %v, want EOF, nil", m, r)
		}
	})
	t.Run("N3/matches by name, by identity and by errors.Is", func(t *testing.T) {
		err := group(t, "g", &nursery.TaskError{Task: "x", Err: io.EOF}, errBoom)
		for name, match := range map[string]func(error) bool{
			"name":      func(err error) bool { t := new(nursery.TaskError); return errors.As(err, &t) && t.Task == "x" },
			"identity":  func(err error) bool { return err == io.EOF },
			"errors.Is": isEOF,
		} {
			m, r := nursery.Split(err, match)
			if !errors.Is(m, io.EOF) || errors.Is(m, errBoom) || errors.Is(r, io.EOF) || !errors.Is(r, errBoom) {
				t.Errorf("%s: Split() = %v, %v, want EOF, boom", name, m, r)
			}
		}
	})
	t.Run("N3/joined errors and unknown types are split too", func(t *testing.T) {
		w := &wrapper{7, errors.Join(io.EOF, errBoom)}
		for _, err := range []error{w.inner, w, fmt.Errorf("%w and %w", io.EOF, errBoom)} {
			m, r := nursery.Split(err, isEOF)
			if !slices.Equal(slices.Collect(nursery.Leaves(m)), []error{io.EOF}) || !slices.Equal(slices.Collect(nursery.Leaves(r)), []error{errBoom}) {
				t.Errorf("Split(%v) = %v, %v, want EOF, boom", err, m, r)
			}
		}
		m, r := nursery.Split(w, isEOF)
		for _, part := range []error{m, r} {
			if got := new(wrapper); !errors.As(part, &got) || got != w || !errors.Is(part, w) {
				t.Errorf("part %v does not match the wrapper with errors.Is and errors.As", part)
			}
			if e := new(nursery.TaskError); errors.As(part, &e) || errors.Is(part, fs.ErrExist) {
				t.Errorf("part %v matches the wrong error", part)
			}
		}
		if m.Error() != "EOF" || r.Error() != "boom" {
			t.Errorf("messages %q, %q, want the messages of the parts", m, r)
		}
	})
}

func TestLeaves(t *testing.T) {
	t.Run("N3/in order, until yield returns false", func(t *testing.T) {
		err := group(t, "g", fmt.Errorf("a: %w", io.EOF), errors.Join(errBoom, group(t, "h", fs.ErrExist)), io.EOF)
		want := []error{io.EOF, errBoom, fs.ErrExist, io.EOF}
		if got := slices.Collect(nursery.Leaves(err)); !slices.Equal(got, want) {
			t.Errorf("Leaves() = %v, want %v", got, want)
		}
		n := 0
		for range nursery.Leaves(err) {
			n++
			if n == 2 {
				break
			}
		}
		for leaf := range nursery.Leaves(nil) {
			t.Errorf("Leaves(nil) yielded %v", leaf)
		}
	})
}

// An aggregate is a slice of errors. Its method Is matches any of them.
type aggregate []error

func (a aggregate) Error() string        { return fmt.Sprint([]error(a)) }
func (a aggregate) Is(target error) bool { return errors.Is(errors.Join(a...), target) }
func (a aggregate) As(target any) bool   { return errors.As(errors.Join(a...), target) }

// An attempts error is like the errors of retry libraries: it unwraps to the last
// attempt.
type attempts struct{ errs []error }

func (a *attempts) Error() string          { return fmt.Sprint(a.errs) }
func (a *attempts) Unwrap() error          { return a.errs[len(a.errs)-1] }
func (a *attempts) WrappedErrors() []error { return a.errs }

// A loop wraps the errors in errs, which may include itself.
type loop struct{ errs []error }

func (l *loop) Error() string   { return "loop" }
func (l *loop) Unwrap() []error { return l.errs }

// A bottomless error unwraps to another one each time.
type bottomless int

func (e bottomless) Error() string { return "endless" }
func (e bottomless) Unwrap() error { return e + 1 }

func TestSplitContainers(t *testing.T) {
	isEOF := func(err error) bool { return errors.Is(err, io.EOF) }
	t.Run("N3/members of all kinds of containers", func(t *testing.T) {
		for _, err := range []error{
			aggregate{io.EOF, nil, errBoom},
			&attempts{[]error{io.EOF, errBoom}},
			fmt.Errorf("x: %w", aggregate{aggregate{io.EOF}, &attempts{[]error{errBoom}}}),
		} {
			if got, want := slices.Collect(nursery.Leaves(err)), []error{io.EOF, errBoom}; !slices.Equal(got, want) {
				t.Errorf("Leaves(%v) = %v, want %v", err, got, want)
			}
			m, r := nursery.Split(err, isEOF)
			if !slices.Equal(slices.Collect(nursery.Leaves(m)), []error{io.EOF}) || !slices.Equal(slices.Collect(nursery.Leaves(r)), []error{errBoom}) {
				t.Errorf("Split(%v) = %v, %v, want EOF, boom", err, m, r)
			}
			if errors.Is(m, errBoom) || errors.Is(r, io.EOF) {
				t.Errorf("Split(%v) = %v, %v: a part has an error of the other part", err, m, r)
			}
		}
		task := &nursery.TaskError{Task: "x", Err: io.EOF}
		m, r := nursery.Split(aggregate{task, errBoom}, isEOF)
		if e := new(nursery.TaskError); !errors.As(m, &e) || errors.As(r, &e) {
			t.Errorf("Split() = %v, %v, want the TaskError only in the first", m, r)
		}
		if e := (aggregate)(nil); !errors.As(m, &e) || len(e) != 2 {
			t.Errorf("the aggregate is %v, want the whole aggregate", e)
		}
	})
	t.Run("N3/behind many wrappers", func(t *testing.T) {
		const n = 100_000
		err := errors.Join(io.EOF, errBoom)
		calls := 0
		for range n {
			err = &wrapper{0, err}
		}
		m, r := nursery.Split(err, func(err error) bool { calls++; return err == io.EOF })
		if got := slices.Collect(nursery.Leaves(m)); !slices.Equal(got, []error{io.EOF}) || calls != 2 {
			t.Errorf("matched %v, %d calls, want EOF, 2", got, calls)
		}
		if got := slices.Collect(nursery.Leaves(r)); !slices.Equal(got, []error{errBoom}) {
			t.Errorf("rest %v, want boom", got)
		}
	})
	t.Run("N3/an endless chain has one leaf", func(t *testing.T) {
		leaves := slices.Collect(nursery.Leaves(bottomless(0)))
		if _, ok := leaves[0].(bottomless); len(leaves) != 1 || !ok {
			t.Errorf("Leaves() = %v, want one error of the chain", leaves)
		}
	})
	t.Run("N3/cycles", func(t *testing.T) {
		self, ring := new(wrapper), &loop{}
		self.inner = self
		ring.errs = []error{ring, io.EOF, &loop{[]error{ring}}}
		if got := slices.Collect(nursery.Leaves(self)); len(got) != 1 || got[0] != self {
			t.Errorf("Leaves() = %v, want the error itself", got)
		}
		for leaf := range nursery.Leaves(ring) {
			if leaf != io.EOF {
				t.Errorf("first leaf = %v, want EOF", leaf)
			}
			break
		}
		// Do not use errors.Is, which does not return from a ring.
		if m, r := nursery.Split(ring, func(err error) bool { return err == io.EOF }); m == nil || r == nil {
			t.Error("Split() is nil, want EOF and the rest")
		}
	})
}
