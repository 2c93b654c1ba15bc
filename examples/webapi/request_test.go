package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	stdlog "log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"modernc.org/sqlite"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

const busy = `{"title":"Service Unavailable","status":503,"detail":"too many requests at a time"}`

// One request at a time: the second waits for its turn, and the third in vain.
func TestShedding(t *testing.T) {
	l := usual
	l.requests, l.queue = 1, latency+latency/2
	inWorld(t, l, func(t *testing.T, ctx context.Context, w *world) {
		began := time.Now()
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for i := range 3 {
				n.Go(func(ctx context.Context) error {
					a, err := w.get(ctx, fmt.Sprint("/books/", i+1))
					switch d := time.Since(began); {
					case err != nil:
						return err
					case i < 2 && (a.status != 200 || d != time.Duration(i+1)*latency):
						t.Errorf("request %d got %v after %v, want 200 when it is its turn", i, a, d)
					case i == 2 && (a.status != 503 || a.body != busy || a.header.Get("Retry-After") != "1" || d != l.queue):
						t.Errorf("request %d got %v, %v after %v, want that it may come again, after %v", i, a, a.header, d, l.queue)
					}
					return nil
				})
				testutil.WaitAllBlocked()
			}
			if s := w.service.limiter.Stats(); s.Borrowed != 1 || s.Waiting != 2 {
				t.Errorf("the limiter has %+v, want that one works and two wait", s)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if strings.Contains(w.log.String(), "/3") {
			t.Errorf("work was done for a request that was turned away:\n%s", w.log)
		}
	})
}

// Without a queue a request is turned away at once, but only if there is no token.
func TestNoQueue(t *testing.T) {
	l := usual
	l.requests, l.queue = 1, 0
	inWorld(t, l, func(t *testing.T, ctx context.Context, w *world) {
		a, err := w.get(ctx, "/books?limit=1")
		if err != nil || a.status != 200 {
			t.Errorf("the answer is %v, %v, want 200", a, err)
		}
		if !w.service.limiter.TryAcquire() {
			t.Fatal("no token is left")
		}
		defer w.service.limiter.Release()
		a, err = w.get(ctx, "/books?limit=1")
		mustBe(t, a, err, 503, busy)
	})
}

// The budget of a request counts from its beginning, including its wait.
func TestBudgetCoversTheWait(t *testing.T) {
	l := usual
	l.requests, l.queue = 1, time.Hour
	inWorld(t, l, func(t *testing.T, ctx context.Context, w *world) {
		if !w.service.limiter.TryAcquire() {
			t.Fatal("no token is left")
		}
		defer w.service.limiter.Release()
		began := time.Now()
		a, err := w.get(ctx, "/books")
		mustBe(t, a, err, 504, `{"title":"Gateway Timeout","status":504,"detail":"not finished within 1s"}`)
		if d := time.Since(began); d != l.budget {
			t.Errorf("the answer took %v, want %v", d, l.budget)
		}
	})
}

func TestHangUpInTheQueue(t *testing.T) {
	l := usual
	l.requests = 1
	inWorld(t, l, func(t *testing.T, ctx context.Context, w *world) {
		if !w.service.limiter.TryAcquire() {
			t.Fatal("no token is left")
		}
		hangUp(t, ctx, l.queue/2, func(ctx context.Context) error {
			_, err := w.get(ctx, "/books")
			return err
		})
		if s := w.service.limiter.Stats(); s.Waiting != 0 {
			t.Errorf("%d requests wait, want none", s.Waiting)
		}
		w.service.limiter.Release()
	})
}

// A panic, wherever it happens under a request, ends that request alone.
func TestPanic(t *testing.T) {
	secret := errors.New("secret")
	boom := func(context.Context) error { panic(secret) }
	for name, do := range map[string]func(ctx context.Context, n *nursery.Nursery) error{
		"in the handler": func(ctx context.Context, _ *nursery.Nursery) error { return boom(ctx) },
		"in a task":      func(_ context.Context, n *nursery.Nursery) error { n.Go(boom, nursery.Name("boom")); return nil },
		"with an error that has an answer of its own": func(context.Context, *nursery.Nursery) error { panic(errNoBook) },
		"beside an error": func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { <-ctx.Done(); panic(secret) })
			return errNoBook
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
				handle(w.api, w.service, huma.Operation{Method: http.MethodGet, Path: "/panic"},
					func(ctx context.Context, n *nursery.Nursery, _ *struct{}) (*struct{}, error) { return nil, do(ctx, n) })
				a, err := w.get(ctx, "/panic")
				mustBe(t, a, err, 500, `{"title":"Internal Server Error","status":500}`)
				if log := w.log.String(); !strings.Contains(log, "GET /panic: ") || !strings.Contains(log, "panicked: ") || !strings.Contains(log, "request_test.go:") {
					t.Errorf("the panic is not logged with its stack, but:\n%s", log)
				}
				if a, err := w.get(ctx, "/books/1"); err != nil || a.status != 200 {
					t.Errorf("the next answer is %v, %v, want 200", a, err)
				}
			})
		})
	}
	t.Run("in what requests share", func(t *testing.T) {
		inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
			w.service.prices = nursery.NewShared(w.service.later, func(ctx context.Context, _ int64) (Price, error) { return Price{}, boom(ctx) })
			a, err := w.get(ctx, "/books/1")
			mustBe(t, a, err, 500, `{"title":"Internal Server Error","status":500}`)
		})
	})
}

