package barego_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/grove-go/grove/testutil/lint/barego"
	"github.com/grove-go/grove/testutil/lint/internal/flagtest"
)

func Test(t *testing.T) { analysistest.Run(t, "../testdata", barego.Analyzer, "./barego") }

func TestErrgroup(t *testing.T) {
	flagtest.Set(t, barego.Analyzer, "errgroup", "true")
	analysistest.Run(t, "../testdata", barego.Analyzer, "./errgroup/barego")
}

func TestFixes(t *testing.T) {
	analysistest.RunWithSuggestedFixes(t, "../testdata", barego.Analyzer, "./fixes/barego")
}
