//go:build browser

package tasks_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/internal/browser"
	"github.com/grove-go/grove/examples/internal/serve"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/debug"
	"github.com/grove-go/grove/nursery/debug/web"
)

const hostile = `<img src=x onerror="document.title='taken'"></script><b>x`

// A program serves its tree, and can be made not to answer.
type program struct {
	web     http.Handler
	silence atomic.Pointer[chan struct{}] // answers wait until it is closed
	broken  atomic.Bool
}

func (p *program) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.broken.Load() {
		http.Error(w, "broken", http.StatusInternalServerError)
		return
	}
	if c := p.silence.Load(); c != nil {
		select {
		case <-*c:
		case <-r.Context().Done():
		}
	}
	p.web.ServeHTTP(w, r)
}

// TestBrowser opens the page in Chromium.
func TestBrowser(t *testing.T) {
	defer debug.Enable()() // before the nurseries open
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		p := &program{web: web.Handler(web.Take(debug.WithThresholds(debug.Thresholds{Unresponsive: 1})))}
		mux := http.NewServeMux()
		mux.Handle("/debug/tasks/", p)
		root, err := nursery.Start(ctx, n, serve.Loopback(mux), nursery.Daemon(), nursery.Name("server"))
		if err != nil {
			return err
		}
		chromium, err := nursery.Start(ctx, n, browser.Chromium, nursery.Daemon(), nursery.Name("chromium"))
		if err != nil {
			return err
		}
		address := root.JoinPath("debug/tasks/").String()
		ready := make(chan *nursery.Nursery)
		n.Go(func(ctx context.Context) error { return shop(ctx, ready) }, nursery.Name("keeper"))
		shop := <-ready
		tab := open(ctx, t, n, chromium, address)
		tab.Runs(`
			// row returns the row that contains a text.
			window.row = (text) => [...document.querySelectorAll("#tree > *")].find(e => e.firstChild.textContent.includes(text));
			window.focused = (text) => document.activeElement === row(text);
			// The page follows the program every 7 seconds, which are short here, and loses patience
			// early. What else it times is as it was.
			window.polled = 0;
			const wait = setTimeout;
			setTimeout = (f, ms) => wait(f, ms === 7000 ? 50 : ms === 3000 ? 100 : ms);
			const get = fetch;
			fetch = (...a) => get(...a).finally(() => polled++);
			const every = document.getElementById("every");
			every.value = 60;
			every.dispatchEvent(new Event("change"));
		`)
		looks(tab)
		filters(tab)
		opens(tab)
		survives(tab, shop)
		links(ctx, t, n, chromium, address)
		falls(tab, p)
		grows(tab, shop)
		tab.wants("no request to leave the origin", `performance.getEntriesByType("resource").length > 10 &&
			performance.getEntriesByType("resource").every(e => new URL(e.name).origin === location.origin)`)
		tab.wants("the hostile name to be text", `document.title !== "taken" && !document.querySelector("img, b, #tree script")`)
		shop.Cancel(errors.New("closing time"))
		return nil
	})
	if err != nil {
		t.Errorf("%+v", err)
	}
}

// shop runs a nursery with a few tasks.
func shop(ctx context.Context, ready chan<- *nursery.Nursery) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(steady, nursery.Name("steady"))
		n.Go(cancel.Forever, nursery.Name(hostile))
		n.Go(func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, inner *nursery.Nursery) error {
				inner.Go(func(context.Context) error { // does not see that it is canceled
					return cancel.Forever(n.Scope())
				}, nursery.Name("deaf"))
				inner.Cancel(errors.New("fire"))
				return nil
			}, nursery.Name("kitchen"))
		}, nursery.Name("cook"))
		for range 3 {
			n.Go(equal)
		}
		ready <- n
		return cancel.Forever(ctx)
	}, nursery.Name("shop"), nursery.KeepGoing())
}

func steady(ctx context.Context) error { return cancel.Forever(ctx) }
func equal(ctx context.Context) error  { return cancel.Forever(ctx) }

