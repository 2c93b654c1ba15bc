package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/testutil"
)

// slowChain adds pages that take a second each and link to two more.
func slowChain(s *site) {
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" {
			http.NotFound(w, r)
			return
		}
		if cancel.Sleep(r.Context(), time.Second) != nil {
			return // the client has gone
		}
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte("<a href=" + r.URL.Path + "0/>a</a><a href=" + r.URL.Path + "1/>b</a>"))
	})
}

func TestWholeTimeout(t *testing.T) {
	inBubble(t, defaults(), func(t *testing.T, ctx context.Context, s *site, c *crawler) {
		slowChain(s)
		err := cancel.FailAfter(ctx, 3500*time.Millisecond, c.crawl)
		if timeout := new(cancel.TimeoutError); !errors.As(err, &timeout) {
			t.Errorf("FailAfter(crawl) = %v, want a TimeoutError", err)
		}
		// 1, 2 and 4 pages in three seconds; the next ones were cut off.
		mustContain(t, c.summary(), "7 pages", "0 pages with trouble")
	})
}

func TestGracefulStop(t *testing.T) {
	inBubble(t, defaults(), func(t *testing.T, ctx context.Context, s *site, c *crawler) {
		slowChain(s)
		start := time.Now()
		time.AfterFunc(2500*time.Millisecond, scopeOf(ctx).Stop)
		if err := c.crawl(ctx); err != nil {
			t.Errorf("crawl() = %v, want nil", err)
		}
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("the crawl took %v, want 3s: until those in flight had finished", d)
		}
		mustContain(t, c.summary(), "7 pages", "ended early: 8 more", "0 pages with trouble")
		if n := len(s.visited()); n != 7 {
			t.Errorf("%d pages were begun, want 7", n)
		}
	})
}

func TestStopEndsTheWaitForATurn(t *testing.T) {
	o := defaults()
	o.perSecond = 0.01
	inBubble(t, o, func(t *testing.T, ctx context.Context, s *site, c *crawler) {
		slowChain(s)
		start := time.Now()
		time.AfterFunc(5*time.Second, scopeOf(ctx).Stop)
		if err := c.crawl(ctx); err != nil {
			t.Errorf("crawl() = %v, want nil", err)
		}
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("the crawl took %v, want 5s", d)
		}
	})
}

func TestCancel(t *testing.T) {
	inBubble(t, defaults(), func(t *testing.T, ctx context.Context, s *site, c *crawler) {
		slowChain(s)
		start := time.Now()
		enough := errors.New("enough")
		time.AfterFunc(2500*time.Millisecond, func() { scopeOf(ctx).Cancel(enough) })
		err := c.crawl(ctx)
		if e := new(cancel.Error); !errors.As(err, &e) || e.Reason.Cause != enough {
			t.Errorf("crawl() = %v, want a cancel.Error because of %v", err, enough)
		}
		if d := time.Since(start); d != 2500*time.Millisecond {
			t.Errorf("the crawl took %v, want 2.5s", d)
		}
		mustContain(t, c.summary(), "3 pages", "0 pages with trouble")
		synctest.Wait()
	})
}

// Wherever the crawl is canceled, it ends, says so, and reports what it had by then.
func TestCancelEverywhere(t *testing.T) {
	o := defaults()
	o.perSecond = 2
	testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) (err error) {
		withSite(t, o, func(s *site, c *crawler) {
			s.page("/{$}", "a", "b", "slow")
			s.page("/a", "/", "b")
			s.page("/b")
			s.mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { _ = cancel.Sleep(r.Context(), time.Second) })
			err = c.crawl(ctx)
			if err == nil {
				mustContain(t, c.summary(), "4 pages")
			}
			mustContain(t, c.summary(), "0 pages with trouble")
			synctest.Wait()
			if s.inFlight != 0 {
				t.Errorf("%d requests are being answered, want none", s.inFlight)
			}
		})
		return err
	}, testutil.Repeats(2))
}

// An ending is a transport that tells when an answer has been read to its end.
type ending struct {
	*http.Transport
	of   string
	tell func()
}

func (e ending) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := e.Transport.RoundTrip(r)
	if err == nil && r.URL.Path == e.of {
		answer.Body = endingBody{answer.Body, e.tell}
	}
	return answer, err
}

type endingBody struct {
	io.ReadCloser
	tell func()
}

func (b endingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.tell()
	}
	return n, err
}

func TestPageThatIsThereCounts(t *testing.T) {
	inBubble(t, defaults(), func(t *testing.T, ctx context.Context, s *site, c *crawler) {
		s.page("/{$}", "/a")
		s.page("/a", "/b")
		s.page("/b")
		c.client.Transport = ending{c.client.Transport.(*http.Transport), "/a", func() { scopeOf(ctx).Cancel(nil) }}
		if err := c.crawl(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("crawl() = %v, want that it was canceled", err)
		}
		mustContain(t, c.summary(), "2 pages", "ended early: 1 more", "0 broken links", "0 pages with trouble")
	})
}
