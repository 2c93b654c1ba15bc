package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// properties returns a JSON object with so many properties that no operation knows.
func properties(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"k%d":%d`, i, i)
	}
	return "{" + b.String()[1:] + "}"
}

// maxProblem limits an answer about a faulty request.
const maxProblem = 12 << 10

// A problem is a short answer about a faulty request.
func TestProblemsAreShort(t *testing.T) {
	long := strings.Repeat("x", 500)
	const order, add = "/books/1/orders", "/books"
	for _, c := range []struct {
		name, path, body string
		status           int
		tells            string
	}{
		{"a thousand properties", add, properties(1000), 413, "the request is longer than 8192 bytes"},
		{"many properties", add, properties(500), 422, "validation failed; here are 10 of 504 faults"},
		{"many properties of an order", order, properties(90), 422, "validation failed; here are 10 of 91 faults"},
		{"more than an operation takes", order, properties(200), 413, "request body is too large limit=1024 bytes"},
		{"long names", add, `{"` + long + `":1,"b` + long + `":{"a":1}}`, 422, "unexpected property"},
		{"a long text", add, `{"title":"` + strings.Repeat("a", 3000) + `","author":"x","year":1900,"stock":1}`, 422, "expected length"},
		{"a text of other characters", add, `{"title":"` + strings.Repeat("漢", 1500) + `","author":"x","year":1900,"stock":1}`, 422, "漢…"},
		{"a text of control characters", add, `{"title":"` + strings.Repeat(`\u0001`, 900) + `","author":"x","year":1900,"stock":1}`, 422, "expected length"},
		{"values in values", add, `{"title":` + strings.Repeat(`[`, 2000) + strings.Repeat(`]`, 2000) + `}`, 422, "expected string"},
		{"no JSON", add, `{"title":"` + strings.Repeat("a", 3000), 400, "unexpected end of JSON input"},
		{"a long id", "/books/" + long, "", 422, "invalid integer"},
		{"a long text to search for", "/books?q=" + strings.Repeat("y", 4000), "", 422, "expected length"},
		{"a long number", "/books?limit=" + long, "", 422, "invalid integer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
				a, err := w.get(ctx, c.path)
				if c.body != "" {
					a, err = w.post(ctx, c.path, c.body)
				}
				if err != nil || a.status != c.status || !strings.Contains(a.body, c.tells) {
					t.Errorf("the answer is %.500v, %v, want %d, and %q in it", a, err, c.status, c.tells)
				}
				if len(a.body) > maxProblem {
					t.Errorf("the answer to %d bytes has %d, want %d at most", len(c.path)+len(c.body), len(a.body), maxProblem)
				}
				var problem huma.ErrorModel
				if err := json.Unmarshal([]byte(a.body), &problem); err != nil || problem.Status != c.status {
					t.Errorf("the answer is not a problem: %.200s, %v", a.body, err)
				}
				if kind := a.header.Get("Content-Type"); kind != "application/problem+json" {
					t.Errorf("the answer is of type %q", kind)
				}
				w.mustBeFree(t)
			})
		})
	}
}

func TestBounded(t *testing.T) {
	faults := make([]*huma.ErrorDetail, maxFaults)
	for i := range faults {
		faults[i] = &huma.ErrorDetail{Message: "wrong", Location: "body", Value: i}
	}
	same := &huma.ErrorModel{Detail: "validation failed", Errors: faults}
	got, err := bounded(nil, "", same)
	if m := got.(*huma.ErrorModel); err != nil || m.Detail != same.Detail || len(m.Errors) != maxFaults || *m.Errors[3] != *faults[3] {
		t.Errorf("a short problem is made %+v, %v", got, err)
	}
	if got, err := bounded(nil, "", Page{}); err != nil || !equalJSON(t, got, Page{}) {
		t.Errorf("an answer is made %+v, %v", got, err)
	}
	for s, want := range map[string]string{
		"":                             "",
		strings.Repeat("a", maxText):   strings.Repeat("a", maxText),
		strings.Repeat("a", maxText+1): strings.Repeat("a", maxText) + "…",
		strings.Repeat("漢", maxText):   strings.Repeat("漢", maxText/3) + "…",
		strings.Repeat("\xbf", 100):    "…", // not UTF-8
	} {
		if got := shorten(s); got != want {
			t.Errorf("shorten(%q) = %q, want %q", s, got, want)
		}
	}
	for _, c := range []struct{ value, want any }{
		{"a", "a"}, {1.5, 1.5}, {7, 7}, {true, true}, {nil, nil},
		{map[string]any{"a": 1}, nil}, {[]any{1}, nil}, {[]byte("a"), nil},
	} {
		if got := scalar(c.value); got != c.want {
			t.Errorf("scalar(%v) = %v, want %v", c.value, got, c.want)
		}
	}
}

