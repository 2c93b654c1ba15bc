package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
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

// dial connects to www.example.com, and checks that nothing is left of it but the
// connection that it returns, which it closes. It returns the address of that, when
// the Dialer returned, and its error.
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

// six and four are what lookups answer.
func six(after time.Duration, addrs ...netip.Addr) answer  { return answer{after: after, addrs: addrs} }
func four(after time.Duration, addrs ...netip.Addr) answer { return answer{after: after, addrs: addrs} }

// What attempts come to.
func connects(after time.Duration) machine { return machine{after: after} }
func refuses(after time.Duration) machine  { return machine{after: after, err: errRefused} }
func silent() machine                      { return machine{after: never} }

// deaf makes an attempt that does not look at its context.
func deaf(m machine) machine {
	m.deaf = true
	return m
}

func TestDial(t *testing.T) {
	type machines = map[netip.Addr]machine
	refused := func(addr string) testutil.ErrorMatcher {
		return testutil.Task(net.JoinHostPort(addr, "443"), testutil.Is(errRefused))
	}
	tests := []struct {
		name   string
		world  world
		starts []start
		winner netip.Addr // or
		err    testutil.ErrorMatcher
		at     time.Duration // when it returns
		opened int           // besides the winner
	}{
		{
			name:   "the first attempt wins",
			world:  world{six(20*ms, six1, six2), four(20*ms, four1), machines{six1: connects(100 * ms)}},
			starts: []start{{six1, 20 * ms}},
			winner: six1, at: 120 * ms,
		},
		{
			name:   "an attempt that does not answer delays the next one",
			world:  world{six(0, six1, six2), four(0, four1), machines{six1: silent(), four1: silent(), six2: connects(30 * ms)}},
			starts: []start{{six1, 0}, {four1, 250 * ms}, {six2, 500 * ms}},
			winner: six2, at: 530 * ms,
		},
		{
			name:   "an older attempt may win",
			world:  world{six(0, six1), four(0, four1), machines{six1: connects(300 * ms), four1: connects(100 * ms)}},
			starts: []start{{six1, 0}, {four1, 250 * ms}},
			winner: six1, at: 300 * ms,
		},
		{
			// What Trio's first version got wrong: trio#632.
			name:   "none starts after a connection, also if the delay is all but over",
			world:  world{six(0, six1), four(0, four1), machines{six1: connects(attemptDelay - 1), four1: connects(0)}},
			starts: []start{{six1, 0}},
			winner: six1, at: attemptDelay - 1,
		},
		{
			name:   "a failure starts the next attempt at once",
			world:  world{six(0, six1, six2), four(0, four1), machines{six1: refuses(7), four1: refuses(249 * ms), six2: connects(5 * ms)}},
			starts: []start{{six1, 0}, {four1, 7}, {six2, 249*ms + 7}},
			winner: six2, at: 254*ms + 7,
		},
		{
			name:   "the failure of an older attempt does not",
			world:  world{six(0, six1, six2), four(0, four1), machines{six1: refuses(300 * ms), four1: silent(), six2: connects(0)}},
			starts: []start{{six1, 0}, {four1, 250 * ms}, {six2, 500 * ms}},
			winner: six2, at: 500 * ms,
		},
		{
			name:   "all fail",
			world:  world{six(0, six1), four(0, four1), machines{six1: refuses(260 * ms), four1: refuses(20 * ms)}},
			starts: []start{{six1, 0}, {four1, 250 * ms}},
			err:    testutil.Nursery("www.example.com:443", refused("2001:db8::1"), refused("192.0.2.1")),
			at:     270 * ms,
		},
		{
			name:   "the families take turns",
			world:  world{six(ms, six1, six2, six3), four(0, four1), machines{six1: refuses(0), six2: refuses(0), six3: refuses(0), four1: refuses(0)}},
			starts: []start{{six1, ms}, {four1, ms}, {six2, ms}, {six3, ms}},
			err:    testutil.Group(refused("2001:db8::1"), refused("192.0.2.1"), refused("2001:db8::2"), refused("2001:db8::3")),
			at:     ms,
		},
		{
			name:   "so they do with more of IPv4",
			world:  world{six(ms, six1), four(0, four1, four2, four3), machines{six1: refuses(0), four1: refuses(0), four2: refuses(0), four3: connects(0)}},
			starts: []start{{six1, ms}, {four1, ms}, {four2, ms}, {four3, ms}},
			winner: four3, at: ms,
		},
		{
			name:   "only IPv4",
			world:  world{answer{after: 5 * ms, err: errBroken}, four(3*ms, four1), machines{four1: connects(20 * ms)}},
			starts: []start{{four1, 5 * ms}},
			winner: four1, at: 25 * ms,
		},
		{
			name:   "only IPv4, which fails",
			world:  world{answer{after: 5 * ms, err: errBroken}, four(3*ms, four1), machines{four1: refuses(20 * ms)}},
			starts: []start{{four1, 5 * ms}},
			err:    testutil.Group(testutil.Task("AAAA", testutil.Is(errBroken)), refused("192.0.2.1")),
			at:     25 * ms,
		},
		{
			name:   "only IPv6",
			world:  world{six(300*ms, six1), answer{after: 3 * ms, err: errBroken}, machines{six1: connects(20 * ms)}},
			starts: []start{{six1, 300 * ms}},
			winner: six1, at: 320 * ms,
		},
		{
			name:  "no address at all",
			world: world{answer{after: 3 * ms, err: errBroken}, answer{after: 80 * ms}, nil},
			err: testutil.Group(testutil.Task("AAAA", testutil.Is(errBroken)),
				testutil.Task("A", testutil.As(func(err *net.DNSError) bool { return err.IsNotFound && err.Name == "www.example.com" }))),
			at: 80 * ms,
		},
		{
			name:   "IPv6 does not wait for IPv4",
			world:  world{six(10*ms, six1), four(time.Hour, four1), machines{six1: connects(20 * ms)}},
			starts: []start{{six1, 10 * ms}},
			winner: six1, at: 30 * ms,
		},
		{
			name:   "IPv4 waits for IPv6, within the resolution delay",
			world:  world{six(10*ms+resolutionDelay-1, six1), four(10*ms, four1), machines{six1: connects(20 * ms)}},
			starts: []start{{six1, 10*ms + resolutionDelay - 1}},
			winner: six1, at: 30*ms + resolutionDelay - 1,
		},
		{
			name:   "IPv4 does not wait for longer, but then it is the turn of IPv6",
			world:  world{six(10*ms+resolutionDelay+1, six1), four(10*ms, four1, four2), machines{four1: silent(), six1: connects(20 * ms)}},
			starts: []start{{four1, 10*ms + resolutionDelay}, {six1, 10*ms + resolutionDelay + attemptDelay}},
			winner: six1, at: 30*ms + resolutionDelay + attemptDelay,
		},
		{
			name:   "IPv4 waits no more once there is no IPv6",
			world:  world{answer{after: 20 * ms, err: errBroken}, four(10*ms, four1), machines{four1: connects(0)}},
			starts: []start{{four1, 20 * ms}},
			winner: four1, at: 20 * ms,
		},
		{
			name:   "late addresses are tried after the attempt delay",
			world:  world{six(100*ms, six1), four(0, four1), machines{four1: silent(), six1: connects(0)}},
			starts: []start{{four1, 50 * ms}, {six1, 300 * ms}},
			winner: six1, at: 300 * ms,
		},
		{
			name:   "and at once if they come after that",
			world:  world{six(0, six1), four(time.Minute, four1), machines{six1: silent(), four1: connects(0)}},
			starts: []start{{six1, 0}, {four1, time.Minute}},
			winner: four1, at: time.Minute,
		},
		{
			name:   "they are awaited when all others have failed",
			world:  world{six(0, six1), four(time.Minute, four1, four2), machines{six1: refuses(0), four1: refuses(ms), four2: connects(0)}},
			starts: []start{{six1, 0}, {four1, time.Minute}, {four2, time.Minute + ms}},
			winner: four2, at: time.Minute + ms,
		},
		{
			name:   "IPv4 in the form of IPv6 is IPv4",
			world:  world{answer{err: errBroken}, four(0, netip.AddrFrom16(four1.As16())), machines{four1: connects(0)}},
			starts: []start{{four1, 0}},
			winner: four1,
		},
		{
			name:   "a loser that connects all the same is awaited and closed",
			world:  world{six(0, six1), four(0, four1), machines{six1: deaf(connects(5000 * ms)), four1: connects(0)}},
			starts: []start{{six1, 0}, {four1, 250 * ms}},
			winner: four1, at: 5000 * ms, opened: 1,
		},
		{
			name:   "a loser that fails all the same is awaited",
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

// TestPhotoFinish has two attempts connect at the same moment, neither of which sees
// that it is canceled.
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

var errEnough = errors.New("enough")

func TestCanceledByTheCaller(t *testing.T) {
	type machines = map[netip.Addr]machine
	tests := []struct {
		name   string
		world  world
		cancel time.Duration
		starts []start
		at     time.Duration
		opened int
	}{
		{
			name:  "before the call",
			world: world{six(0, six1), four(0, four1), nil},
		},
		{
			name:   "while it looks up",
			world:  world{six(20*ms, six1), four(20*ms, four1), nil},
			cancel: 10 * ms, at: 10 * ms,
		},
		{
			name:   "while IPv4 waits for IPv6",
			world:  world{six(80*ms, six1), four(20*ms, four1), nil},
			cancel: 30 * ms, at: 30 * ms,
		},
		{
			name:   "while it waits for late addresses",
			world:  world{six(0, six1), four(80*ms, four1), machines{six1: refuses(0)}},
			cancel: 30 * ms, starts: []start{{six1, 0}}, at: 30 * ms,
		},
		{
			name:   "while an attempt runs, and another one has failed",
			world:  world{six(0, six1), four(0, four1), machines{six1: refuses(10 * ms), four1: silent()}},
			cancel: 30 * ms, starts: []start{{six1, 0}, {four1, 10 * ms}}, at: 30 * ms,
		},
		{
			name:   "when all have started",
			world:  world{six(0, six1), four(0, four1), machines{six1: silent(), four1: silent()}},
			cancel: 1000 * ms, starts: []start{{six1, 0}, {four1, 250 * ms}}, at: 1000 * ms,
		},
		{
			name:   "before attempts connect or fail that do not see it",
			world:  world{six(0, six1), four(0, four1), machines{six1: deaf(connects(5000 * ms)), four1: deaf(refuses(6000 * ms))}},
			cancel: 1000 * ms, starts: []start{{six1, 0}, {four1, 250 * ms}}, at: 6250 * ms, opened: 1,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
				s := cancel.New(ctx)
				defer s.Close()
				if test.cancel == 0 {
					s.Cancel(errEnough)
				} else {
					defer time.AfterFunc(test.cancel, func() { s.Cancel(errEnough) }).Stop()
				}
				r := newRecord(&test.world)
				_, at, err := r.dial(t, s)
				testutil.WantError(t, err, testutil.Canceled(errEnough))
				if !s.IsEcho(err) {
					t.Errorf("%v is no echo for the caller", err)
				}
				if at != test.at || !slices.Equal(r.starts, test.starts) || r.opened != test.opened {
					t.Errorf("it returned after %v with %d opened, started: %v; want %v, %d, %v", at, r.opened, r.starts, test.at, test.opened, test.starts)
				}
			})
		})
	}
}

