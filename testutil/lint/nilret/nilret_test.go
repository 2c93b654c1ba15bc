package nilret_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/grove-go/grove/testutil/lint/internal/flagtest"
	"github.com/grove-go/grove/testutil/lint/nilret"
)

func Test(t *testing.T) { analysistest.Run(t, "../testdata", nilret.Analyzer, "./nilret") }

func TestErrgroup(t *testing.T) {
	flagtest.Set(t, nilret.Analyzer, "errgroup", "true")
	analysistest.Run(t, "../testdata", nilret.Analyzer, "./errgroup/nilret")
}

func TestFixes(t *testing.T) {
	analysistest.RunWithSuggestedFixes(t, "../testdata", nilret.Analyzer, "./fixes/nilret")
}
