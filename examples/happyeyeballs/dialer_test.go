package main

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
	"github.com/grove-go/grove/testutil/errmatch"
)

// TestDial has a race for each rule. The names begin with the section of RFC 8305.
func TestDial(t *testing.T) {
	type machines = map[netip.Addr]machine
	refused := func(addr string) errmatch.Matcher {
		return errmatch.Task(net.JoinHostPort(addr, "443"), errmatch.Is(errRefused))
	}
	tests := []struct {
		name   string
		world  world
		starts []start
		winner netip.Addr // or
		err    errmatch.Matcher
		at     time.Duration // when it returns
		opened int           // besides the winner
	}{
		{
			name:   "5/the first attempt wins",
			world:  world{six(20*ms, six1, six2), four(20*ms, four1), machines{six1: connects(100 * ms)}},
			starts: []start{{six1, 20 * ms}},
			winner: six1, at: 120 * ms,
		},
		{
			name:   "5/an attempt that does not answer delays the next one",
			world:  world{six(0, six1, six2), four(0, four1), machines{six1: silent(), four1: silent(), six2: connects(30 * ms)}},
			starts: []start{{six1, 0}, {four1, 250 * ms}, {six2, 500 * ms}},
			winner: six2, at: 530 * ms,
		},
		{
			name:   "5/an older attempt may win",
			world:  world{six(0, six1), four(0, four1), machines{six1: connects(300 * ms), four1: connects(100 * ms)}},
			starts: []start{{six1, 0}, {four1, 250 * ms}},
			winner: six1, at: 300 * ms,
		},
		{
			// a bug of Trio's first version: trio#632
			name:   "5/no attempt starts after a connection, even if the delay is nearly over",
			world:  world{six(0, six1), four(0, four1), machines{six1: connects(attemptDelay - 1), four1: connects(0)}},
			starts: []start{{six1, 0}},
			winner: six1, at: attemptDelay - 1,
		},
		{
			name:   "5/a failure starts the next attempt at once",
			world:  world{six(0, six1, six2), four(0, four1), machines{six1: refuses(7), four1: refuses(249 * ms), six2: connects(5 * ms)}},
			starts: []start{{six1, 0}, {four1, 7}, {six2, 249*ms + 7}},
			winner: six2, at: 254*ms + 7,
		},
		{
			name:   "5/the failure of an older attempt does not start one",
			world:  world{six(0, six1, six2), four(0, four1), machines{six1: refuses(300 * ms), four1: silent(), six2: connects(0)}},
			starts: []start{{six1, 0}, {four1, 250 * ms}, {six2, 500 * ms}},
			winner: six2, at: 500 * ms,
		},
		{
			name:   "5/all fail",
			world:  world{six(0, six1), four(0, four1), machines{six1: refuses(260 * ms), four1: refuses(20 * ms)}},
			starts: []start{{six1, 0}, {four1, 250 * ms}},
			err:    errmatch.Nursery("www.example.com:443", refused("2001:db8::1"), refused("192.0.2.1")),
			at:     270 * ms,
		},
		{
			name:   "4/the families take turns",
			world:  world{six(ms, six1, six2, six3), four(0, four1), machines{six1: refuses(0), six2: refuses(0), six3: refuses(0), four1: refuses(0)}},
			starts: []start{{six1, ms}, {four1, ms}, {six2, ms}, {six3, ms}},
			err:    errmatch.Group(refused("2001:db8::1"), refused("192.0.2.1"), refused("2001:db8::2"), refused("2001:db8::3")),
			at:     ms,
		},
		{
			name:   "4/the families take turns with more of IPv4",
			world:  world{six(ms, six1), four(0, four1, four2, four3), machines{six1: refuses(0), four1: refuses(0), four2: refuses(0), four3: connects(0)}},
			starts: []start{{six1, ms}, {four1, ms}, {four2, ms}, {four3, ms}},
			winner: four3, at: ms,
		},
		{
			name:   "3/only IPv4",
			world:  world{answer{after: 5 * ms, err: errBroken}, four(3*ms, four1), machines{four1: connects(20 * ms)}},
			starts: []start{{four1, 5 * ms}},
			winner: four1, at: 25 * ms,
		},
		{
			name:   "3/only IPv4, which fails",
			world:  world{answer{after: 5 * ms, err: errBroken}, four(3*ms, four1), machines{four1: refuses(20 * ms)}},
			starts: []start{{four1, 5 * ms}},
			err:    errmatch.Group(errmatch.Task("AAAA", errmatch.Is(errBroken)), refused("192.0.2.1")),
			at:     25 * ms,
		},
		{
			name:   "3/only IPv6",
			world:  world{six(300*ms, six1), answer{after: 3 * ms, err: errBroken}, machines{six1: connects(20 * ms)}},
			starts: []start{{six1, 300 * ms}},
			winner: six1, at: 320 * ms,
		},
		{
			name:  "3/no address at all",
			world: world{answer{after: 3 * ms, err: errBroken}, answer{after: 80 * ms}, nil},
			err: errmatch.Group(errmatch.Task("AAAA", errmatch.Is(errBroken)),
				errmatch.Task("A", errmatch.As(func(err *net.DNSError) bool { return err.IsNotFound && err.Name == "www.example.com" }))),
			at: 80 * ms,
		},
		{
			name:   "3/IPv6 does not wait for IPv4",
			world:  world{six(10*ms, six1), four(time.Hour, four1), machines{six1: connects(20 * ms)}},
			starts: []start{{six1, 10 * ms}},
			winner: six1, at: 30 * ms,
		},
		{
			name:   "3/IPv4 waits for IPv6, within the resolution delay",
			world:  world{six(10*ms+resolutionDelay-1, six1), four(10*ms, four1), machines{six1: connects(20 * ms)}},
			starts: []start{{six1, 10*ms + resolutionDelay - 1}},
			winner: six1, at: 30*ms + resolutionDelay - 1,
		},
		{
			name:   "3/IPv4 does not wait for longer, but then it is the turn of IPv6",
			world:  world{six(10*ms+resolutionDelay+1, six1), four(10*ms, four1, four2), machines{four1: silent(), six1: connects(20 * ms)}},
			starts: []start{{four1, 10*ms + resolutionDelay}, {six1, 10*ms + resolutionDelay + attemptDelay}},
			winner: six1, at: 30*ms + resolutionDelay + attemptDelay,
		},
		{
			name:   "3/IPv4 waits no more once there is no IPv6",
			world:  world{answer{after: 20 * ms, err: errBroken}, four(10*ms, four1), machines{four1: connects(0)}},
			starts: []start{{four1, 20 * ms}},
			winner: four1, at: 20 * ms,
		},
		{
			name:   "6/late addresses are tried after the attempt delay",
			world:  world{six(100*ms, six1), four(0, four1), machines{four1: silent(), six1: connects(0)}},
			starts: []start{{four1, 50 * ms}, {six1, 300 * ms}},
			winner: six1, at: 300 * ms,
		},
		{
			name:   "6/late addresses are tried at once if they come after that",
			world:  world{six(0, six1), four(time.Minute, four1), machines{six1: silent(), four1: connects(0)}},
			starts: []start{{six1, 0}, {four1, time.Minute}},
			winner: four1, at: time.Minute,
		},
		{
			name:   "6/late addresses are awaited when all others have failed",
			world:  world{six(0, six1), four(time.Minute, four1, four2), machines{six1: refuses(0), four1: refuses(ms), four2: connects(0)}},
			starts: []start{{six1, 0}, {four1, time.Minute}, {four2, time.Minute + ms}},
			winner: four2, at: time.Minute + ms,
		},
		{
			name:   "4/IPv4 in the form of IPv6 is IPv4",
			world:  world{answer{err: errBroken}, four(0, netip.AddrFrom16(four1.As16())), machines{four1: connects(0)}},
			starts: []start{{four1, 0}},
			winner: four1,
		},
		{
			name:   "5/a loser that connects all the same is awaited and closed",
			world:  world{six(0, six1), four(0, four1), machines{six1: deaf(connects(5000 * ms)), four1: connects(0)}},
			starts: []start{{six1, 0}, {four1, 250 * ms}},
			winner: four1, at: 5000 * ms, opened: 1,
		},
		{
			name:   "5/a loser that fails all the same is awaited",
			world:  world{six(0, six1), four(0, four1), machines{six1: deaf(refuses(5000 * ms)), four1: connects(0)}},
			starts: []start{{six1, 0}, {four1, 250 * ms}},
			winner: four1, at: 5000 * ms,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
				r := newRecord(&test.world)
				winner, at, err := r.dial(t, ctx)
				if winner != test.winner || at != test.at {
					t.Errorf("%v won after %v (%v), want %v after %v", winner, at, err, test.winner, test.at)
				}
				if test.err != nil {
					testutil.WantError(t, err, test.err)
				}
				if !slices.Equal(r.starts, test.starts) {
					t.Errorf("attempts started: %v, want %v", r.starts, test.starts)
				}
				if winner.IsValid() {
					r.opened--
				}
				if r.opened != test.opened {
					t.Errorf("%d connections were opened besides the winner, want %d", r.opened, test.opened)
				}
			})
		})
	}
}

