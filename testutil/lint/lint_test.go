package lint_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/analysis"

	"github.com/grove-go/grove/testutil/lint"
)

func TestAnalyzers(t *testing.T) {
	if err := analysis.Validate(slices.Concat(lint.Analyzers, lint.OptIn)); err != nil {
		t.Error(err)
	}
	for _, list := range [][]*analysis.Analyzer{lint.Analyzers, lint.OptIn} {
		if !slices.IsSortedFunc(list, func(a, b *analysis.Analyzer) int { return strings.Compare(a.Name, b.Name) }) {
			t.Errorf("%v are not in the order of their names", list)
		}
	}
}

func TestErrgroup(t *testing.T) {
	for _, value := range []string{"true", "false"} {
		if err := lint.Errgroup(value); err != nil {
			t.Error(err)
		}
		flags := 0
		for _, a := range slices.Concat(lint.Analyzers, lint.OptIn) {
			if f := a.Flags.Lookup("errgroup"); f != nil {
				flags++
				if f.Value.String() != value {
					t.Errorf("after Errgroup(%q) the flag of %s is %v", value, a.Name, f.Value)
				}
			}
		}
		if flags < 8 {
			t.Errorf("%d analyzers have the flag, want 8", flags)
		}
	}
	if err := lint.Errgroup("maybe"); err == nil {
		t.Error("Errgroup(maybe) = nil, want an error")
	}
}
