package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

var rounds = flag.Int("rounds", 3, "stop the program so often in TestDrain")

const (
	customers = 12 // clients that order all the time
	perRound  = 30 // orders that are answered before a signal
)

// A drill is a program that is stopped again and again, and its clients.
type drill struct {
	client *http.Client
	at     *channel.Watch[*url.URL] // where the program is, or will be: each start is at another port

	answered atomic.Int64 // orders in this round
	enough   chan struct{}
	closing  atomic.Bool // customers begin no more orders

	mu     sync.Mutex
	orders map[int64]string // the keys of orders, by their ids
	failed map[string]int   // attempts, by what went wrong
}

// TestDrain stops the program with SIGTERM and starts it again, while many clients order,
// and others hold resources. The status is 0 each time. Customers repeat an order until it
// is answered, because the connection may be reset. Some of them hang up before the answer.
// In the end each order is in the database once.
func TestDrain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "books.db")
	run := func() *running {
		return start(t, "-db", file, "-latency", "1ms", "-linger", "20ms", "-queue", "1s")
	}
	p := run()
	d := &drill{
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: customers}},
		at:     channel.NewWatch(p.api),
		enough: make(chan struct{}, 1),
		orders: map[int64]string{}, failed: map[string]int{},
	}
	defer d.client.CloseIdleConnections()
	a, err := send(t.Context(), d.client, http.MethodPost, p.api, "/books", strings.NewReader(`{"title":"Persuasion","author":"Jane Austen","year":1817,"stock":1000000}`))
	mustBe(t, a, err, 201, `{"id":9,"title":"Persuasion","author":"Jane Austen","year":1817,"stock":1000000}`)
	err = nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		for i := range customers {
			n.Go(func(ctx context.Context) error { return d.customer(ctx, i) }, nursery.Name(fmt.Sprint("customer ", i)))
		}
		n.Go(d.hog, nursery.Daemon(), nursery.Name("hog"))
		for range *rounds {
			select {
			case <-d.enough:
			case <-ctx.Done():
				return cancel.Err(ctx)
			}
			p.Signal(syscall.SIGTERM)
			_, stderr := p.Wait(0)
			if stderr := unexpected(stderr); stderr != "" {
				t.Errorf("it printed\n%s", stderr)
			}
			p = run()
			d.answered.Store(0)
			d.at.Set(p.api)
		}
		d.closing.Store(true)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	p.Signal(syscall.SIGTERM)
	p.Wait(0)
	t.Logf("%d orders; attempts that failed: %v", len(d.orders), d.failed)
	if least := *rounds * perRound; len(d.orders) < least {
		t.Errorf("%d orders were answered, want %d at least", len(d.orders), least)
	}
	if d.failed["hung up after 1 bytes of the answer"] == 0 {
		t.Error("no answer was lost, so that is not tested")
	}
	d.check(t, file)
}

// unexpected returns the lines of standard error that do not say that a client has gone,
// or that the machine is slow.
func unexpected(stderr string) string {
	var b strings.Builder
	for l := range strings.Lines(stderr) {
		if !strings.Contains(l, "but the client has gone") && !strings.Contains(l, "is not confirmed: timed out") {
			b.WriteString(l)
		}
	}
	return b.String()
}

