package errmatch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil/errmatch"
)

// failed returns the error of a nursery with that name. Its tasks have the names in
// tasks, if any, and fail with errs.
func failed(name string, tasks []string, errs ...error) error {
	return nursery.Run(context.Background(), func(_ context.Context, n *nursery.Nursery) error {
		for i, err := range errs {
			var opts []nursery.TaskOption
			if tasks != nil && tasks[i] != "" {
				opts = append(opts, nursery.Name(tasks[i]))
			}
			n.Go(func(context.Context) error { return err }, opts...)
		}
		return nil
	}, nursery.Name(name), nursery.KeepGoing(), nursery.Limit(1))
}

// panicked returns the error of a nursery in which a task panics with v after other tasks
// have failed.
func panicked(task string, v any, others ...error) error {
	return nursery.Run(context.Background(), func(_ context.Context, n *nursery.Nursery) (err error) {
		defer func() { err, _ = recover().(error) }()
		return nursery.Run(context.Background(), func(_ context.Context, n *nursery.Nursery) error {
			for _, err := range others {
				n.Go(func(context.Context) error { return err })
			}
			n.Go(func(context.Context) error { panic(v) }, nursery.Name(task))
			return nil
		}, nursery.KeepGoing(), nursery.Limit(1))
	}).(*nursery.GroupError).Unwrap()[0]
}

// A codeError is an error with a field to check.
type codeError struct{ code int }

func (e *codeError) Error() string { return fmt.Sprint("code ", e.code) }

// An aliasError claims, with its methods Is and As, to be io.EOF and a *codeError.
type aliasError struct{}

func (aliasError) Error() string        { return "alias" }
func (aliasError) Is(target error) bool { return target == io.EOF }
func (aliasError) As(target any) bool {
	p, ok := target.(**codeError)
	if ok {
		*p = &codeError{7}
	}
	return ok
}

// A sliceError cannot be compared.
type sliceError []int

func (sliceError) Error() string { return "slice" }

func code(n int) func(*codeError) bool {
	return func(e *codeError) bool { return e.code == n }
}

// wantReport checks that report contains all of want, or is empty if want is.
func wantReport(t *testing.T, report string, want ...string) {
	t.Helper()
	if (report == "") != (len(want) == 0) {
		t.Fatalf("got the report %q, want one with %q", report, want)
	}
	for _, w := range want {
		if !strings.Contains(report, w) {
			t.Errorf("no %q in the report:\n%s", w, report)
		}
	}
}

// wantMatch checks that Check reports nothing for err, or a text that contains all of want.
func wantMatch(t *testing.T, err error, m errmatch.Matcher, want ...string) {
	t.Helper()
	wantReport(t, errmatch.Check(err, m), want...)
}

