package goafter_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/grove-go/grove/testutil/lint/goafter"
)

func Test(t *testing.T) { analysistest.Run(t, "../testdata", goafter.Analyzer, "./goafter") }
