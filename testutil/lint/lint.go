// Package lint has analyzers that find mistakes in structured concurrency. The command
// grovelint runs them.
package lint

import (
	"slices"

	"golang.org/x/tools/go/analysis"

	"github.com/grove-go/grove/testutil/lint/barego"
	"github.com/grove-go/grove/testutil/lint/blockingop"
	"github.com/grove-go/grove/testutil/lint/droppederr"
	"github.com/grove-go/grove/testutil/lint/escape"
	"github.com/grove-go/grove/testutil/lint/freshctx"
	"github.com/grove-go/grove/testutil/lint/goafter"
	"github.com/grove-go/grove/testutil/lint/nilret"
	"github.com/grove-go/grove/testutil/lint/outerctx"
	"github.com/grove-go/grove/testutil/lint/spin"
	"github.com/grove-go/grove/testutil/lint/tasksleep"
	"github.com/grove-go/grove/testutil/lint/unclosed"
)

// Analyzers are the analyzers that run by default.
var Analyzers = []*analysis.Analyzer{
	barego.Analyzer,
	droppederr.Analyzer,
	escape.Analyzer,
	goafter.Analyzer,
	outerctx.Analyzer,
	tasksleep.Analyzer,
	unclosed.Analyzer,
}

// OptIn are the analyzers that run on demand, because many of their findings are not
// mistakes.
var OptIn = []*analysis.Analyzer{
	blockingop.Analyzer,
	freshctx.Analyzer,
	nilret.Analyzer,
	spin.Analyzer,
}

// Errgroup sets the flag errgroup of all analyzers that have it, to a value that
// [strconv.ParseBool] accepts. They then also check uses of errgroup.Group.
func Errgroup(value string) error {
	for _, a := range slices.Concat(Analyzers, OptIn) {
		if f := a.Flags.Lookup("errgroup"); f != nil {
			if err := f.Value.Set(value); err != nil {
				return err
			}
		}
	}
	return nil
}
