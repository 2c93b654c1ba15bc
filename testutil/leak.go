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

// VerifyNone fails the test if goroutines are left over besides those of package
// testing, and prints their stacks. It waits a moment for those that are about
// to end. Call it last of all:
//
//	defer testutil.VerifyNone(t)
//
// Goroutines of tests that run in parallel count too, so it is not for such
// tests: use [Bubble] there.
func VerifyNone(t testing.TB) {
	t.Helper()
	goleak.VerifyNone(t)
}
