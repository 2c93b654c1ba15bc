package ring_test

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/grove-go/grove/internal/ring"
	"github.com/grove-go/grove/internal/test/kit"
)

// TestQueue does random things with a queue and with a slice.
func TestQueue(t *testing.T) {
	var q ring.Queue[int]
	t.Run("Queue", func(t *testing.T) {
		compare(t, q.Len, q.Push, func() int {
			first, v := q.First(), q.Pop()
			if first != v {
				t.Errorf("First() = %d, Pop() = %d", first, v)
			}
			return v
		})
	})
	var l ring.Long[int]
	t.Run("Long", func(t *testing.T) { compare(t, l.Len, l.Push, l.Pop) })
}

// compare does random things with a queue and with a slice.
func compare(t *testing.T, length func() int, push func(v int), pop func() int) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	var want []int
	for i := range 200_000 {
		// Long runs of the one and of the other, so that it grows and empties.
		if rnd.IntN(100) < 50+40*(i/5000%2*2-1) {
			push(i)
			want = append(want, i)
		} else if len(want) > 0 {
			if v := pop(); v != want[0] {
				t.Fatalf("Pop() = %d, want %d", v, want[0])
			}
			want = want[1:]
		}
		if n := length(); n != len(want) {
			t.Fatalf("Len() = %d, want %d", n, len(want))
		}
	}
}

// TestLongMemory takes most of a long queue out, and then the rest.
func TestLongMemory(t *testing.T) {
	const elements = 1_000_000
	before := kit.Heap()
	var q ring.Long[int]
	for i := range elements {
		q.Push(i)
	}
	for _, test := range []struct {
		left int
		most uint64 // bytes
	}{{elements, 9 * elements}, {10_000, 250_000}, {0, 100_000}} {
		for q.Len() > test.left {
			q.Pop()
		}
		if after := kit.Heap(); after > before+test.most {
			t.Errorf("%d elements are in %d bytes, want at most %d", q.Len(), after-before, test.most)
		}
	}
	runtime.KeepAlive(&q)
}
