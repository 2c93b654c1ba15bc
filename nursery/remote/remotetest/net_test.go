package remotetest_test

import (
	"context"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery/remote"
	"github.com/grove-go/grove/nursery/remote/remotetest"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

func TestEngine(t *testing.T) {
	net := remotetest.New(remotetest.Faults{})
	remotetest.TestEngine(t, func() remote.Engine { return net.Host("x") })
}

func TestNewMisuse(t *testing.T) {
	for want, f := range map[string]remotetest.Faults{
		"got -0.1 and 0":  {Lose: -0.1},
		"got 0.6 and 0.6": {Lose: 0.6, Repeat: 0.6},
		"got NaN and 0":   {Lose: math.NaN()},
		"got -1ns and 0s": {Delay: -1},
		"got 0s and -1ns": {Hold: -1},
	} {
		kit.MustPanic(t, want, func() { remotetest.New(f) })
	}
}

// listen counts the messages to an address.
func listen(t *testing.T, e remote.Engine, addr string) (count func() int, stop func()) {
	t.Helper()
	var n atomic.Int64
	stop, err := e.Listen(addr, func([]byte, func([]byte)) { n.Add(1) })
	if err != nil {
		t.Fatal(err)
	}
	return func() int { time.Sleep(time.Second); return int(n.Load()) }, stop
}

func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		name     string
		faults   remotetest.Faults
		do       func(n *remotetest.Net)
		min, max int // of 1000 messages
	}{
		{"none", remotetest.Faults{}, nil, 1000, 1000},
		{"Lose", remotetest.Faults{Lose: 0.1}, nil, 850, 950},
		{"Repeat", remotetest.Faults{Repeat: 0.1}, nil, 1050, 1150},
		{"Delay", remotetest.Faults{Delay: 100 * time.Millisecond}, nil, 1000, 1000},
		{"Part the sender", remotetest.Faults{}, func(n *remotetest.Net) { n.Part("a") }, 0, 0},
		{"Part the receiver", remotetest.Faults{}, func(n *remotetest.Net) { n.Part("b") }, 0, 0},
		{"CutFrom the sender", remotetest.Faults{}, func(n *remotetest.Net) { n.CutFrom("a") }, 0, 0},
		{"CutTo the sender", remotetest.Faults{}, func(n *remotetest.Net) { n.CutTo("a") }, 1000, 1000},
		{"CutFrom the receiver", remotetest.Faults{}, func(n *remotetest.Net) { n.CutFrom("b") }, 1000, 1000},
		{"CutTo the receiver", remotetest.Faults{}, func(n *remotetest.Net) { n.CutTo("b") }, 0, 0},
		{"Heal", remotetest.Faults{}, func(n *remotetest.Net) { n.Part("a"); n.Heal() }, 1000, 1000},
		{"Kill the receiver", remotetest.Faults{}, func(n *remotetest.Net) { n.Kill("b") }, 0, 0},
		{"Kill is for good", remotetest.Faults{}, func(n *remotetest.Net) { n.Kill("a"); n.Heal() }, 0, 0},
		{"Intercept", remotetest.Faults{}, func(n *remotetest.Net) {
			n.Intercept(func(m remotetest.Message) (bool, time.Duration) { return m.Data[0]%2 == 0, time.Millisecond })
		}, 480, 520},
	} {
		kit.Bubble(t, tt.name, func(t *testing.T, ctx context.Context) {
			n := remotetest.New(tt.faults)
			count, stop := listen(t, n.Host("b"), "addr")
			defer stop()
			if tt.do != nil {
				tt.do(n)
			}
			for i := range 1000 {
				if err := n.Host("a").Publish("addr", []byte{byte(i)}); err != nil {
					t.Fatal(err)
				}
			}
			if got := count(); got < tt.min || got > tt.max {
				t.Errorf("%d messages arrive, want %d to %d", got, tt.min, tt.max)
			}
		})
	}
	kit.Bubble(t, "Forget and Hold", func(t *testing.T, ctx context.Context) {
		n := remotetest.New(remotetest.Faults{Hold: time.Minute})
		e := n.Host("a")
		if _, err := e.Enqueue(ctx, "q", "1", 0, []byte("x")); err != nil {
			t.Fatal(err)
		}
		s, err := e.Pull("q")
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for i := range 3 {
			if err := s.Next(ctx, 1, func(d remote.Delivery) {
				if d.Times() != i+1 || time.Since(began) != time.Duration(i)*time.Minute {
					t.Errorf("delivery %d at %v, want %d at %v", d.Times(), time.Since(began), i+1, time.Duration(i)*time.Minute)
				}
			}); err != nil {
				t.Fatal(err)
			}
		}
		if n.Len("q") != 1 {
			t.Errorf("Len() = %d, want 1", n.Len("q"))
		}
		n.Forget()
		if n.Len("q") != 0 {
			t.Errorf("Len() = %d after Forget, want 0", n.Len("q"))
		}
	})
}
