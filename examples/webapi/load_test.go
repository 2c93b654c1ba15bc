package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

const (
	clients = 300
	each    = 8 // requests of a client
)

// hungUp stands for the status of a request of a client that did not wait for the answer.
const hungUp = 0

// TestLoad runs more clients at a time than the service has room for. Some hang up. Every
// answer is valid, and nothing is left at the end.
func TestLoad(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	l := usual
	l.requests, l.queue, l.budget, l.patience = 32, 20*time.Millisecond, 250*time.Millisecond, 100*time.Millisecond
	inWorld(t, l, func(t *testing.T, ctx context.Context, w *world) {
		var seen tally
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for i := range clients {
				n.Go(func(ctx context.Context) error {
					rng := rand.New(rand.NewPCG(seed, uint64(i)))
					for range each {
						if err := cancel.Sleep(ctx, milliseconds(rng, 500)); err != nil {
							return err
						}
						if err := w.visit(ctx, rng, &seen); err != nil {
							return err
						}
					}
					return nil
				})
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		for _, wrong := range seen.wrong {
			t.Error(wrong)
		}
		for _, status := range []int{200, 201, 404, 409, 502, 503, 504, hungUp} {
			if seen.count[status] == 0 {
				t.Errorf("no request ended with %d, so that is not tested: %v", status, seen.count)
			}
		}
		t.Logf("%v", seen.count)
		testutil.WaitAllBlocked() // the last to hang up have been noticed
		w.mustBeFree(t)
		sold, orders := w.sold(t)
		var ordered int
		if err := w.service.store.db.QueryRow(`SELECT sum(quantity) FROM orders`).Scan(&ordered); err != nil {
			t.Error(err)
		}
		if sold != ordered || orders < seen.ordered {
			t.Errorf("%d copies were sold, %d ordered; %d orders, %d answered", sold, ordered, orders, seen.ordered)
		}
		if n := w.confirmed(); n != orders {
			t.Errorf("%d orders are confirmed of %d", n, orders)
		}
	})
}

// A tally is how requests ended.
type tally struct {
	mu      sync.Mutex
	count   map[int]int // by status
	ordered int         // orders that were answered
	wrong   []string    // answers that may not be
}

func (t *tally) add(path, body string, status int, may []int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count == nil {
		t.count = map[int]int{}
	}
	t.count[status]++
	if status == 201 && strings.HasSuffix(path, "/orders") {
		t.ordered++
	}
	if !slices.Contains(may, status) {
		t.wrong = append(t.wrong, fmt.Sprintf("%s %s got %d, want one of %v", path, body, status, may))
	}
}

// visit sends a request, and perhaps hangs up.
func (w *world) visit(ctx context.Context, rng *rand.Rand, seen *tally) error {
	path, body := "/books", ""
	may := []int{200, 503, 504}
	switch rng.IntN(10) {
	case 0:
		path = "/books?q=a"
	case 1:
		body = `{"title":"Persuasion","author":"Jane Austen","year":1817,"stock":0}`
		may = []int{201, 503, 504}
	case 2, 3, 4:
		path = fmt.Sprintf("/books/%d/orders", 1+rng.IntN(8))
		body = fmt.Sprintf(`{"quantity":%d}`, 1+rng.IntN(2))
		may = []int{201, 409, 502, 503, 504}
	default:
		path = fmt.Sprintf("/books/%d", 1+rng.IntN(8))
		may = []int{200, 502, 503, 504}
		if rng.IntN(10) == 0 {
			path, may = "/books/1000000", []int{404, 503, 504}
		}
	}
	patience := time.Hour
	if rng.IntN(4) == 0 {
		patience = milliseconds(rng, 120)
		may = append(may, hungUp)
	}
	status := hungUp
	_, err := cancel.MoveOnAfter(ctx, patience, func(ctx context.Context) error {
		var a answer
		var err error
		if body == "" {
			a, err = w.get(ctx, path)
		} else {
			a, err = w.post(ctx, path, body)
		}
		if err == nil {
			status = a.status
		}
		return ended(ctx, err)
	})
	if err == nil {
		seen.add(path, body, status, may)
	}
	return err
}

// milliseconds returns a time below so many.
func milliseconds(rng *rand.Rand, below int) time.Duration {
	return time.Duration(rng.IntN(below*1000)) * time.Microsecond
}
