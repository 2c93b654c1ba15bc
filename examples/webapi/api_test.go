package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name, path, body string // with a body it is posted
		status           int
		answer           string
	}{
		{"a book", "/books/1", "", 200,
			`{"id":1,"title":"Emma","author":"Jane Austen","year":1815,"stock":20,"price":{"cents":950,"currency":"EUR"},"reviews":[{"stars":4,"text":"Read it in one night."}]}`},
		{"a book that is not there", "/books/99", "", 404, `{"title":"Not Found","status":404,"detail":"no such book"}`},
		{"an id that is none", "/books/x", "", 422,
			`{"title":"Unprocessable Entity","status":422,"detail":"validation failed","errors":[{"message":"invalid integer","location":"path.id","value":"x"}]}`},
		{"prices that hang", "/books/4", "", 504, `{"title":"Gateway Timeout","status":504,"detail":"not finished within 1s"}`},
		{"prices that fail", "/books/5", "", 502, `{"title":"Bad Gateway","status":502,"detail":"prices cannot be had"}`},
		{"reviews that hang", "/books/6", "", 200,
			`{"id":6,"title":"Dracula","author":"Bram Stoker","year":1897,"stock":20,"price":{"cents":1200,"currency":"EUR"},"reviews":[],"missing":["reviews"]}`},
		{"reviews that fail", "/books/7", "", 200,
			`{"id":7,"title":"Kim","author":"Rudyard Kipling","year":1901,"stock":20,"price":{"cents":1250,"currency":"EUR"},"reviews":[],"missing":["reviews"]}`},
		{"a list", "/books?q=an&limit=2", "", 200,
			`[{"id":1,"title":"Emma","author":"Jane Austen","year":1815,"stock":20},{"id":2,"title":"Frankenstein","author":"Mary Shelley","year":1818,"stock":20}]`},
		{"the rest of a list", "/books?q=an&after=1", "", 200,
			`[{"id":2,"title":"Frankenstein","author":"Mary Shelley","year":1818,"stock":20},{"id":3,"title":"Moby-Dick","author":"Herman Melville","year":1851,"stock":20}]`},
		{"an empty list, of a text that is no pattern", "/books?q=%25", "", 200, `[]`},
		{"a list of nothing", "/books?limit=0", "", 422,
			`{"title":"Unprocessable Entity","status":422,"detail":"validation failed","errors":[{"message":"expected number >= 1","location":"query.limit","value":0}]}`},
		{"a new book", "/books", `{"title":"Persuasion","author":"Jane Austen","year":1817,"stock":5}`, 201,
			`{"id":9,"title":"Persuasion","author":"Jane Austen","year":1817,"stock":5}`},
		{"a new book without much", "/books", `{"title":"","year":"x"}`, 422, ""},
		{"no JSON", "/books", `{"title"`, 400, ""},
		{"an order", "/books/1/orders", `{"quantity":2}`, 201, `{"id":1,"book":1,"title":"Emma","quantity":2,"cents":1900}`},
		{"an order of nothing", "/books/1/orders", `{"quantity":0}`, 422, ""},
		{"an order of too many", "/books/8/orders", `{"quantity":2}`, 409, `{"title":"Conflict","status":409,"detail":"not enough copies in stock"}`},
		{"an order of a book that is not there", "/books/99/orders", `{"quantity":1}`, 404, `{"title":"Not Found","status":404,"detail":"no such book"}`},
		{"an order of a book without a price", "/books/5/orders", `{"quantity":1}`, 502, `{"title":"Bad Gateway","status":502,"detail":"prices cannot be had"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
				a, err := w.get(ctx, c.path)
				if c.body != "" {
					a, err = w.post(ctx, c.path, c.body)
				}
				if c.answer == "" && err == nil {
					c.answer = a.body // the library decides what it says about the body
				}
				mustBe(t, a, err, c.status, c.answer)
				kind := "application/json"
				if c.status >= 400 {
					kind = "application/problem+json"
				}
				if got := a.header.Get("Content-Type"); err == nil && got != kind {
					t.Errorf("the answer is of type %q, want %q", got, kind)
				}
			})
		})
	}
}

func TestAddedBookIsThere(t *testing.T) {
	inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
		a, err := w.post(ctx, "/books", `{"title":"Persuasion","author":"Jane Austen","year":1817,"stock":1}`)
		if err != nil || a.header.Get("Location") != "/books/9" {
			t.Fatalf("the answer is %v, %v, %v; want that the book is at /books/9", a, a.header, err)
		}
		a, err = w.post(ctx, "/books/9/orders", `{"quantity":1}`)
		mustBe(t, a, err, 201, `{"id":1,"book":9,"title":"Persuasion","quantity":1,"cents":1350}`)
		a, err = w.get(ctx, "/books?after=8")
		mustBe(t, a, err, 200, `[{"id":9,"title":"Persuasion","author":"Jane Austen","year":1817,"stock":0}]`)
	})
}

// The database and both upstreams are asked at the same time, and a failure ends the other
// requests.
func TestFanOut(t *testing.T) {
	for _, c := range []struct {
		path  string
		takes time.Duration
		log   map[string]int
	}{
		{"/books/1", latency, map[string]int{"prices: GET /1": 1, "reviews: GET /1": 1, gone("reviews", 1): 0}},
		{"/books/4", usual.budget, map[string]int{gone("prices", 4): 1, gone("reviews", 4): 0}},
		{"/books/5", latency, map[string]int{"prices: GET /5": 1}},
		{"/books/6", usual.patience, map[string]int{gone("prices", 6): 0, gone("reviews", 6): 1}},
		{"/books/7", latency, map[string]int{"reviews: GET /7": 1}},
	} {
		t.Run(c.path, func(t *testing.T) {
			inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
				began := time.Now()
				if a, err := w.get(ctx, c.path); err != nil {
					t.Errorf("the answer is %v, %v", a, err)
				}
				if d := time.Since(began); d != c.takes {
					t.Errorf("the answer took %v, want %v", d, c.takes)
				}
				w.log.mustHave(t, c.log)
			})
		})
	}
	t.Run("a request for a book that does not exist ends without its price", func(t *testing.T) {
		inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
			began := time.Now()
			if a, err := w.get(ctx, "/books/99"); err != nil || a.status != 404 {
				t.Errorf("the answer is %v, %v, want 404", a, err)
			}
			if d := time.Since(began); d != 0 {
				t.Errorf("the answer took %v, want none of the time of the upstreams", d)
			}
		})
	})
}

// gone is what an upstream logs when the client has gone.
func gone(upstream string, id int) string {
	return fmt.Sprintf("%s: asked about %d, but the client has gone", upstream, id)
}

func TestSharedRequests(t *testing.T) {
	inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for i := range 3 {
				n.Go(func(ctx context.Context) error {
					d := time.Hour
					if i == 0 {
						d = latency / 2 // the first one hangs up
					}
					left, err := cancel.MoveOnAfter(ctx, d, func(ctx context.Context) error {
						a, err := w.get(ctx, "/books/1")
						if err == nil && a.status != 200 {
							t.Errorf("client %d got %v, want 200", i, a)
						}
						return ended(ctx, err)
					})
					if left != (i == 0) {
						t.Errorf("client %d left: %v", i, left)
					}
					return err
				})
				testutil.WaitAllBlocked() // all that can come has come
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		w.log.mustHave(t, map[string]int{"prices: GET /1": 1, "reviews: GET /1": 1, gone("prices", 1): 0, gone("reviews", 1): 0})
	})
}

// When a client goes away, all work for it ends.
func TestHangUp(t *testing.T) {
	inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
		hangUp(t, ctx, latency/2, func(ctx context.Context) error {
			_, err := w.get(ctx, "/books/1")
			return err
		})
		w.log.mustHave(t, map[string]int{gone("prices", 1): 1, gone("reviews", 1): 1})
		w.mustBeFree(t)
	})
}

// hangUp calls ask, cancels it after a time, and waits until all have noticed.
func hangUp(t *testing.T, ctx context.Context, after time.Duration, ask func(ctx context.Context) error) {
	t.Helper()
	left, err := cancel.MoveOnAfter(ctx, after, func(ctx context.Context) error { return ended(ctx, ask(ctx)) })
	if !left || err != nil {
		t.Errorf("the client got an answer within %v, or %v", after, err)
	}
	testutil.WaitAllBlocked()
}

func TestOrderIsConfirmed(t *testing.T) {
	inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
		began := time.Now()
		a, err := w.post(ctx, "/books/1/orders", `{"quantity":2}`)
		mustBe(t, a, err, 201, `{"id":1,"book":1,"title":"Emma","quantity":2,"cents":1900}`)
		if d := time.Since(began); d != latency {
			t.Errorf("the answer took %v, want %v: it does not wait for the mail", d, latency)
		}
		w.log.mustHave(t, map[string]int{"mail: POST /1": 1})
		w.scope.Stop() // the confirmation is awaited, and its peer is there
	})
}

func TestOrderIsConfirmedThoughTheServiceStops(t *testing.T) {
	var log *notes
	inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
		log = w.log
		if a, err := w.post(ctx, "/books/1/orders", `{"quantity":2}`); err != nil || a.status != 201 {
			t.Errorf("the answer is %v, %v, want 201", a, err)
		}
	})
	if want := gone("mail", 1); strings.Contains(log.String(), want) || !strings.Contains(log.String(), "mail: POST /1") {
		t.Errorf("the confirmation was cut short, in:\n%s", log)
	}
}

func TestConfirmationThatFails(t *testing.T) {
	inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
		w.service.mail.root = w.service.mail.root.JoinPath("down") // not a number
		a, err := w.post(ctx, "/books/1/orders", `{"quantity":2}`)
		mustBe(t, a, err, 201, `{"id":1,"book":1,"title":"Emma","quantity":2,"cents":1900}`)
		w.log.mustHave(t, map[string]int{"order 1 is not confirmed: mail: it answered 404 Not Found": 1})
		if a, err := w.get(ctx, "/books/1"); err != nil || a.status != 200 {
			t.Errorf("the answer is %v, %v, want 200: the service goes on", a, err)
		}
	})
}

func TestConfirmationThatHangs(t *testing.T) {
	inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
		// The peer for prices hangs when asked about 4, which is the next order.
		w.service.mail.root = &url.URL{Scheme: "http", Host: "prices", Path: "/"}
		if _, err := w.service.store.db.ExecContext(ctx, `INSERT INTO orders VALUES (3, 1, 1, 1)`); err != nil {
			t.Fatal(err)
		}
		a, err := w.post(ctx, "/books/1/orders", `{"quantity":2}`)
		mustBe(t, a, err, 201, `{"id":4,"book":1,"title":"Emma","quantity":2,"cents":1900}`)
		if err := cancel.Sleep(ctx, usual.budget); err != nil {
			t.Error(err)
		}
		w.log.mustHave(t, map[string]int{gone("prices", 4): 1})
		if !strings.Contains(w.log.String(), "order 4 is not confirmed: ") {
			t.Errorf("no line says that the order is not confirmed:\n%s", w.log)
		}
	})
}

func TestDocuments(t *testing.T) {
	inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
		a, err := w.get(ctx, "/openapi.json")
		if err != nil || a.status != 200 {
			t.Fatalf("the answer is %v, %v, want 200", a, err)
		}
		var doc struct {
			OpenAPI string
			Paths   map[string]map[string]struct{ Responses map[string]any }
		}
		if err := json.Unmarshal([]byte(a.body), &doc); err != nil {
			t.Fatal(err)
		}
		got := []string{doc.OpenAPI}
		for path, methods := range doc.Paths {
			for method, op := range methods {
				got = append(got, fmt.Sprint(method, " ", path, " ", slices.Sorted(maps.Keys(op.Responses))))
			}
		}
		slices.Sort(got)
		want := []string{
			"3.1.0",
			"get /books [200 422 500 503 504]",
			"get /books/{id} [200 404 422 500 502 503 504]",
			"post /books [201 408 413 422 500 503 504]",
			"post /books/{id}/orders [201 404 408 409 413 422 500 502 503 504]",
		}
		if !slices.Equal(got, want) {
			t.Errorf("the document has\n%q, want\n%q", got, want)
		}
		if a, err := w.get(ctx, "/docs"); err != nil || a.status != 200 || !strings.Contains(a.body, "/openapi.yaml") {
			t.Errorf("the documentation is %v, %v, want a page that shows the document", a, err)
		}
	})
}