func equalJSON(t *testing.T, a, b any) bool {
	x, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(x, y)
}

// dial connects to the service, and sends something.
func (w *world) dial(t *testing.T, ctx context.Context, sends string) net.Conn {
	t.Helper()
	conn, err := w.client.Transport.(*http.Transport).DialContext(ctx, "tcp", "books:80")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, sends); err != nil {
		t.Fatal(err)
	}
	return conn
}

// readAnswer reads the next answer from a connection.
func readAnswer(t *testing.T, in *bufio.Reader) answer {
	t.Helper()
	r, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r.Body)
	if err := errors.Join(err, r.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if r.Close {
		r.Header.Set("Connection", "close") // where package http takes it from
	}
	return answer{r.StatusCode, r.Header, strings.TrimSpace(string(b))}
}

const slow = `{"title":"Request Timeout","status":408,"detail":"the request has not come in time"}`

const half = "POST /books HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{\"title\""

// A request that does not come in full ends with the budget, and holds no token meanwhile.
func TestHalfABody(t *testing.T) {
	l := usual
	l.requests = 1
	inWorld(t, l, func(t *testing.T, ctx context.Context, w *world) {
		began := time.Now()
		conn := w.dial(t, ctx, half)
		defer conn.Close()
		testutil.WaitAllBlocked()
		if a, err := w.get(ctx, "/books/1"); err != nil || a.status != 200 {
			t.Errorf("the answer to another client is %v, %v, want 200", a, err)
		}
		in := bufio.NewReader(conn)
		a := readAnswer(t, in)
		mustBe(t, a, nil, 408, slow)
		if d := time.Since(began); d != l.budget {
			t.Errorf("the answer took %v, want %v", d, l.budget)
		}
		if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
			t.Errorf("then came %q, %v, want the end of the connection", rest, err)
		}
	})
	t.Run("within a long budget", func(t *testing.T) {
		l := usual
		l.budget = time.Hour
		inWorld(t, l, func(t *testing.T, ctx context.Context, w *world) {
			conn := w.dial(t, ctx, half)
			defer conn.Close()
			mustBe(t, readAnswer(t, bufio.NewReader(conn)), nil, 408, slow)
		})
	})
	t.Run("asked to stop meanwhile", func(t *testing.T) {
		inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
			conn := w.dial(t, ctx, half)
			defer conn.Close()
			testutil.WaitAllBlocked()
			w.scope.Stop()
			mustBe(t, readAnswer(t, bufio.NewReader(conn)), nil, 408, slow)
		})
	})
	t.Run("canceled meanwhile", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			s := cancel.New(ctx)
			defer s.Close()
			inner := &service{limits: usual, tracer: noTracer(t)}
			inner.limiter = nursery.NewLimiter(1)
			body, rest := io.Pipe()
			r, err := http.NewRequestWithContext(s, "POST", "/", body)
			if err != nil {
				t.Fatal(err)
			}
			r.ContentLength = -1 // unknown
			rw := &deadlines{header: http.Header{}, past: func() { rest.CloseWithError(errors.New("i/o timeout")) }}
			context.AfterFunc(ctx, func() { rest.Close() })
			time.AfterFunc(time.Second/2, func() { s.Cancel(nil) })
			inner.guard(http.NotFoundHandler()).ServeHTTP(rw, r)
			if rw.status != 503 {
				t.Errorf("the status is %d, want 503", rw.status)
			}
		})
	})
	t.Run("and a client that goes away", func(t *testing.T) {
		inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
			conn := w.dial(t, ctx, half)
			testutil.WaitAllBlocked()
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
			testutil.WaitAllBlocked()
			w.mustBeFree(t)
			if log := w.log.String(); log != "" {
				t.Errorf("that is logged:\n%s", log)
			}
		})
	})
}

// Deadlines is a connection that calls a function when it gets a deadline in the past.
type deadlines struct {
	header http.Header
	status int
	past   func()
}

