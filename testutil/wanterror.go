package testutil

import (
	"testing"

	"github.com/grove-go/grove/testutil/errmatch"
)

// WantError fails the test unless err matches want. The report shows what is missing and
// what is left over, and for each missing error the nearest one and why it does not
// match, followed by the complete error and matcher:
//
//	testutil.WantError(t, err, errmatch.Group( // in any order
//		errmatch.Is(os.ErrNotExist),
//		errmatch.Task("fetch", errmatch.Is(io.ErrUnexpectedEOF)),
//	))
//
// WantError panics if t or want is nil. A nil err fails the test.
//
// This is Trio's RaisesGroup and Matcher.
func WantError(t testing.TB, err error, want errmatch.Matcher) {
	mustTB("WantError", t)
	if want == nil {
		panic("testutil: WantError: nil matcher")
	}
	t.Helper()
	if report := errmatch.Check(err, want); report != "" {
		t.Errorf("WantError: %s", report)
	}
}

// mustTB panics in the name of fn if t is nil.
func mustTB(fn string, t testing.TB) {
	if t == nil {
		panic("testutil: " + fn + ": nil testing.TB")
	}
}
