// Grovelint finds mistakes in structured concurrency.
//
//	grovelint ./...
//	go vet -vettool=$(which grovelint) ./...
//
// With the flag -errgroup it also checks uses of errgroup.Group. With -optin it also runs
// the analyzers with findings that are often not mistakes. Each analyzer has a flag of its
// own name. A comment
//
//	//grove:ok reason
//
// on a line, or on the line above, silences the findings on that line.
package main

import (
	"flag"
	"slices"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/multichecker"

	"github.com/grove-go/grove/testutil/lint"
)

func main() {
	flag.BoolFunc("errgroup", "check uses of errgroup.Group as well", lint.Errgroup)
	optIn := flag.Bool("optin", false, "run the analyzers as well that do not run by default")
	analyzers := slices.Clone(lint.Analyzers)
	for _, a := range lint.OptIn {
		analyzers = append(analyzers, onDemand(a, optIn))
	}
	multichecker.Main(analyzers...)
}

// onDemand returns an analyzer that runs a if *on is set, or if the flag with its name is
// set, and otherwise does nothing.
func onDemand(a *analysis.Analyzer, on *bool) *analysis.Analyzer {
	demanded := &analysis.Analyzer{Name: a.Name, Doc: a.Doc, URL: a.URL, Requires: a.Requires}
	a.Flags.VisitAll(func(f *flag.Flag) { demanded.Flags.Var(f.Value, f.Name, f.Usage) })
	demanded.Run = func(pass *analysis.Pass) (any, error) {
		if !*on && !named(a) {
			return nil, nil
		}
		return a.Run(pass)
	}
	return demanded
}

// named reports whether the command line selects an analyzer by its name. The value of the
// flag alone does not tell, because it is true by default.
func named(a *analysis.Analyzer) (asked bool) {
	flag.Visit(func(f *flag.Flag) {
		if f.Name == a.Name && f.Value.String() == "true" {
			asked = true
		}
	})
	return asked
}
