package main

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/temoto/robotstxt"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const (
	maxBody      = 8 << 20 // bytes of a page that are read
	maxRedirects = 10      // in a row
)

// A page is the result of fetching a page.
type page struct {
	redirect  *url.URL // the target of a redirect, else nil
	html      bool
	bytes     int64
	truncated bool // it is longer than maxBody
	links     []*url.URL
}

// A statusError is an answer without a page.
type statusError struct{ code int }

func (e *statusError) Error() string {
	return fmt.Sprintf("%d %s", e.code, http.StatusText(e.code))
}

// newClient returns a client that keeps a connection for each of its users. It does not
// follow redirects, because the crawler decides about each address.
func newClient(users int) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = users
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// get requests u. The caller closes the answer's body.
func get(ctx context.Context, client *http.Client, u *url.URL) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", userAgent)
	return client.Do(r)
}

// fetch fetches a page and, if it is HTML, finds its links.
func fetch(ctx context.Context, client *http.Client, u *url.URL) (page, error) {
	answer, err := get(ctx, client, u)
	if err != nil {
		return page{}, err
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 == 3 {
		if to, err := answer.Location(); err == nil {
			return page{redirect: normalize(to)}, nil
		}
	}
	if answer.StatusCode/100 != 2 {
		return page{}, &statusError{answer.StatusCode}
	}
	var p page
	body := &io.LimitedReader{R: answer.Body, N: maxBody + 1} // one byte more distinguishes a longer page
	if kind, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type")); err == nil && kind == "text/html" {
		p.html = true
		p.links, err = links(body, u)
		if err != nil {
			return p, err
		}
	}
	// Read what the parser has left, so that the connection can be used again and all bytes
	// are counted.
	if _, err := io.Copy(io.Discard, body); err != nil {
		return p, err
	}
	p.truncated = body.N == 0
	p.bytes = min(maxBody+1-body.N, maxBody)
	return p, nil
}

// links returns the links of an HTML page, to any host.
func links(body io.Reader, base *url.URL) ([]*url.URL, error) {
	doc, err := html.Parse(body)
	if err != nil {
		return nil, err
	}
	var found []*url.URL
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.DataAtom != atom.A && n.DataAtom != atom.Base {
			continue
		}
		for _, a := range n.Attr {
			if a.Namespace != "" || a.Key != "href" {
				continue
			}
			u, err := base.Parse(a.Val)
			if err != nil {
				continue // not a link to follow
			}
			if n.DataAtom == atom.Base {
				base = u
			} else {
				found = append(found, normalize(u))
			}
		}
	}
	return found, nil
}

// normalize returns u in the form in which the crawler compares addresses.
func normalize(u *url.URL) *url.URL {
	n := *u
	n.Fragment, n.RawFragment = "", ""
	n.Host = strings.ToLower(n.Host)
	switch n.Scheme {
	case "http":
		n.Host = strings.TrimSuffix(n.Host, ":80")
	case "https":
		n.Host = strings.TrimSuffix(n.Host, ":443")
	}
	if n.Path == "" {
		n.Path = "/"
	}
	return &n
}

// fetchRobots fetches and reads robots.txt, following redirects.
func fetchRobots(ctx context.Context, client *http.Client, u *url.URL) (*robotstxt.RobotsData, error) {
	following := *client
	following.CheckRedirect = nil
	answer, err := get(ctx, &following, u)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	if err != nil {
		return nil, err
	}
	return robotstxt.FromStatusAndBytes(answer.StatusCode, body)
}
