package web_test

import (
	"context"
	"fmt"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grove-go/grove/nursery/debug/web"
)

func TestPrefix(t *testing.T) {
	h := web.Handler()
	mux := http.NewServeMux()
	mux.Handle("/debug/tasks/", h)
	mux.Handle("/stripped/", http.StripPrefix("/stripped", h))
	mux.Handle("/stripped/more/", http.StripPrefix("/stripped/more/", h))
	mux.Handle("/bare", http.StripPrefix("/bare", h))
	for _, c := range []struct {
		h                  http.Handler
		address, page, css string // where the page and its style are
	}{
		{h, "/", "/", "/style.css"},
		{h, "/x/y?format=html&under=n1", "/x/y/?format=html&under=n1", "/x/y/style.css"},
		{h, "/a%2Fb:c", "/a%2Fb:c/", "/a%2Fb:c/style.css"},
		{h, "//evil", "//evil/", "//evil/style.css"},
		{mux, "/debug/tasks", "/debug/tasks/", "/debug/tasks/style.css"},
		{mux, "/debug/tasks/", "/debug/tasks/", "/debug/tasks/style.css"},
		{mux, "/stripped/", "/stripped/", "/stripped/style.css"},
		{mux, "/stripped/more/", "/stripped/more/", "/stripped/more/style.css"},
		{mux, "/stripped/below", "/stripped/below/", "/stripped/below/style.css"},
		{mux, "/bare", "/bare/", ""},
	} {
		t.Run("W2/"+c.address, func(t *testing.T) {
			at := "http://host" + c.address
			answer, body := ask(t, c.h, "GET", at, browser)
			if "http://host"+c.page != at {
				to, err := answer.Location()
				if err != nil {
					t.Fatalf("%s: %v", answer.Status, err)
				}
				r := httptest.NewRequest("GET", at, nil)
				if got := r.URL.ResolveReference(to).String(); answer.StatusCode/100 != 3 || got != "http://host"+c.page {
					t.Fatalf("%s to %s, want %s", answer.Status, got, c.page)
				}
				answer, body = ask(t, c.h, "GET", "http://host"+c.page, browser)
			}
			if c.css == "" {
				return // not routed to the handler
			}
			if answer.StatusCode != http.StatusOK || !strings.Contains(body, `href="style.css"`) {
				t.Fatalf("%s, want the page", answer.Status)
			}
			if answer, _ := ask(t, c.h, "GET", "http://host"+c.css, ""); answer.StatusCode != http.StatusOK {
				t.Errorf("the style: %s", answer.Status)
			}
		})
	}
	if answer, _ := ask(t, h, "GET", "/x/y", "*/*"); answer.StatusCode != http.StatusOK {
		t.Errorf("text, without the slash: %s, want 200", answer.Status)
	}
	for _, path := range []string{"/favicon.ico", "/tree.html", "/handler.go", "/page/other.js"} {
		if answer, _ := ask(t, h, "GET", path, browser); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s, want 404", path, answer.Status)
		}
	}
}

// TestHeaders checks each kind of answer.
func TestHeaders(t *testing.T) {
	h := web.Handler()
	for _, address := range []string{"/", "/?format=json", "/?format=html", "/tree.js", "/style.css", "/?format=xml", "/x.png", "/?under=n1"} {
		answer, _ := ask(t, h, "GET", address, "")
		for name, want := range map[string]string{
			"Cache-Control":                "no-store",
			"X-Content-Type-Options":       "nosniff",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
				"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		} {
			if got := answer.Header.Get(name); got != want {
				t.Errorf("W2, W6/%s: %s: %q, want %q", address, name, got, want)
			}
		}
		if cors := answer.Header.Get("Access-Control-Allow-Origin"); cors != "" {
			t.Errorf("%s may be read by %s", address, cors)
		}
	}
}

// TestPage checks that the page refers to its own files alone, has no script or style in it,
// and makes no markup.
func TestPage(t *testing.T) {
	h := web.Handler()
	_, page := ask(t, h, "GET", "/", browser)
	names := []string{"tree.html"}
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"?]+)"`).FindAllStringSubmatch(page, -1) {
		names = append(names, m[1])
		answer, body := ask(t, h, "GET", "/"+m[1], "")
		got, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
		want := map[bool]string{true: "text/javascript", false: "text/css"}[strings.HasSuffix(m[1], ".js")]
		if err != nil || answer.StatusCode != http.StatusOK || got != want || body == "" {
			t.Errorf("%s: %s, type %q (%v), want %q", m[1], answer.Status, got, err, want)
		}
	}
	entries, err := fs.ReadDir(os.DirFS("page"), ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(names, e.Name()) {
			t.Errorf("the page does not refer to %s", e.Name())
		}
		data, err := os.ReadFile("page/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		for what, pattern := range map[string]string{
			"markup from text":         `innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\b|new Function`,
			"an address":               `https?:|url\(|@import|["'(]//`,
			"a script or style inside": `<script(>| [^>]*>[^<])|<style| style=| on[a-z]+=|javascript:`,
		} {
			if found := regexp.MustCompile(pattern).FindString(string(data)); found != "" {
				t.Errorf("W2, W3/%s has %s: %s", e.Name(), what, found)
			}
		}
	}
}

func TestHost(t *testing.T) {
	h := web.Handler()
	loopback, loopback6 := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2), Port: 6061}, &net.TCPAddr{IP: net.IPv6loopback, Port: 6061}
	outside := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 6061}
	for _, c := range []struct {
		local   net.Addr
		host    string
		allowed bool
	}{
		{loopback, "localhost", true},
		{loopback, "LocalHost:6061", true},
		{loopback, "127.0.0.1:6061", true},
		{loopback, "127.0.0.1", true},
		{loopback, "[::1]:6061", true},
		{loopback, "[::1]", true},
		{loopback, "192.168.1.7:80", true},
		{loopback, "rebound.example:6061", false},
		{loopback, "rebound.example", false},
		{loopback, "localhost.rebound.example", false},
		{loopback, "127.0.0.1.rebound.example", false},
		{loopback, "127.1", false},
		{loopback, "", false},
		{loopback6, "rebound.example:6061", false},
		{loopback6, "localhost", true},
		{outside, "inside.example", true},
		{&net.UnixAddr{Name: "/run/app"}, "app", true},
		{nil, "app", true},
	} {
		t.Run(fmt.Sprintf("W5/%v at %v", c.host, c.local), func(t *testing.T) {
			for _, path := range []string{"/", "/tree.js", "/?format=html"} {
				r := httptest.NewRequest("GET", path, nil)
				r.Host = c.host
				if c.local != nil {
					r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, c.local))
				}
				want := http.StatusForbidden
				if c.allowed {
					want = http.StatusOK
				}
				if answer, _ := send(t, h, r); answer.StatusCode != want {
					t.Errorf("%s: %s, want %d", path, answer.Status, want)
				}
			}
		})
	}
	t.Run("W5/a server", func(t *testing.T) {
		server := httptest.NewServer(h)
		defer server.Close()
		for host, want := range map[string]int{"": http.StatusOK, "rebound.example": http.StatusForbidden} {
			r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = host
			answer, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := answer.Body.Close(); err != nil {
				t.Error(err)
			}
			if answer.StatusCode != want {
				t.Errorf("host %q: %s, want %d", host, answer.Status, want)
			}
		}
	})
}
