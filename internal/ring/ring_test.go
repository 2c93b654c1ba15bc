package ring_test

import (
	"math/rand/v2"
	"testing"

	"github.com/grove-go/grove/internal/ring"
)

// TestQueue does random things with a queue and with a slice.
func TestQueue(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	var q ring.Queue[int]
	var want []int
	for i := range 200_000 {
		// Long runs of the one and of the other, so that it grows and empties.
		if rnd.IntN(100) < 50+40*(i/5000%2*2-1) {
			q.Push(i)
			want = append(want, i)
		} else if len(want) > 0 {
			if first, v := q.First(), q.Pop(); first != want[0] || v != want[0] {
				t.Fatalf("First() = %d, Pop() = %d, want %d", first, v, want[0])
			}
			want = want[1:]
		}
		if q.Len() != len(want) {
			t.Fatalf("Len() = %d, want %d", q.Len(), len(want))
		}
	}
}
