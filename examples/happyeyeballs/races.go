package main

import (
	"errors"
	"net/netip"
	"time"
)

const ms = time.Millisecond

// Addresses of www.example.com, from the ranges for documentation.
var (
	six1  = netip.MustParseAddr("2001:db8::1")
	six2  = netip.MustParseAddr("2001:db8::2")
	four1 = netip.MustParseAddr("192.0.2.1")
	four2 = netip.MustParseAddr("192.0.2.2")
)

// A race is an example for show.
type race struct {
	title string
	world *world
}

func races() []race {
	six := answer{after: 20 * ms, addrs: []netip.Addr{six1, six2}}
	four := answer{after: 30 * ms, addrs: []netip.Addr{four1, four2}}
	return []race{
		{"All is well: the first attempt connects, and no other starts", &world{
			ip6: six, ip4: four,
			machines: map[netip.Addr]machine{six1: {after: 40 * ms}},
		}},
		{"IPv6 does not answer: IPv4 gets its turn after 250ms", &world{
			ip6: six, ip4: four,
			machines: map[netip.Addr]machine{six1: {after: never}, four1: {after: 40 * ms}},
		}},
		{"Some addresses refuse: the next attempt starts at once", &world{
			ip6: six, ip4: four,
			machines: map[netip.Addr]machine{
				six1: {after: 40 * ms, err: errRefused}, four1: {after: 40 * ms, err: errRefused}, six2: {after: 40 * ms},
			},
		}},
		{"The answer for IPv6 is late: IPv4 waits for it for 50ms, and then goes first", &world{
			ip6: answer{after: 100 * ms, addrs: six.addrs}, ip4: four,
			machines: map[netip.Addr]machine{four1: {after: never}, six1: {after: 40 * ms}},
		}},
		{"A connection comes too late, and ignores its cancellation: the dialer waits, and closes it", &world{
			ip6: six, ip4: four,
			machines: map[netip.Addr]machine{six1: {after: 310 * ms, deaf: true}, four1: {after: 40 * ms}},
		}},
		{"No attempt connects: the error has all failures", &world{
			ip6: answer{after: 20 * ms, err: errors.New("server misbehaving")}, ip4: four,
			machines: map[netip.Addr]machine{four1: {after: 40 * ms, err: errRefused}, four2: {after: 280 * ms, err: errors.New("no route to host")}},
		}},
	}
}
