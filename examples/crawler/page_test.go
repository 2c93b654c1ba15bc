package main

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestLinks(t *testing.T) {
	base := &url.URL{Scheme: "http", Host: "site.test", Path: "/dir/page"}
	for page, want := range map[string][]string{
		`<a href=a>a</a><a href="b#c">b</a>`:                       {"http://site.test/dir/a", "http://site.test/dir/b"},
		`<a href=/%zz>no address</a><a>none</a><a name=x>none</a>`: nil,
		`<head><base href="/else/where"></head><a href=a>a</a>`:    {"http://site.test/else/a"},
		`<a href="?q=1">q</a><a href="../up">up</a>`:               {"http://site.test/dir/page?q=1", "http://site.test/up"},
		`<!-- <a href=a> --><pre>&lt;a href=a></pre><img src=i>`:   nil,
	} {
		found, err := links(strings.NewReader(page), base)
		if err != nil {
			t.Error(err)
		}
		var got []string
		for _, u := range found {
			got = append(got, u.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("links(%s) = %q, want %q", page, got, want)
		}
	}
}