// customer orders until the end of the drill.
func (d *drill) customer(ctx context.Context, i int) error {
	at := d.at.Subscribe()
	root, err := at.Receive(ctx)
	if err != nil {
		return err
	}
	for j := 0; !d.closing.Load(); j++ {
		key := fmt.Sprintf("customer %d order %d", i, j)
		if j%3 != 0 { // read nothing of the answer, or the first byte
			if err := d.hangUp(root, key, j%3-1); err != nil {
				d.fails(err)
			}
		}
		for {
			a, err := sendKeyed(ctx, d.client, root, "/books/9/orders", key, `{"quantity":1}`)
			if err == nil && a.status == http.StatusCreated {
				if err := d.ordered(key, a.body); err != nil {
					return err
				}
				break
			}
			if ctx.Err() != nil {
				return cancel.Err(ctx)
			}
			if err == nil && a.status < 500 {
				return fmt.Errorf("%s got %v", key, a)
			}
			if err == nil {
				err = fmt.Errorf("status %d", a.status)
			}
			d.fails(err)
			if errors.Is(err, syscall.ECONNREFUSED) {
				if root, err = at.Receive(ctx); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// hangUp sends an order, and reads a number of bytes of the answer. With one byte the order
// was taken or refused, and the client does not know which.
func (d *drill) hangUp(root *url.URL, key string, reads int) error {
	conn, err := net.Dial("tcp", root.Host)
	if err != nil {
		return err
	}
	const body = `{"quantity":1}`
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST /books/9/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nIdempotency-Key: %s\r\nContent-Length: %d\r\n\r\n%s", key, len(body), body)
	if err != nil {
		return err
	}
	if _, err := io.ReadFull(conn, make([]byte, reads)); err != nil {
		return err
	}
	return fmt.Errorf("hung up after %d bytes of the answer", reads)
}

// ordered notes an answer.
func (d *drill) ordered(key, body string) error {
	var id int64
	if _, err := fmt.Sscanf(body, `{"id":%d,"book":9,"title":"Persuasion","quantity":1,`, &id); err != nil {
		return fmt.Errorf("%s got %s: %w", key, body, err)
	}
	d.mu.Lock()
	other, taken := d.orders[id]
	d.orders[id] = key
	d.mu.Unlock()
	if taken {
		return fmt.Errorf("order %d has the keys %s and %s", id, other, key)
	}
	if d.answered.Add(1) == perRound {
		d.enough <- struct{}{}
	}
	return nil
}

func (d *drill) fails(err error) {
	what := err.Error()
	for _, known := range []error{syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, io.EOF} {
		if errors.Is(err, known) {
			what = known.Error()
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed[what]++
}

// hog holds what a client can hold, and sends expensive requests, until it is canceled.
func (d *drill) hog(ctx context.Context) error {
	at := d.at.Subscribe()
	var held []net.Conn
	defer func() {
		for _, c := range held {
			c.Close()
		}
	}()
	large := properties(1000)
	for {
		root, err := at.Receive(ctx)
		if err != nil {
			return err
		}
		for _, sends := range []string{
			"",
			"GET / HTTP/1.1\r\n",
			half,
			"GET /books HTTP/1.1\r\nHost: localhost\r\n\r\n", // and reads no answer
			"POST /books HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n" + large[:9000],
			"GET /books/4 HTTP/1.1\r\nHost: localhost\r\n\r\n", // its price never comes
		} {
			for range 3 {
				c, err := net.Dial("tcp", root.Host)
				if err != nil {
					continue // it has been stopped
				}
				held = append(held, c)
				if _, err := io.WriteString(c, sends); err != nil {
					d.fails(err)
				}
			}
		}
	}
}

// check compares the database with the answers.
func (d *drill) check(t *testing.T, file string) {
	s, err := openStore(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	var orders, copies, stock, keys int
	const query = `SELECT (SELECT count(*) FROM orders), (SELECT sum(quantity) FROM orders), stock, (SELECT count(*) FROM keys) FROM books WHERE id = 9`
	if err := s.db.QueryRowContext(t.Context(), query).Scan(&orders, &copies, &stock, &keys); err != nil {
		t.Fatal(err)
	}
	if want := len(d.orders); orders != want || copies != want || stock != 1_000_000-want || keys != want {
		t.Errorf("%d orders of %d copies are there with %d keys, and %d copies of the book; want %d of each and %d",
			orders, copies, keys, stock, want, 1_000_000-want)
	}
	for id, key := range d.orders {
		var n int
		if err := s.db.QueryRowContext(t.Context(), `SELECT count(*) FROM orders WHERE id = ?`, id).Scan(&n); err != nil || n != 1 {
			t.Errorf("order %d of %s is there %d times, %v", id, key, n, err)
		}
	}
}
