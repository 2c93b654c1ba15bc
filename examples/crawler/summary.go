package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	slowestShown = 5
	troubleShown = 10
)

// A report collects the results of a crawl.
type report struct {
	start       *url.URL
	concurrency int

	requests   int
	pages      int // fetched pages
	html       int // pages that are HTML
	bytes      int64
	unfinished int       // pages that were known, or in flight, at the end
	elsewhere  int       // redirects to other hosts
	forbidden  int       // links that robots.txt forbids, and redirects
	broken     []trouble // links to pages that do not exist or cannot be fetched
	overlong   []trouble // pages that take too long or are too long
	slowest    []timing
}

type trouble struct {
	what string
	link link
}

type timing struct {
	took time.Duration
	url  *url.URL
}

// add adds a visit.
func (r *report) add(l link, p page, err error, took time.Duration) {
	if err == errUnfinished {
		r.unfinished++
		return
	}
	r.requests++
	switch {
	case err == errElsewhere:
		r.elsewhere++
		return
	case err == errForbidden:
		r.forbidden++
		return
	case err == errTimeout:
		r.overlong = append(r.overlong, trouble{err.Error(), l})
		return
	case err != nil:
		r.broken = append(r.broken, trouble{reason(err), l})
		return
	case p.redirect != nil:
		return // its target counts
	}
	r.pages++
	r.bytes += p.bytes
	if p.html {
		r.html++
	}
	if p.truncated {
		r.overlong = append(r.overlong, trouble{fmt.Sprintf("cut off after %d bytes", maxBody), l})
	}
	r.slowest = append(r.slowest, timing{took, l.url})
	slices.SortFunc(r.slowest, func(a, b timing) int { return cmp.Compare(b.took, a.took) })
	r.slowest = r.slowest[:min(len(r.slowest), slowestShown)]
}

// reason returns the failure without the address, which the report shows anyway.
func reason(err error) string {
	if u := new(url.Error); errors.As(err, &u) {
		err = u.Err
	}
	return err.Error()
}

// write prints the summary of a crawl with that duration. Only write uses the report at
// that time. Text from pages and servers is made visible; see [visible].
func (r *report) write(out io.Writer, took time.Duration) {
	var b strings.Builder
	fmt.Fprintf(&b, "%d pages of %s (%d HTML, %d other)\n", r.pages, visible(r.start.String()), r.html, r.pages-r.html)
	fmt.Fprintf(&b, "%.1f MB in %v, %.0f requests per second, %d at a time\n",
		float64(r.bytes)/1e6, took.Round(10*time.Millisecond), float64(r.requests)/took.Seconds(), r.concurrency)
	if r.unfinished > 0 {
		fmt.Fprintf(&b, "ended early: %d more were known and not fetched\n", r.unfinished)
	}
	if r.elsewhere > 0 {
		fmt.Fprintf(&b, "%d redirects to other hosts\n", r.elsewhere)
	}
	if r.forbidden > 0 {
		fmt.Fprintf(&b, "%d links that robots.txt forbids\n", r.forbidden)
	}
	writeTroubles(&b, "broken links", r.broken)
	writeTroubles(&b, "pages with trouble", r.overlong)
	if len(r.slowest) > 0 {
		fmt.Fprintln(&b, "slowest pages:")
	}
	for _, s := range r.slowest {
		fmt.Fprintf(&b, "  %8v  %s\n", s.took.Round(100*time.Microsecond), visible(s.url.String()))
	}
	// Without standard output there is nowhere to report the error.
	_, _ = io.WriteString(out, b.String())
}

func writeTroubles(b *strings.Builder, what string, all []trouble) {
	fmt.Fprintf(b, "%d %s\n", len(all), what)
	slices.SortFunc(all, func(x, y trouble) int { return cmp.Compare(x.link.url.String(), y.link.url.String()) })
	for i, t := range all {
		if i == troubleShown {
			fmt.Fprintf(b, "  and %d more\n", len(all)-i)
			break
		}
		fmt.Fprintf(b, "  %s: %s", visible(t.link.url.String()), visible(t.what))
		if t.link.from != nil {
			fmt.Fprintf(b, " (linked from %s)", visible(t.link.from.String()))
		}
		fmt.Fprintln(b)
	}
}
