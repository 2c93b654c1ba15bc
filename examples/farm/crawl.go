package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/remote"
)

// A crawl visits each page below a folder once.
type crawl struct {
	client *remote.Client
	start  string
	limit  int // pages at a time
	report report

	mu   sync.Mutex
	seen map[string]bool
}

func newCrawl(c *remote.Client, start *url.URL, o options) *crawl {
	return &crawl{
		client: c,
		start:  start.String(),
		limit:  2 * max(1, o.workers) * o.slots, // the queue always has something for a free slot
		report: report{workers: make(map[string]int)},
		seen:   make(map[string]bool),
	}
}

// run visits the pages, and tells about it each second. A stop lets pages that are under
// way finish, and visits no others.
func (c *crawl) run(ctx context.Context, log io.Writer) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			for {
				if err := cancel.Sleep(ctx, time.Second); err != nil {
					return err
				}
				fmt.Fprintln(log, c.report.line())
			}
		}, nursery.Daemon(), nursery.Name("progress"))
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			c.visit(n, cancel.UntilStop(ctx), c.start)
			return nil
		}, nursery.Limit(c.limit))
	})
}

// visit starts a task for a page, unless it was visited or is elsewhere.
func (c *crawl) visit(n *nursery.Nursery, until context.Context, address string) {
	address, _, _ = strings.Cut(address, "#")
	c.mu.Lock()
	known := c.seen[address]
	c.seen[address] = true
	c.mu.Unlock()
	if known || !strings.HasPrefix(address, c.start) || until.Err() != nil {
		return
	}
	n.Go(func(ctx context.Context) error {
		if until.Err() != nil {
			return cancel.Err(ctx)
		}
		began := time.Now()
		p, err := Index.Call(ctx, c.client, address, remote.Retry(10))
		if err != nil && ctx.Err() != nil {
			return err
		}
		c.report.add(address, p, err, time.Since(began))
		for _, link := range p.Links {
			c.visit(n, until, link)
		}
		if errors.Is(err, remote.ErrLost) {
			return err // the summary would not be true
		}
		return nil
	})
}

// A report counts.
type report struct {
	mu       sync.Mutex
	workers  map[string]int // pages, by worker
	words    int
	bytes    int64
	attempts int // beyond the first
	unknown  int
	broken   []error
	slowest  time.Duration
	slow     string // the page
}

func (r *report) add(address string, p Page, err error, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case errors.Is(err, remote.ErrLost):
		r.unknown++
		return
	case err != nil:
		r.broken = append(r.broken, err)
		return
	}
	r.workers[p.Worker]++
	r.words += p.Words
	r.bytes += p.Bytes
	r.attempts += p.Attempt - 1
	if took > r.slowest {
		r.slowest, r.slow = took, address
	}
}

func (r *report) pagesLocked() (n int) {
	for _, k := range r.workers {
		n += k
	}
	return n
}

// line says how far the crawl is.
func (r *report) line() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("%d pages, %d words, %d more attempts", r.pagesLocked(), r.words, r.attempts)
}

// write writes the summary.
func (r *report) write(w io.Writer, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.pagesLocked()
	fmt.Fprintf(w, "%d pages, %d words, %.1f MB\n", n, r.words, float64(r.bytes)/1e6)
	fmt.Fprintf(w, "%.0f pages a second\n", float64(n)/max(took.Seconds(), 1e-3))
	fmt.Fprintf(w, "%d more attempts, %d unknown, %d broken\n", r.attempts, r.unknown, len(r.broken))
	for _, name := range slices.SortedFunc(maps.Keys(r.workers), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.workers[b], r.workers[a]), cmp.Compare(a, b))
	}) {
		fmt.Fprintf(w, "%6d by %s\n", r.workers[name], name)
	}
	if n > 0 {
		fmt.Fprintf(w, "slowest: %v for %s\n", r.slowest.Round(time.Millisecond), r.slow)
	}
	for _, err := range r.broken {
		fmt.Fprintln(w, "broken:", err)
	}
}
