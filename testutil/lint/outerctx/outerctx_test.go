package outerctx_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/grove-go/grove/testutil/lint/internal/flagtest"
	"github.com/grove-go/grove/testutil/lint/outerctx"
)

func Test(t *testing.T) { analysistest.Run(t, "../testdata", outerctx.Analyzer, "./outerctx") }

func TestErrgroup(t *testing.T) {
	flagtest.Set(t, outerctx.Analyzer, "errgroup", "true")
	analysistest.Run(t, "../testdata", outerctx.Analyzer, "./errgroup/outerctx")
}

func TestFixes(t *testing.T) {
	flagtest.Set(t, outerctx.Analyzer, "errgroup", "true")
	analysistest.RunWithSuggestedFixes(t, "../testdata", outerctx.Analyzer, "./fixes/outerctx")
}
