package nursery_test

import (
	"flag"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/grove-go/grove/internal/testkit"
)

var soak = flag.Duration("soak", 0, "how long TestSoak runs at least")

// TestSoak runs random scripts in rounds of equal work, for as long as asked, and
// after each one counts goroutines and memory: neither may grow. See N1 and N18.
func TestSoak(t *testing.T) {
	const (
		rounds  = 9   // at least, the one for warming up not counted
		work    = 100 // scripts in a round
		windows = 64
		slack   = 256 << 10 // bytes: the runtime keeps a record of as many goroutines as there ever were at once
	)
	seed := uint64(1) // without the flag it does the same every time
	if *soak > 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	var least []sample // of windows of equal work
	per, in := 1, 0    // rounds in a window, and so far
	for start, round := time.Now(), 0; round <= rounds || time.Since(start) < *soak; round++ {
		for range work {
			if compare(t, drawScript(randomScript(rnd))); t.Failed() {
				return
			}
		}
		now := sample{int(testkit.Heap()), runtime.NumGoroutine()}
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
				// Two become one: what is noted does not grow either.
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
		t.Errorf("N1: the goroutines grew from %d to %d: %v", first.goroutines, last.goroutines, least)
	}
	t.Logf("first %+v, last %+v", first, last)
}

// A sample is what TestSoak watches. The least of several counts: what is about to go
// does not.
type sample struct{ heap, goroutines int }

func (s sample) min(o sample) sample {
	return sample{min(s.heap, o.heap), min(s.goroutines, o.goroutines)}
}
