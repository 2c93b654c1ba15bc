//go:build browser

package tasks_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/grove-go/grove/examples/internal/browser"
	"github.com/grove-go/grove/nursery"
)

// A tab shows the page of package web.
type tab struct{ *browser.Tab }

// open opens the page in a tab, as a daemon of n.
func open(ctx context.Context, t *testing.T, n *nursery.Nursery, chromium context.Context, address string) tab {
	t.Helper()
	return tab{browser.Open(ctx, t, n, chromium, address)}
}

// presses sends keys to what has the focus.
func (p tab) presses(keys string) {
	p.T.Helper()
	browser.Do(p.Tab, "a key", chromedp.KeyEvent(keys))
}

// clicks clicks the row that contains a text, or the triangle in it. A click at a place of
// the screen would miss the row if a poll moved it.
func (p tab) clicks(text, part string) {
	p.T.Helper()
	p.polls()
	p.Runs(fmt.Sprintf(`{ const e = row(%q).querySelector(%q); e.scrollIntoView({block: "center"}); e.click(); }`, text, part))
}

// polls has the page take a snapshot at once, and waits until it shows it.
func (p tab) polls() {
	p.T.Helper()
	browser.Do(p.Tab, "a poll", chromedp.Evaluate[bool](`poll().then(() => true)`, chromedp.EvalAwaitPromise))
}

// wants fails the test unless a condition holds.
func (p tab) wants(what, condition string) {
	p.T.Helper()
	if !browser.Do(p.Tab, what, chromedp.Evaluate[bool](condition)) {
		p.T.Fatalf("want %s: %s\n%s", what, condition, p.Text())
	}
}

// labels is that the rows have these names.
func labels(names ...string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = strconv.Quote(n)
	}
	return `JSON.stringify([...document.querySelectorAll("#tree .name")].map(e => e.textContent.trimEnd())) === JSON.stringify([` + strings.Join(list, ",") + `])`
}
