package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

// Two more addresses of www.example.com.
var (
	six3  = netip.MustParseAddr("2001:db8::3")
	four3 = netip.MustParseAddr("192.0.2.3")
)

var errBroken = errors.New("server misbehaving")

// A start is the start of an attempt: the address, and when.
type start struct {
	addr netip.Addr
	at   time.Duration
}

func (s start) String() string { return fmt.Sprintf("%v at %v", s.addr, s.at) }

// A record is what a Dialer did on a world.
type record struct {
	began  time.Time
	dialer *Dialer

	mu             sync.Mutex
	starts         []start
	opened, closed int // connections
	running        int // lookups and attempts
}

// newRecord returns a record that begins now. Its dialer is one for w.
func newRecord(w *world) *record {
	r := &record{began: time.Now()}
	r.dialer = &Dialer{
		Lookup: func(ctx context.Context, network, host string) ([]netip.Addr, error) {
			r.note(func() { r.running++ })
			defer r.note(func() { r.running-- })
			return w.lookup(ctx, network, host)
		},
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			r.note(func() {
				r.running++
				r.starts = append(r.starts, start{netip.MustParseAddrPort(address).Addr(), time.Since(r.began)})
			})
			defer r.note(func() { r.running-- })
			conn, err := w.dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			r.note(func() { r.opened++ })
			return &counted{conn, r, address}, nil
		},
	}
	return r
}

func (r *record) note(what func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	what()
}

// A counted connection is noted when it is closed.
type counted struct {
	net.Conn
	record  *record
	address string
}

func (c *counted) Close() error {
	c.record.note(func() { c.record.closed++ })
	return c.Conn.Close()
}

// dial connects to www.example.com, and closes the connection. It checks that nothing else
// is left. It returns the address of the connection, the time when the Dialer returned, and
// its error.
func (r *record) dial(t *testing.T, ctx context.Context) (winner netip.Addr, at time.Duration, err error) {
	t.Helper()
	conn, err := r.dialer.DialContext(ctx, "tcp", "www.example.com:443")
	at = time.Since(r.began)
	if r.running != 0 {
		t.Errorf("%d lookups and attempts run on", r.running)
	}
	if (conn == nil) != (err != nil) {
		t.Errorf("DialContext() = %v, %v, want one of them", conn, err)
	}
	if conn != nil {
		winner = netip.MustParseAddrPort(conn.(*counted).address).Addr()
		conn.Close()
	}
	if r.opened != r.closed {
		t.Errorf("%d connections were opened, and %d closed", r.opened, r.closed)
	}
	return winner, at, err
}

// six and four are answers of lookups.
func six(after time.Duration, addrs ...netip.Addr) answer  { return answer{after: after, addrs: addrs} }
func four(after time.Duration, addrs ...netip.Addr) answer { return answer{after: after, addrs: addrs} }

// Results of attempts.
func connects(after time.Duration) machine { return machine{after: after} }
func refuses(after time.Duration) machine  { return machine{after: after, err: errRefused} }
func silent() machine                      { return machine{after: never} }

// deaf makes an attempt that does not look at its context.
func deaf(m machine) machine {
	m.deaf = true
	return m
}
