package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// attemptDelay is how long an attempt may take before the next one is started beside
// it: the Connection Attempt Delay that RFC 8305 recommends.
const attemptDelay = 250 * time.Millisecond

// errWithin is for a nursery that has ended early, and not by us: that is no failure.
var errWithin = errors.New("happyeyeballs: Lookup or Dial has canceled the scope of its context")

// A Dialer connects to hosts that have several addresses, as RFC 8305 (Happy Eyeballs)
// has it. Both fields have to be set.
type Dialer struct {
	// Lookup returns the addresses of a host. The network is "ip6" or "ip4". It is to
	// sort them as RFC 6724 says, as [net.Resolver.LookupNetIP] does.
	Lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
	// Dial makes one attempt, as [net.Dialer.DialContext] does.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// DialContext connects to a host and port. It tries the addresses of the host one
// after the other: the next one as soon as the latest attempt fails, or has not come
// to an end within attemptDelay. The first connection wins, and the other attempts
// are canceled. When DialContext returns, none of them runs any more, and there is no
// connection but the one that it returns.
//
// If all attempts fail, the error is a [*nursery.GroupError] with the failure of each,
// named after its address, and those of the lookups. If ctx is canceled before any
// attempt has connected, it is that of [cancel.Err], and nothing else.
//
// DialContext may be called by many goroutines at once if Lookup and Dial may.
//
// What leaves no choice it leaves to Dial: an IP address, or nothing, in place of a
// host, and a network other than "tcp".
func (d *Dialer) DialContext(ctx context.Context, network, address string) (conn net.Conn, err error) {
	host, port, err := net.SplitHostPort(address)
	_, noIP := netip.ParseAddr(host)
	if err != nil || noIP == nil || host == "" || network != "tcp" {
		return d.Dial(ctx, network, address)
	}
	var winner net.Conn // set by one attempt at most
	defer func() {
		if winner != nil && conn == nil { // another attempt has panicked
			winner.Close()
		}
	}()
	// With KeepGoing an attempt that fails does not cancel the others, and the error
	// has the failures of all.
	err = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		for addr := range d.addresses(ctx, n, host) {
			address := net.JoinHostPort(addr.String(), port)
			ended := make(event)
			n.Go(func(ctx context.Context) error {
				defer close(ended)
				c, err := d.Dial(ctx, network, address)
				if err != nil {
					return err
				}
				// The first cancellation counts, be it by an attempt or by the caller. Whose
				// it was decides who has won, also if several connect at the same time.
				connected := fmt.Errorf("%s has connected", address)
				n.Cancel(connected)
				if context.Cause(ctx) != connected {
					return c.Close()
				}
				winner = c
				return nil
			}, nursery.Name(address))
			if _, err := cancel.MoveOnAfter(ctx, attemptDelay, ended.wait); err != nil {
				return err
			}
		}
		return nil
	}, nursery.Name(address), nursery.KeepGoing())
	switch {
	case winner != nil:
		return winner, nil // some may have failed before it
	case ctx.Err() != nil:
		return nil, cancel.Err(ctx) // alone: with failures beside it, it is no echo for the caller
	case err == nil:
		return nil, errWithin
	}
	return nil, err
}

// An event happens once, when it is closed.
type event chan struct{}

// wait waits until the event has happened, or ctx is done.
func (e event) wait(ctx context.Context) error {
	select {
	case <-e:
		return nil
	case <-ctx.Done():
		return cancel.Err(ctx)
	}
}
