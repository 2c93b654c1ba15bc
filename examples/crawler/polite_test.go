package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// robots adds a robots.txt.
func (s *site) robots(lines ...string) {
	s.mux.HandleFunc("GET /robots.txt", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, strings.Join(lines, "\n"))
	})
}

// redirect adds an address that sends visitors elsewhere.
func (s *site) redirect(path, target string) {
	s.mux.Handle("GET "+path, http.RedirectHandler(target, http.StatusFound))
}

// mustCrawl crawls the site, and returns what the summary says.
func mustCrawl(t *testing.T, ctx context.Context, c *crawler) string {
	t.Helper()
	if err := c.crawl(ctx); err != nil {
		t.Fatalf("crawl() = %v, want nil", err)
	}
	return c.summary()
}

func TestRedirects(t *testing.T) {
	t.Run("each page once", func(t *testing.T) {
		inBubble(t, defaults(), func(t *testing.T, ctx context.Context, s *site, c *crawler) {
			s.page("/{$}", "/old", "/new", "/older")
			s.redirect("/older", "/old")
			s.redirect("/old", "/new")
			s.page("/new", "/")
			mustContain(t, mustCrawl(t, ctx, c), "2 pages of", "0 broken links", "0 pages with trouble")
			if got := s.visited(); len(got) != 4 || s.count("/new") != 1 {
				t.Errorf("visited %q, want each of four once", got)
			}
		})
	})
	t.Run("as robots.txt allows", func(t *testing.T) {
		inBubble(t, defaults(), func(t *testing.T, ctx context.Context, s *site, c *crawler) {
			s.robots("User-agent: *", "Disallow: /private")
			s.page("/{$}", "/door")
			s.redirect("/door", "/private")
			mustContain(t, mustCrawl(t, ctx, c), "1 pages of")
			if s.count("/private") != 0 {
				t.Error("a redirect led to a forbidden page, which was fetched")
			}
		})
	})
	t.Run("at the rate", func(t *testing.T) {
		o := defaults()
		o.perSecond = 1
		inBubble(t, o, func(t *testing.T, ctx context.Context, s *site, c *crawler) {
			s.page("/{$}", "/1")
			s.redirect("/1", "/2")
			s.redirect("/2", "/3")
			s.page("/3")
			start := time.Now()
			mustCrawl(t, ctx, c)
			if d := time.Since(start); d != 3*time.Second {
				t.Errorf("4 requests at 1 a second took %v, want 3s", d)
			}
		})
	})
	t.Run("loops are reported", func(t *testing.T) {
		for _, links := range [][]string{{"/a"}, {"/a", "/b", "/c"}, {"/a", "/in"}, {"/self"}} {
			inBubble(t, defaults(), func(t *testing.T, ctx context.Context, s *site, c *crawler) {
				s.page("/{$}", links...)
				s.redirect("/a", "/b")
				s.redirect("/b", "/c")
				s.redirect("/c", "/a")
				s.redirect("/in", "/a")
				s.redirect("/self", "/self")
				mustContain(t, mustCrawl(t, ctx, c), "1 pages of", "1 broken links", ": redirects in a circle (linked from http://site.test/)")
			})
		}
	})
	t.Run("chains are bounded", func(t *testing.T) {
		inBubble(t, defaults(), func(t *testing.T, ctx context.Context, s *site, c *crawler) {
			s.page("/{$}", "/r/0")
			s.mux.HandleFunc("GET /r/{n}", func(w http.ResponseWriter, r *http.Request) {
				n, err := strconv.Atoi(r.PathValue("n"))
				if err != nil {
					t.Error(err)
				}
				http.Redirect(w, r, strconv.Itoa(n+1), http.StatusFound)
			})
			mustContain(t, mustCrawl(t, ctx, c), "1 pages of", "too many redirects (linked from http://site.test/)")
			if n, want := len(s.visited()), 1+maxRedirects+1; n != want {
				t.Errorf("%d requests, want %d", n, want)
			}
		})
	})
	t.Run("to other hosts are not followed", func(t *testing.T) {
		inBubble(t, defaults(), func(t *testing.T, ctx context.Context, s *site, c *crawler) {
			s.page("/{$}", "/away", "//other.test/", "mailto:a@site.test")
			s.redirect("/away", "http://other.test/")
			s.mux.HandleFunc("other.test/", func(http.ResponseWriter, *http.Request) { t.Error("another host was visited") })
			mustContain(t, mustCrawl(t, ctx, c), "1 pages of", "0 broken links", "1 redirects to other hosts\n")
		})
	})
	t.Run("of the first page", func(t *testing.T) {
		for target, want := range map[string]string{
			"/gone": "404 Not Found", "/": "redirects in a circle", "http://other.test/": "redirected to another host",
		} {
			inBubble(t, defaults(), func(t *testing.T, ctx context.Context, s *site, c *crawler) {
				s.redirect("/{$}", target)
				if err := c.crawl(ctx); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("crawl() of a page that redirects to %s = %v, want %s", target, err, want)
				}
			})
		}
	})
}

func TestRobotsRules(t *testing.T) {
	t.Run("apply to the query", func(t *testing.T) {
		inBubble(t, defaults(), func(t *testing.T, ctx context.Context, s *site, c *crawler) {
			s.robots("User-agent: *", "Disallow: /*?sort=")
			s.page("/{$}", "/list?sort=name", "/list?page=2")
			s.page("/list")
			mustCrawl(t, ctx, c)
			if got, want := s.visited(), []string{"/", "/list"}; !slices.Equal(got, want) {
				t.Errorf("visited %q, want %q", got, want)
			}
		})
	})
	t.Run("apply to the first page", func(t *testing.T) {
		inBubble(t, defaults(), func(t *testing.T, ctx context.Context, s *site, c *crawler) {
			s.robots("User-agent: *", "Disallow: /")
			s.page("/{$}")
			if err := c.crawl(ctx); err == nil || !strings.Contains(err.Error(), "robots.txt forbids") {
				t.Errorf("crawl() = %v, want that robots.txt forbids it", err)
			}
		})
	})
	t.Run("may stand elsewhere", func(t *testing.T) {
		inBubble(t, defaults(), func(t *testing.T, ctx context.Context, s *site, c *crawler) {
			s.redirect("/robots.txt", "/rules")
			s.mux.HandleFunc("/rules", func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintln(w, "User-agent: *\nDisallow: /private")
			})
			s.page("/{$}", "/private")
			mustContain(t, mustCrawl(t, ctx, c), "1 pages of", "1 links that robots.txt forbids")
		})
	})
}

func TestNormalize(t *testing.T) {
	for in, want := range map[string]string{
		"http://Site.test":               "http://site.test/",
		"HTTP://SITE.TEST:80/A#b":        "http://site.test/A",
		"https://site.test:443/?q#x":     "https://site.test/?q",
		"https://site.test:80/":          "https://site.test:80/",
		"http://site.test:8080/a%2Fb":    "http://site.test:8080/a%2Fb",
		"http://[::1]:80/":               "http://[::1]/",
		"http://site.test/a?b=c&d#e=f%2": "",
	} {
		u, err := url.Parse(in)
		if want == "" {
			if err == nil {
				t.Errorf("%q is taken for a URL", in)
			}
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		if got := normalize(u).String(); got != want {
			t.Errorf("normalize(%s) = %s, want %s", in, got, want)
		}
	}
}
