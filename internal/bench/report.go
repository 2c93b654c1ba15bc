package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
)

// report writes the results as Markdown.
func report(w io.Writer, c circumstances, results []result) error {
	var b bytes.Buffer // cannot fail
	header(&b, c)
	for _, r := range results {
		table(&b, r)
	}
	goals(&b, results)
	_, err := w.Write(b.Bytes())
	return err
}

func header(b *bytes.Buffer, c circumstances) {
	fmt.Fprintf(b, `# Comparisons

Made by `+"`%s`"+` with %s on %s, GOMAXPROCS=%d,
%d processors: %s.

Each contestant ran in %d rounds of about %v, in turn with the others. The table has the
median of the rounds; the spread is the distance of the quartiles, relative to the median.
The ratio to ours is the median of the ratios within a round. Above 1 a peer needs more
than the library. Times of different runs do not compare.

Before each comparison a measurement showed how much faster all processors computed than
one: %.1f times in the median, %.1f times in the worst case. If this is less than
GOMAXPROCS, other programs used the processors, and contention was lower than usual.

![Peers as multiples of ours](results.svg)
`, c.command, c.version, c.platform, c.procs, c.cpus, cmp.Or(c.cpu, "model unknown"),
		c.rounds, c.benchtime, median(c.speedups), slices.Min(c.speedups))
}

// table writes the table of one comparison.
func table(b *bytes.Buffer, r result) {
	allocs := "allocs/item"
	if r.unit == perOp {
		allocs = "allocs/op"
	}
	fmt.Fprintf(b, "\n## %s\n\n", r.name)
	fmt.Fprintf(b, "| contestant | %s | spread | %s | ratio to ours |\n", r.unit, allocs)
	fmt.Fprintf(b, "| --- | ---: | ---: | ---: | ---: |\n")
	for i, c := range r.contestants {
		name := c.name
		if c.ours {
			name = "**" + name + "**"
		}
		allocs := "–"
		if r.unit != bytesPerTask {
			allocs = figure(r.allocs(i))
		}
		values := r.values(i)
		fmt.Fprintf(b, "| %s | %s | %.0f %% | %s | %.2f |\n", name, figure(median(values)), 100*spread(values), allocs, r.toOurs(i))
	}
}

// goals writes the table of all goals.
func goals(b *bytes.Buffer, results []result) {
	fmt.Fprintf(b, "\n## Goals\n\n")
	fmt.Fprintf(b, "| comparison | goal | wanted at most | measured | |\n")
	fmt.Fprintf(b, "| --- | --- | ---: | ---: | --- |\n")
	for _, r := range results {
		for _, g := range r.goals {
			v := r.judge(g)
			word := "met"
			if !v.met() {
				word = "**missed**"
			}
			of := v.peer
			if len(g.peers) > 1 {
				of += ", the best by hand"
			}
			fmt.Fprintf(b, "| %s | %s / %s | %.2f | %.2f | %s |\n", r.name, g.ours, of, g.atMost, v.measured, word)
		}
	}
}

// figure formats x with its significant digits.
func figure(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	default:
		return fmt.Sprintf("%.2f", x)
	}
}
