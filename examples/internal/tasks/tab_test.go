//go:build browser

package tasks_test

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// chromium is a task that runs the browser. It is started with a context for what is
// done in it.
func chromium(ctx context.Context, started func(context.Context)) error {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return fmt.Errorf("this test needs Chromium, which on Debian is what \"apt-get install chromium\" installs: %w", err)
	}
	ctx, end := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
	)...)
	defer end() // waits until it is gone
	ctx, end = chromedp.NewContext(ctx)
	defer end()
	if err := chromedp.Do(ctx); err != nil {
		return err
	}
	started(ctx)
	<-ctx.Done()
	return cancel.Err(ctx)
}

// A tab is a page in the browser.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// open opens a page in a tab, as a daemon of n. Messages on the console fail the test,
// except those about the network.
func open(ctx context.Context, t *testing.T, n *nursery.Nursery, browser context.Context, address string) *tab {
	t.Helper()
	p, err := nursery.Start(ctx, n, func(_ context.Context, started func(*tab)) error {
		ctx, end := chromedp.NewContext(browser)
		defer end()
		console := chromedp.Console(ctx)
		if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
			return err
		}
		started(&tab{t, ctx})
		for m, err := range console {
			if err != nil {
				return cancel.Err(ctx)
			}
			if m.Source != "network" { // there is no favicon, and no answer at times
				t.Errorf("the page says %v (%s:%d)", m, m.URL, m.Line+1)
			}
		}
		return cancel.Err(ctx)
	}, nursery.Daemon(), nursery.Name("tab"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// presses sends keys to what has the focus.
func (p *tab) presses(keys string) {
	p.t.Helper()
	do(p, "a key", chromedp.KeyEvent(keys))
}

// clicks clicks the row that contains a text, or the triangle in it. A click at a place of
// the screen would miss the row if a poll moved it.
func (p *tab) clicks(text, part string) {
	p.t.Helper()
	p.polls()
	p.runs(fmt.Sprintf(`{ const e = row(%q).querySelector(%q); e.scrollIntoView({block: "center"}); e.click(); }`, text, part))
}

// runs runs a script.
func (p *tab) runs(script string) {
	p.t.Helper()
	do(p, "a script", chromedp.Evaluate[bool](script+"; true"))
}

// polls has the page take a snapshot at once, and waits until it shows it.
func (p *tab) polls() {
	p.t.Helper()
	do(p, "a poll", chromedp.Evaluate[bool](`poll().then(() => true)`, chromedp.EvalAwaitPromise))
}

// wants fails the test unless a condition holds.
func (p *tab) wants(what, condition string) {
	p.t.Helper()
	if !do(p, what, chromedp.Evaluate[bool](condition)) {
		p.t.Fatalf("want %s: %s\n%s", what, condition, p.text())
	}
}

// waits waits until a condition holds. It looks at each change of the page.
func (p *tab) waits(what, condition string) {
	p.t.Helper()
	do(p, what, chromedp.Evaluate[bool](`new Promise(done => {
		const look = () => {
			if (`+condition+`) {
				changes.disconnect();
				done(true);
			}
		};
		const changes = new MutationObserver(look);
		changes.observe(document, {subtree: true, childList: true, characterData: true, attributes: true});
		look();
	})`, chromedp.EvalAwaitPromise))
}

// text returns the beginning of what the page shows.
func (p *tab) text() string {
	text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.body.innerText.slice(0, 5000)`))
	if err != nil {
		return err.Error()
	}
	return text
}

// do does something in the page. It fails the test if that takes a minute: it hangs.
func do[T any](p *tab, what string, action chromedp.Action[T]) (v T) {
	p.t.Helper()
	err := cancel.FailAfter(p.ctx, time.Minute, func(ctx context.Context) (err error) {
		v, err = chromedp.Run(ctx, action)
		return err
	})
	if err != nil {
		p.t.Fatalf("waiting for %s: %v; the page is\n%s", what, err, p.text())
	}
	return v
}

// labels is that the rows have these names.
func labels(names ...string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = strconv.Quote(n)
	}
	return `JSON.stringify([...document.querySelectorAll("#tree .name")].map(e => e.textContent.trimEnd())) === JSON.stringify([` + strings.Join(list, ",") + `])`
}
