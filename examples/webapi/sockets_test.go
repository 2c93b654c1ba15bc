package main

import (
	"context"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// TestSockets asks for one answer of each kind over the real network. Times are either
// such that nothing takes so long, or such that what is asked for takes longer.
func TestSockets(t *testing.T) {
	registerSearching()
	never := limits{budget: time.Hour, patience: time.Hour, queue: time.Hour, requests: 1}
	for _, c := range []struct {
		name   string
		change func(l *limits)
		ask    func(t *testing.T, ctx context.Context, w *world) (answer, error)
		status int
		body   string
	}{
		{"a book", nil, func(_ *testing.T, ctx context.Context, w *world) (answer, error) { return w.get(ctx, "/books/1") }, 200,
			`{"id":1,"title":"Emma","author":"Jane Austen","year":1815,"stock":20,"price":{"cents":950,"currency":"EUR"},"reviews":[{"stars":4,"text":"Read it in one night."}]}`},
		{"an order", nil, func(_ *testing.T, ctx context.Context, w *world) (answer, error) {
			return w.post(ctx, "/books/1/orders", `{"quantity":2}`)
		}, 201, `{"id":1,"book":1,"title":"Emma","quantity":2,"cents":1900}`},
		{"a list of nothing", nil, func(_ *testing.T, ctx context.Context, w *world) (answer, error) {
			return w.get(ctx, "/books?limit=0")
		}, 422, `{"title":"Unprocessable Entity","status":422,"detail":"validation failed","errors":[{"message":"expected number >= 1","location":"query.limit","value":0}]}`},
		{"a book that is not there", nil, func(_ *testing.T, ctx context.Context, w *world) (answer, error) {
			return w.get(ctx, "/books/99")
		}, 404, `{"title":"Not Found","status":404,"detail":"no such book"}`},
		{"reviews that hang", func(l *limits) { l.patience = latency / 2 },
			func(_ *testing.T, ctx context.Context, w *world) (answer, error) { return w.get(ctx, "/books/6") }, 200,
			`{"id":6,"title":"Dracula","author":"Bram Stoker","year":1897,"stock":20,"price":{"cents":1200,"currency":"EUR"},"reviews":[],"missing":["reviews"]}`},
		{"prices that hang", func(l *limits) { l.budget = latency / 2 },
			func(_ *testing.T, ctx context.Context, w *world) (answer, error) { return w.get(ctx, "/books/4") },
			504, `{"title":"Gateway Timeout","status":504,"detail":"not finished within 25ms"}`},
		{"a database that hangs", func(l *limits) { l.budget = time.Second / 2 }, func(t *testing.T, ctx context.Context, w *world) (answer, error) {
			endless(t, ctx, w.service.store, func() {})
			return w.get(ctx, "/books")
		}, 504, `{"title":"Gateway Timeout","status":504,"detail":"not finished within 500ms"}`},
		{"too many requests", func(l *limits) { l.queue = 0 }, func(t *testing.T, ctx context.Context, w *world) (answer, error) {
			if !w.service.limiter.TryAcquire() {
				t.Fatal("no token is left")
			}
			defer w.service.limiter.Release()
			return w.get(ctx, "/books/1")
		}, 503, busy},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := never
			if c.change != nil {
				c.change(&l)
			}
			withWorld(t, t.Context(), sockets{}, l, func(t *testing.T, ctx context.Context, w *world) {
				a, err := c.ask(t, ctx, w)
				mustBe(t, a, err, c.status, c.body)
			})
		})
	}
	t.Run("a client that hangs up", func(t *testing.T) {
		withWorld(t, t.Context(), sockets{}, never, func(t *testing.T, ctx context.Context, w *world) {
			client := cancel.New(ctx)
			defer client.Close()
			err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				n.Go(func(ctx context.Context) error {
					err := w.log.wait(ctx, "prices: GET /4")
					client.Cancel(nil)
					return err
				})
				if a, err := w.get(client, "/books/4"); !client.IsEcho(ended(client, err)) {
					t.Errorf("the answer is %v, %v, want that the client has gone", a, err)
				}
				return w.log.wait(ctx, gone("prices", 4))
			})
			if err != nil {
				t.Error(err)
			}
		})
	})
}
