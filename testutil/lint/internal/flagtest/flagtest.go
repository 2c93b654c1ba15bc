// Package flagtest sets flags of analyzers in tests.
package flagtest

import (
	"testing"

	"golang.org/x/tools/go/analysis"
)

// Set sets a flag of an analyzer until the end of the test.
func Set(t testing.TB, a *analysis.Analyzer, name, value string) {
	t.Helper()
	f := a.Flags.Lookup(name)
	if f == nil {
		t.Fatalf("analyzer %s has no flag %s", a.Name, name)
	}
	before := f.Value.String()
	if err := f.Value.Set(value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Value.Set(before); err != nil {
			t.Error(err)
		}
	})
}
