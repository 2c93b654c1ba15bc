package unclosed_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/grove-go/grove/testutil/lint/unclosed"
)

func Test(t *testing.T) { analysistest.Run(t, "../testdata", unclosed.Analyzer, "./unclosed") }
