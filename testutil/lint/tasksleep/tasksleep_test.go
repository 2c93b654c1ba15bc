package tasksleep_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/grove-go/grove/testutil/lint/internal/flagtest"
	"github.com/grove-go/grove/testutil/lint/tasksleep"
)

func Test(t *testing.T) { analysistest.Run(t, "../testdata", tasksleep.Analyzer, "./tasksleep/...") }

func TestErrgroup(t *testing.T) {
	flagtest.Set(t, tasksleep.Analyzer, "errgroup", "true")
	analysistest.Run(t, "../testdata", tasksleep.Analyzer, "./errgroup/tasksleep")
}

func TestFixes(t *testing.T) {
	analysistest.RunWithSuggestedFixes(t, "../testdata", tasksleep.Analyzer, "./fixes/tasksleep")
}