// TestTimeout has the caller's deadline pass, which is the caller's to report.
func TestTimeout(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		r := newRecord(&world{six(0, six1), four(0, four1), map[netip.Addr]machine{six1: refuses(0), four1: silent()}})
		err := cancel.FailAfter(ctx, time.Second, func(ctx context.Context) error {
			_, _, err := r.dial(t, ctx)
			return err
		})
		testutil.WantError(t, err, testutil.As[*cancel.TimeoutError](nil))
	})
}

// TestStandardContext has the context be none of ours.
func TestStandardContext(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, _ context.Context) {
		ctx, stop := context.WithTimeoutCause(t.Context(), time.Second, errEnough)
		defer stop()
		r := newRecord(&world{six(0, six1), four(0), map[netip.Addr]machine{six1: deaf(connects(2 * time.Second))}})
		_, _, err := r.dial(t, ctx)
		testutil.WantError(t, err, testutil.Canceled(errEnough))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("DialContext() = %v, want a deadline", err)
		}
	})
}

func TestCancelEverywhere(t *testing.T) {
	for name, w := range map[string]*world{
		"the second wins": {six(20*ms, six1), four(30*ms, four1), map[netip.Addr]machine{six1: silent(), four1: connects(40 * ms)}},
		"IPv6 is late":    {six(300*ms, six1), four(30*ms, four1), map[netip.Addr]machine{six1: connects(40 * ms), four1: refuses(40 * ms)}},
		"a loser is deaf": {six(20*ms, six1), four(30*ms, four1), map[netip.Addr]machine{six1: deaf(connects(310 * ms)), four1: connects(40 * ms)}},
	} {
		t.Run(name, func(t *testing.T) {
			testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
				_, _, err := newRecord(w).dial(t, ctx)
				return err
			})
		})
	}
}

// TestPanic has an attempt panic because it is canceled: the connection of the winner,
// which nobody gets then, is closed.
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
