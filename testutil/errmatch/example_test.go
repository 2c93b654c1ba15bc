package errmatch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
	"github.com/grove-go/grove/testutil/errmatch"
)

func Example() {
	t := printer{} // in a test, its *testing.T
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return io.ErrUnexpectedEOF }, nursery.Name("fetch"))
		n.Go(func(ctx context.Context) error { return os.ErrNotExist })
		return nil
	}, nursery.KeepGoing())

	testutil.WantError(t, err, errmatch.Group( // in any order
		errmatch.Is(os.ErrNotExist),
		errmatch.Task("fetch", errmatch.Is(io.ErrUnexpectedEOF)),
	))
	fmt.Println("as wanted")
	// Output: as wanted
}

// A table-driven test has a matcher for the error of each case.
func ExampleMatcher() {
	t := printer{} // in a test, its *testing.T
	read := func(file string) error {
		return &fs.PathError{Op: "open", Path: file, Err: fs.ErrNotExist}
	}
	for _, c := range []struct {
		file string
		want errmatch.Matcher
	}{
		{"none.txt", errmatch.Is(fs.ErrNotExist)},
		{"", errmatch.As(func(e *fs.PathError) bool { return e.Path == "" })},
	} {
		testutil.WantError(t, read(c.file), c.want)
	}
	fmt.Println("all as wanted")
	// Output: all as wanted
}

// Is reports other errors in a group. errors.Is would overlook them.
func ExampleIs() {
	t := printer{} // in a test, its *testing.T
	missing := fmt.Errorf("read config: %w", fs.ErrNotExist)
	testutil.WantError(t, missing, errmatch.Is(fs.ErrNotExist))
	testutil.WantError(t, errors.Join(missing, io.ErrShortWrite), errmatch.Is(fs.ErrNotExist))
	// Output:
	// WantError: the error does not match:
	// *errors.joinError of 2 {read config: file does not exist; short write} is a group with a match in it: put the matcher into Group
	// got:
	// *errors.joinError of 2
	// ├── read config: file does not exist
	// └── short write
	// want:
	// Is(file does not exist)
}

// As checks the fields of an error.
func ExampleAs() {
	t := printer{} // in a test, its *testing.T
	err := &fs.PathError{Op: "open", Path: "/etc/shadow", Err: fs.ErrPermission}
	testutil.WantError(t, err, errmatch.As(func(e *fs.PathError) bool { return e.Path == "/etc/passwd" }))
	// Output:
	// WantError: the error does not match:
	// check returned false for open /etc/shadow: permission denied
	// got:
	// open /etc/shadow: permission denied
	// want:
	// As[*fs.PathError](check)
}

// Canceled matches the cause of a cancellation.
func ExampleCanceled() {
	t := printer{} // in a test, its *testing.T
	errLogout := errors.New("logged out")
	session := cancel.New(context.Background())
	defer session.Close()
	session.Cancel(errLogout)
	testutil.WantError(t, cancel.Sleep(session, 0), errmatch.Canceled(errLogout))
	testutil.WantError(t, session.Err(), errmatch.Canceled(errLogout)) // does not have the cause
	// Output:
	// WantError: the error does not match:
	// context canceled is not a *cancel.Error
	// got:
	// context canceled
	// want:
	// Canceled(logged out)
}

// Echo matches any form of error that only says that the scope was canceled.
func ExampleEcho() {
	t := printer{} // in a test, its *testing.T
	s := cancel.New(context.Background(), cancel.Name("fetch"), cancel.Timeout(0))
	defer s.Close()
	testutil.WantError(t, s.Err(), errmatch.Echo(s))
	testutil.WantError(t, fmt.Errorf("fetch: %w", cancel.Err(s)), errmatch.Echo(s))
	testutil.WantError(t, errors.Join(cancel.Err(s), io.ErrClosedPipe), errmatch.Echo(s))
	// Output:
	// WantError: the error does not match:
	// *errors.joinError of 2 {context deadline exceeded (deadline of scope "fetch"); io: read/write on closed pipe} is not an echo of the scope's cancellation
	// got:
	// *errors.joinError of 2
	// ├── context deadline exceeded (deadline of scope "fetch")
	// └── io: read/write on closed pipe
	// want:
	// Echo(scope "fetch")
}

