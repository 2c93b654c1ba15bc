package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/internal/pipenet"
	"github.com/grove-go/grove/examples/internal/program"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) {
	program.Child(main)
	testutil.Main(m)
}

// A site is a web site in a bubble, and what it has seen.
type site struct {
	mux *http.ServeMux

	mu       sync.Mutex
	visits   []string
	inFlight int
	most     int
}

// page adds a page with links to others.
func (s *site) page(path string, links ...string) {
	s.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for _, l := range links {
			fmt.Fprintf(w, "<p><a href=%q>x</a>", l)
		}
	})
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if r.URL.Path != "/robots.txt" {
		s.visits = append(s.visits, r.URL.Path)
	}
	s.inFlight++
	s.most = max(s.most, s.inFlight)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.inFlight--
		s.mu.Unlock()
	}()
	s.mux.ServeHTTP(w, r)
}

// visited returns the paths that were asked for, in order.
func (s *site) visited() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.visits...)
}

// count returns how often a path was asked for.
func (s *site) count(path string) (n int) {
	for _, v := range s.visited() {
		if v == path {
			n++
		}
	}
	return n
}

// defaults are options for tests in virtual time.
func defaults() options {
	return options{concurrency: 4, depth: 50, pages: 1000, timeout: time.Hour, pageTimeout: 10 * time.Second}
}

// inBubble makes a site and a crawler for it, and runs fn, with virtual time. The
// context is a cancel scope.
func inBubble(t *testing.T, o options, fn func(t *testing.T, ctx context.Context, s *site, c *crawler)) {
	t.Helper()
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		withSite(t, o, func(s *site, c *crawler) { fn(t, ctx, s, c) })
	})
}

// withSite is inBubble in a bubble.
func withSite(t *testing.T, o options, fn func(s *site, c *crawler)) {
	t.Helper()
	s := &site{mux: http.NewServeMux()}
	l := pipenet.Listen()
	server := &http.Server{Handler: s}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	limit := rate.Inf
	if o.perSecond > 0 {
		limit = rate.Limit(o.perSecond)
	}
	c := newCrawler(&url.URL{Scheme: "http", Host: "site.test"}, o, limit, progress{})
	c.client.Transport = &http.Transport{DialContext: l.Dial, MaxIdleConnsPerHost: o.concurrency}
	fn(s, c)
	c.client.CloseIdleConnections()
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; err != http.ErrServerClosed {
		t.Error(err)
	}
	synctest.Wait()
}

// summary returns the report as it is printed.
func (c *crawler) summary() string {
	var b strings.Builder
	c.report.write(&b, time.Second)
	return b.String()
}

func mustContain(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("no %q in:\n%s", p, text)
		}
	}
}

// scopeOf returns the scope that a bubble's context is.
func scopeOf(ctx context.Context) *cancel.Scope { return cancel.FromContext(ctx) }
