package testutil_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/testkit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// failed returns the error of a nursery of that name whose tasks, of the names given
// or "", fail with errs.
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

// panicked returns the error of a nursery in which a task panics with v, after
// others have failed.
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

// A codeError is an error with something to check.
type codeError struct{ code int }

func (e *codeError) Error() string { return fmt.Sprint("code ", e.code) }

// An aliasError says of itself that it is io.EOF, and a *codeError.
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

// wantMatch checks what WantError reports of err: nothing, or one text with want.
func wantMatch(t *testing.T, err error, m testutil.ErrorMatcher, want ...string) {
	t.Helper()
	r := &recorder{TB: t}
	testutil.WantError(r, err, m)
	wantReport(t, r, want...)
}

func TestWantError(t *testing.T) {
	var (
		is       = testutil.Is
		group    = testutil.Group
		task     = testutil.Task
		eof      = testutil.Is(io.EOF)
		exist    = testutil.Is(fs.ErrNotExist)
		anything = testutil.As[error](nil)
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
		want testutil.ErrorMatcher
		why  []string // reported; nothing if it matches
	}{
		{"Is: itself", io.EOF, eof, nil},
		{"Is: wrapped", fmt.Errorf("a: %w", fmt.Errorf("b: %w", io.EOF)), eof, nil},
		{"Is: through a task's name", &nursery.TaskError{Task: "a", Err: io.EOF}, eof, nil},
		{"Is: by a method", aliasError{}, eof, nil},
		{"Is: another", io.ErrUnexpectedEOF, eof, []string{"unexpected EOF is another error"}},
		{"Is: the same text", errors.New("EOF"), eof, []string{"EOF is another error of the same text, a *errors.errorString"}},
		{"Is: not comparable", sliceError{1}, is(sliceError{1}), []string{"another error of the same text"}},
		{"Is: not into a group", errors.Join(io.EOF), eof, []string{"is a group, with a match in it: put the matcher into Group"}},
		{"Is: another group", errors.Join(io.ErrUnexpectedEOF), eof, []string{"{unexpected EOF} is a group: Group matches it"}},
		{"Is: a group itself", fmt.Errorf("a: %w", errGroup), is(errGroup), nil},
		{"Is: not into a panic", panicked("a", io.EOF), eof, []string{"panic EOF is a panic: Panic matches it"}},
		{"nil", nil, group(eof, exist), []string{"the error is nil, want:\nGroup\n├── Is(EOF)\n└── Is(file does not exist)"}},

		{"As: the type", &codeError{1}, testutil.As[*codeError](nil), nil},
		{"As: wrapped, and checked", fmt.Errorf("a: %w", &codeError{1}), testutil.As(code(1)), nil},
		{"As: check is false", &codeError{2}, testutil.As(code(1)), []string{"check returned false for code 2", "want:\nAs[*testutil_test.codeError](check)"}},
		{"As: one further down the chain", &nursery.TaskError{Task: "a", Err: &nursery.TaskError{Task: "b", Err: io.EOF}},
			testutil.As(func(e *nursery.TaskError) bool { return e.Task == "b" }), nil},
		{"As: by a method", aliasError{}, testutil.As(code(7)), nil},
		{"As: another type", io.EOF, testutil.As[*codeError](nil), []string{"EOF is a *errors.errorString"}},
		{"As: not into a group", errors.Join(&codeError{1}), testutil.As(code(1)), []string{"put the matcher into Group"}},
		{"As: the group itself", errGroup, testutil.As[*nursery.GroupError](nil), nil},
		{"As: the panic itself", panicked("a", 1), testutil.As(func(p *nursery.PanicError) bool { return p.Value == 1 }), nil},
		{"As: not the value of a panic", panicked("a", &codeError{1}), testutil.As(code(1)), []string{"panic code 1 is a panic: Panic matches it"}},
		{"As: anything", errGroup, anything, nil},

		{"Canceled: by its cause", fmt.Errorf("a: %w", cancel.Err(scope)), testutil.Canceled(io.EOF), nil},
		{"Canceled: by what wraps the cause", canceledFor(&nursery.TaskError{Task: "a", Err: io.EOF}), testutil.Canceled(io.EOF), nil},
		{"Canceled: by another cause", cancel.Err(scope), testutil.Canceled(io.ErrUnexpectedEOF), []string{"context canceled: EOF", "has another cause"}},
		{"Canceled: not the cause itself", io.EOF, testutil.Canceled(io.EOF), []string{"EOF is no *cancel.Error"}},
		{"Canceled: not into a group", errors.Join(cancel.Err(scope)), testutil.Canceled(io.EOF), []string{"put the matcher into Group", "want:\nCanceled(EOF)"}},
		{"Echo: of the scope", fmt.Errorf("a: %w", scope.Err()), testutil.Echo(scope), nil},
		{"Echo: a group", errors.Join(scope.Err(), cancel.Err(scope)), testutil.Echo(scope), nil},
		{"Echo: a real error", io.ErrUnexpectedEOF, testutil.Echo(scope), []string{"unexpected EOF is no echo of that", `want:` + "\n" + `Echo(scope "fetch")`}},
		{"Echo: a scope that is open", scope.Err(), testutil.Echo(open), []string{"the scope has not been canceled", "Echo(unnamed scope)"}},

		{"Task: its name and error", failed("", []string{"a"}, io.EOF), group(task("a", eof)), nil},
		{"Task: wrapped, and inside another", fmt.Errorf("x: %w", &nursery.TaskError{Task: "a", Err: &nursery.TaskError{Task: "b", Err: io.EOF}}), task("b", eof), nil},
		{"Task: both names", &nursery.TaskError{Task: "a", Err: &nursery.TaskError{Task: "b", Err: io.EOF}}, task("a", task("b", eof)), nil},
		{"Task: another name", &nursery.TaskError{Task: "b", Err: io.EOF}, task("a", eof), []string{`the task is "b", and the rest matches`}},
		{"Task: another name and error", &nursery.TaskError{Task: "b", Err: io.EOF}, task("a", exist), []string{`the task is "b"` + "\n"}},
		{"Task: another error", &nursery.TaskError{Task: "a", Err: io.EOF}, task("a", exist), []string{`in task "a": EOF is another error`, `want:` + "\n" + `Task("a"): Is(file does not exist)`}},
		{"Task: the nearest of two names", &nursery.TaskError{Task: "a", Err: &nursery.TaskError{Task: "b", Err: io.EOF}}, task("a", exist), []string{`in task "a": task "b": EOF is another error`}},
		{"Task: no name", io.EOF, task("a", eof), []string{"EOF has no name of a task, and the rest matches"}},
		{"Task: no name, another error", io.EOF, task("a", exist), []string{"EOF has no name of a task\n"}},
		{"Task: not into a group", errors.Join(&nursery.TaskError{Task: "a", Err: io.EOF}), task("a", eof), []string{"put the matcher into Group"}},
		{"Task: a group", errors.Join(io.EOF), task("a", eof), []string{"is a group: Group matches it"}},
		{"Task: a panic by its own name", panicked("a", "v"), task("a", testutil.Panic("v")), nil},
		{"Task: a panic of another", panicked("b", "v"), task("a", testutil.Panic("v")), []string{`the task is "b", and the rest matches`}},
		{"Task: a panic of none", panicked("", "v"), task("a", testutil.Panic("v")), []string{`panic "v" has no name of a task, and the rest matches`}},

		{"Panic: its value", panicked("a", "v"), testutil.Panic("v"), nil},
		{"Panic: a value of another type", panicked("a", int64(1)), testutil.Panic(1), []string{"the panic's value is 1 (int64)", "want:\nPanic(1 (int))"}},
		{"Panic: a value that is not comparable", panicked("a", []int{1}), testutil.Panic([]int{1}), nil},
		{"Panic: another value of the same text", panicked("a", []string{"v w"}), testutil.Panic([]string{"v", "w"}), []string{"the panic's value is [v w]"}},
		{"Panic: an error", panicked("a", fmt.Errorf("a: %w", io.EOF)), testutil.Panic(io.EOF), nil},
		{"Panic: another error of the same text", panicked("a", errors.New("EOF")), testutil.Panic(io.EOF), []string{"the panic's value is EOF"}},
		{"Panic: no error", panicked("a", "EOF"), testutil.Panic(io.EOF), []string{`the panic's value is "EOF"`}},
		{"Panic: another value", panicked("a", "w"), testutil.Panic("v"), []string{`the panic's value is "w"`}},
		{"Panic: a failure", io.EOF, testutil.Panic(io.EOF), []string{"EOF is no panic"}},
		{"Panic: with others", panicked("a", "v", io.EOF, fs.ErrNotExist), testutil.Panic("v", exist, eof), nil},
		{"Panic: others that are not wanted", panicked("a", "v", io.EOF), testutil.Panic("v"), []string{"what rose with the panic: of 0 wanted 0 missing, of 1 errors 1 left over\n└── left over: EOF"}},
		{"Panic: others that are missing", panicked("a", "v"), testutil.Panic("v", eof), []string{"of 1 wanted 1 missing, of 0 errors 0 left over\n└── missing: Is(EOF)\ngot"}},

		{"Group: any order", failed("", nil, io.EOF, fs.ErrNotExist, &codeError{1}), group(testutil.As(code(1)), eof, exist), nil},
		{"Group: what Join makes", errors.Join(io.EOF, nil, fs.ErrNotExist), group(exist, eof), nil},
		{"Group: what Errorf makes", fmt.Errorf("%w, %w", io.EOF, fs.ErrNotExist), group(exist, eof), nil},
		{"Group: nils in it do not count", withNils{nil, io.EOF, nil}, group(eof), nil},
		{"Group: with nothing but nils is none", withNils{nil}, group(anything), []string{"is no group"}},
		{"Group: wrapped", fmt.Errorf("a: %w", errors.Join(io.EOF)), group(eof), nil},
		{"Group: in a task", &nursery.TaskError{Task: "a", Err: errors.Join(io.EOF)}, group(eof), nil},
		{"Group: nested", errors.Join(io.EOF, errors.Join(io.EOF, fs.ErrNotExist)), group(group(exist, eof), eof), nil},
		{"Group: nothing is flattened", errors.Join(io.EOF, errors.Join(fs.ErrNotExist)), group(eof, exist), []string{"missing: Is(file does not exist)", "put the matcher into Group"}},
		{"Group: a single error", io.EOF, group(eof), []string{"EOF is no group, and matches what is wanted in one"}},
		{"Group: another single error", io.EOF, group(exist), []string{"EOF is no group\n"}},
		{"Group: one too many", errors.Join(io.EOF, fs.ErrNotExist), group(exist), []string{"of 1 wanted 0 missing, of 2 errors 1 left over\n└── left over: EOF\n"}},
		{"Group: one too few", errors.Join(io.EOF), group(eof, exist), []string{"of 2 wanted 1 missing, of 1 errors 0 left over", "missing: Is(file does not exist)\n    └── nearest: EOF\n        └── EOF is another error"}},
		{"Group: twice the same is two", errors.Join(io.EOF), group(eof, eof), []string{"nearest: EOF\n        └── a match, but it stands for another: Is(EOF)"}},
		{"Group: one error does not do for two", errors.Join(io.EOF, io.EOF), group(eof), []string{"1 left over"}},
		{"Group: nearest is what is left over", errors.Join(sameText, io.ErrNoProgress), group(is(sameText), eof), []string{"nearest: " + io.ErrNoProgress.Error()}},
		{"Group: nearest is a match that is taken", errors.Join(fs.ErrNotExist, io.EOF), group(eof, eof, exist), []string{"nearest: EOF\n        └── a match"}},
		{"Nursery: its name", failed("crawl", nil, io.EOF), testutil.Nursery("crawl", eof), nil},
		{"Nursery: no name", failed("", nil, io.EOF), testutil.Nursery("", eof), nil},
		{"Nursery: wrapped", fmt.Errorf("a: %w", failed("crawl", nil, io.EOF)), testutil.Nursery("crawl", eof), nil},
		{"Nursery: another name", failed("index", nil, io.EOF), testutil.Nursery("crawl", eof), []string{`nursery "index": 1 failure is another group, and what is in it matches`, `want:` + "\n" + `Nursery("crawl")` + "\n└── Is(EOF)"}},
		{"Nursery: another name and errors", failed("index", nil, io.EOF), testutil.Nursery("crawl", exist), []string{`nursery "index": 1 failure is another group` + "\n"}},
		{"Nursery: another kind of group", errors.Join(io.EOF), testutil.Nursery("", eof), []string{"*errors.joinError of 1 is another group"}},
		{"Nursery: other errors", failed("crawl", nil, io.EOF), testutil.Nursery("crawl", exist), []string{"of 1 wanted 1 missing"}},
	} {
		t.Run("T5/"+c.name, func(t *testing.T) { wantMatch(t, c.err, c.want, c.why...) })
	}
	t.Run("T5/bad input panics", func(t *testing.T) {
		for want, fn := range map[string]func(){
			"WantError: nil testing.TB": func() { testutil.WantError(nil, io.EOF, eof) },
			"WantError: nil matcher":    func() { testutil.WantError(t, io.EOF, nil) },
			"Is: nil target":            func() { is(nil) },
			"Canceled: nil cause":       func() { testutil.Canceled(nil) },
			"Echo: nil scope":           func() { testutil.Echo(nil) },
			"Task: nil matcher":         func() { task("a", nil) },
			"Panic: nil matcher":        func() { testutil.Panic(1, eof, nil) },
			"Group: no matcher":         func() { group() },
			"Group: nil matcher":        func() { group(eof, nil) },
			"Nursery: no matcher":       func() { testutil.Nursery("a") },
			"Nursery: nil matcher":      func() { testutil.Nursery("a", nil) },
		} {
			testkit.MustPanic(t, "testutil: "+want, fn)
		}
	})
	t.Run("T5/the matchers are copied", func(t *testing.T) {
		ms := []testutil.ErrorMatcher{eof}
		all := []testutil.ErrorMatcher{group(ms...), testutil.Nursery("", ms...), testutil.Panic("v", ms...)}
		ms[0] = nil
		for i, err := range []error{errors.Join(io.EOF), failed("", nil, io.EOF), panicked("", "v", io.EOF)} {
			wantMatch(t, err, all[i])
		}
	})
}

