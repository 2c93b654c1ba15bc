package spin_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/grove-go/grove/testutil/lint/internal/flagtest"
	"github.com/grove-go/grove/testutil/lint/spin"
)

func Test(t *testing.T) { analysistest.Run(t, "../testdata", spin.Analyzer, "./spin") }

func TestErrgroup(t *testing.T) {
	flagtest.Set(t, spin.Analyzer, "errgroup", "true")
	analysistest.Run(t, "../testdata", spin.Analyzer, "./errgroup/spin")
}
