package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// A timeline prints what a Dialer does, and when. It stands between the Dialer and the
// network.
type timeline struct {
	network *Dialer
	began   time.Time
	step    time.Duration // print rounds times down to it

	mu  sync.Mutex
	out *bufio.Writer // keeps the first error for Flush
}

// connect connects to address, prints the time line, and closes the connection.
func connect(ctx context.Context, network *Dialer, address string, step time.Duration, out *bufio.Writer) error {
	t := &timeline{network: network, began: time.Now(), step: step, out: out}
	d := &Dialer{Lookup: t.lookup, Dial: t.dial}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	t.print(conn.(*watched).address, "returned")
	return conn.Close()
}

// print prints a line.
func (t *timeline) print(what, format string, args ...any) {
	at := time.Since(t.began).Truncate(t.step)
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, "%7v  %-19s  %s\n", at, what, fmt.Sprintf(format, args...))
	t.out.Flush()
}

func (t *timeline) lookup(ctx context.Context, network, host string) ([]netip.Addr, error) {
	record := map[string]string{"ip6": "AAAA", "ip4": "A"}[network]
	addrs, err := t.network.Lookup(ctx, network, host)
	if err != nil {
		t.printEnd(ctx, record, err)
		return nil, err
	}
	t.print(record, "%s", strings.Trim(fmt.Sprint(addrs), "[]"))
	return addrs, nil
}

func (t *timeline) dial(ctx context.Context, network, address string) (net.Conn, error) {
	t.print(address, "starts")
	conn, err := t.network.Dial(ctx, network, address)
	if err != nil {
		t.printEnd(ctx, address, err)
		return nil, err
	}
	t.print(address, "connected")
	return &watched{conn, t, address}, nil
}

// printEnd prints why a lookup or an attempt did not succeed.
func (t *timeline) printEnd(ctx context.Context, what string, err error) {
	if ctx.Err() != nil {
		t.print(what, "canceled: %v", context.Cause(ctx))
		return
	}
	t.print(what, "failed: %v", err)
}

// A watched connection prints that it is closed.
type watched struct {
	net.Conn
	line    *timeline
	address string
}

func (w *watched) Close() error {
	w.line.print(w.address, "closed")
	return w.Conn.Close()
}
