package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"expvar"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/debug"
	"github.com/grove-go/grove/nursery/debug/web"
	"github.com/grove-go/grove/testutil"
)

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"

// ask sends a request with a header Accept, and returns the answer and its body.
func ask(t *testing.T, h http.Handler, method, address, accept string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(method, address, nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	return send(t, h, r)
}

func send(t *testing.T, h http.Handler, r *http.Request) (*http.Response, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	answer := w.Result()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

// snapshot asks for JSON and decodes it.
func snapshot(t *testing.T, h http.Handler, query string) *debug.Snapshot {
	t.Helper()
	answer, body := ask(t, h, "GET", "/?format=json"+query, "")
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s", query, answer.Status, body)
	}
	s := new(debug.Snapshot)
	if err := json.Unmarshal([]byte(body), s); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return s
}

// during calls look in a bubble with a program that has a nursery "shop" with three equal
// tasks and a task "orders". That task has a nursery "warehouse", which failed with "no stock"
// and waits for two tasks.
func during(t *testing.T, look func(t *testing.T, h http.Handler), opts ...web.Option) {
	t.Helper()
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		h := web.Handler(opts...)
		end := cancel.New(ctx)
		done := make(chan error)
		go func() {
			done <- nursery.Run(end, func(ctx context.Context, n *nursery.Nursery) error {
				for range 3 {
					n.Go(idle)
				}
				n.Go(deliver, nursery.Name("orders"))
				return nil
			}, nursery.Name("shop"))
		}()
		time.Sleep(5 * time.Second)
		look(t, h)
		end.Cancel(nil)
		if err := <-done; err == nil {
			t.Error("the program returned nil, want its failure")
		}
		time.Sleep(time.Second) // the snapshot is dropped
	})
}

func idle(ctx context.Context) error { return cancel.Forever(ctx) }

func deliver(ctx context.Context) error {
	return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			return cancel.Shield(ctx, time.Hour, func(ctx context.Context) error {
				return cancel.FailAfter(ctx, time.Minute, func(context.Context) error {
					time.Sleep(20 * time.Second)
					return nil
				}, cancel.Name("limit of order 7"))
			}, cancel.Name("shield of order 7"))
		}, nursery.Name("order 7"))
		n.Go(func(context.Context) error { time.Sleep(20 * time.Second); return nil }, nursery.Name("order 8"))
		n.Go(func(context.Context) error { return errors.New("no stock") }, nursery.Name("order 9"))
		return nil
	}, nursery.Name("warehouse"))
}

func TestForm(t *testing.T) {
	h := web.Handler()
	types := map[string]string{"text": "text/plain; charset=utf-8", "json": "application/json", "html": "text/html; charset=utf-8"}
	for _, c := range []struct{ query, accept, want string }{
		{"", "", "text"},
		{"", "*/*", "text"},
		{"", browser, "html"},
		{"", "application/json", "json"},
		{"", "application/json, text/plain, */*", "json"},
		{"", "text/plain, application/json", "text"},
		{"", "text/html;q=0.5, application/json", "json"},
		{"", "text/html;q=0, */*", "text"},
		{"", "TEXT/HTML", "html"},
		{"", "text/html;q=x", "text"},
		{"", "a b c, ;;, application/json", "json"},
		{"", "image/png", "text"},
		{"?format=text", browser, "text"},
		{"?format=json", browser, "json"},
		{"?format=html", "application/json", "html"},
	} {
		t.Run(fmt.Sprintf("W1/%q %q", c.query, c.accept), func(t *testing.T) {
			answer, body := ask(t, h, "GET", "/"+c.query, c.accept)
			if got := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || got != types[c.want] || body == "" {
				t.Errorf("%s, %d bytes of type %q, want %q", answer.Status, len(body), got, types[c.want])
			}
			if got := answer.Header.Get("Vary"); got != "Accept" {
				t.Errorf("Vary: %q, want Accept", got)
			}
		})
	}
}

func TestMethods(t *testing.T) {
	h := web.Handler()
	for _, path := range []string{"/", "/tree.js"} {
		for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "X"} {
			t.Run("W1/"+method+" "+path, func(t *testing.T) {
				answer, _ := ask(t, h, method, path, "")
				if allow := answer.Header.Get("Allow"); answer.StatusCode != http.StatusMethodNotAllowed || allow != "GET, HEAD" {
					t.Errorf("%s, Allow: %q; want 405 with GET, HEAD", answer.Status, allow)
				}
			})
		}
		t.Run("W1/HEAD "+path, func(t *testing.T) {
			answer, body := ask(t, h, "HEAD", path, "")
			if answer.StatusCode != http.StatusOK || body != "" || answer.Header.Get("Content-Type") == "" || answer.ContentLength <= 0 {
				t.Errorf("%s, length %d, body %q, type %q", answer.Status, answer.ContentLength, body, answer.Header.Get("Content-Type"))
			}
		})
	}
}

