package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"
)

// A sample is one measurement of a contestant, in the unit of the comparison.
type sample struct {
	value  float64
	allocs float64 // likewise per item or operation; 0 if the unit is bytes
}

// compare measures all contestants of c, once in each round. Each round begins with another
// contestant, so that the order does not favor one.
//
// It sets the flag test.benchtime of the process, because package testing has no other way
// to set it.
func compare(c comparison, rounds int, benchtime time.Duration) (result, error) {
	testing.Init()
	if err := flag.Set("test.benchtime", benchtime.String()); err != nil {
		return result{}, err
	}
	measure := clock
	if c.unit == bytesPerTask {
		measure = footprint
		// The runtime keeps the descriptors of goroutines. Without this line the first
		// contestant would pay for them, and the others would use them.
		if _, err := footprint(c, c.contestants[0], c.job()); err != nil {
			return result{}, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	job := c.job()
	r := result{comparison: c, samples: make([][]sample, len(c.contestants))}
	for round := range rounds {
		for k := range c.contestants {
			i := (round + k) % len(c.contestants)
			runtime.GC() // and package testing runs another, which empties each sync.Pool
			s, err := measure(c, c.contestants[i], job)
			if err != nil {
				return result{}, fmt.Errorf("%s: %s: %w", c.name, c.contestants[i].name, err)
			}
			r.samples[i] = append(r.samples[i], s)
		}
	}
	return r, nil
}

// job returns the job of c, without its number of repetitions and its context.
func (c comparison) job() job {
	do := func(i int) int { return i }
	if c.work != nil {
		do = c.work()
	}
	return job{
		size:  c.size,
		limit: cmp.Or(c.limit, runtime.GOMAXPROCS(0)),
		do:    do,
		took:  func([]int) {},
		take:  func(int) {},
	}
}

// clock measures time and allocations.
func clock(c comparison, who contestant, j job) (sample, error) {
	var err error
	r := testing.Benchmark(func(b *testing.B) {
		j.ctx, j.loop, j.pause, j.resume = b.Context(), b.Loop, b.StopTimer, b.StartTimer
		if err = who.run(j); err != nil {
			b.FailNow()
		}
	})
	if err != nil {
		return sample{}, err
	}
	units := float64(r.N)
	if c.unit == perItem {
		units *= float64(j.size)
	}
	return sample{value: float64(r.T.Nanoseconds()) / units, allocs: float64(r.MemAllocs) / units}, nil
}

// footprint measures the memory, heap and stack, of tasks that wait for their context.
func footprint(_ comparison, who contestant, j job) (sample, error) {
	defer ballast()()
	before := inUse()
	var waiting sync.WaitGroup
	waiting.Add(j.size)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	j.ctx = ctx
	j.do = func(int) int {
		waiting.Done()
		return 0
	}
	over := make(chan error, 1)
	go func() { over <- who.run(j) }()
	waiting.Wait()
	after := inUse()
	stop()
	return sample{value: float64(after-before) / float64(j.size)}, <-over
}

// ballast starts goroutines that wait until the returned function is called. The runtime
// gives new goroutines as much stack as goroutines used on average at the last garbage
// collection. With the ballast the average is small, whatever ran before.
func ballast() (drop func()) {
	over := make(chan struct{})
	for range 1000 {
		go func() { <-over }()
	}
	return func() { close(over) }
}

// inUse returns how many bytes of heap and stack are in use after garbage collection.
func inUse() int64 {
	runtime.GC()
	runtime.GC() // frees the stacks that the first collection found unused
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
