package escape_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/grove-go/grove/testutil/lint/escape"
)

func Test(t *testing.T) { analysistest.Run(t, "../testdata", escape.Analyzer, "./escape") }
