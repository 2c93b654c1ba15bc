package code

import "golang.org/x/tools/go/analysis"

// WithErrgroup adds the flag errgroup, which sets on, to an analyzer, and returns it.
func WithErrgroup(a *analysis.Analyzer, on *bool) *analysis.Analyzer {
	a.Flags.BoolVar(on, "errgroup", false, "check uses of errgroup.Group as well")
	return a
}