func (d *deadlines) Header() http.Header         { return d.header }
func (d *deadlines) WriteHeader(status int)      { d.status = status }
func (d *deadlines) Write(b []byte) (int, error) { return len(b), nil }
func (d *deadlines) SetReadDeadline(t time.Time) error {
	if !t.IsZero() && t.Before(time.Now()) {
		d.past()
	}
	return nil
}

// A request that is too long is not read, and ends its connection.
func TestTooLarge(t *testing.T) {
	const head = "POST /books HTTP/1.1\r\nHost: books\r\nContent-Type: application/json\r\n"
	for name, sends := range map[string]string{
		"as it says":      head + "Content-Length: 8193\r\n\r\n",
		"and may not say": head + "Expect: 100-continue\r\nContent-Length: 8193\r\n\r\n",
		"in chunks":       head + "Transfer-Encoding: chunked\r\n\r\n2001\r\n" + strings.Repeat(" ", 0x2001) + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
				conn := w.dial(t, ctx, sends)
				defer conn.Close()
				a := readAnswer(t, bufio.NewReader(conn))
				mustBe(t, a, nil, 413, `{"title":"Request Entity Too Large","status":413,"detail":"the request is longer than 8192 bytes"}`)
				if a.header.Get("Connection") != "close" {
					t.Error("the connection is to be used again")
				}
			})
		})
	}
	t.Run("a request that is just as long", func(t *testing.T) {
		inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
			a, err := w.post(ctx, "/books/1/orders", `{"quantity":1}`+strings.Repeat(" ", maxOrderBody-15))
			if err != nil || a.status != 201 {
				t.Errorf("the answer is %v, %v, want 201", a, err)
			}
		})
	})
	t.Run("the longest book", func(t *testing.T) {
		inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
			long := strings.Repeat(`\ud83d\ude00`, 200)
			a, err := w.post(ctx, "/books", `{"title":"`+long+`","author":"`+long+`","year":2100,"stock":1000000}`)
			if err != nil || a.status != 201 {
				t.Errorf("the answer is %.300v, %v, want 201", a, err)
			}
		})
	})
}

// Package huma sees a request only when it has its token.
func TestTurnBeforeValidation(t *testing.T) {
	l := usual
	l.requests, l.queue = 1, 0
	inWorld(t, l, func(t *testing.T, ctx context.Context, w *world) {
		if !w.service.limiter.TryAcquire() {
			t.Fatal("no token is left")
		}
		for _, path := range []string{"/books", "/books/x/orders", "/openapi.json", "/nothing"} {
			a, err := w.post(ctx, path, properties(400))
			mustBe(t, a, err, 503, busy)
			if a.header.Get("Retry-After") != "1" {
				t.Errorf("%s does not say that one may come again: %v", path, a.header)
			}
		}
		w.service.limiter.Release()
	})
}

// A client that does not read its answer holds no token.
func TestAnswerThatIsNotRead(t *testing.T) {
	l := usual
	l.requests = 1
	inWorld(t, l, func(t *testing.T, ctx context.Context, w *world) {
		conn := w.dial(t, ctx, "GET /books HTTP/1.1\r\nHost: books\r\n\r\n") // a pipe holds nothing
		defer conn.Close()
		testutil.WaitAllBlocked()
		if a, err := w.get(ctx, "/books/1"); err != nil || a.status != 200 {
			t.Errorf("the answer to another client is %v, %v, want 200", a, err)
		}
	})
}

// The budget holds for a request with a body too, however long it is.
func TestLongBudgetWithBody(t *testing.T) {
	l := usual
	l.budget = time.Minute
	inWorld(t, l, func(t *testing.T, ctx context.Context, w *world) {
		began := time.Now()
		a, err := w.post(ctx, "/books/4/orders", `{"quantity":1}`) // its price never comes
		mustBe(t, a, err, 504, `{"title":"Gateway Timeout","status":504,"detail":"not finished within 1m0s"}`)
		if d := time.Since(began); d != l.budget {
			t.Errorf("the answer took %v, want %v", d, l.budget)
		}
	})
}

