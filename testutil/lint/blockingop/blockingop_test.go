package blockingop_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/grove-go/grove/testutil/lint/blockingop"
	"github.com/grove-go/grove/testutil/lint/internal/flagtest"
)

func Test(t *testing.T) { analysistest.Run(t, "../testdata", blockingop.Analyzer, "./blockingop") }

func TestErrgroup(t *testing.T) {
	flagtest.Set(t, blockingop.Analyzer, "errgroup", "true")
	analysistest.Run(t, "../testdata", blockingop.Analyzer, "./errgroup/blockingop")
}