// looks checks what the page shows.
func looks(p tab) {
	p.T.Helper()
	p.Waits("the tree", `row("shop") && row("deaf") && row("equal ×3")`)
	p.wants("the hostile name as it is", fmt.Sprintf(`row(%q)?.querySelector(".name").textContent.trimEnd() === %q`, hostile, hostile))
	p.wants("levels and positions", `row("kitchen").ariaLevel - row("cook").ariaLevel === 1 && row("cook").ariaLevel - row("shop").ariaLevel === 1 &&
		row("deaf").ariaPosInSet === "1" && row("deaf").ariaSetSize === "1" && row("deaf").ariaExpanded === null && row("cook").ariaExpanded === "true"`)
	p.wants("ages", `/ (\d+ms|\d+\.\ds)/.test(row("steady").textContent)`)
	p.wants("names for all rows", `[...document.querySelectorAll("#tree > *")].every(e => e.role === "treeitem" && document.getElementById(e.getAttribute("aria-labelledby")) === e.firstChild)`)
	p.wants("one row that Tab leads to", `document.querySelectorAll('#tree > [tabindex="0"]').length === 1`)
	p.wants("the warning on top", `/^Warnings \(\d+\)$/.test(document.querySelector("h2").textContent) &&
		document.querySelector("#warnings").compareDocumentPosition(document.querySelector("#tree")) === Node.DOCUMENT_POSITION_FOLLOWING &&
		[...document.querySelectorAll("#warnings a")].some(a => /^unresponsive  deaf: canceled .*fire/.test(a.textContent))`)
	for _, scheme := range []string{"light", "dark"} {
		p.Runs(fmt.Sprintf(`document.documentElement.style.colorScheme = %q; window.%s = getComputedStyle(document.body).backgroundColor`, scheme, scheme))
	}
	p.Runs(`document.documentElement.style.colorScheme = ""`)
	p.wants("two grounds", `light !== dark`)
}

// filters checks the filter.
func filters(p tab) {
	p.T.Helper()
	p.Runs(`
		window.rowsBefore = document.querySelectorAll("#tree > *").length;
		window.filter = (text) => {
			document.getElementById("filter").value = text;
			document.getElementById("filter").dispatchEvent(new Event("input"));
		};
		filter("DEAF")`)
	all := labels("nursery", "keeper", "shop", "cook", "kitchen", "deaf")
	p.Waits("the hit and what is above", all)
	p.polls()
	p.wants("the same after a poll", all)
	p.wants("the number of hits", `document.getElementById("hits").textContent.startsWith("1 of ")`)
	p.clicks("cook", ".twist")
	p.wants("what is above to shut", labels("nursery", "keeper", "shop", "cook"))
	p.Runs(`filter("no such task")`)
	p.wants("nothing", labels())
	p.Runs(`filter("kitchen")`)
	p.wants("the hit and what is below", all)
	p.Runs(`filter("")`)
	p.wants("everything", `document.querySelectorAll("#tree > *").length === rowsBefore`)
}

// opens checks the keys, and the stacks.
func opens(p tab) {
	p.T.Helper()
	p.clicks("steady", ".name")
	p.Waits("the stack", `row("steady").querySelector("pre")?.textContent.includes("tasks_test.steady\n\t/") && focused("steady")`)
	p.wants("the address", `location.hash === "#" + row("steady").dataset.key`)
	p.wants("the stack to describe the row", `row("steady").getAttribute("aria-describedby") === row("steady").querySelector("pre").id`)
	p.presses(kb.Enter)
	p.wants("no stack", `!row("steady").querySelector("pre") && focused("steady")`)
	p.clicks("cook", ".name")
	p.Waits("the stack of a task that waits for its nursery", `row("cook").querySelector("pre")?.textContent.includes("nursery.(*Nursery).run")`)
	p.presses(" ")
	p.wants("no stack", `!row("cook").querySelector("pre")`)
	p.clicks("equal ×3", ".name")
	p.Waits("the IDs of equal tasks", `/^3 tasks, such as g\d+, g\d+, g\d+; the stack of g\d+:\n.*\n/.test(row("equal").querySelector("pre").textContent) && row("equal").querySelector("pre").textContent.includes("tasks_test.equal")`)
	p.presses(kb.Enter)

	p.presses(kb.Home)
	p.wants("the first row", `document.activeElement === document.querySelector("#tree > *")`)
	p.presses(kb.End)
	p.wants("the last row", `document.activeElement === document.querySelector("#tree > :last-child")`)
	p.presses(kb.ArrowUp + kb.ArrowDown + kb.ArrowDown)
	p.wants("the last row still", `document.activeElement === document.querySelector("#tree > :last-child")`)
	p.clicks("cook", ".twist")
	p.wants("a shut node", `row("cook").ariaExpanded === "false" && !row("deaf") && focused("cook")`)
	p.presses(kb.ArrowRight)
	p.wants("an open node", `row("cook").ariaExpanded === "true" && row("deaf") && focused("cook")`)
	p.presses(kb.ArrowRight + kb.ArrowRight)
	p.wants("two levels down", `focused("deaf")`)
	p.presses(kb.ArrowLeft + kb.ArrowLeft)
	p.wants("the node above, shut", `focused("kitchen") && !row("deaf")`)
	p.presses(kb.ArrowLeft + kb.ArrowLeft)
	p.wants("two levels up, shut", `focused("cook") && !row("kitchen")`)
}