func TestParameters(t *testing.T) {
	during(t, func(t *testing.T, h http.Handler) {
		for query, want := range map[string]string{
			"format=xml":              `format: want text, json or html, got "xml"`,
			"format=":                 `format: want text, json or html, got ""`,
			"format=text&format=json": `format: want one value, got ["text" "json"]`,
			"stacks=yes":              `stacks: want 0 or 1, got "yes"`,
			"unfold=2":                `unfold: want 0 or 1, got "2"`,
			"warnings=":               `warnings: want 0 or 1, got ""`,
			"under=s1":                `under: want the ID of a nursery or a task, got "s1"`,
			"under=":                  `under: want the ID of a nursery or a task, got ""`,
			"%zz":                     `bad query: invalid URL escape "%zz"`,
		} {
			r := httptest.NewRequest("GET", "/", nil)
			r.URL.RawQuery = query
			answer, body := send(t, h, r)
			if answer.StatusCode != http.StatusBadRequest || body != want+"\n" {
				t.Errorf("W1/%s: %s %q, want 400 %q", query, answer.Status, body, want)
			}
		}
		if answer, body := ask(t, h, "GET", "/?under=n1", ""); answer.StatusCode != http.StatusNotFound || !strings.HasPrefix(body, "there is no n1;") {
			t.Errorf("W1/an unknown ID: %s %q, want 404", answer.Status, body)
		}

		s := snapshot(t, h, "")
		shop := s.Roots[0]
		if len(s.Roots) != 1 || shop.Name != "shop" || len(shop.Tasks) != 2 || s.Stacks != "all" {
			t.Fatalf("the tree has %d roots, the first is %q with %d entries, and stacks are %q; want shop with 2 entries and all stacks", len(s.Roots), shop.Name, len(shop.Tasks), s.Stacks)
		}
		if s := snapshot(t, h, "&unfold=1"); len(s.Roots[0].Tasks) != 4 {
			t.Errorf("unfolded, there are %d entries, want 4", len(s.Roots[0].Tasks))
		}
		if s := snapshot(t, h, "&stacks=0"); s.Stacks != "not asked for" {
			t.Errorf("stacks=0: stacks are %q", s.Stacks)
		}
		if s := snapshot(t, h, "&stacks=1&unfold=0&warnings=0&else=1"); s.Stacks != "all" || len(s.Roots[0].Tasks) != 2 || len(s.Others) == 0 {
			t.Error("the defaults, asked for, are something else")
		}

		// The goroutine of the task orders is the body of the warehouse as well.
		task := shop.Tasks[slices.IndexFunc(shop.Tasks, func(t *debug.Task) bool { return t.Name == "orders" })]
		warehouse := task.Nurseries[0]
		order := warehouse.Tasks[0]
		for id, want := range map[string]string{
			shop.ID:      "shop: entries 2, warnings 2 of 2, deadlines 2",
			task.ID:      "shop: orders with warehouse, warnings 2 of 2, deadlines 2",
			warehouse.ID: "warehouse: entries 2, warnings 2 of 2, deadlines 2",
			order.ID:     "warehouse: order 7, warnings 0 of 2, deadlines 2",
			shop.Body.ID: "shop: entries 2, warnings 2 of 2, deadlines 2",
		} {
			s2 := snapshot(t, h, "&under="+id)
			root := s2.Roots[0]
			got := root.Name + ": "
			switch {
			case len(s2.Roots) != 1 || len(s2.Others) > 0:
				got += "more than that"
			case len(root.Tasks) == 1 && root.Body == nil:
				got += root.Tasks[0].Name
				if len(root.Tasks[0].Nurseries) > 0 {
					got += " with " + root.Tasks[0].Nurseries[0].Name
				}
			default:
				got += fmt.Sprintf("entries %d", len(root.Tasks))
			}
			got += fmt.Sprintf(", warnings %d of %d, deadlines %d", len(s2.Warnings), len(s.Warnings), len(s2.Deadlines))
			if got != want {
				t.Errorf("under=%s: %s, want %s", id, got, want)
			}
		}
		folded := shop.Tasks[slices.IndexFunc(shop.Tasks, func(t *debug.Task) bool { return t.Fold == 3 })]
		if s := snapshot(t, h, "&under="+folded.IDs[2]); s.Roots[0].Tasks[0].Fold != 3 {
			t.Error("under the ID of a task that shares an entry, there is something else than the entry")
		}

		_, text := ask(t, h, "GET", "/?warnings=1", "")
		if !regexp.MustCompile(`^(WARN \S+ +\S+ .*\n){2}$`).MatchString(text) {
			t.Errorf("warnings=1 gives\n%s\nwant two lines", text)
		}
		if s := snapshot(t, h, "&warnings=1"); len(s.Warnings) != 2 || len(s.Roots)+len(s.Others)+len(s.Deadlines) > 0 {
			t.Errorf("warnings=1 gives %d warnings, and a tree", len(s.Warnings))
		}

		for query, want := range map[string]int{"": 5, "&stack=": 0, "&stack=" + order.ID: 1, "&stack=" + order.ID + "&stack=" + task.ID: 2} {
			got := 0
			var count func(n *debug.Nursery)
			count = func(n *debug.Nursery) {
				for _, t := range append([]*debug.Task{n.Body}, n.Tasks...) {
					if len(t.Stack) > 0 {
						got++
					}
					for _, n := range t.Nurseries {
						count(n)
					}
				}
			}
			s := snapshot(t, h, query)
			count(s.Roots[0])
			if got != want || len(s.Others) == 0 {
				t.Errorf("%q: %d stacks, want %d", query, got, want)
			}
		}
	})
}