// withNils is a group with nils in it.
type withNils []error

func (withNils) Error() string     { return "with nils" }
func (e withNils) Unwrap() []error { return e }

var errGroup = failed("", nil, io.EOF, fs.ErrNotExist)

func TestWantErrorReport(t *testing.T) {
	t.Run("T5/the report has what is missing, what is left over, and what came nearest", func(t *testing.T) {
		err := failed("crawl", []string{"fetch", "", "parse", "index"},
			io.ErrUnexpectedEOF,
			errors.New("disk full\nfor good"),
			failed("inner", nil, io.EOF, &codeError{2}),
			panicked("index", "out of range", fs.ErrExist),
		)
		r := &recorder{TB: t}
		testutil.WantError(r, err, testutil.Nursery("crawl",
			testutil.Task("parse", testutil.Nursery("inner", testutil.As(code(1)), testutil.Is(io.EOF))),
			testutil.Task("fetch", testutil.Is(io.EOF)),
			testutil.Panic("out of range", testutil.Is(fs.ErrExist)),
		))
		want := strings.TrimPrefix(`
WantError: the error is not as wanted:
of 3 wanted 2 missing, of 4 errors 3 left over
├── missing: Task("parse"): Nursery("inner") {As[*testutil_test.codeError](check); Is(EOF)}
│   └── nearest: task "parse": nursery "inner": 2 failures {EOF; code 2}
│       └── in task "parse": of 2 wanted 1 missing, of 2 errors 1 left over
│           ├── missing: As[*testutil_test.codeError](check)
│           │   └── nearest: code 2
│           │       └── check returned false for code 2
│           └── left over: code 2
├── missing: Task("fetch"): Is(EOF)
│   └── nearest: task "fetch": unexpected EOF
│       └── in task "fetch": unexpected EOF is another error
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
│   ├── As[*testutil_test.codeError](check)
│   └── Is(EOF)
├── Task("fetch"): Is(EOF)
└── Panic("out of range")
    └── Is(file already exists)`, "\n")
		if len(r.errors) != 1 || r.errors[0] != want {
			t.Errorf("WantError reported\n%s\nwant\n%s", strings.Join(r.errors, "\n"), want)
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
			wantMatch(t, c.err, testutil.Is(io.ErrNoProgress), "\ngot:\n"+c.got+"\nwant:\n")
		})
	}
	for _, c := range []struct {
		name      string
		want      testutil.ErrorMatcher
		far, near error
	}{
		{"the same text", testutil.Is(io.EOF), io.ErrNoProgress, errors.New("EOF")},
		{"the type", testutil.As(code(1)), io.EOF, &codeError{2}},
		{"a cancellation", testutil.Canceled(io.EOF), io.EOF, canceledFor(io.ErrNoProgress)},
		{"the task's name", testutil.Task("a", testutil.Is(io.EOF)), io.ErrNoProgress, &nursery.TaskError{Task: "a", Err: io.ErrNoProgress}},
		{"the name before the error", testutil.Task("a", testutil.Is(io.EOF)), &nursery.TaskError{Task: "b", Err: io.EOF}, &nursery.TaskError{Task: "a", Err: io.ErrNoProgress}},
		{"the task's error", testutil.Task("a", testutil.Is(io.EOF)), &nursery.TaskError{Task: "b", Err: io.ErrNoProgress}, &nursery.TaskError{Task: "b", Err: io.EOF}},
		{"a panic", testutil.Panic("v"), io.EOF, panicked("a", "w")},
		{"the panic's value", testutil.Panic("v"), panicked("a", "w"), panicked("a", "v", io.EOF)},
		{"a group", testutil.Group(testutil.Is(io.EOF)), io.ErrNoProgress, errors.Join(io.ErrNoProgress)},
		{"a group, whatever is in it", testutil.Group(testutil.Is(io.EOF), testutil.Is(fs.ErrExist)), io.ErrNoProgress, errors.Join(io.ErrNoProgress, io.ErrNoProgress)},
		{"more that matches", testutil.Group(testutil.Is(io.EOF), testutil.Is(fs.ErrExist)), errors.Join(io.ErrNoProgress, io.ErrNoProgress), errors.Join(io.EOF, io.ErrNoProgress)},
		{"fewer left over", testutil.Group(testutil.Is(io.EOF)), errors.Join(io.EOF, io.ErrNoProgress, io.ErrNoProgress), errors.Join(io.EOF, io.ErrNoProgress)},
		{"the nursery's name", testutil.Nursery("a", testutil.Is(io.EOF)), failed("b", nil, io.ErrNoProgress), failed("b", nil, io.EOF)},
	} {
		t.Run("T5/nearer is "+c.name, func(t *testing.T) {
			for _, err := range []error{errors.Join(c.far, c.near), errors.Join(c.near, c.far)} {
				r := &recorder{TB: t}
				testutil.WantError(r, err, testutil.Group(c.want))
				// The near one comes first, below the one that is missing.
				other := &recorder{TB: t}
				testutil.WantError(other, errors.Join(c.near), testutil.Group(c.want))
				_, want, _ := strings.Cut(other.errors[0], "nearest: ")
				want, _, _ = strings.Cut(want, "\n")
				wantReport(t, r, "nearest: "+want+"\n")
			}
		})
	}
}

