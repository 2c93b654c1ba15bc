package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/testutil"
	"github.com/grove-go/grove/testutil/errmatch"
)

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
				testutil.WantError(t, err, errmatch.Canceled(errEnough))
				if !s.IsEcho(err) {
					t.Errorf("%v is not an echo for the caller", err)
				}
				if at != test.at || !slices.Equal(r.starts, test.starts) || r.opened != test.opened {
					t.Errorf("it returned after %v with %d opened, started: %v; want %v, %d, %v", at, r.opened, r.starts, test.at, test.opened, test.starts)
				}
			})
		})
	}
}

// In TestTimeout the caller's deadline passes, and the caller reports it.
func TestTimeout(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		r := newRecord(&world{six(0, six1), four(0, four1), map[netip.Addr]machine{six1: refuses(0), four1: silent()}})
		err := cancel.FailAfter(ctx, time.Second, func(ctx context.Context) error {
			_, _, err := r.dial(t, ctx)
			return err
		})
		testutil.WantError(t, err, errmatch.As[*cancel.TimeoutError](nil))
	})
}

// In TestStandardContext the context is not a scope.
func TestStandardContext(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, _ context.Context) {
		ctx, stop := context.WithTimeoutCause(t.Context(), time.Second, errEnough)
		defer stop()
		r := newRecord(&world{six(0, six1), four(0), map[netip.Addr]machine{six1: deaf(connects(2 * time.Second))}})
		_, _, err := r.dial(t, ctx)
		testutil.WantError(t, err, errmatch.Canceled(errEnough))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("DialContext() = %v, want a deadline", err)
		}
	})
}

func TestCancelEverywhere(t *testing.T) {
	type machines = map[netip.Addr]machine
	for _, test := range []struct {
		name   string
		world  world
		within time.Duration // of the cancellation it returns
	}{
		{"the second wins", world{six(20*ms, six1), four(30*ms, four1), machines{six1: silent(), four1: connects(40 * ms)}}, 1},
		{"IPv6 is late", world{six(300*ms, six1), four(30*ms, four1), machines{six1: connects(40 * ms), four1: refuses(40 * ms)}}, 1},
		{"a loser is deaf", world{six(20*ms, six1), four(30*ms, four1), machines{six1: deaf(connects(310 * ms)), four1: connects(40 * ms)}}, 310 * ms},
	} {
		t.Run(test.name, func(t *testing.T) {
			testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
				_, _, err := newRecord(&test.world).dial(t, ctx)
				return err
			}, testutil.Within(test.within))
		})
	}
}

// TestCanceledFromWithin checks that there is an error if there is no connection, even if
// no attempt has failed.
func TestCanceledFromWithin(t *testing.T) {
	end := func(ctx context.Context) error {
		cancel.FromContext(ctx).Cancel(nil)
		return cancel.Err(ctx)
	}
	d := &Dialer{
		Lookup: func(context.Context, string, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
		},
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) { return nil, end(ctx) },
	}
	if conn, err := d.DialContext(t.Context(), "tcp", "example.com:80"); conn != nil || err != errWithin {
		t.Errorf("DialContext() = %v, %v, want %v", conn, err, errWithin)
	}
}