func TestUnexpectedError(t *testing.T) {
	inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
		if _, err := w.service.store.db.ExecContext(ctx, `DROP TABLE orders; DROP TABLE books`); err != nil {
			t.Fatal(err)
		}
		a, err := w.get(ctx, "/books")
		mustBe(t, a, err, 500, `{"title":"Internal Server Error","status":500}`)
		if log := w.log.String(); !strings.Contains(log, "GET /books: ") || !strings.Contains(log, "no such table: books") {
			t.Errorf("the error is not logged, but:\n%s", log)
		}
	})
}

// A failure is reported even if there was a cancellation at the same time.
func TestErrorBesideCancellation(t *testing.T) {
	canceled := cancel.New(t.Context())
	defer canceled.Close()
	canceled.Cancel(nil)
	var log notes
	s := &service{log: stdlog.New(&log, "", 0)}
	for _, c := range []struct {
		err    error
		status int
		log    string
	}{
		{cancel.Err(canceled), 503, ""},
		{errors.Join(cancel.Err(canceled), errNoBook), 404, ""},
		{errors.Join(cancel.Err(canceled), errors.New("disk full")), 500, "GET /books: disk full\n"},
	} {
		log.text.Reset()
		var status huma.StatusError
		if !errors.As(s.problem("GET /books", c.err), &status) || status.GetStatus() != c.status || log.String() != c.log {
			t.Errorf("problem(%v) = %v, and logs %q; want %d and %q", c.err, status, &log, c.status, c.log)
		}
	}
}

// When it is asked to stop, the service answers the requests that it has accepted, and no
// others.
func TestDraining(t *testing.T) {
	inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				a, err := w.get(ctx, "/books/6") // its reviews take patience
				if err == nil && a.status != 200 {
					t.Errorf("the answer is %v, want 200", a)
				}
				return err
			})
			testutil.WaitAllBlocked()
			w.scope.Stop()
			testutil.WaitAllBlocked()
			if a, err := w.get(ctx, "/books"); err == nil {
				t.Errorf("the service that was asked to stop answers %v", a)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		w.log.mustHave(t, map[string]int{"prices: GET /6": 1})
	})
}

// When it is canceled, as by the second signal, the service still answers waiting clients.
func TestCutOff(t *testing.T) {
	inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
		err := nursery.Run(context.WithoutCancel(ctx), func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				a, err := w.get(ctx, "/books/4")
				mustBe(t, a, err, 503, `{"title":"Service Unavailable","status":503,"detail":"canceled"}`)
				return nil
			})
			testutil.WaitAllBlocked()
			w.scope.Cancel(nil)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		w.log.mustHave(t, map[string]int{gone("prices", 4): 1})
	})
}