// canceledFor returns the error of a context that was canceled for that cause.
func canceledFor(cause error) error {
	s := cancel.New(context.Background())
	defer s.Close()
	s.Cancel(cause)
	return cancel.Err(s)
}

func ExampleWantError() {
	t := printer{} // in a test, its *testing.T
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return io.ErrUnexpectedEOF }, nursery.Name("fetch"))
		n.Go(func(ctx context.Context) error { return os.ErrNotExist })
		return nil
	}, nursery.KeepGoing(), nursery.Limit(1))

	testutil.WantError(t, err, testutil.Group( // in any order
		testutil.Is(os.ErrNotExist),
		testutil.Task("fetch", testutil.Is(io.ErrUnexpectedEOF)),
	))
	testutil.WantError(t, err, testutil.Group(
		testutil.Is(os.ErrNotExist),
		testutil.Task("fetch", testutil.Is(io.EOF)),
	))
	// Output:
	// WantError: the error is not as wanted:
	// of 2 wanted 1 missing, of 2 errors 1 left over
	// ├── missing: Task("fetch"): Is(EOF)
	// │   └── nearest: task "fetch": unexpected EOF
	// │       └── in task "fetch": unexpected EOF is another error
	// └── left over: task "fetch": unexpected EOF
	// got:
	// 2 failures
	// ├── task "fetch": unexpected EOF
	// └── file does not exist
	// want:
	// Group
	// ├── Is(file does not exist)
	// └── Task("fetch"): Is(EOF)
}
