package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/temoto/robotstxt"
	"golang.org/x/time/rate"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// userAgent names the crawler to the sites it visits, and in robots.txt.
const userAgent = "grove-crawler"

// A crawler crawls one site, once.
type crawler struct {
	start    *url.URL
	opts     options
	client   *http.Client
	limiter  *rate.Limiter
	robots   *robotstxt.Group // set before the first page
	progress progress

	mu     sync.Mutex // guards the fields below
	seen   map[string]bool
	moved  map[string]string // from an address to the address that it redirects to; without circles
	report report
}

// A link is a page to visit.
type link struct {
	url   *url.URL
	from  *url.URL // the page with the link; nil for the first
	depth int
	hops  int // redirects from that link to this address
}

func newCrawler(start *url.URL, o options, limit rate.Limit, p progress) *crawler {
	return &crawler{
		start:    normalize(start),
		opts:     o,
		client:   newClient(o.concurrency),
		limiter:  rate.NewLimiter(limit, 1),
		progress: p,
		seen:     make(map[string]bool),
		moved:    make(map[string]string),
		report:   report{start: start, concurrency: o.concurrency},
	}
}

// crawl visits the pages of the site. It returns an error if the first page fails, but nil
// if other pages fail or if it was asked to stop.
func (c *crawler) crawl(ctx context.Context) error {
	if err := c.readRobots(ctx); err != nil {
		return err
	}
	// Each page is a task, which starts a task for each link that it finds. The limit
	// queues the tasks. The nursery ends when none is left.
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		return firstPage(c.follow(n, link{url: c.start}))
	}, nursery.Name("pages"), nursery.Limit(c.opts.concurrency))
}

// readRobots fetches robots.txt. A site without robots.txt allows everything.
func (c *crawler) readRobots(ctx context.Context) error {
	u := c.start.ResolveReference(&url.URL{Path: "/robots.txt"})
	var robots *robotstxt.RobotsData
	moved, err := cancel.MoveOnAfter(ctx, c.opts.pageTimeout, func(ctx context.Context) error {
		var err error
		robots, err = fetchRobots(ctx, c.client, u)
		return err
	})
	if moved {
		return fmt.Errorf("%s does not answer within %v", visible(u.String()), c.opts.pageTimeout)
	}
	if err != nil {
		return visibleError{err}
	}
	c.robots = robots.FindGroup(userAgent)
	if d := c.robots.CrawlDelay; d > 0 {
		c.limiter.SetLimit(min(c.limiter.Limit(), rate.Every(d)))
	}
	return nil
}

// follow starts a task for the link, unless the page is known, too deep, or beyond the
// maximum number of pages. It returns an error if the link leads to another host or
// robots.txt forbids it.
func (c *crawler) follow(n *nursery.Nursery, l link) error {
	switch {
	case l.url.Scheme != "http" && l.url.Scheme != "https" || l.url.Host != c.start.Host:
		return errElsewhere
	case !c.robots.Test(l.url.RequestURI()):
		return errForbidden
	case l.depth <= c.opts.depth && c.claim(l.url):
		n.Go(func(ctx context.Context) error { return c.visit(ctx, n, l) }, nursery.Name(l.url.String()))
	}
	return nil
}

// claim reports whether to visit the page. It reports true once for each page.
func (c *crawler) claim(u *url.URL) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := u.String()
	if c.seen[key] || len(c.seen) >= c.opts.pages {
		return false
	}
	c.seen[key] = true
	return true
}

// visit fetches a page, records the result, and follows its links. Failures of a page go to
// the report. visit returns the error of ctx, or of the first page, because without that
// page there is nothing to crawl.
func (c *crawler) visit(ctx context.Context, n *nursery.Nursery, l link) error {
	// A graceful stop ends the wait for a turn, but not a visit that has begun. The
	// limiter's own Wait is of no use here: if the turn comes after the deadline of the
	// crawl, it returns at once, with an error that is not an echo.
	if cancel.Sleep(cancel.UntilStop(ctx), c.limiter.Reserve().Delay()) != nil {
		c.record(l, page{}, errUnfinished, 0)
		return cancel.Err(ctx)
	}
	var p page
	began := time.Now()
	late, err := cancel.MoveOnAfter(ctx, c.opts.pageTimeout, func(ctx context.Context) error {
		var err error
		p, err = fetch(ctx, c.client, l.url)
		return err
	})
	took := time.Since(began)
	if cancel.FromContext(ctx).IsEcho(err) { // the crawl was cut off, and this page with it
		c.record(l, page{}, errUnfinished, took)
		return err
	}
	if late {
		err = errTimeout
	}
	if p.redirect != nil {
		err = c.redirect(n, l, p.redirect)
	}
	c.record(l, p, err, took)
	for _, u := range p.links {
		if err := c.follow(n, link{url: u, from: l.url, depth: l.depth + 1}); err == errForbidden {
			c.forbid()
		}
	}
	if l.from == nil {
		return firstPage(err)
	}
	return nil
}

// redirect follows a redirect of l. The new address is treated like any link: it may be
// known or forbidden, and it waits for its turn.
func (c *crawler) redirect(n *nursery.Nursery, l link, to *url.URL) error {
	if l.hops == maxRedirects {
		return errRedirects
	}
	if c.circular(l.url.String(), to.String()) {
		return errCircle
	}
	return c.follow(n, link{url: to, from: l.from, depth: l.depth, hops: l.hops + 1})
}

// circular notes that one address redirects to another, and reports whether that closes a
// circle. A single chain of redirects would not show the circle, because each address is
// visited once, in any order.
func (c *crawler) circular(from, to string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for at, ok := to, true; ok; at, ok = c.moved[at] {
		if at == from {
			return true
		}
	}
	c.moved[from] = to
	return false
}

// Errors of links, besides those of servers and of the network.
var (
	errTimeout    = errors.New("timed out")
	errUnfinished = errors.New("not finished")
	errRedirects  = errors.New("too many redirects")
	errCircle     = errors.New("redirects in a circle")
	errElsewhere  = errors.New("redirected to another host")
	errForbidden  = errors.New("robots.txt forbids it")
)

// firstPage says that err is the error of the first page.
func firstPage(err error) error {
	if err != nil {
		return fmt.Errorf("the first page: %w", visibleError{err})
	}
	return nil
}

// record adds a visit to the report.
func (c *crawler) record(l link, p page, err error, took time.Duration) {
	c.mu.Lock()
	c.report.add(l, p, err, took)
	c.mu.Unlock()
	if err != errUnfinished {
		c.progress.add()
	}
}

// forbid adds a link to the report that robots.txt forbids.
func (c *crawler) forbid() {
	c.mu.Lock()
	c.report.forbidden++
	c.mu.Unlock()
}
