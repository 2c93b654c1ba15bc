package main

import (
	"context"
	"iter"
	"net"
	"net/netip"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// resolutionDelay is how long IPv4 addresses wait for the lookup of IPv6 addresses: the
// Resolution Delay that RFC 8305 recommends.
const resolutionDelay = 50 * time.Millisecond

// A family is the IPv6 or the IPv4 addresses of a host.
type family struct {
	answered event        // the lookup has ended
	addrs    []netip.Addr // addresses that were not tried; valid after answered
}

// ready reports whether the family has an address to try.
func (f *family) ready() bool {
	select {
	case <-f.answered:
		return len(f.addrs) > 0
	default:
		return false
	}
}

// next takes the next address from a family that is ready.
func (f *family) next() netip.Addr {
	addr := f.addrs[0]
	f.addrs = f.addrs[1:]
	return addr.Unmap() // LookupNetIP may return IPv4 addresses in the form of IPv6
}

// addresses looks up the addresses of a host, in tasks of n, and yields them in the order
// of the attempts. A failed lookup is a failure of n.
//
// The sequence begins before both lookups have ended (RFC 8305, section 3): with the answer
// for IPv6, or resolutionDelay after the answer for IPv4. The families take turns, IPv6
// first (section 4). Addresses that arrive later join in (section 6).
func (d *Dialer) addresses(ctx context.Context, n *nursery.Nursery, host string) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		v6 := d.lookup(n, "AAAA", "ip6", host)
		v4 := d.lookup(n, "A", "ip4", host)
		select {
		case <-v6.answered:
		case <-v4.answered:
			if _, err := cancel.MoveOnAfter(ctx, resolutionDelay, v6.answered.wait); err != nil {
				return
			}
		case <-ctx.Done():
		}
		for turn, other := v6, v4; ctx.Err() == nil; turn, other = other, turn {
			if !turn.ready() && !other.ready() {
				// All known addresses have been tried. At most one lookup has not ended.
				if v6.answered.wait(ctx) != nil || v4.answered.wait(ctx) != nil {
					return
				}
			}
			if !turn.ready() {
				turn, other = other, turn
			}
			if !turn.ready() || !yield(turn.next()) {
				return
			}
		}
	}
}

// lookup looks up one family, in a task of n that is named after the DNS record.
func (d *Dialer) lookup(n *nursery.Nursery, record, network, host string) *family {
	f := &family{answered: make(event)}
	n.Go(func(ctx context.Context) error {
		defer close(f.answered)
		addrs, err := d.Lookup(ctx, network, host)
		if err != nil {
			return err
		}
		if len(addrs) == 0 {
			return &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
		}
		f.addrs = addrs
		return nil
	}, nursery.Name(record))
	return f
}
