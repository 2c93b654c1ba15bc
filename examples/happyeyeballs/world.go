package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/grove-go/grove/cancel"
)

// A world is a made-up network: one host name, and the machines at its addresses. Its
// connections are pipes with a silent other end.
type world struct {
	ip6, ip4 answer
	machines map[netip.Addr]machine
}

// An answer is the result of a lookup.
type answer struct {
	after time.Duration
	addrs []netip.Addr
	err   error
}

// A machine is the result of an attempt to connect.
type machine struct {
	after time.Duration // or never
	err   error         // nil: it connects
	deaf  bool          // the attempt does not look at its context
}

// never is the answer time of a machine that does not answer.
const never = time.Duration(-1)

var errRefused = errors.New("connection refused")

// dialer returns a Dialer for w.
func (w *world) dialer() *Dialer { return &Dialer{Lookup: w.lookup, Dial: w.dial} }

func (w *world) lookup(ctx context.Context, network, _ string) ([]netip.Addr, error) {
	a := w.ip4
	if network == "ip6" {
		a = w.ip6
	}
	if err := cancel.Sleep(ctx, a.after); err != nil {
		return nil, err
	}
	return a.addrs, a.err
}

func (w *world) dial(ctx context.Context, _, address string) (net.Conn, error) {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	m := w.machines[ap.Addr()]
	if m.deaf {
		ctx = context.WithoutCancel(ctx)
	}
	if m.after == never {
		return nil, cancel.Forever(ctx)
	}
	if err := cancel.Sleep(ctx, m.after); err != nil {
		return nil, err
	}
	if m.err != nil {
		return nil, m.err
	}
	conn, _ := net.Pipe()
	return conn, nil
}
