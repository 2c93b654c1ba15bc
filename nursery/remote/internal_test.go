package remote

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/grove-go/grove/internal/test/kit"
)

// TestSilent checks that a worker does not remember callers for ever.
func TestSilent(t *testing.T) {
	kit.Bubble(t, "R9/callers that do not answer", func(t *testing.T, ctx context.Context) {
		s := &service{silent: make(map[string]time.Time)}
		for i := range 1000 {
			s.remember(fmt.Sprint(i), time.Now().Add(10*time.Second))
			time.Sleep(time.Second)
		}
		if n := len(s.silent); n > 11 {
			t.Errorf("the worker remembers %d callers, want those of the lease", n)
		}
	})
}

// TestDuration has numbers that a peer may send.
func TestDuration(t *testing.T) {
	for us, want := range map[int64]time.Duration{-1: 0, 0: 0, 5: 5 * time.Microsecond, math.MinInt64: 0, math.MaxInt64: 100 * 365 * 24 * time.Hour} {
		if got := duration(us); got != want {
			t.Errorf("R15: duration(%d) = %v, want %v", us, got, want)
		}
	}
}
