package script_test

import (
	"flag"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/grove-go/grove/internal/test/kit"
)

var soak = flag.Duration("soak", 0, "how long TestSoak runs at least")

// TestSoak runs random scripts in rounds of equal work for as long as requested. After
// each round it counts goroutines and memory, which must not grow: N1, N18.
func TestSoak(t *testing.T) {
	kit.DiscardStderr(t) // reports of panics in bodies
	const (
		rounds  = 9   // at least, not counting the warm-up
		work    = 100 // scripts in a round
		windows = 64
		slack   = 256 << 10 // bytes; the runtime keeps records for the largest number of goroutines so far
	)
	seed := uint64(1) // without the flag every run is the same
	if *soak > 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	var least []sample // of windows of equal work
	per, in := 1, 0    // rounds per window, rounds in the current window
	for start, round := time.Now(), 0; round <= rounds || time.Since(start) < *soak; round++ {
		for range work {
			if compare(t, drawScript(randomScript(rnd))); t.Failed() {
				return
			}
		}
		now := sample{int(kit.Heap()), runtime.NumGoroutine()}
		switch {
		case round == 0:
			least = make([]sample, 0, windows)
			continue
		case in == 0:
			least = append(least, now)
		default:
			least[len(least)-1] = least[len(least)-1].min(now)
		}
		if in++; in == per {
			in = 0
			if len(least) == windows {
				// Merge pairs of windows, so that this list does not grow either.
				for i := range windows / 2 {
					least[i] = least[2*i].min(least[2*i+1])
				}
				least = least[:windows/2]
				per *= 2
			}
		}
	}
	third := len(least) / 3
	first, last := least[0], least[len(least)-1]
	for i := range third {
		first, last = first.min(least[i]), last.min(least[len(least)-1-i])
	}
	if last.heap > first.heap+slack {
		t.Errorf("N18: the heap grew from %d to %d bytes: %v", first.heap, last.heap, least)
	}
	if last.goroutines > first.goroutines {
		t.Errorf("N1: the number of goroutines grew from %d to %d: %v", first.goroutines, last.goroutines, least)
	}
	t.Logf("first %+v, last %+v", first, last)
}

// A sample is a measurement of TestSoak. The minimum of several samples excludes
// goroutines and memory that are about to go.
type sample struct{ heap, goroutines int }

func (s sample) min(o sample) sample {
	return sample{min(s.heap, o.heap), min(s.goroutines, o.goroutines)}
}