// Wherever a request is canceled, it ends, says so, and leaves nothing in use. An order is
// taken and confirmed, or neither.
func TestCancelEverywhere(t *testing.T) {
	for _, c := range []struct {
		method, path, body string
	}{
		{http.MethodGet, "/books?q=a", ""},
		{http.MethodGet, "/books/1", ""},
		{http.MethodPost, "/books", `{"title":"Persuasion","author":"Jane Austen","year":1817,"stock":5}`},
		{http.MethodPost, "/books/1/orders", `{"quantity":2}`},
	} {
		t.Run(c.method+c.path, func(t *testing.T) {
			testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) (err error) {
				withWorld(t, context.WithoutCancel(ctx), pipes{}, usual, func(t *testing.T, _ context.Context, w *world) {
					r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body)).WithContext(ctx)
					r.Header.Set("Content-Type", "application/json")
					rw := httptest.NewRecorder()
					w.handler.ServeHTTP(rw, r)
					w.mustBeFree(t)
					switch {
					case rw.Code/100 == 2:
					case rw.Code == 503 && strings.Contains(rw.Body.String(), `"canceled"`):
						err = cancel.Err(ctx)
					default:
						t.Errorf("the answer is %d %s", rw.Code, rw.Body)
					}
					sold, orders := w.sold(t)
					if sold != 2*orders || rw.Code == 201 && c.body != "" && strings.HasSuffix(c.path, "/orders") && orders != 1 {
						t.Errorf("%d copies were sold in %d orders, with the answer %d", sold, orders, rw.Code)
					}
					confirmed := w.confirmed()
					if confirmed != orders {
						t.Errorf("%d orders are confirmed of %d", confirmed, orders)
					}
				})
				return err
			}, testutil.Repeats(2))
		})
	}
}

// sold returns how many copies of the first books were sold, and in how many orders.
func (w *world) sold(t *testing.T) (copies, orders int) {
	t.Helper()
	err := w.service.store.db.QueryRow(`SELECT 141 - sum(stock), (SELECT count(*) FROM orders) FROM books WHERE id <= 8`).Scan(&copies, &orders)
	if err != nil {
		t.Error(err)
	}
	return copies, orders
}

// confirmed returns how many confirmations have begun, after all that can begin.
func (w *world) confirmed() int {
	testutil.WaitAllBlocked()
	return strings.Count(w.log.String(), "mail: POST ")
}

// endless replaces the books by a view that the database would search without end. The
// query calls begun.
func endless(t *testing.T, ctx context.Context, s *store, begun func()) {
	t.Helper()
	registerSearching()
	searching.Store(&begun)
	t.Cleanup(func() { searching.Store(nil) })
	const script = `ALTER TABLE books RENAME TO shelf;
		CREATE VIEW books AS
			WITH RECURSIVE forever(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM forever)
			SELECT shelf.* FROM forever, shelf WHERE n < searching()`
	if _, err := s.db.ExecContext(ctx, script); err != nil {
		t.Fatal(err)
	}
}

// searching is called by the SQL function of that name, which returns 0.
var searching atomic.Pointer[func()]

var registerSearching = sync.OnceFunc(func() {
	sqlite.MustRegisterScalarFunction("searching", 0, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		if f := searching.Load(); f != nil {
			(*f)()
		}
		return int64(0), nil
	})
})

// A query ends when the client hangs up, and its connection comes back.
func TestQueryIsCanceled(t *testing.T) {
	for _, path := range []string{"/books", "/books/1"} {
		t.Run(path, func(t *testing.T) {
			registerSearching() // a connection has the functions that existed when it was opened
			inWorld(t, usual, func(t *testing.T, ctx context.Context, w *world) {
				var begun testutil.Gate
				endless(t, ctx, w.service.store, begun.Open)
				client := cancel.New(ctx)
				defer client.Close()
				err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.Go(func(ctx context.Context) error {
						if err := begun.Wait(ctx); err != nil {
							return err
						}
						client.Cancel(nil)
						return nil
					})
					if a, err := w.get(client, path); !client.IsEcho(ended(client, err)) {
						t.Errorf("the answer is %v, %v, want that the client has gone", a, err)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
				testutil.WaitAllBlocked()
				w.mustBeFree(t)
			})
		})
	}
}
