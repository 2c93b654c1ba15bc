package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
)

func TestGoodAndBadPages(t *testing.T) {
	inBubble(t, defaults(), func(t *testing.T, ctx context.Context, s *site, c *crawler) {
		s.page("/{$}", "a", "a#there", "/a", "missing", "broken", "text", "cut", "midway", "loop", "away",
			"endless", "full", "slow", "http://other.test/x", "ftp://site.test/x", "mailto:a@site.test", "%zz", "moved")
		s.page("/a", "/", "a?q=1")
		s.mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
		s.mux.HandleFunc("/text", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.Write([]byte("<a href=/never>plain text</a>"))
		})
		s.mux.HandleFunc("/cut", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		s.mux.HandleFunc("/midway", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Write([]byte("<a href=/never>half a page</a>"))
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		})
		s.mux.Handle("/loop", http.RedirectHandler("/loop", http.StatusFound))
		s.mux.Handle("/away", http.RedirectHandler("http://other.test/", http.StatusFound))
		s.mux.Handle("/moved", http.RedirectHandler("/dir/", http.StatusFound))
		s.page("/dir/", "sub")
		s.page("/dir/sub")
		s.mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		})
		s.mux.HandleFunc("/full", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.Write(make([]byte, maxBody))
		})
		s.mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		start := time.Now()
		if err := c.crawl(ctx); err != nil {
			t.Fatalf("crawl() = %v, want nil", err)
		}
		if d := time.Since(start); d != c.opts.pageTimeout {
			t.Errorf("the crawl took %v, want the %v of the slow page", d, c.opts.pageTimeout)
		}
		text := c.summary()
		mustContain(t, text,
			"8 pages of http://site.test (5 HTML, 3 other)\n16.8 MB in ",
			"5 broken links\n",
			"http://site.test/broken: 500 Internal Server Error (linked from http://site.test/)\n",
			"http://site.test/missing: 404 Not Found (linked from http://site.test/)\n",
			"2 pages with trouble\n",
			"/cut: EOF",
			"/midway: unexpected EOF",
			"/loop: redirects in a circle",
			"1 redirects to other hosts\n",
			"/endless: cut off after 8388608 bytes",
			"/slow: timed out",
			"slowest pages:\n")
		if strings.Contains(text, "/full: cut off") {
			t.Errorf("a page of exactly %d bytes is said to be cut off:\n%s", maxBody, text)
		}
		for path, want := range map[string]int{"/text": 1, "/slow": 1, "/dir/sub": 1, "/a": 2} { // /a with a query too
			if n := s.count(path); n != want {
				t.Errorf("%s was visited %d times, want %d", path, n, want)
			}
		}
		if s.count("/never") != 0 {
			t.Error("a link in a text, or in half a page, was followed")
		}
	})
}

func TestBounds(t *testing.T) {
	calendar := func(s *site) {
		s.mux.HandleFunc("/{day}", func(w http.ResponseWriter, r *http.Request) {
			day, err := strconv.Atoi(r.PathValue("day"))
			if err != nil {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", "text/html")
			for _, d := range []int{day + 1, day + 2, day} {
				w.Write([]byte("<a href=" + strconv.Itoa(d) + ">next</a>"))
			}
		})
		s.page("/{$}", "0")
	}
	t.Run("pages", func(t *testing.T) {
		o := defaults()
		o.pages = 20
		o.depth = 1000
		inBubble(t, o, func(t *testing.T, ctx context.Context, s *site, c *crawler) {
			calendar(s)
			if err := c.crawl(ctx); err != nil {
				t.Fatal(err)
			}
			if n := len(s.visited()); n != 20 {
				t.Errorf("%d pages were visited, want 20", n)
			}
		})
	})
	t.Run("depth", func(t *testing.T) {
		o := defaults()
		o.depth = 3
		o.concurrency = 1
		inBubble(t, o, func(t *testing.T, ctx context.Context, s *site, c *crawler) {
			calendar(s)
			if err := c.crawl(ctx); err != nil {
				t.Fatal(err)
			}
			if got, want := s.visited(), []string{"/", "/0", "/1", "/2", "/3", "/4"}; !slices.Equal(got, want) {
				t.Errorf("visited %q, want %q", got, want)
			}
		})
	})
	t.Run("concurrency", func(t *testing.T) {
		inBubble(t, defaults(), func(t *testing.T, ctx context.Context, s *site, c *crawler) {
			var links []string
			for i := range 12 {
				links = append(links, "/p"+strconv.Itoa(i))
			}
			s.page("/{$}", links...)
			s.mux.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) { _ = cancel.Sleep(r.Context(), time.Second) })
			start := time.Now()
			if err := c.crawl(ctx); err != nil {
				t.Fatal(err)
			}
			// robots.txt first, which takes a second here, then 12 pages, 4 at a time.
			if d := time.Since(start); s.most != 4 || d != 4*time.Second {
				t.Errorf("%d at a time in %v, want 4 in 4s", s.most, d)
			}
		})
	})
	t.Run("rate", func(t *testing.T) {
		o := defaults()
		o.perSecond = 2
		inBubble(t, o, func(t *testing.T, ctx context.Context, s *site, c *crawler) {
			s.page("/{$}", "/1", "/2", "/3", "/4")
			start := time.Now()
			if err := c.crawl(ctx); err != nil {
				t.Fatal(err)
			}
			if d := time.Since(start); d != 2*time.Second {
				t.Errorf("5 pages at 2 a second took %v, want 2s", d)
			}
		})
	})
}

func TestRobots(t *testing.T) {
	inBubble(t, defaults(), func(t *testing.T, ctx context.Context, s *site, c *crawler) {
		s.mux.HandleFunc("/robots.txt", func(w http.ResponseWriter, _ *http.Request) {
			w.Write([]byte("User-agent: *\nDisallow: /private\nCrawl-delay: 3\n"))
		})
		s.page("/{$}", "/private/a", "/public", "/more")
		s.page("/public")
		s.page("/more")
		start := time.Now()
		if err := c.crawl(ctx); err != nil {
			t.Fatal(err)
		}
		if s.count("/private/a") != 0 {
			t.Error("a forbidden page was visited")
		}
		if d := time.Since(start); d != 6*time.Second {
			t.Errorf("3 pages with a delay of 3s took %v, want 6s", d)
		}
		mustContain(t, c.summary(), "1 links that robots.txt forbids\n")
	})
}

func TestFirstPage(t *testing.T) {
	inBubble(t, defaults(), func(t *testing.T, ctx context.Context, s *site, c *crawler) {
		err := c.crawl(ctx)
		if status := new(statusError); !errors.As(err, &status) || status.code != http.StatusNotFound {
			t.Errorf("crawl() = %v, want a 404", err)
		}
	})
}

func TestSilentSite(t *testing.T) {
	inBubble(t, defaults(), func(t *testing.T, ctx context.Context, s *site, c *crawler) {
		s.mux.HandleFunc("/robots.txt", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		if err := c.crawl(ctx); err == nil || !strings.Contains(err.Error(), "does not answer") {
			t.Errorf("crawl() = %v, want that the site does not answer", err)
		}
	})
}
