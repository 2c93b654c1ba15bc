//go:build browser

// Package browser has tests do things in pages in Chromium.
package browser

import (
	"context"
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// Chromium is a task that runs the browser. It calls started with the context for [Open].
func Chromium(ctx context.Context, started func(context.Context)) error {
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

// A Tab is a page in the browser.
type Tab struct {
	T   *testing.T
	ctx context.Context
}

// Open opens a page in a tab, as a daemon of n. Messages on the console fail the test,
// except messages about the network: a page may lack an icon, or an answer at times.
func Open(ctx context.Context, t *testing.T, n *nursery.Nursery, browser context.Context, address string) *Tab {
	t.Helper()
	p, err := nursery.Start(ctx, n, func(_ context.Context, started func(*Tab)) error {
		ctx, end := chromedp.NewContext(browser)
		defer end()
		console := chromedp.Console(ctx)
		if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
			return err
		}
		started(&Tab{t, ctx})
		for m, err := range console {
			if err != nil {
				return cancel.Err(ctx)
			}
			if m.Source != "network" {
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

// Runs runs a script.
func (p *Tab) Runs(script string) {
	p.T.Helper()
	Do(p, "a script", chromedp.Evaluate[bool](script+"; true"))
}

// Waits waits until a condition holds. It looks at each change of the page.
func (p *Tab) Waits(what, condition string) {
	p.T.Helper()
	Do(p, what, chromedp.Evaluate[bool](`new Promise(done => {
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

// Text returns the beginning of what the page shows.
func (p *Tab) Text() string {
	text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.body.innerText.slice(0, 5000)`))
	if err != nil {
		return err.Error()
	}
	return text
}

// Do does something in the page. It fails the test if that takes a minute: it hangs.
func Do[T any](p *Tab, what string, action chromedp.Action[T]) (v T) {
	p.T.Helper()
	err := cancel.FailAfter(p.ctx, time.Minute, func(ctx context.Context) (err error) {
		v, err = chromedp.Run(ctx, action)
		return err
	})
	if err != nil {
		p.T.Fatalf("waiting for %s: %v; the page is\n%s", what, err, p.Text())
	}
	return v
}
