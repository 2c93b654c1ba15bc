package main

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestSummary(t *testing.T) {
	at := func(path string) *url.URL { return &url.URL{Scheme: "http", Host: "site.test", Path: path} }
	r := report{start: at("/"), concurrency: 3, forbidden: 4}
	r.add(link{url: at("/")}, page{html: true, bytes: 1_500_000}, nil, 30*time.Millisecond)
	for _, path := range []string{"/e", "/d", "/c", "/b", "/a"} {
		took := time.Duration(path[1]) * time.Millisecond
		r.add(link{url: at(path), from: at("/")}, page{bytes: 100_000}, nil, took)
	}
	r.add(link{url: at("/gone"), from: at("/a")}, page{}, &statusError{404}, 0)
	r.add(link{url: at("/cut"), from: at("/a")}, page{}, &url.Error{Op: "Get", URL: "/cut", Err: errors.New("EOF")}, 0)
	r.add(link{url: at("/slow"), from: at("/")}, page{}, errTimeout, time.Second)
	r.add(link{url: at("/moved"), from: at("/")}, page{redirect: at("/a")}, nil, 0)
	r.add(link{url: at("/away"), from: at("/")}, page{redirect: at("/b")}, errElsewhere, 0)
	r.add(link{url: at("/next"), from: at("/")}, page{}, errUnfinished, 0)
	for i := range troubleShown + 2 {
		r.add(link{url: at("/x" + string(rune('a'+i))), from: at("/")}, page{truncated: true}, nil, 0)
	}
	var b strings.Builder
	r.write(&b, 2*time.Second)
	const want = `18 pages of http://site.test/ (1 HTML, 17 other)
2.0 MB in 2s, 12 requests per second, 3 at a time
ended early: 1 more were known and not fetched
1 redirects to other hosts
4 links that robots.txt forbids
2 broken links
  http://site.test/cut: EOF (linked from http://site.test/a)
  http://site.test/gone: 404 Not Found (linked from http://site.test/a)
13 pages with trouble
  http://site.test/slow: timed out (linked from http://site.test/)
  http://site.test/xa: cut off after 8388608 bytes (linked from http://site.test/)
  http://site.test/xb: cut off after 8388608 bytes (linked from http://site.test/)
  http://site.test/xc: cut off after 8388608 bytes (linked from http://site.test/)
  http://site.test/xd: cut off after 8388608 bytes (linked from http://site.test/)
  http://site.test/xe: cut off after 8388608 bytes (linked from http://site.test/)
  http://site.test/xf: cut off after 8388608 bytes (linked from http://site.test/)
  http://site.test/xg: cut off after 8388608 bytes (linked from http://site.test/)
  http://site.test/xh: cut off after 8388608 bytes (linked from http://site.test/)
  http://site.test/xi: cut off after 8388608 bytes (linked from http://site.test/)
  and 3 more
slowest pages:
     101ms  http://site.test/e
     100ms  http://site.test/d
      99ms  http://site.test/c
      98ms  http://site.test/b
      97ms  http://site.test/a
`
	if got := b.String(); got != want {
		t.Errorf("summary:\n%s\nwant:\n%s", got, want)
	}
}
