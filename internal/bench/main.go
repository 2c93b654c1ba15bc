// Bench measures the library and its peers, in one process and in turn, and writes the
// results.
//
//	go run ./internal/bench [flags]
//
// Run it in the root of the repository. It writes RESULTS.md, with a table for each
// comparison and a table of the goals, met or missed. It also writes results.svg, which
// shows the peers as multiples of ours. Figures of different runs do not compare; ratios
// within a run do.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// options are the flags of the command line.
type options struct {
	rounds    int
	benchtime time.Duration
	only      *regexp.Regexp
	out       string
	command   string // the command line without -out, for the report
}

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2)
	}
	if err := run(o, comparisons(), os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// parse reads the command line. It writes errors in it to usage.
func parse(args []string, usage io.Writer) (options, error) {
	var o options
	var pattern string
	// a set of its own, because the global set gets the flags of package testing
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(usage)
	f.IntVar(&o.rounds, "rounds", 9, "measure each contestant so many times")
	f.DurationVar(&o.benchtime, "benchtime", 100*time.Millisecond, "let one measurement take about this time")
	f.StringVar(&pattern, "run", "", "make only comparisons whose name matches this `regexp`")
	f.StringVar(&o.out, "out", filepath.Join("internal", "bench"), "write the results to this `directory`")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	err := o.complete(f, pattern)
	if err != nil {
		fmt.Fprintln(usage, "bench:", err)
	}
	return o, err
}

// complete checks the flags, and adds values that depend on them.
func (o *options) complete(f *flag.FlagSet, pattern string) (err error) {
	switch {
	case f.NArg() > 0:
		return fmt.Errorf("no arguments wanted, got %q", f.Args())
	case o.rounds < 1:
		return fmt.Errorf("-rounds must be at least 1, got %d", o.rounds)
	case o.benchtime <= 0:
		return fmt.Errorf("-benchtime must be positive, got %v", o.benchtime)
	}
	var command strings.Builder
	command.WriteString("go run ./internal/bench")
	f.Visit(func(set *flag.Flag) {
		switch set.Name {
		case "out": // the report does not say where it was written
		case "run":
			fmt.Fprintf(&command, " -run '%s'", set.Value)
		default:
			fmt.Fprintf(&command, " -%s %s", set.Name, set.Value)
		}
	})
	o.command = command.String()
	o.only, err = regexp.Compile(pattern)
	return err
}

// run makes the selected comparisons, and writes the results.
func run(o options, all []comparison, progress io.Writer) error {
	chosen := slices.DeleteFunc(slices.Clone(all), func(c comparison) bool { return !o.only.MatchString(c.name) })
	if len(chosen) == 0 {
		return fmt.Errorf("-run %q matches no comparison", o.only)
	}
	if _, err := os.Stat(o.out); err != nil {
		return err // before the work is done, not after it
	}
	var results []result
	var speedups []float64
	for i, c := range chosen {
		fmt.Fprintf(progress, "%d/%d %s\n", i+1, len(chosen), c.name)
		speedups = append(speedups, speedup())
		r, err := compare(c, o.rounds, o.benchtime)
		if err != nil {
			return err
		}
		results = append(results, r)
	}
	return errors.Join(
		save(filepath.Join(o.out, "RESULTS.md"), func(w io.Writer) error { return report(w, thisRun(o, speedups), results) }),
		save(filepath.Join(o.out, "results.svg"), func(w io.Writer) error { return chart(w, results) }),
	)
}

// save writes a file with write.
func save(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