// survives checks that the page is the same after polls. The node cook is shut.
func survives(p tab, shop *nursery.Nursery) {
	p.T.Helper()
	p.clicks("steady", ".name")
	p.Waits("the stack", `row("steady").querySelector("pre").textContent.includes("tasks_test.steady")`)
	p.Runs(`
		document.body.style.paddingBottom = "3000px";
		scrollTo(0, 77);
		window.kept = row("steady");
		window.pre = kept.querySelector("pre");
		window.before = kept.textContent;
		window.top0 = kept.getBoundingClientRect().top;
		getSelection().selectAllChildren(pre);
		window.selected = getSelection().toString();
		window.marked = [];
		new MutationObserver((all) => all.forEach(m => m.target.classList?.contains("new") && marked.push(m.target.textContent)))
			.observe(document.getElementById("tree"), {subtree: true, attributes: true, attributeFilter: ["class"], childList: true});
		new MutationObserver(() => document.querySelectorAll("#tree > .new").forEach(e => marked.push(e.textContent)))
			.observe(document.getElementById("tree"), {childList: true});
		polled = 0;
		every.value = 7;
		every.dispatchEvent(new Event("change"))`)
	p.Waits("ten polls", `polled >= 10`)
	left := make(chan struct{})
	shop.Go(func(ctx context.Context) error {
		select {
		case <-left:
			return nil
		case <-ctx.Done():
			return cancel.Err(ctx)
		}
	}, nursery.Name("newcomer"))
	p.Waits("a new task to be marked", `row("newcomer") && marked.some(text => text.includes("newcomer"))`)
	p.Waits("the mark to go", `!document.querySelector("#tree > .new")`)
	p.wants("the rows that were there not to be marked", `!marked.some(text => text.includes("steady") || text.includes("shop"))`)
	p.wants("the same element with the focus", `focused("steady") && kept === row("steady")`)
	p.wants("the stack to be open", `pre === kept.querySelector("pre") && pre.textContent.includes("tasks_test.steady")`)
	p.wants("the selection to be there", `getSelection().toString() === selected && selected !== ""`)
	p.wants("the age to have changed", `before !== kept.textContent`)
	p.wants("the node to be shut", `row("cook").ariaExpanded === "false" && !row("deaf")`)
	p.wants("the row to be where it was", `scrollY > 0 && Math.abs(kept.getBoundingClientRect().top - top0) < 2`)
	p.Runs(`every.value = 60; every.dispatchEvent(new Event("change")); getSelection().empty(); document.body.style.paddingBottom = ""`)

	p.polls()
	p.Runs(`
		window.polledBefore = polled;
		Object.defineProperty(document, "hidden", {value: true, configurable: true});
		document.dispatchEvent(new Event("visibilitychange"))`)
	p.polls()
	p.wants("no polls while the tab is hidden", `polled === polledBefore`)
	p.Runs(`delete document.hidden; document.dispatchEvent(new Event("visibilitychange"))`)
	p.Waits("a poll when the tab is back", `document.title && polled > polledBefore`)

	p.clicks("newcomer", ".name")
	p.wants("the focus", `focused("newcomer")`)
	close(left)
	p.Runs(`every.value = 7; every.dispatchEvent(new Event("change"))`)
	p.Waits("the focus on what is in its place", `!row("newcomer") && document.activeElement.role === "treeitem"`)
	p.Runs(`every.value = 60; every.dispatchEvent(new Event("change"))`)
	p.presses(kb.Home) // the page makes all rows down to the one with the focus
}

