package nursery_test

import (
	"flag"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/grove-go/grove/internal/testkit"
)

var soak = flag.Duration("soak", 0, "how long TestSoak runs at least")

// TestSoak runs random scripts in rounds of equal work, for as long as asked, and
// after each one counts goroutines and memory: neither may grow. See N1 and N18.
func TestSoak(t *testing.T) {
	const (
		rounds = 9   // at least, the one for warming up not counted
		work   = 150 // scripts in a round
		slack  = 64 << 10
	)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	var heap, goroutines []int
	for start := time.Now(); len(heap) <= rounds || time.Since(start) < *soak; {
		for range work {
			if compare(t, drawScript(randomScript(rnd))); t.Failed() {
				return
			}
		}
		heap = append(heap, int(testkit.Heap()))
		goroutines = append(goroutines, runtime.NumGoroutine())
	}
	heap, goroutines = heap[1:], goroutines[1:]
	// The least of several measurements: what is about to go does not count.
	third := len(heap) / 3
	least := func(of []int) (first, last int) { return slices.Min(of[:third]), slices.Min(of[len(of)-third:]) }
	if first, last := least(heap); last > first+slack {
		t.Errorf("N18: the heap grew from %d to %d bytes in %d rounds: %d", first, last, len(heap), heap)
	}
	if first, last := least(goroutines); last > first {
		t.Errorf("N1: there were %d goroutines, and %d rounds later %d: %d", first, len(goroutines), last, goroutines)
	}
	t.Logf("%d scripts; heap %d; goroutines %d", (len(heap)+1)*work, heap[len(heap)-1], goroutines[len(goroutines)-1])
}
