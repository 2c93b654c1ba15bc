package freshctx_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/grove-go/grove/testutil/lint/freshctx"
	"github.com/grove-go/grove/testutil/lint/internal/flagtest"
)

func Test(t *testing.T) { analysistest.Run(t, "../testdata", freshctx.Analyzer, "./freshctx") }

func TestErrgroup(t *testing.T) {
	flagtest.Set(t, freshctx.Analyzer, "errgroup", "true")
	analysistest.Run(t, "../testdata", freshctx.Analyzer, "./errgroup/freshctx")
}
