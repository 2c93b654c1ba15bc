package testutil_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// A table of cases says of each what its error is to be like.
func ExampleErrorMatcher() {
	t := printer{} // in a test, its *testing.T
	read := func(file string) error {
		return &fs.PathError{Op: "open", Path: file, Err: fs.ErrNotExist}
	}
	for _, c := range []struct {
		file string
		want testutil.ErrorMatcher
	}{
		{"none.txt", testutil.Is(fs.ErrNotExist)},
		{"", testutil.As(func(e *fs.PathError) bool { return e.Path == "" })},
	} {
		testutil.WantError(t, read(c.file), c.want)
	}
	fmt.Println("all as wanted")
	// Output: all as wanted
}

// An error that came along does not go unnoticed, as it does with errors.Is.
func ExampleIs() {
	t := printer{} // in a test, its *testing.T
	missing := fmt.Errorf("read config: %w", fs.ErrNotExist)
	testutil.WantError(t, missing, testutil.Is(fs.ErrNotExist))
	testutil.WantError(t, errors.Join(missing, io.ErrShortWrite), testutil.Is(fs.ErrNotExist))
	// Output:
	// WantError: the error is not as wanted:
	// *errors.joinError of 2 {read config: file does not exist; short write} is a group, with a match in it: put the matcher into Group
	// got:
	// *errors.joinError of 2
	// ├── read config: file does not exist
	// └── short write
	// want:
	// Is(file does not exist)
}

// What counts of an error is in its fields.
func ExampleAs() {
	t := printer{} // in a test, its *testing.T
	err := &fs.PathError{Op: "open", Path: "/etc/shadow", Err: fs.ErrPermission}
	testutil.WantError(t, err, testutil.As(func(e *fs.PathError) bool { return e.Path == "/etc/passwd" }))
	// Output:
	// WantError: the error is not as wanted:
	// check returned false for open /etc/shadow: permission denied
	// got:
	// open /etc/shadow: permission denied
	// want:
	// As[*fs.PathError](check)
}

// A task that was canceled tells why.
func ExampleCanceled() {
	t := printer{} // in a test, its *testing.T
	errLogout := errors.New("logged out")
	session := cancel.New(context.Background())
	defer session.Close()
	session.Cancel(errLogout)
	testutil.WantError(t, cancel.Sleep(session, 0), testutil.Canceled(errLogout))
	testutil.WantError(t, session.Err(), testutil.Canceled(errLogout)) // has lost the cause
	// Output:
	// WantError: the error is not as wanted:
	// context canceled is no *cancel.Error
	// got:
	// context canceled
	// want:
	// Canceled(logged out)
}

// Whatever form it has, the error says that this scope was canceled and nothing else.
func ExampleEcho() {
	t := printer{} // in a test, its *testing.T
	s := cancel.New(context.Background(), cancel.Name("fetch"), cancel.Timeout(0))
	defer s.Close()
	testutil.WantError(t, s.Err(), testutil.Echo(s))
	testutil.WantError(t, fmt.Errorf("fetch: %w", cancel.Err(s)), testutil.Echo(s))
	testutil.WantError(t, errors.Join(cancel.Err(s), io.ErrClosedPipe), testutil.Echo(s))
	// Output:
	// WantError: the error is not as wanted:
	// *errors.joinError of 2 {context deadline exceeded (deadline of scope "fetch"); io: read/write on closed pipe} is no echo of that
	// got:
	// *errors.joinError of 2
	// ├── context deadline exceeded (deadline of scope "fetch")
	// └── io: read/write on closed pipe
	// want:
	// Echo(scope "fetch")
}

// Three things went wrong, in any order.
func ExampleGroup() {
	t := printer{} // in a test, its *testing.T
	err := errors.Join(fs.ErrNotExist, io.ErrUnexpectedEOF, fs.ErrNotExist)
	testutil.WantError(t, err, testutil.Group(
		testutil.Is(io.ErrUnexpectedEOF),
		testutil.Is(fs.ErrNotExist),
		testutil.Is(fs.ErrPermission),
	))
	// Output:
	// WantError: the error is not as wanted:
	// of 3 wanted 1 missing, of 3 errors 1 left over
	// ├── missing: Is(permission denied)
	// │   └── nearest: file does not exist
	// │       └── file does not exist is another error
	// └── left over: file does not exist
	// got:
	// *errors.joinError of 3
	// ├── file does not exist
	// ├── unexpected EOF
	// └── file does not exist
	// want:
	// Group
	// ├── Is(unexpected EOF)
	// ├── Is(file does not exist)
	// └── Is(permission denied)
}

// It failed in the nursery where it was to fail, and not in another one.
func ExampleNursery() {
	t := printer{} // in a test, its *testing.T
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		return io.ErrUnexpectedEOF
	}, nursery.Name("fetch"))
	testutil.WantError(t, err, testutil.Nursery("fetch", testutil.Is(io.ErrUnexpectedEOF)))
	testutil.WantError(t, err, testutil.Nursery("store", testutil.Is(io.ErrUnexpectedEOF)))
	// Output:
	// WantError: the error is not as wanted:
	// nursery "fetch": 1 failure is another group, and what is in it matches
	// got:
	// nursery "fetch": 1 failure
	// └── unexpected EOF
	// want:
	// Nursery("store")
	// └── Is(unexpected EOF)
}

// It was this task that failed.
func ExampleTask() {
	t := printer{} // in a test, its *testing.T
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return io.ErrUnexpectedEOF }, nursery.Name("page 7"))
		return nil
	})
	testutil.WantError(t, err, testutil.Group(testutil.Task("page 7", testutil.Is(io.ErrUnexpectedEOF))))
	testutil.WantError(t, err, testutil.Group(testutil.Task("page 8", testutil.Is(io.ErrUnexpectedEOF))))
	// Output:
	// WantError: the error is not as wanted:
	// of 1 wanted 1 missing, of 1 errors 1 left over
	// ├── missing: Task("page 8"): Is(unexpected EOF)
	// │   └── nearest: task "page 7": unexpected EOF
	// │       └── the task is "page 7", and the rest matches
	// └── left over: task "page 7": unexpected EOF
	// got:
	// 1 failure
	// └── task "page 7": unexpected EOF
	// want:
	// Group
	// └── Task("page 8"): Is(unexpected EOF)
}

// A plug-in panics, and the program goes on.
func ExamplePanic() {
	t := printer{} // in a test, its *testing.T
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { panic("bad input") }, nursery.Name("plug-in"))
		return nil
	}, nursery.RecoverPanics())
	testutil.WantError(t, err, testutil.Group(testutil.Task("plug-in", testutil.Panic("bad input"))))
	fmt.Println(err)
	// Output: task "plug-in" panicked: bad input
}
