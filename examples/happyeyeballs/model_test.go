package main

import (
	"context"
	"math"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/testutil"
	"github.com/grove-go/grove/testutil/errmatch"
)

// A result is the expected result of dialing a world.
type result struct {
	starts []start
	winner netip.Addr    // if an attempt wins
	failed []string      // the tasks that fail, if all fail; otherwise the caller cancels
	at     time.Duration // when it returns
	opened int           // connections, the winner among them
}

// predict returns the expected result of dialing w, if the caller cancels at a given time.
// It is the algorithm without concurrency: a clock that goes from start to start.
func predict(w *world, canceled time.Duration) result {
	var r result
	now := w.ip6.after
	if w.ip4.after < w.ip6.after {
		now = min(w.ip6.after, w.ip4.after+resolutionDelay)
	}
	answered := max(w.ip6.after, w.ip4.after) // both
	turn, other := w.ip6, w.ip4
	decided := canceled // when there is a winner, or the caller cancels
	var ends []time.Duration
	for now < decided {
		has := func(a answer) bool { return a.after <= now && a.err == nil && len(a.addrs) > 0 }
		if !has(turn) {
			turn, other = other, turn
		}
		if !has(turn) {
			if answered <= now {
				break
			}
			now = answered
			continue
		}
		addr := turn.addrs[0]
		turn.addrs = turn.addrs[1:]
		turn, other = other, turn
		r.starts = append(r.starts, start{addr, now})
		end := now + w.machines[addr].after
		if w.machines[addr].after == never {
			end = math.MaxInt64
		}
		if w.machines[addr].err == nil && end < decided {
			decided, r.winner = end, addr
		}
		ends = append(ends, end)
		now = min(now+attemptDelay, end)
	}
	last := answered
	for _, end := range ends {
		last = max(last, end)
	}
	if !r.winner.IsValid() && last < canceled {
		for record, a := range map[string]answer{"AAAA": w.ip6, "A": w.ip4} {
			if a.err != nil || len(a.addrs) == 0 {
				r.failed = append(r.failed, record)
			}
		}
		for _, s := range r.starts {
			r.failed = append(r.failed, netip.AddrPortFrom(s.addr, 443).String())
		}
		r.at = last
		return r
	}
	// attempts that ignore their cancellation are awaited
	r.at = decided
	for i, s := range r.starts {
		m := w.machines[s.addr]
		if m.deaf {
			r.at = max(r.at, ends[i])
		}
		if m.err == nil && (m.deaf || s.addr == r.winner) {
			r.opened++
		}
	}
	return r
}

// decode makes a world of bytes, and a time at which the caller cancels. Each time exceeds
// a round number by a power of two of its own, so that two events never happen at the same
// moment by chance.
func decode(data []byte) (*world, time.Duration) {
	next := func() int {
		if len(data) == 0 {
			return 0
		}
		b := data[0]
		data = data[1:]
		return int(b)
	}
	mark := time.Duration(1)
	after := func(unit time.Duration) time.Duration {
		mark *= 2
		return time.Duration(next())*unit + mark
	}
	w := &world{machines: make(map[netip.Addr]machine)}
	for _, f := range []struct {
		answer *answer
		addrs  []netip.Addr
	}{{&w.ip6, []netip.Addr{six1, six2, six3}}, {&w.ip4, []netip.Addr{four1, four2, four3}}} {
		*f.answer = answer{after: after(2 * ms), addrs: f.addrs[:next()%(len(f.addrs)+1)]}
		if next()%8 == 0 {
			f.answer.err = errBroken
		}
		for _, addr := range f.addrs {
			m := machine{after: after(4 * ms)}
			switch next() % 8 {
			case 0:
			case 1:
				m.deaf = true
			case 2:
				m.err, m.deaf = errRefused, true
			case 3:
				m.after = never
			default:
				m.err = errRefused
			}
			w.machines[addr] = m
		}
	}
	return w, after(10*ms) + after(10*ms)
}

// check dials a world and compares the result with the prediction.
func check(t *testing.T, ctx context.Context, data []byte) result {
	w, canceled := decode(data)
	want := predict(w, canceled)
	s := cancel.New(ctx)
	defer s.Close()
	defer time.AfterFunc(canceled, func() { s.Cancel(errEnough) }).Stop()
	r := newRecord(w)
	winner, at, err := r.dial(t, s)
	if winner != want.winner || at != want.at || r.opened != want.opened || !slices.Equal(r.starts, want.starts) {
		t.Errorf("%v won, it returned after %v with %d opened, started: %v; want %v, %v, %d, %v",
			winner, at, r.opened, r.starts, want.winner, want.at, want.opened, want.starts)
	}
	switch {
	case want.winner.IsValid():
		if err != nil {
			t.Errorf("DialContext() = %v, want nil", err)
		}
	case want.failed != nil:
		var failures []errmatch.Matcher
		for _, name := range want.failed {
			failures = append(failures, errmatch.Task(name, errmatch.As(func(err error) bool {
				_, notFound := err.(*net.DNSError)
				return err == errRefused || err == errBroken || notFound
			})))
		}
		testutil.WantError(t, err, errmatch.Group(failures...))
	default:
		testutil.WantError(t, err, errmatch.Canceled(errEnough))
	}
	if t.Failed() {
		t.Fatalf("of %#v (FuzzDial), canceled after %v:\n%+v", data, canceled, w)
	}
	return want
}

func TestRandomWorlds(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		var won, failed, canceled int
		for range 3000 {
			data := make([]byte, 24)
			for i := range data {
				data[i] = byte(random.Uint32())
			}
			switch want := check(t, ctx, data); {
			case want.winner.IsValid():
				won++
			case want.failed != nil:
				failed++
			default:
				canceled++
			}
		}
		t.Logf("%d won, %d failed, %d were canceled", won, failed, canceled)
		if won < 300 || failed < 300 || canceled < 300 {
			t.Errorf("%d won, %d failed, %d were canceled: too few of one to tell", won, failed, canceled)
		}
	})
}

func FuzzDial(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("12345678901234567890123456"))
	f.Fuzz(func(t *testing.T, data []byte) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) { check(t, ctx, data) })
	})
}
