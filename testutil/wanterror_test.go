package testutil_test

import (
	"context"
	"io"
	"os"
	"testing"

	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
	"github.com/grove-go/grove/testutil/errmatch"
)

func TestWantError(t *testing.T) {
	r := &recorder{TB: t}
	testutil.WantError(r, io.EOF, errmatch.Is(io.EOF))
	wantReport(t, r)
	testutil.WantError(r, nil, errmatch.Is(io.EOF))
	wantReport(t, r, "WantError: the error is nil, want:\nIs(EOF)")
	kit.MustPanic(t, "testutil: WantError: nil testing.TB", func() { testutil.WantError(nil, io.EOF, errmatch.Is(io.EOF)) })
	kit.MustPanic(t, "testutil: WantError: nil matcher", func() { testutil.WantError(t, io.EOF, nil) })
}

func ExampleWantError() {
	t := printer{} // in a test, its *testing.T
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return io.ErrUnexpectedEOF }, nursery.Name("fetch"))
		n.Go(func(ctx context.Context) error { return os.ErrNotExist })
		return nil
	}, nursery.KeepGoing(), nursery.Limit(1))

	testutil.WantError(t, err, errmatch.Group( // in any order
		errmatch.Is(os.ErrNotExist),
		errmatch.Task("fetch", errmatch.Is(io.ErrUnexpectedEOF)),
	))
	testutil.WantError(t, err, errmatch.Group(
		errmatch.Is(os.ErrNotExist),
		errmatch.Task("fetch", errmatch.Is(io.EOF)),
	))
	// Output:
	// WantError: the error does not match:
	// 1 of 2 wanted missing, 1 of 2 errors left over
	// ├── missing: Task("fetch"): Is(EOF)
	// │   └── nearest: task "fetch": unexpected EOF
	// │       └── in task "fetch": unexpected EOF is a different error
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