// Group matches errors in any order.
func ExampleGroup() {
	t := printer{} // in a test, its *testing.T
	err := errors.Join(fs.ErrNotExist, io.ErrUnexpectedEOF, fs.ErrNotExist)
	testutil.WantError(t, err, errmatch.Group(
		errmatch.Is(io.ErrUnexpectedEOF),
		errmatch.Is(fs.ErrNotExist),
		errmatch.Is(fs.ErrPermission),
	))
	// Output:
	// WantError: the error does not match:
	// 1 of 3 wanted missing, 1 of 3 errors left over
	// ├── missing: Is(permission denied)
	// │   └── nearest: file does not exist
	// │       └── file does not exist is a different error
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

// Nursery matches only the failures of the nursery with that name.
func ExampleNursery() {
	t := printer{} // in a test, its *testing.T
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		return io.ErrUnexpectedEOF
	}, nursery.Name("fetch"))
	testutil.WantError(t, err, errmatch.Nursery("fetch", errmatch.Is(io.ErrUnexpectedEOF)))
	testutil.WantError(t, err, errmatch.Nursery("store", errmatch.Is(io.ErrUnexpectedEOF)))
	// Output:
	// WantError: the error does not match:
	// nursery "fetch": 1 failure is a different group, but its errors match
	// got:
	// nursery "fetch": 1 failure
	// └── unexpected EOF
	// want:
	// Nursery("store")
	// └── Is(unexpected EOF)
}

// Task matches only the failure of the task with that name.
func ExampleTask() {
	t := printer{} // in a test, its *testing.T
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return io.ErrUnexpectedEOF }, nursery.Name("page 7"))
		return nil
	})
	testutil.WantError(t, err, errmatch.Group(errmatch.Task("page 7", errmatch.Is(io.ErrUnexpectedEOF))))
	testutil.WantError(t, err, errmatch.Group(errmatch.Task("page 8", errmatch.Is(io.ErrUnexpectedEOF))))
	// Output:
	// WantError: the error does not match:
	// 1 of 1 wanted missing, 1 of 1 errors left over
	// ├── missing: Task("page 8"): Is(unexpected EOF)
	// │   └── nearest: task "page 7": unexpected EOF
	// │       └── the task is "page 7", but the rest matches
	// └── left over: task "page 7": unexpected EOF
	// got:
	// 1 failure
	// └── task "page 7": unexpected EOF
	// want:
	// Group
	// └── Task("page 8"): Is(unexpected EOF)
}

// Panic matches a panic that RecoverPanics turned into an error.
func ExamplePanic() {
	t := printer{} // in a test, its *testing.T
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { panic("bad input") }, nursery.Name("plug-in"))
		return nil
	}, nursery.RecoverPanics())
	testutil.WantError(t, err, errmatch.Group(errmatch.Task("plug-in", errmatch.Panic("bad input"))))
	fmt.Println(err)
	// Output: task "plug-in" panicked: bad input
}

// The error of a call is found by the index of its item.
func ExampleItem() {
	t := printer{} // in a test, its *testing.T
	err := nursery.For(context.Background(), 9, func(ctx context.Context, i int) error {
		if i == 3 {
			return io.ErrUnexpectedEOF
		}
		return nil
	})
	testutil.WantError(t, err, errmatch.Group(errmatch.Item(3, errmatch.Is(io.ErrUnexpectedEOF))))
	fmt.Println(errmatch.Tree(err))
	// Output:
	// 1 failure
	// └── item 3: unexpected EOF
}

// A test without a testing.TB at hand looks at the report itself.
func ExampleCheck() {
	fmt.Printf("%q\n", errmatch.Check(io.EOF, errmatch.Is(io.EOF)))
	fmt.Println(errmatch.Check(io.EOF, errmatch.Is(io.ErrUnexpectedEOF)))
	// Output:
	// ""
	// the error does not match:
	// EOF is a different error
	// got:
	// EOF
	// want:
	// Is(unexpected EOF)
}

func ExampleTree() {
	fmt.Println(errmatch.Tree(errors.Join(io.EOF, fmt.Errorf("open: %w", fs.ErrNotExist))))
	// Output:
	// *errors.joinError of 2
	// ├── EOF
	// └── open: file does not exist
}
