// Grovelint finds mistakes in structured concurrency.
//
//	grovelint ./...
//	go vet -vettool=$(which grovelint) ./...
//
// With the flag -errgroup it checks uses of errgroup.Group as well. With -optin the
// analyzers run, too, that report more than mistakes; each has a flag of its own name. A comment
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

// onDemand returns an analyzer that is a if *on is set, or if the flag of its name is, and
// otherwise does nothing.
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

// named reports whether the command line asks for an analyzer by its name. The flag is true
// even if it is not set.
func named(a *analysis.Analyzer) (asked bool) {
	flag.Visit(func(f *flag.Flag) {
		if f.Name == a.Name && f.Value.String() == "true" {
			asked = true
		}
	})
	return asked
}
