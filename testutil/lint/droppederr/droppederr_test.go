package droppederr_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/grove-go/grove/testutil/lint/droppederr"
	"github.com/grove-go/grove/testutil/lint/internal/flagtest"
)

func Test(t *testing.T) { analysistest.Run(t, "../testdata", droppederr.Analyzer, "./droppederr") }

func TestErrgroup(t *testing.T) {
	flagtest.Set(t, droppederr.Analyzer, "errgroup", "true")
	analysistest.Run(t, "../testdata", droppederr.Analyzer, "./errgroup/droppederr")
}
