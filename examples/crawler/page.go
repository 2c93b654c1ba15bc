package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/temoto/robotstxt"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const (
	maxBody      = 8 << 20 // bytes of a page that are read
	maxRedirects = 10      // in a row
)

// A page is what came of fetching one.
type page struct {
	url       *url.URL // where it was found in the end
	moved     *url.URL // the same, if a redirect led there, else nil
	html      bool
	bytes     int64
	truncated bool // it is longer than maxBody
	links     []*url.URL
}

// A statusError is an answer that is no page.
type statusError struct{ code int }

func (e *statusError) Error() string {
	return fmt.Sprintf("%d %s", e.code, http.StatusText(e.code))
}

var (
	errRedirects = errors.New("too many redirects")
	errElsewhere = errors.New("redirected to another host")
)

// newClient returns a client that keeps a connection for each of its users, and
// follows redirects within a host.
func newClient(users int) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = users
	return &http.Client{
		Transport: t,
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return errRedirects
			}
			if r.URL.Host != via[0].URL.Host {
				return errElsewhere
			}
			return nil
		},
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
	if answer.StatusCode != http.StatusOK {
		return page{}, &statusError{answer.StatusCode}
	}
	p := page{url: normalize(answer.Request.URL)}
	if p.url.String() != u.String() {
		p.moved = p.url
	}
	body := &io.LimitedReader{R: answer.Body, N: maxBody}
	if kind, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type")); err == nil && kind == "text/html" {
		p.html = true
		p.links, err = links(body, p.url)
		if err != nil {
			return p, err
		}
	}
	// What the parser has left is read too, so that the connection can be used
	// again and the bytes are all counted.
	if _, err := io.Copy(io.Discard, body); err != nil {
		return p, err
	}
	p.bytes = maxBody - body.N
	p.truncated = body.N == 0
	return p, nil
}

// links returns the links of an HTML page to other pages.
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
				continue // no link that anybody could follow
			}
			if n.DataAtom == atom.Base {
				base = u
			} else if u.Scheme == "http" || u.Scheme == "https" {
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
	if n.Path == "" {
		n.Path = "/"
	}
	return &n
}

// fetchRobots fetches and reads robots.txt.
func fetchRobots(ctx context.Context, client *http.Client, u *url.URL) (*robotstxt.RobotsData, error) {
	answer, err := get(ctx, client, u)
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