// links checks the addresses of nodes.
func links(ctx context.Context, t *testing.T, n *nursery.Nursery, chromium context.Context, address string) {
	t.Helper()
	deaf := ""
	for line := range strings.SplitSeq(text(t, ctx, address), "\n") {
		if _, rest, ok := strings.Cut(line, "─ deaf  "); ok {
			deaf, _, _ = strings.Cut(rest, "  ")
		}
	}
	if deaf == "" {
		t.Fatal("the text has no task deaf")
	}
	p := open(ctx, t, n, chromium, address[:len(address)-1]+"#"+deaf) // without the slash
	p.Waits("the node that the address names", `document.activeElement.dataset.key === `+fmt.Sprintf("%q", deaf)+
		` && document.activeElement.querySelector("pre")?.textContent.includes("cancel.Forever")`)
	p.Runs(`document.activeElement.blur(); document.querySelector("#warnings a").click()`)
	p.Waits("the node of a warning", `"#" + document.activeElement.dataset.key === document.querySelector("#warnings a").hash`)
	p.Runs(`location.hash = "g1234567890"`)
	p.Waits("a node that is not there", `document.getElementById("status").textContent.startsWith("g1234567890 is not in the tree")`)
}

// text returns the tree as text, as curl gets it.
func text(t *testing.T, ctx context.Context, address string) string {
	t.Helper()
	var b strings.Builder
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(ctx, "GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(answer.Write(&b), answer.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// falls checks what the page says when the program does not answer.
func falls(p tab, program *program) {
	p.T.Helper()
	silent := `/^The program does not answer since \d.* \(.*\)\.$/.test(document.getElementById("status").textContent) && row("steady") && row("shop")`
	c := make(chan struct{})
	program.silence.Store(&c)
	p.Runs(`poll()`)
	p.Waits("the page to say that there is no answer", silent+` && document.getElementById("status").textContent.includes("no reply")`)
	program.silence.Store(nil)
	close(c)
	p.Waits("the answer", `document.getElementById("status").textContent === ""`)
	program.broken.Store(true)
	p.polls()
	p.wants("the page to say that the answer is bad", silent+` && document.getElementById("status").textContent.includes("status 500")`)
	program.broken.Store(false)
	p.polls()
	p.wants("an answer", `document.getElementById("status").textContent === ""`)
}

// grows checks a tree with very many tasks.
func grows(p tab, shop *nursery.Nursery) {
	p.T.Helper()
	const many = 10_000
	var begun sync.WaitGroup
	begun.Add(many)
	shop.Go(func(ctx context.Context) error {
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for i := range many {
				n.Go(func(ctx context.Context) error {
					begun.Done()
					return cancel.Forever(ctx)
				}, nursery.Name(fmt.Sprintf("guest %d.", i)))
			}
			return nil
		}, nursery.Name("crowd"), nursery.KeepGoing())
	}, nursery.Name("host"))
	begun.Wait()
	p.Runs(`document.getElementById("unfold").click()`)
	p.Waits("all tasks", fmt.Sprintf(`row("guest") && row("guest").ariaSetSize === "%d"`, many))
	p.wants("few rows", `document.querySelectorAll("#tree > *").length < 2000`)
	p.Runs(`scrollTo(0, document.body.scrollHeight); window.height = document.body.scrollHeight`)
	p.Waits("more rows", `document.body.scrollHeight > height`)
	p.Runs(`filter("guest 9876.")`)
	p.wants("the hit and what is above", labels("nursery", "keeper", "shop", "host", "crowd", "guest 9876."))
	p.clicks("guest 9876.", ".name")
	p.Waits("its stack", `row("guest 9876.").querySelector("pre").textContent.includes("cancel.Forever")`)
	p.Runs(`filter("")`)
	p.presses(kb.End)
	p.wants("the last row", `document.activeElement.firstChild.textContent.includes("goroutines in no nursery")`)
	p.polls()
	p.wants("the last row still", `document.activeElement.firstChild.textContent.includes("goroutines in no nursery")`)
	p.wants("the stack to be open still", `row("guest 9876.").querySelector("pre").textContent.includes("cancel.Forever")`)
	p.presses(kb.Home + kb.ArrowDown)
	p.wants("the second row", `document.activeElement === document.querySelector("#tree > :nth-child(2)")`)
}
