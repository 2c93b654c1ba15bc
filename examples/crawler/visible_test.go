package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/internal/program"
	"github.com/grove-go/grove/nursery"
)

func TestVisible(t *testing.T) {
	for s, want := range map[string]string{
		"":                               "",
		"http://site.test/a?b=c":         "http://site.test/a?b=c",
		"Größe 漢字 🙂 a\u0301":             "Größe 漢字 🙂 a\u0301",
		`a\b "c" 'd'`:                    `a\b "c" 'd'`,
		"\uFFFD":                         "\uFFFD", // the character itself
		"a\xffb\xc2":                     `a\xffb\xc2`,
		"\x9b31m":                        `\x9b31m`, // C1 in one byte
		"\x00\a\b\t\n\r\x1b[31m":         `\x00\a\b\t\n\r\x1b[31m`,
		"\x7f":                           `\x7f`,
		"\u0080\u0085\u009b\u009f":       `\u0080\u0085\u009b\u009f`,
		"\u061c\u200e\u200f":             `\u061c\u200e\u200f`,
		"\u202a\u202b\u202c\u202d\u202e": `\u202a\u202b\u202c\u202d\u202e`,
		"\u2066\u2067\u2068\u2069":       `\u2066\u2067\u2068\u2069`,
		"\u2028\u2029":                   `\u2028\u2029`,
		"\u200b\ufeff\u00ad":             `\u200b\ufeff\u00ad`, // of no width
		"\U000e0001":                     `\U000e0001`,         // a tag
	} {
		if got := visible(s); got != want {
			t.Errorf("visible(%q) = %q, want %q", s, got, want)
		}
	}
	// All characters, by what they are for.
	for r := range rune(0x30000) {
		if !strconv.IsPrint(r) && strings.ContainsRune(visible(string(r)), r) && r != '\uFFFD' {
			t.Errorf("visible passes %U on", r)
		}
	}
}

func TestVisibleError(t *testing.T) {
	err := visibleError{fmt.Errorf("bad\x1b[31m: %w", io.ErrUnexpectedEOF)}
	if got := err.Error(); got != `bad\x1b[31m: unexpected EOF` {
		t.Errorf("the message is %q", got)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the error is not there any more")
	}
}

// Errors of the first request, and of the first page, have a message that is visible, and
// a cancellation stays one.
func TestEvilErrors(t *testing.T) {
	for _, robots := range []bool{true, false} {
		inBubble(t, defaults(), func(t *testing.T, ctx context.Context, s *site, c *crawler) {
			network := c.client.Transport
			defer func() { c.client.Transport = network }()
			c.client.Transport = transport(func(r *http.Request) (*http.Response, error) {
				if r.URL.Path == "/robots.txt" && !robots {
					return network.RoundTrip(r)
				}
				return nil, errors.New(evil)
			})
			err := c.crawl(ctx)
			if err == nil {
				t.Fatal("no error")
			}
			mustBeVisible(t, err.Error())
			mustContain(t, err.Error(), `\u202egpj.exe`)
		})
	}
	inBubble(t, defaults(), func(t *testing.T, ctx context.Context, _ *site, c *crawler) {
		canceled := cancel.New(ctx)
		defer canceled.Close()
		canceled.Cancel(nil)
		if err := c.crawl(canceled); !canceled.IsEcho(err) {
			t.Errorf("crawl() = %v, want that it was canceled", err)
		}
	})
}

// A transport is the network of a client.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// mustBeVisible fails the test if a terminal would not show all that was printed.
func mustBeVisible(t *testing.T, out string) {
	t.Helper()
	for i, r := range out {
		if r != '\n' && (!strconv.IsPrint(r) || strings.HasPrefix(out[i:], "\x9b")) {
			t.Errorf("it printed %U in %q", r, out)
			return
		}
	}
}

// evil has what a page may put into addresses.
const evil = "\u202egpj.exe\u009b31m\u2028\u2067\u061c\x9b"

// TestEvilPages crawls a site with control characters in its links.
func TestEvilPages(t *testing.T) {
	inBubble(t, defaults(), func(t *testing.T, ctx context.Context, s *site, c *crawler) {
		s.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			for _, path := range []string{"/gone?", "/slow?", "/moved?", "/broken?"} {
				fmt.Fprintf(w, `<a href="%s%s">x</a>`, path, evil)
			}
		})
		s.mux.HandleFunc("GET /slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		s.mux.HandleFunc("GET /moved", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Location"] = []string{"/there?" + evil}
			w.WriteHeader(http.StatusFound)
		})
		s.mux.HandleFunc("GET /there", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, `<a href="/none?%s">x</a>`, evil)
		})
		s.mux.HandleFunc("GET /broken", func(w http.ResponseWriter, _ *http.Request) {
			conn, out, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			if _, err := fmt.Fprintf(out, "HTTP/1.1 %s\r\n\r\n", evil); err != nil {
				t.Error(err)
			}
			if err := out.Flush(); err != nil {
				t.Error(err)
			}
		})
		if err := c.crawl(ctx); err != nil {
			t.Error(err)
		}
		out := c.summary()
		mustBeVisible(t, out)
		mustContain(t, out, `/gone?\u202egpj.exe\u009b31m`, "/none?", "/slow?", "/broken?", "/there?", "(linked from http://site.test/there?")
	})
}

// TestEvilFirstPage runs the program on a server that answers with control characters.
func TestEvilFirstPage(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	err = nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			defer context.AfterFunc(ctx, func() { l.Close() })()
			for answers := []string{"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + evil + "\r\n"}; ; answers = answers[1:] {
				conn, err := l.Accept()
				if err != nil {
					return cancel.Because(ctx, err)
				}
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
					return err
				}
				if _, err := io.WriteString(conn, answers[0]+"Connection: close\r\n\r\n"); err != nil {
					return err
				}
				if err := conn.Close(); err != nil {
					return err
				}
			}
		}, nursery.Daemon())
		p := program.Start(t, "http://"+l.Addr().String()+"/?"+evil)
		out, said := p.Wait(1)
		mustBeVisible(t, out+said)
		mustContain(t, out, "0 pages of http://", `/?\u202egpj.exe`)
		mustContain(t, said, "the first page: ", `unsupported transfer encoding: `)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
