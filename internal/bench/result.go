package main

import (
	"fmt"
	"slices"
)

// A result is the result of a comparison.
type result struct {
	comparison
	samples [][]sample // by contestant, then by round
}

// values returns the figures of contestant i, by round.
func (r result) values(i int) []float64 {
	values := make([]float64, len(r.samples[i]))
	for round, s := range r.samples[i] {
		values[round] = s.value
	}
	return values
}

// allocs returns the median of the allocations of contestant i.
func (r result) allocs(i int) float64 {
	values := make([]float64, len(r.samples[i]))
	for round, s := range r.samples[i] {
		values[round] = s.allocs
	}
	return median(values)
}

// toOurs returns how much contestant i takes, relative to our first contestant.
func (r result) toOurs(i int) float64 {
	ours := slices.IndexFunc(r.contestants, func(c contestant) bool { return c.ours })
	return ratio(r.values(i), r.values(ours))
}

// A verdict says whether a goal was met.
type verdict struct {
	goal
	peer     string // the peer that counts
	measured float64
}

func (v verdict) met() bool { return v.measured <= v.atMost }

// judge returns the verdict on a goal of the comparison.
func (r result) judge(g goal) verdict {
	ours := r.index(g.ours)
	peer := slices.MinFunc(g.peers, func(a, b string) int {
		if median(r.values(r.index(a))) < median(r.values(r.index(b))) {
			return -1
		}
		return 1
	})
	return verdict{goal: g, peer: peer, measured: ratio(r.values(ours), r.values(r.index(peer)))}
}

// index returns the index of the contestant with a name. It panics if there is none,
// because then the table is wrong.
func (r result) index(name string) int {
	i := slices.IndexFunc(r.contestants, func(c contestant) bool { return c.name == name })
	if i < 0 {
		panic(fmt.Sprintf("bench: %s: no contestant %q", r.name, name))
	}
	return i
}
