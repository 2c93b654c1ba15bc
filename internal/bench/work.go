package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// busy returns a constructor of work that computes for about d, and allocates nothing.
func busy(d time.Duration) func() func(i int) int {
	return func() func(i int) int {
		steps := max(1, int(d.Seconds()*stepsPerSecond()))
		return func(i int) int { return spin(uint64(i), steps) }
	}
}

// spin computes. Each step depends on the step before, so the compiler cannot leave out
// steps. It is xorshift64 of Marsaglia, Xorshift RNGs (2003).
func spin(seed uint64, steps int) int {
	x := seed + 1 // 0 stays 0
	for range steps {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return int(x)
}

// stepsPerSecond returns the speed of spin. The best of several measurements counts,
// because other programs can only slow it down.
func stepsPerSecond() float64 {
	const steps = 1_000_000
	best := time.Duration(0)
	sink := 0
	for i := range 10 {
		began := time.Now()
		sink += spin(uint64(i), steps)
		if d := time.Since(began); best == 0 || d < best {
			best = d
		}
	}
	if sink == 0 {
		return 1 // never true; the compiler would drop spin if sink were not used
	}
	return steps / best.Seconds()
}

// speedup returns how much faster all processors compute than one processor. It is less
// than their number if other programs use them.
func speedup() float64 {
	together := runtime.GOMAXPROCS(0)
	alone := elapsed(1)
	return float64(together) * alone.Seconds() / elapsed(together).Seconds()
}

// elapsed returns how long n goroutines need for the same computation at once.
func elapsed(n int) time.Duration {
	const steps = 5_000_000
	began := time.Now()
	var wg sync.WaitGroup
	var sink atomic.Int64 // without this use the compiler would drop spin
	for i := range n {
		wg.Go(func() { sink.Add(int64(spin(uint64(i), steps))) })
	}
	wg.Wait()
	return time.Since(began)
}
