package docs_test

import (
	"testing"

	"github.com/grove-go/grove/internal/test/docs"
)

// inTests are the names that need a *testing.T or a bubble, which an example has not.
var inTests = map[string][]string{
	"testutil": {
		"testutil",
		"Main", "Bubble", "WantBlock", "WantLeak", "WaitAllBlocked",
		"CancelEverywhere", "EverywhereOption", "Points", "Repeats", "MayReturn", "Within",
	},
}

// TestLibrary fails for each name of the library without an example that runs, and for
// code in its comments that does not.
func TestLibrary(t *testing.T) {
	for _, name := range []string{"cancel", "nursery", "nursery/remote", "nursery/debug", "nursery/debug/web", "nursery/errgroup", "nursery/otel", "channel", "testutil", "testutil/errmatch"} {
		missing, err := docs.Missing("../../../"+name, inTests[name]...)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range missing {
			t.Error(m)
		}
	}
}
