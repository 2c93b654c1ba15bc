package serve_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/grove-go/grove/examples/internal/serve"
	"github.com/grove-go/grove/nursery"
)

func TestSameSite(t *testing.T) {
	loopback, loopback6, outside := net.IPv4(127, 0, 0, 1), net.IPv6loopback, net.IPv4(192, 0, 2, 1)
	for _, c := range []struct {
		name   string
		local  net.IP // nil: a connection that is not one of TCP
		method string
		host   string
		header map[string]string
		status int
	}{
		{"a name", loopback, "GET", "localhost:8080", nil, 200},
		{"a name in capitals, from the root", loopback, "GET", "LOCALHOST.", nil, 200},
		{"an address", loopback, "GET", "127.0.0.1:8080", nil, 200},
		{"an address without a port", loopback, "GET", "127.0.0.1", nil, 200},
		{"another one of the same interface", loopback, "GET", "127.1.2.3:80", nil, 200},
		{"an address of IPv6", loopback6, "GET", "[::1]:8080", nil, 200},
		{"an address of IPv6 without a port", loopback6, "GET", "[::1]", nil, 200},
		{"an address of IPv4 in IPv6", loopback, "GET", "[::ffff:127.0.0.1]:80", nil, 200},
		{"a foreign name", loopback, "GET", "evil.test:8080", nil, 421},
		{"a foreign name, IPv6", loopback6, "GET", "evil.test", nil, 421},
		{"a foreign name that begins as ours", loopback, "GET", "localhost.evil.test", nil, 421},
		{"a foreign name that ends as ours", loopback, "GET", "evil-localhost", nil, 421},
		{"a name that is an address only in part", loopback, "GET", "127.0.0.1.evil.test", nil, 421},
		{"a foreign address", loopback, "GET", "192.0.2.1:8080", nil, 421},
		{"no name", loopback, "GET", "", nil, 421},
		{"any name from outside", outside, "GET", "books.test", nil, 200},
		{"any name in a test", nil, "GET", "books.test", nil, 200},
		{"a page of ours", loopback, "POST", "localhost:8080", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:8080"}, 200},
		{"a program", loopback, "POST", "localhost:8080", nil, 200},
		{"a page of another site", loopback, "POST", "localhost:8080", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"a page of another site in an old browser", loopback, "POST", "localhost:8080", map[string]string{"Origin": "http://evil.test"}, 403},
		{"a page of another port", loopback, "POST", "localhost:8080", map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:9090"}, 403},
		{"a link on a page of another site", loopback, "GET", "localhost:8080", map[string]string{"Sec-Fetch-Site": "cross-site"}, 200},
		{"a page whose name leads here", loopback, "POST", "evil.test", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.test"}, 421},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "/", nil)
			r.Host = c.host
			for k, v := range c.header {
				r.Header.Set(k, v)
			}
			if c.local != nil {
				r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: c.local, Port: 8080}))
			}
			w := httptest.NewRecorder()
			serve.SameSite(hello).ServeHTTP(w, r)
			if w.Code != c.status {
				t.Errorf("the status is %d, want %d", w.Code, c.status)
			}
		})
	}
}

// The server tells the handler on which interface a request arrived.
func TestSameSiteOnSockets(t *testing.T) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, addr := range []string{"127.0.0.1:0", ":0"} {
		err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			root, err := nursery.Start(ctx, n, serve.HTTP(addr, serve.SameSite(hello)))
			if err != nil {
				return err
			}
			at := url.URL{Scheme: "http", Host: net.JoinHostPort("127.0.0.1", root.Port()), Path: "/"}
			for host, want := range map[string]int{"": 200, "localhost": 200, "evil.test": 421} {
				r, err := http.NewRequestWithContext(ctx, "GET", at.String(), nil)
				if err != nil {
					return err
				}
				r.Host = host
				a, err := client.Do(r)
				if err != nil {
					return err
				}
				if a.StatusCode != want {
					t.Errorf("the answer for host %q at %s is %s, want %d", host, addr, a.Status, want)
				}
				if err := a.Body.Close(); err != nil {
					return err
				}
			}
			n.Scope().Stop()
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}
