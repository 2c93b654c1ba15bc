package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/grove-go/grove/nursery/remote"
)

// Index fetches a page and says what is on it. The farm calls it, and the workers run it.
var Index = remote.Define[string, Page]("farm.index", remote.Idempotent())

// A Page is what Index finds on a page.
type Page struct {
	Words   int
	Bytes   int64
	Links   []string // of an HTML page, absolute
	Worker  string
	Attempt int
}

// site serves the Go installation.
func site(root string) http.Handler { return http.FileServerFS(os.DirFS(root)) }

// maxPage is how many bytes of a page are read.
const maxPage = 8 << 20

// index is Index on a worker.
func index(ctx context.Context, client *http.Client, address string) (Page, error) {
	info, _ := remote.Info(ctx)
	p := Page{Worker: info.Worker, Attempt: info.Attempt}
	base, err := url.Parse(address)
	if err != nil {
		return p, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return p, err
	}
	answer, err := client.Do(r)
	if err != nil {
		return p, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return p, fmt.Errorf("%s: %s", address, answer.Status)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxPage))
	if err != nil {
		return p, err
	}
	p.Bytes = int64(len(body))
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") || !strings.HasSuffix(base.Path, "/") {
		p.Words = len(strings.Fields(string(body)))
		return p, nil
	}
	return p, p.list(base, body)
}

// list reads the links of a folder's page.
func (p *Page) list(base *url.URL, body []byte) error {
	doc, err := html.Parse(strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	for n := range doc.Descendants() {
		switch {
		case n.Type == html.TextNode:
			p.Words += len(strings.Fields(n.Data))
		case n.DataAtom == atom.A:
			for _, a := range n.Attr {
				if u, err := base.Parse(a.Val); a.Key == "href" && err == nil {
					p.Links = append(p.Links, u.String())
				}
			}
		}
	}
	return nil
}