// Requests that pages of other sites make a browser send are refused.
func TestOtherSites(t *testing.T) {
	withWorld(t, t.Context(), sockets{}, usual, func(t *testing.T, ctx context.Context, w *world) {
		for _, c := range []struct {
			host, from string
			status     int
		}{
			{"", "", 201},
			{"localhost", "same-origin", 201},
			{"", "cross-site", 403},
			{"evil.test", "same-origin", 421},
		} {
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.root.JoinPath("books/1/orders").String(), strings.NewReader(`{"quantity":1}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Host = c.host
			r.Header.Set("Content-Type", "application/json")
			if c.from != "" {
				r.Header.Set("Sec-Fetch-Site", c.from)
			}
			if a, err := do(w.client, r); err != nil || a.status != c.status {
				t.Errorf("the answer with host %q, from %q, is %v, %v, want %d", c.host, c.from, a, err, c.status)
			}
		}
		if _, orders := w.sold(t); orders != 2 {
			t.Errorf("%d orders were taken, want 2", orders)
		}
	})
}

// keyed sends an order with a key.
func (w *world) keyed(ctx context.Context, path, key, body string) (answer, error) {
	return sendKeyed(ctx, w.client, w.root, path, key, body)
}

func sendKeyed(ctx context.Context, client *http.Client, root *url.URL, path, key, body string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, root.JoinPath(path).String(), strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", key)
	return do(client, r)
}

// With a key a request is carried out once.
func TestKey(t *testing.T) {
	inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
		const first = `{"id":1,"book":8,"title":"Ulysses","quantity":1,"cents":1300}`
		for range 2 { // the second time there is nothing left of the book
			a, err := w.keyed(ctx, "/books/8/orders", "a", `{"quantity":1}`)
			mustBe(t, a, err, 201, first)
		}
		a, err := w.keyed(ctx, "/books/8/orders", "b", `{"quantity":1}`)
		mustBe(t, a, err, 409, `{"title":"Conflict","status":409,"detail":"not enough copies in stock"}`)
		const used = `{"title":"Unprocessable Entity","status":422,"detail":"another request had this Idempotency-Key"}`
		for path, body := range map[string]string{
			"/books/8/orders": `{"quantity":2}`,
			"/books/1/orders": `{"quantity":1}`,
			"/books":          `{"title":"Persuasion","author":"Jane Austen","year":1817,"stock":3}`,
		} {
			a, err := w.keyed(ctx, path, "a", body)
			mustBe(t, a, err, 422, used)
		}
		// After a failure the key can be used again, here when there is stock.
		if _, err := w.service.store.db.ExecContext(ctx, `UPDATE books SET stock = 1 WHERE id = 8`); err != nil {
			t.Fatal(err)
		}
		a, err = w.keyed(ctx, "/books/8/orders", "b", `{"quantity":1}`)
		mustBe(t, a, err, 201, `{"id":2,"book":8,"title":"Ulysses","quantity":1,"cents":1300}`)
		for range 2 {
			a, err := w.keyed(ctx, "/books", "c", `{"title":"Persuasion","author":"Jane Austen","year":1817,"stock":3}`)
			mustBe(t, a, err, 201, `{"id":9,"title":"Persuasion","author":"Jane Austen","year":1817,"stock":3}`)
			if at := a.header.Get("Location"); at != "/books/9" {
				t.Errorf("the book is at %q", at)
			}
		}
		for range 2 { // without a key each request counts
			if a, err := w.post(ctx, "/books/1/orders", `{"quantity":1}`); err != nil || a.status != 201 {
				t.Errorf("the answer is %v, %v, want 201", a, err)
			}
		}
		a, err = w.keyed(ctx, "/books/1/orders", strings.Repeat("k", 65), `{"quantity":1}`)
		if err != nil || a.status != 422 {
			t.Errorf("the answer to a long key is %v, %v, want 422", a, err)
		}
		w.log.mustHave(t, map[string]int{"mail: POST /1": 1, "mail: POST /2": 1, "mail: POST /3": 1, "mail: POST /4": 1, "mail: POST /5": 0})
	})
}

// Many requests with one key at the same time are one.
func TestKeyAtTheSameTime(t *testing.T) {
	inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
		got, err := nursery.Gather(ctx, slices.Repeat([]func(context.Context) (string, error){func(ctx context.Context) (string, error) {
			a, err := w.keyed(ctx, "/books/1/orders", "a", `{"quantity":1}`)
			return a.String(), err
		}}, 20)...)
		if err != nil {
			t.Error(err)
		}
		for _, a := range got {
			if a != `201 {"id":1,"book":1,"title":"Emma","quantity":1,"cents":950}` {
				t.Errorf("an answer is %s", a)
			}
		}
		if sold, orders := w.sold(t); sold != 1 || orders != 1 || w.confirmed() != 1 {
			t.Errorf("%d copies were sold in %d orders, %d confirmed; want one each", sold, orders, w.confirmed())
		}
	})
}
