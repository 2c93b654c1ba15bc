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

// attemptDelay is how long an attempt has to itself before the next one starts beside it:
// the Connection Attempt Delay that RFC 8305 recommends.
const attemptDelay = 250 * time.Millisecond

// errWithin is the error of a nursery that Lookup or Dial has canceled. Run does not report
// such a cancellation.
var errWithin = errors.New("happyeyeballs: Lookup or Dial has canceled the scope of its context")

// A Dialer connects to hosts with several addresses, by RFC 8305 (Happy Eyeballs). Both
// fields must be set.
type Dialer struct {
	// Lookup returns the addresses of a host. The network is "ip6" or "ip4". Lookup must
	// sort the addresses by RFC 6724, as [net.Resolver.LookupNetIP] does.
	Lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
	// Dial makes one attempt, as [net.Dialer.DialContext] does.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// DialContext connects to a host and port. It tries the addresses of the host one after the
// other. It starts an attempt as soon as the attempt before it fails, or has taken
// attemptDelay. The first connection wins, and the other attempts are canceled. When
// DialContext returns, all attempts have ended, and no other connection is open.
//
// If all attempts fail, the error is a [*nursery.GroupError] with the failure of each
// attempt, named after its address, and of each lookup. If ctx is canceled before an
// attempt has connected, the error is the error of [cancel.Err] alone.
//
// DialContext may be called by many goroutines at once if Lookup and Dial may.
//
// DialContext just calls Dial if there is nothing to look up: if the host is an IP address
// or empty, or if the network is not "tcp".
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
	// With KeepGoing a failed attempt does not cancel the others, and the error has all
	// failures.
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
				// The first cancellation counts, by an attempt or by the caller. Its cause
				// tells which attempt has won, even if several connect at the same time.
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
		return winner, nil // earlier attempts may have failed
	case ctx.Err() != nil:
		return nil, cancel.Err(ctx) // without the failures, so that it is an echo for the caller
	case err == nil:
		return nil, errWithin
	}
	return nil, err
}

// An event happens once, when the channel is closed.
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
