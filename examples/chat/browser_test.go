//go:build browser

package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/internal/browser"
	"github.com/grove-go/grove/examples/internal/serve"
	"github.com/grove-go/grove/nursery"
)

// TestBrowser opens pages in Chromium and has them talk to each other.
func TestBrowser(t *testing.T) {
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		f := &front{log: log.New(t.Output(), "", 0)}
		root, err := nursery.Start(ctx, n, serve.Loopback(f), nursery.Daemon(), nursery.Name("front"))
		if err != nil {
			return err
		}
		chromium, err := nursery.Start(ctx, n, browser.Chromium, nursery.Daemon(), nursery.Name("chromium"))
		if err != nil {
			return err
		}
		open := func(fragment string) tab { return open(ctx, t, n, chromium, root.String()+fragment) }
		f.begin(n)
		defer func() { f.stop() }() // the current chat

		ann, bob := open(""), open("#room=kitchen+table")
		both := func(what, condition string) {
			t.Helper()
			ann.Waits(what, condition)
			bob.Waits(what, condition)
		}
		ann.join("ann")
		ann.Waits("the room that is there without asking", text("room", "lobby"))
		bob.join("bob")
		bob.Waits("the room that the address names", text("room", "kitchen table"))
		bob.clicks("#leave")
		bob.types("#wanted", "lobby")
		bob.join("bob")
		both("the two to be there", here("ann", "bob"))
		ann.Waits("bob to come in", last("bob has come in"))

		ann.says("hello, <b>bob</b>")
		both("what ann says, as text", last("annhello, <b>bob</b>"))
		bob.says("hi")
		both("what bob says", last("bobhi"))
		ann.Waits("her message to be marked as hers", `document.querySelector("#log .mine span")?.textContent === "hello, <b>bob</b>"`)
		bob.Waits("her message not to be marked as his", `document.querySelector("#log .theirs span")?.textContent === "hello, <b>bob</b>"`)

		eve := open("")
		eve.types("#name", "Ann")
		eve.clicks("#join button")
		eve.Waits("the name to be refused", inState("out")+" && "+text("why", errTaken.Reason))
		eve.join("eve")
		both("the three to be there", here("ann", "bob", "eve"))
		eve.Waits("what was said before", `[...document.querySelectorAll("#log span")].map(e => e.textContent).join() === "hello, <b>bob</b>,hi"`)
		eve.clicks("#leave")
		both("eve to leave", last("eve has left")+" && "+here("ann", "bob"))

		// Ann's clock stands still, so that she comes back only if she asks for it.
		ann.Runs(`setTimeout = () => 0`)
		f.stop()
		both("the reason", status("^"+errStopping.Reason+"; attempt 1 in 1 s$"))
		// Each wait is up to twice as long as the one before, and at least half of that.
		bob.Waits("attempts after longer and longer waits", status("; attempt 2 in [12] s\n.*\n.*; attempt 3 in [234] s"))
		f.begin(n)
		bob.Waits("to be in the room again", inState("in")+" && "+here("bob"))
		ann.clicks("#retry")
		both("the two to be there again", inState("in")+" && "+here("ann", "bob"))
		bob.says("where were we?")
		both("what bob says after that, and nothing from before", last("bobwhere were we?")+
			` && !document.getElementById("log").textContent.includes("hello")`)
		f.stop()
		bob.Waits("a first attempt again", status("attempt 3[^]*\nyou are bob\n"+errStopping.Reason+"; attempt 1 in 1 s$"))
		return nil
	})
	if err != nil {
		t.Errorf("%+v", err)
	}
}

// Conditions, in the language of the page.

// inState is the condition that the page is in a state.
func inState(state string) string { return "document.body.dataset.state === " + strconv.Quote(state) }

// text is the condition that an element has a text.
func text(id, text string) string {
	return fmt.Sprintf("document.getElementById(%q).textContent === %q", id, text)
}

// here is the condition that exactly these members are in the room.
func here(names ...string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("#who li")].map(e => e.textContent).join() === %q && %s`,
		strings.Join(names, ","), text("count", strconv.Itoa(len(names))))
}

// last is the condition that this is the last event on the page, but for its time.
func last(line string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("#log li:last-child > :not(time)")].map(e => e.textContent).join("") === %q`, line)
}

// status is the condition that the lines about the connection match.
func status(pattern string) string {
	return fmt.Sprintf(`new RegExp(%q, "m").test(statuses.join("\n"))`, pattern)
}

// A front is a server with a chat that stops and begins again.
type front struct {
	log  *log.Logger
	chat atomic.Pointer[chat]
	stop func() // asks the chat to stop
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := f.chat.Load()
	if c == nil {
		http.Error(w, "no chat at the moment", http.StatusServiceUnavailable)
		return
	}
	c.ServeHTTP(w, r)
}

// begin begins a chat, as a task of n.
func (f *front) begin(n *nursery.Nursery) {
	ready := make(chan struct{})
	n.Go(func(ctx context.Context) error {
		s := cancel.New(ctx)
		defer s.Close()
		return nursery.Run(s, func(ctx context.Context, n *nursery.Nursery) error {
			c := newChat(n, defaults(), f.log)
			f.chat.Store(c)
			f.stop = s.Stop
			close(ready)
			<-cancel.UntilStop(ctx).Done()
			f.chat.Store(nil) // before a client can come back
			return c.untilStop(ctx)
		})
	}, nursery.Name("chat"))
	<-ready
}

// A tab shows the page of the chat.
type tab struct{ *browser.Tab }

// open opens the page in a tab, as a daemon of n. The page notes what it says of the
// connection.
func open(ctx context.Context, t *testing.T, n *nursery.Nursery, chromium context.Context, address string) tab {
	t.Helper()
	p := tab{browser.Open(ctx, t, n, chromium, address)}
	p.Runs(`
		window.statuses = [];
		new MutationObserver(() => statuses.push(document.getElementById("status").textContent))
			.observe(document.getElementById("status"), {childList: true})`)
	return p
}

// join comes in with a name, and waits until that is done.
func (p tab) join(name string) {
	p.T.Helper()
	p.types("#name", name)
	p.clicks("#join button")
	p.Waits("to be in the room", inState("in"))
}

// says types a message, and Enter.
func (p tab) says(message string) {
	p.T.Helper()
	p.does(chromedp.SendKeys(chromedp.CSS("#text"), message+"\r"))
}

// types replaces what is in a field.
func (p tab) types(field, text string) {
	p.T.Helper()
	p.Runs(fmt.Sprintf(`document.querySelector(%q).value = ""`, field))
	p.does(chromedp.SendKeys(chromedp.CSS(field), text))
}

func (p tab) clicks(selector string) {
	p.T.Helper()
	p.does(chromedp.Click(chromedp.CSS(selector)))
}

func (p tab) does(step chromedp.Action[chromedp.Void]) {
	p.T.Helper()
	browser.Do(p.Tab, "a key or a click", step)
}
