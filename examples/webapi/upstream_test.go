package main

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/grove-go/grove/cancel"
)

// A transport is the network of a client.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A body notes that it was closed.
type body struct {
	io.Reader
	closed bool
}

func (b *body) Close() error {
	b.closed = true
	return nil
}

// endlessly reads as the letter a.
type endlessly struct{}

func (endlessly) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

func TestUpstream(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		answer io.Reader
		want   string // the error
	}{
		{"an answer", 200, strings.NewReader(`{"cents":5}`), ""},
		{"a failure", 503, strings.NewReader(`busy`), "prices: it answered 503 Service Unavailable"},
		{"no JSON", 200, strings.NewReader(`busy`), "prices: invalid character 'b' looking for beginning of value"},
		{"an answer that is too long", 200, io.MultiReader(strings.NewReader(`{"currency":"`), endlessly{}), "prices: unexpected EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &body{Reader: c.answer}
			u := upstream{"prices", &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
				if r.URL.Path != "/7" {
					t.Errorf("it was asked for %s, want /7", r.URL.Path)
				}
				return &http.Response{StatusCode: c.status, Status: "503 Service Unavailable", Body: b, Request: r}, nil
			})}, &url.URL{Scheme: "http", Host: "prices", Path: "/"}}
			price, err := fetch[Price](u)(t.Context(), 7)
			if c.want == "" && (err != nil || price.Cents != 5) {
				t.Errorf("fetch() = %v, %v, want 5 cents", price, err)
			}
			if failed := new(upstreamError); c.want != "" && (!errors.As(err, &failed) || err.Error() != c.want) {
				t.Errorf("fetch() = %v, want %s", err, c.want)
			}
			if !b.closed {
				t.Error("the body was not closed")
			}
		})
	}
	t.Run("a cancellation, whatever the library makes of it", func(t *testing.T) {
		s := cancel.New(t.Context())
		defer s.Close()
		u := upstream{"prices", &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
			s.Cancel(nil)
			return nil, errors.New("connection closed")
		})}, &url.URL{Scheme: "http", Host: "prices", Path: "/"}}
		if _, err := fetch[Price](u)(s, 7); !s.IsEcho(err) {
			t.Errorf("fetch() = %v, want that it was canceled", err)
		}
	})
}