// In TestPhotoFinish two attempts connect at the same moment, and neither notices its
// cancellation.
func TestPhotoFinish(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		won := make(map[netip.Addr]int)
		for range 200 {
			r := newRecord(&world{six(0, six1), four(0, four1), map[netip.Addr]machine{
				six1: deaf(connects(500 * ms)), four1: deaf(connects(250 * ms)),
			}})
			winner, at, err := r.dial(t, ctx)
			if err != nil || at != 500*ms || r.opened != 2 {
				t.Fatalf("%v won after %v (%v) of %d, want one of two after 500ms", winner, at, err, r.opened)
			}
			won[winner]++
		}
		t.Logf("won: %v", won)
	})
}

// In TestConnectsAtOnce the first attempt connects before the Dialer waits for it. The
// Dialer then sees both the end of the attempt and its own cancellation.
func TestConnectsAtOnce(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		for range 10000 {
			r := newRecord(&world{six(0, six1, six2), four(0, four1), map[netip.Addr]machine{six1: {}, six2: {}, four1: {}}})
			_, _, err := r.dial(t, ctx)
			if err != nil || len(r.starts) != 1 {
				t.Fatalf("DialContext() = %v, attempts started: %v; want nil, and one", err, r.starts)
			}
		}
	})
}

// In TestPanic an attempt panics when it is canceled. The connection of the winner has no
// receiver then, and is closed.
func TestPanic(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		r := newRecord(&world{six(0, six1), four(0, four1), map[netip.Addr]machine{six1: silent(), four1: connects(0)}})
		dial := r.dialer.Dial
		r.dialer.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err != nil {
				panic("oops")
			}
			return conn, nil
		}
		defer func() {
			if p, ok := recover().(*nursery.PanicError); !ok || p.Value != "oops" || r.opened != 1 || r.closed != 1 {
				t.Errorf("it panicked with %v, opened %d connections and closed %d, want oops, 1 and 1", p, r.opened, r.closed)
			}
		}()
		conn, err := r.dialer.DialContext(ctx, "tcp", "www.example.com:443")
		t.Errorf("DialContext() = %v, %v, want a panic", conn, err)
	})
}

func TestNoChoice(t *testing.T) {
	for _, args := range [][2]string{
		{"tcp", "192.0.2.1:443"}, {"tcp", "[2001:db8::1]:443"}, {"tcp", "[fe80::1%eth0]:443"}, {"tcp", ":443"},
		{"tcp4", "www.example.com:443"}, {"unix", "/socket"}, {"tcp", "www.example.com"},
	} {
		asked := [2]string{}
		d := &Dialer{Dial: func(_ context.Context, network, address string) (net.Conn, error) {
			asked = [2]string{network, address}
			return nil, errRefused
		}}
		if _, err := d.DialContext(t.Context(), args[0], args[1]); err != errRefused || asked != args {
			t.Errorf("DialContext(%q, %q) dialed %q and returned %v, want what was given, and its error as it is", args[0], args[1], asked, err)
		}
	}
}
