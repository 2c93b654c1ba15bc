package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/grove-go/grove/examples/internal/program"
	"github.com/grove-go/grove/nursery"
)

func TestEmbedded(t *testing.T) {
	o, err := parse([]string{"-pages", "300"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err = nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		return run(ctx, n, o, &out, progress{})
	})
	if err != nil {
		t.Fatalf("run() = %v, want nil", err)
	}
	m := regexp.MustCompile(`^(\d+) pages of http://127\.0\.0\.1:\d+/ `).FindStringSubmatch(out.String())
	if m == nil {
		t.Fatalf("no number of pages in:\n%s", &out)
	}
	// Among 300 there are a few links that lead nowhere.
	if n, err := strconv.Atoi(m[1]); err != nil || n < 250 || n > 300 {
		t.Errorf("%s pages, want some 300", m[1])
	}
	mustContain(t, out.String(), "0 pages with trouble", "broken links")
}

func TestParse(t *testing.T) {
	for _, args := range []string{
		"-concurrency 0", "-concurrency 1001", "-depth -1", "-depth 2000000000", "-pages 0", "-pages 2000000000",
		"-rate -1", "-rate NaN", "-rate Inf", "-rate -Inf", "-rate 1e-300", "-rate 1e300", "-rate nonsense",
		"-timeout 0s", "-timeout -1s", "-timeout 25h", "-timeout 1000000000h", "-page-timeout -1s", "-page-timeout 2h",
		"ftp://site.test", "site.test", "http://a.test http://b.test", "-nonsense",
	} {
		var said strings.Builder
		_, err := parse(strings.Fields(args), &said)
		if err == nil {
			t.Errorf("parse(%q) = nil error, want one", args)
			continue
		}
		if n := strings.Count(said.String(), err.Error()); n != 1 {
			t.Errorf("parse(%q) said %d times what is wrong, want once:\n%s", args, n, &said)
		}
		if name, _, ok := strings.Cut(args, " "); ok && name[0] == '-' && !strings.Contains(err.Error(), name+":") && !strings.Contains(err.Error(), "flag "+name+":") {
			t.Errorf("parse(%q) = %v, want that it names the flag", args, err)
		}
	}
	o, err := parse([]string{"http://site.test/a"}, io.Discard)
	if err != nil || o.start.Path != "/a" || o.perSecond != 5 {
		t.Errorf("parse() = %+v, %v, want a start and a polite rate", o, err)
	}
}

func TestStatusOfWrongFlag(t *testing.T) {
	if _, said := program.Start(t, "-rate", "NaN").Wait(2); !strings.Contains(said, "crawler: -rate: must be from 0.01 to 1e+06, got NaN\n") {
		t.Errorf("it printed\n%s", said)
	}
}

func TestSignals(t *testing.T) {
	t.Run("the first one stops gracefully", func(t *testing.T) {
		// The site has no end; only the signal makes the program end.
		asked := make(chan struct{}, 1)
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case asked <- struct{}{}:
			default:
			}
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, "<a href=%s0/>a</a><a href=%s1/>b</a>", r.URL.Path, r.URL.Path)
		}))
		defer site.Close()
		p := program.Start(t, "-depth", "1000000000", "-pages", "1000000000", "-rate", "1000", "-debug", "127.0.0.1:0", site.URL)
		<-asked
		tree := strings.TrimSpace(strings.TrimPrefix(p.Line("the task tree"), "the task tree is at "))
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		answer, err := client.Get(tree)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			t.Error(err)
		}
		mustContain(t, string(body), "\ncrawler  ", "─ task tree  ")
		p.Signal(os.Interrupt)
		out, _ := p.Wait(0)
		mustContain(t, out, " pages of "+site.URL, "0 pages with trouble")
	})
	t.Run("the second one cuts off", func(t *testing.T) {
		asked := make(chan struct{}, 8)
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/robots.txt" {
				http.NotFound(w, r)
				return
			}
			asked <- struct{}{}
			<-r.Context().Done() // a page that never comes
		}))
		defer site.Close()
		p := program.Start(t, "-page-timeout", "1h", "-timeout", "1h", site.URL)
		<-asked
		p.Signal(os.Interrupt, syscall.SIGTERM)
		out, errs := p.Wait(1)
		mustContain(t, out, "0 pages of "+site.URL)
		mustContain(t, errs, "context canceled: signal: ")
	})
}

func TestTimeLimit(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" {
			http.NotFound(w, r)
			return
		}
		<-r.Context().Done() // a page that never comes
	}))
	defer site.Close()
	o, err := parse([]string{"-timeout", "50ms", "-page-timeout", "1h", site.URL}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err = nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		return run(ctx, n, o, &out, progress{})
	})
	if err == nil || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "not finished within 50ms") {
		t.Errorf("run() = %v, want that it was not finished in time", err)
	}
	mustContain(t, out.String(), "0 pages of "+site.URL, "0 pages with trouble")
}
