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

// userAgent names the crawler to the sites it visits, also for robots.txt.
const userAgent = "grove-crawler"

// A crawler crawls one site, once.
type crawler struct {
	start    *url.URL
	opts     options
	client   *http.Client
	limiter  *rate.Limiter
	robots   *robotstxt.Group // nil: all is allowed; set before the first page
	progress progress

	mu     sync.Mutex // guards the fields below
	seen   map[string]bool
	report report
}

// A link is a page to visit.
type link struct {
	url   *url.URL
	from  *url.URL // the page that links to it; nil for the first
	depth int
}

func newCrawler(start *url.URL, o options, limit rate.Limit, p progress) *crawler {
	return &crawler{
		start:    normalize(start),
		opts:     o,
		client:   newClient(o.concurrency),
		limiter:  rate.NewLimiter(limit, 1),
		progress: p,
		seen:     make(map[string]bool),
		report:   report{start: start, concurrency: o.concurrency},
	}
}

// crawl visits the pages of the site. It returns nil also when it was asked to
// stop, and when pages have failed, but not if the first one has.
func (c *crawler) crawl(ctx context.Context) error {
	if err := c.readRobots(ctx); err != nil {
		return err
	}
	// Each page is a task, which starts a task for each link that it finds. The
	// limit queues them; the nursery ends when none is left.
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		c.follow(n, link{url: c.start})
		return nil
	}, nursery.Name("pages"), nursery.Limit(c.opts.concurrency))
}

// readRobots fetches robots.txt. A site that has none allows everything.
func (c *crawler) readRobots(ctx context.Context) error {
	u := c.start.ResolveReference(&url.URL{Path: "/robots.txt"})
	var robots *robotstxt.RobotsData
	moved, err := cancel.MoveOnAfter(ctx, c.opts.pageTimeout, func(ctx context.Context) error {
		var err error
		robots, err = fetchRobots(ctx, c.client, u)
		return err
	})
	if moved {
		return fmt.Errorf("%v does not answer within %v", u, c.opts.pageTimeout)
	}
	if err != nil {
		return err
	}
	c.robots = robots.FindGroup(userAgent)
	if d := c.robots.CrawlDelay; d > 0 {
		c.limiter.SetLimit(min(c.limiter.Limit(), rate.Every(d)))
	}
	return nil
}

// follow starts a task for the link, unless the page is known, elsewhere, too
// deep, forbidden, or one too many.
func (c *crawler) follow(n *nursery.Nursery, l link) {
	if l.url.Host != c.start.Host || l.depth > c.opts.depth || !c.claim(l.url) {
		return
	}
	n.Go(func(ctx context.Context) error { return c.visit(ctx, n, l) }, nursery.Name(l.url.String()))
}

// claim reports whether the page is to be visited, which it says once.
func (c *crawler) claim(u *url.URL) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := u.String()
	if c.seen[key] || len(c.seen) >= c.opts.pages {
		return false
	}
	if c.robots != nil && !c.robots.Test(u.EscapedPath()) {
		c.report.forbidden++
		return false
	}
	c.seen[key] = true
	return true
}

// visit fetches a page, records what came of it, and follows its links. What
// goes wrong with a page is for the report; the error is that of ctx alone.
func (c *crawler) visit(ctx context.Context, n *nursery.Nursery, l link) error {
	// A graceful stop ends the wait for a turn, and nothing that has begun.
	if cancel.Sleep(cancel.UntilStop(ctx), c.limiter.Reserve().Delay()) != nil {
		return cancel.Err(ctx)
	}
	var p page
	began := time.Now()
	moved, err := cancel.MoveOnAfter(ctx, c.opts.pageTimeout, func(ctx context.Context) error {
		var err error
		p, err = fetch(ctx, c.client, l.url)
		return err
	})
	if err := cancel.Err(ctx); err != nil {
		return err
	}
	if moved {
		err = errTimeout
	}
	c.record(l, p, err, time.Since(began))
	if l.from == nil && err != nil {
		return fmt.Errorf("the first page: %w", err)
	}
	if p.moved != nil && !c.claim(p.moved) {
		return nil // has been, or is going to be, visited as itself
	}
	for _, u := range p.links {
		c.follow(n, link{url: u, from: p.url, depth: l.depth + 1})
	}
	return nil
}

// errTimeout stands for a page that took too long.
var errTimeout = errors.New("timed out")

// record enters a visit into the report.
func (c *crawler) record(l link, p page, err error, took time.Duration) {
	c.mu.Lock()
	c.report.add(l, p, err, took)
	c.mu.Unlock()
	c.progress.add()
}
