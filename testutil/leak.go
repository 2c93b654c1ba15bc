package testutil

import (
	"testing"

	"go.uber.org/goleak"
)

// Main runs the tests of a package, to be called from its TestMain, and exits
// with a failure if goroutines are left over when all have passed. It names
// those goroutines with their stacks.
func Main(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// VerifyNone fails the test if goroutines are left over that were not there
// when VerifyNone was called, and is called like this:
//
//	defer testutil.VerifyNone(t)()
//
// It waits a moment for those that are about to end. Goroutines of tests that
// run in parallel count too, so it is not for such tests: use [Bubble] there.
func VerifyNone(t testing.TB) (verify func()) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	return func() {
		t.Helper()
		goleak.VerifyNone(t, before)
	}
}