func TestCheck(t *testing.T) {
	var (
		is       = errmatch.Is
		group    = errmatch.Group
		task     = errmatch.Task
		eof      = errmatch.Is(io.EOF)
		exist    = errmatch.Is(fs.ErrNotExist)
		anything = errmatch.As[error](nil)
		sameText = errors.New("EOF")
	)
	scope := cancel.New(context.Background(), cancel.Name("fetch"))
	defer scope.Close()
	scope.Cancel(io.EOF)
	open := cancel.New(context.Background())
	defer open.Close()

	for _, c := range []struct {
		name string
		err  error
		want errmatch.Matcher
		why  []string // parts of the report; nil if the error matches
	}{
		{"Is: itself", io.EOF, eof, nil},
		{"Is: wrapped", fmt.Errorf("a: %w", fmt.Errorf("b: %w", io.EOF)), eof, nil},
		{"Is: through a task's name", &nursery.TaskError{Task: "a", Err: io.EOF}, eof, nil},
		{"Is: by a method", aliasError{}, eof, nil},
		{"Is: a different error", io.ErrUnexpectedEOF, eof, []string{"unexpected EOF is a different error"}},
		{"Is: the same text", errors.New("EOF"), eof, []string{"EOF is a different error with the same text, a *errors.errorString"}},
		{"Is: not comparable", sliceError{1}, is(sliceError{1}), []string{"different error with the same text"}},
		{"Is: not into a group", errors.Join(io.EOF), eof, []string{"is a group with a match in it: put the matcher into Group"}},
		{"Is: a group without a match", errors.Join(io.ErrUnexpectedEOF), eof, []string{"{unexpected EOF} is a group: use Group"}},
		{"Is: a group itself", fmt.Errorf("a: %w", errGroup), is(errGroup), nil},
		{"Is: not into a panic", panicked("a", io.EOF), eof, []string{"panic EOF is a panic: use Panic"}},
		{"nil", nil, group(eof, exist), []string{"the error is nil, want:\nGroup\n├── Is(EOF)\n└── Is(file does not exist)"}},

		{"As: the type", &codeError{1}, errmatch.As[*codeError](nil), nil},
		{"As: wrapped, and checked", fmt.Errorf("a: %w", &codeError{1}), errmatch.As(code(1)), nil},
		{"As: check is false", &codeError{2}, errmatch.As(code(1)), []string{"check returned false for code 2", "want:\nAs[*errmatch_test.codeError](check)"}},
		{"As: one further down the chain", &nursery.TaskError{Task: "a", Err: &nursery.TaskError{Task: "b", Err: io.EOF}},
			errmatch.As(func(e *nursery.TaskError) bool { return e.Task == "b" }), nil},
		{"As: by a method", aliasError{}, errmatch.As(code(7)), nil},
		{"As: another type", io.EOF, errmatch.As[*codeError](nil), []string{"EOF is a *errors.errorString"}},
		{"As: not into a group", errors.Join(&codeError{1}), errmatch.As(code(1)), []string{"put the matcher into Group"}},
		{"As: the group itself", errGroup, errmatch.As[*nursery.GroupError](nil), nil},
		{"As: the panic itself", panicked("a", 1), errmatch.As(func(p *nursery.PanicError) bool { return p.Value == 1 }), nil},
		{"As: not the value of a panic", panicked("a", &codeError{1}), errmatch.As(code(1)), []string{"panic code 1 is a panic: use Panic"}},
		{"As: anything", errGroup, anything, nil},

		{"Canceled: by its cause", fmt.Errorf("a: %w", cancel.Err(scope)), errmatch.Canceled(io.EOF), nil},
		{"Canceled: by a wrapper of the cause", canceledFor(&nursery.TaskError{Task: "a", Err: io.EOF}), errmatch.Canceled(io.EOF), nil},
		{"Canceled: by another cause", cancel.Err(scope), errmatch.Canceled(io.ErrUnexpectedEOF), []string{"context canceled: EOF", "has a different cause"}},
		{"Canceled: not the cause itself", io.EOF, errmatch.Canceled(io.EOF), []string{"EOF is not a *cancel.Error"}},
		{"Canceled: not into a group", errors.Join(cancel.Err(scope)), errmatch.Canceled(io.EOF), []string{"put the matcher into Group", "want:\nCanceled(EOF)"}},
		{"Echo: of the scope", fmt.Errorf("a: %w", scope.Err()), errmatch.Echo(scope), nil},
		{"Echo: a group", errors.Join(scope.Err(), cancel.Err(scope)), errmatch.Echo(scope), nil},
		{"Echo: a real error", io.ErrUnexpectedEOF, errmatch.Echo(scope), []string{"unexpected EOF is not an echo of the scope's cancellation", `want:` + "\n" + `Echo(scope "fetch")`}},
		{"Echo: a scope that is open", scope.Err(), errmatch.Echo(open), []string{"the scope has not been canceled", "Echo(unnamed scope)"}},

		{"Task: its name and error", failed("", []string{"a"}, io.EOF), group(task("a", eof)), nil},
		{"Task: wrapped, and inside another", fmt.Errorf("x: %w", &nursery.TaskError{Task: "a", Err: &nursery.TaskError{Task: "b", Err: io.EOF}}), task("b", eof), nil},
		{"Task: both names", &nursery.TaskError{Task: "a", Err: &nursery.TaskError{Task: "b", Err: io.EOF}}, task("a", task("b", eof)), nil},
		{"Task: another name", &nursery.TaskError{Task: "b", Err: io.EOF}, task("a", eof), []string{`the task is "b", but the rest matches`}},
		{"Task: another name and error", &nursery.TaskError{Task: "b", Err: io.EOF}, task("a", exist), []string{`the task is "b"` + "\n"}},
		{"Task: another error", &nursery.TaskError{Task: "a", Err: io.EOF}, task("a", exist), []string{`in task "a": EOF is a different error`, `want:` + "\n" + `Task("a"): Is(file does not exist)`}},
		{"Task: the nearest of two names", &nursery.TaskError{Task: "a", Err: &nursery.TaskError{Task: "b", Err: io.EOF}}, task("a", exist), []string{`in task "a": task "b": EOF is a different error`}},
		{"Task: no name", io.EOF, task("a", eof), []string{"EOF has no task name, but the rest matches"}},
		{"Task: no name, another error", io.EOF, task("a", exist), []string{"EOF has no task name\n"}},
		{"Task: not into a group", errors.Join(&nursery.TaskError{Task: "a", Err: io.EOF}), task("a", eof), []string{"put the matcher into Group"}},
		{"Task: a group", errors.Join(io.EOF), task("a", eof), []string{"is a group: use Group"}},
		{"Task: a panic by its own name", panicked("a", "v"), task("a", errmatch.Panic("v")), nil},
		{"Task: a panic of another task", panicked("b", "v"), task("a", errmatch.Panic("v")), []string{`the task is "b", but the rest matches`}},
		{"Task: a panic without a task name", panicked("", "v"), task("a", errmatch.Panic("v")), []string{`panic "v" has no task name, but the rest matches`}},

		{"Panic: its value", panicked("a", "v"), errmatch.Panic("v"), nil},
		{"Panic: a value of another type", panicked("a", int64(1)), errmatch.Panic(1), []string{"the panic's value is 1 (int64)", "want:\nPanic(1 (int))"}},
		{"Panic: a value that is not comparable", panicked("a", []int{1}), errmatch.Panic([]int{1}), nil},
		{"Panic: a different value with the same text", panicked("a", []string{"v w"}), errmatch.Panic([]string{"v", "w"}), []string{"the panic's value is [v w]"}},
		{"Panic: an error", panicked("a", fmt.Errorf("a: %w", io.EOF)), errmatch.Panic(io.EOF), nil},
		{"Panic: a different error with the same text", panicked("a", errors.New("EOF")), errmatch.Panic(io.EOF), []string{"the panic's value is EOF"}},
		{"Panic: no error", panicked("a", "EOF"), errmatch.Panic(io.EOF), []string{`the panic's value is "EOF"`}},
		{"Panic: another value", panicked("a", "w"), errmatch.Panic("v"), []string{`the panic's value is "w"`}},
		{"Panic: a failure", io.EOF, errmatch.Panic(io.EOF), []string{"EOF is not a panic"}},
		{"Panic: with others", panicked("a", "v", io.EOF, fs.ErrNotExist), errmatch.Panic("v", exist, eof), nil},
		{"Panic: others that are not wanted", panicked("a", "v", io.EOF), errmatch.Panic("v"), []string{"failures reported with the panic: 0 of 0 wanted missing, 1 of 1 errors left over\n└── left over: EOF"}},
		{"Panic: others that are missing", panicked("a", "v"), errmatch.Panic("v", eof), []string{"1 of 1 wanted missing, 0 of 0 errors left over\n└── missing: Is(EOF)\ngot"}},

		{"Group: any order", failed("", nil, io.EOF, fs.ErrNotExist, &codeError{1}), group(errmatch.As(code(1)), eof, exist), nil},
		{"Group: a result of Join", errors.Join(io.EOF, nil, fs.ErrNotExist), group(exist, eof), nil},
		{"Group: a result of Errorf", fmt.Errorf("%w, %w", io.EOF, fs.ErrNotExist), group(exist, eof), nil},
		{"Group: nil errors in it do not count", withNils{nil, io.EOF, nil}, group(eof), nil},
		{"Group: only nil errors", withNils{nil}, group(anything), []string{"is not a group"}},
		{"Group: wrapped", fmt.Errorf("a: %w", errors.Join(io.EOF)), group(eof), nil},
		{"Group: in a task", &nursery.TaskError{Task: "a", Err: errors.Join(io.EOF)}, group(eof), nil},
		{"Group: nested", errors.Join(io.EOF, errors.Join(io.EOF, fs.ErrNotExist)), group(group(exist, eof), eof), nil},
		{"Group: nothing is flattened", errors.Join(io.EOF, errors.Join(fs.ErrNotExist)), group(eof, exist), []string{"missing: Is(file does not exist)", "put the matcher into Group"}},
		{"Group: a single error", io.EOF, group(eof), []string{"EOF is not a group, but matches the error wanted in one"}},
		{"Group: another single error", io.EOF, group(exist), []string{"EOF is not a group\n"}},
		{"Group: one too many", errors.Join(io.EOF, fs.ErrNotExist), group(exist), []string{"0 of 1 wanted missing, 1 of 2 errors left over\n└── left over: EOF\n"}},
		{"Group: one too few", errors.Join(io.EOF), group(eof, exist), []string{"1 of 2 wanted missing, 0 of 1 errors left over", "missing: Is(file does not exist)\n    └── nearest: EOF\n        └── EOF is a different error"}},
		{"Group: equal matchers need two errors", errors.Join(io.EOF), group(eof, eof), []string{"nearest: EOF\n        └── matches, but is paired with another: Is(EOF)"}},
		{"Group: a matcher takes only one error", errors.Join(io.EOF, io.EOF), group(eof), []string{"1 of 2 errors left over"}},
		{"Group: the nearest error is left over", errors.Join(sameText, io.ErrNoProgress), group(is(sameText), eof), []string{"nearest: " + io.ErrNoProgress.Error()}},
		{"Group: the nearest error is a match that is taken", errors.Join(fs.ErrNotExist, io.EOF), group(eof, eof, exist), []string{"nearest: EOF\n        └── matches"}},
		{"Nursery: its name", failed("crawl", nil, io.EOF), errmatch.Nursery("crawl", eof), nil},
		{"Nursery: no name", failed("", nil, io.EOF), errmatch.Nursery("", eof), nil},
		{"Nursery: wrapped", fmt.Errorf("a: %w", failed("crawl", nil, io.EOF)), errmatch.Nursery("crawl", eof), nil},
		{"Nursery: another name", failed("index", nil, io.EOF), errmatch.Nursery("crawl", eof), []string{`nursery "index": 1 failure is a different group, but its errors match`, `want:` + "\n" + `Nursery("crawl")` + "\n└── Is(EOF)"}},
		{"Nursery: another name and errors", failed("index", nil, io.EOF), errmatch.Nursery("crawl", exist), []string{`nursery "index": 1 failure is a different group` + "\n"}},
		{"Nursery: another kind of group", errors.Join(io.EOF), errmatch.Nursery("", eof), []string{"*errors.joinError of 1 is a different group"}},
		{"Item: its error", &nursery.ItemError{Item: 3, Err: io.EOF}, errmatch.Item(3, eof), nil},
		{"Item: in a task", &nursery.TaskError{Task: "a", Err: &nursery.ItemError{Item: 0, Err: io.EOF}}, errmatch.Item(0, eof), nil},
		{"Item: is not needed", &nursery.ItemError{Item: 3, Err: io.EOF}, eof, nil},
		{"Item: another item", &nursery.ItemError{Item: 3, Err: io.EOF}, errmatch.Item(2, eof), []string{"the item is 3, and the rest matches"}},
		{"Item: another item and error", &nursery.ItemError{Item: 3, Err: io.EOF}, errmatch.Item(2, exist), []string{"the item is 3\n"}},
		{"Item: another error", &nursery.ItemError{Item: 3, Err: io.EOF}, errmatch.Item(3, exist), []string{"in item 3: EOF is a different error"}},
		{"Item: none", io.EOF, errmatch.Item(3, eof), []string{"EOF has no index of an item, and the rest matches"}},
		{"Item: none, and another error", io.EOF, errmatch.Item(3, exist), []string{"EOF has no index of an item\n", "want:\nItem(3): Is(file does not exist)"}},
		{"Nursery: other errors", failed("crawl", nil, io.EOF), errmatch.Nursery("crawl", exist), []string{"1 of 1 wanted missing"}},
	} {
		t.Run("T5/"+c.name, func(t *testing.T) { wantMatch(t, c.err, c.want, c.why...) })
	}
	t.Run("T5/bad input panics", func(t *testing.T) {
		for want, fn := range map[string]func(){
			"Check: nil matcher":   func() { errmatch.Check(io.EOF, nil) },
			"Is: nil target":       func() { is(nil) },
			"Canceled: nil cause":  func() { errmatch.Canceled(nil) },
			"Echo: nil scope":      func() { errmatch.Echo(nil) },
			"Task: nil matcher":    func() { task("a", nil) },
			"Item: nil matcher":    func() { errmatch.Item(0, nil) },
			"Panic: nil matcher":   func() { errmatch.Panic(1, eof, nil) },
			"Group: no matcher":    func() { group() },
			"Group: nil matcher":   func() { group(eof, nil) },
			"Nursery: no matcher":  func() { errmatch.Nursery("a") },
			"Nursery: nil matcher": func() { errmatch.Nursery("a", nil) },
		} {
			kit.MustPanic(t, "errmatch: "+want, fn)
		}
	})
	t.Run("T5/the matchers are copied", func(t *testing.T) {
		ms := []errmatch.Matcher{eof}
		all := []errmatch.Matcher{group(ms...), errmatch.Nursery("", ms...), errmatch.Panic("v", ms...)}
		ms[0] = nil
		for i, err := range []error{errors.Join(io.EOF), failed("", nil, io.EOF), panicked("", "v", io.EOF)} {
			wantMatch(t, err, all[i])
		}
	})
}