func TestWarningsOfNothing(t *testing.T) {
	if answer, body := ask(t, web.Handler(), "GET", "/?warnings=1", ""); answer.StatusCode != http.StatusOK || body != "" {
		t.Errorf("%s %q, want nothing", answer.Status, body)
	}
}

var hostile = []string{"<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", "a\x1b[31mred\x1b[0m\r\nWARN x", "rtl\u202egnp", "nul\x00", "bad utf-8 \xff"}

func TestHostileNames(t *testing.T) {
	for _, name := range hostile {
		t.Run(fmt.Sprintf("W3/%q", name), func(t *testing.T) {
			testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
				h := web.Handler()
				err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.Go(func(context.Context) error { time.Sleep(10 * time.Second); return nil }, nursery.Name(name))
					n.Go(func(context.Context) error { return errors.New(name) })
					time.Sleep(5 * time.Second)
					answer, text := ask(t, h, "GET", "/", "")
					if got := answer.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
						t.Errorf("type %q", got)
					}
					if regexp.MustCompile(`[^\n -~├└│─·×…]`).MatchString(text) || strings.Contains(text, "\nWARN x") {
						t.Errorf("the text has characters that do not print:\n%q", text)
					}
					_, data := ask(t, h, "GET", "/?format=json", "")
					if strings.ContainsAny(strings.TrimSuffix(data, "\n"), "<>\x00\x1b\n\r") {
						t.Errorf("the JSON has characters of markup or control:\n%q", data)
					}
					if s := snapshot(t, h, ""); s.Roots[0].Name != strings.ToValidUTF8(name, "\ufffd") {
						t.Errorf("the name is %q, want %q", s.Roots[0].Name, name)
					}
					return nil
				}, nursery.Name(name))
				if err == nil {
					t.Error("Run returned nil, want the failure")
				}
			})
		})
	}
}

func TestMisuse(t *testing.T) {
	kit.MustPanic(t, "web: Handler: nil option", func() { web.Handler(nil) })
	kit.MustPanic(t, "web: Redact: nil function", func() { web.Redact(nil) })
	kit.MustPanic(t, "web: Take: nil option", func() { web.Take(debug.NoStacks(), nil) })
}

// TestExpvar checks the variable that all handlers publish together.
func TestExpvar(t *testing.T) {
	web.Handler()
	web.Handler()
	v := expvar.Get("grove")
	if v == nil {
		t.Fatal("there is no variable grove")
	}
	before, after := counters(t, v), debug.Counters{}
	err := nursery.Run(t.Context(), func(context.Context, *nursery.Nursery) error {
		after = counters(t, v)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if after.Nurseries != before.Nurseries+1 {
		t.Errorf("%d nurseries, and %d in one more", before.Nurseries, after.Nurseries)
	}
}

func counters(t *testing.T, v expvar.Var) (c debug.Counters) {
	t.Helper()
	if err := json.Unmarshal([]byte(v.String()), &c); err != nil {
		t.Fatal(err)
	}
	return c
}