// withNils is a group that may contain nil errors.
type withNils []error

func (withNils) Error() string     { return "with nils" }
func (e withNils) Unwrap() []error { return e }

var errGroup = failed("", nil, io.EOF, fs.ErrNotExist)

func TestReport(t *testing.T) {
	t.Run("T5/the report shows missing, leftover and nearest errors", func(t *testing.T) {
		err := failed("crawl", []string{"fetch", "", "parse", "index"},
			io.ErrUnexpectedEOF,
			errors.New("disk full\nfor good"),
			failed("inner", nil, io.EOF, &codeError{2}),
			panicked("index", "out of range", fs.ErrExist),
		)
		got := errmatch.Check(err, errmatch.Nursery("crawl",
			errmatch.Task("parse", errmatch.Nursery("inner", errmatch.As(code(1)), errmatch.Is(io.EOF))),
			errmatch.Task("fetch", errmatch.Is(io.EOF)),
			errmatch.Panic("out of range", errmatch.Is(fs.ErrExist)),
		))
		want := strings.TrimPrefix(`
the error does not match:
2 of 3 wanted missing, 3 of 4 errors left over
├── missing: Task("parse"): Nursery("inner") {As[*errmatch_test.codeError](check); Is(EOF)}
│   └── nearest: task "parse": nursery "inner": 2 failures {EOF; code 2}
│       └── in task "parse": 1 of 2 wanted missing, 1 of 2 errors left over
│           ├── missing: As[*errmatch_test.codeError](check)
│           │   └── nearest: code 2
│           │       └── check returned false for code 2
│           └── left over: code 2
├── missing: Task("fetch"): Is(EOF)
│   └── nearest: task "fetch": unexpected EOF
│       └── in task "fetch": unexpected EOF is a different error
├── left over: task "fetch": unexpected EOF
├── left over: disk full; for good
└── left over: task "parse": nursery "inner": 2 failures {EOF; code 2}
got:
nursery "crawl": 4 failures
├── task "fetch": unexpected EOF
├── disk full; for good
├── task "parse": nursery "inner": 2 failures
│   ├── EOF
│   └── code 2
└── task "index": panic "out of range"
    └── file already exists
want:
Nursery("crawl")
├── Task("parse"): Nursery("inner")
│   ├── As[*errmatch_test.codeError](check)
│   └── Is(EOF)
├── Task("fetch"): Is(EOF)
└── Panic("out of range")
    └── Is(file already exists)`, "\n")
		if got != want {
			t.Errorf("Check() =\n%s\nwant\n%s", got, want)
		}
	})
	for _, c := range []struct {
		name string
		err  error
		got  string
	}{
		{"a wrapper of a leaf", fmt.Errorf("a: %w", io.EOF), "a: EOF"},
		{"a wrapper of a group", fmt.Errorf("a: %w", errGroup), "*fmt.wrapError: 2 failures\n├── EOF\n└── file does not exist"},
		{"a wrapper of a task", fmt.Errorf("a: %w", &nursery.TaskError{Task: "b", Err: io.EOF}), `*fmt.wrapError: task "b": EOF`},
		{"a wrapper of a panic", fmt.Errorf("a: %w", panicked("b", 1)), "*fmt.wrapError: panic 1 (int)"},
		{"a panic with an error", panicked("b", errors.Join(io.EOF)), "panic *errors.joinError of 1 {EOF}"},
		{"a group with nothing in it", withNils{nil}, "with nils"},
		{"a task without an error", &nursery.TaskError{Task: "b"}, `task "b": <nil>`},
		{"a nursery of one", failed("b", nil, io.EOF), "nursery \"b\": 1 failure\n└── EOF"},
	} {
		t.Run("T5/the report shows "+c.name, func(t *testing.T) {
			wantMatch(t, c.err, errmatch.Is(io.ErrNoProgress), "\ngot:\n"+c.got+"\nwant:\n")
		})
	}
	for _, c := range []struct {
		name      string
		want      errmatch.Matcher
		far, near error
	}{
		{"the same text", errmatch.Is(io.EOF), io.ErrNoProgress, errors.New("EOF")},
		{"the type", errmatch.As(code(1)), io.EOF, &codeError{2}},
		{"a cancellation", errmatch.Canceled(io.EOF), io.EOF, canceledFor(io.ErrNoProgress)},
		{"the task's name", errmatch.Task("a", errmatch.Is(io.EOF)), io.ErrNoProgress, &nursery.TaskError{Task: "a", Err: io.ErrNoProgress}},
		{"the name before the error", errmatch.Task("a", errmatch.Is(io.EOF)), &nursery.TaskError{Task: "b", Err: io.EOF}, &nursery.TaskError{Task: "a", Err: io.ErrNoProgress}},
		{"the task's error", errmatch.Task("a", errmatch.Is(io.EOF)), &nursery.TaskError{Task: "b", Err: io.ErrNoProgress}, &nursery.TaskError{Task: "b", Err: io.EOF}},
		{"a panic", errmatch.Panic("v"), io.EOF, panicked("a", "w")},
		{"the panic's value", errmatch.Panic("v"), panicked("a", "w"), panicked("a", "v", io.EOF)},
		{"a group", errmatch.Group(errmatch.Is(io.EOF)), io.ErrNoProgress, errors.Join(io.ErrNoProgress)},
		{"a group, whatever is in it", errmatch.Group(errmatch.Is(io.EOF), errmatch.Is(fs.ErrExist)), io.ErrNoProgress, errors.Join(io.ErrNoProgress, io.ErrNoProgress)},
		{"more that matches", errmatch.Group(errmatch.Is(io.EOF), errmatch.Is(fs.ErrExist)), errors.Join(io.ErrNoProgress, io.ErrNoProgress), errors.Join(io.EOF, io.ErrNoProgress)},
		{"fewer left over", errmatch.Group(errmatch.Is(io.EOF)), errors.Join(io.EOF, io.ErrNoProgress, io.ErrNoProgress), errors.Join(io.EOF, io.ErrNoProgress)},
		{"the nursery's name", errmatch.Nursery("a", errmatch.Is(io.EOF)), failed("b", nil, io.ErrNoProgress), failed("b", nil, io.EOF)},
	} {
		t.Run("T5/nearer is "+c.name, func(t *testing.T) {
			for _, err := range []error{errors.Join(c.far, c.near), errors.Join(c.near, c.far)} {
				// The report of c.near alone shows how it appears as the nearest.
				_, want, _ := strings.Cut(errmatch.Check(errors.Join(c.near), errmatch.Group(c.want)), "nearest: ")
				want, _, _ = strings.Cut(want, "\n")
				wantReport(t, errmatch.Check(err, errmatch.Group(c.want)), "nearest: "+want+"\n")
			}
		})
	}
}

// canceledFor returns the error of a context that was canceled with that cause.
func canceledFor(cause error) error {
	s := cancel.New(context.Background())
	defer s.Close()
	s.Cancel(cause)
	return cancel.Err(s)
}
