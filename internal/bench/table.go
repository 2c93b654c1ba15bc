package main

import (
	"fmt"
	"slices"
	"time"
)

// comparisons returns all comparisons, in the order of the report.
func comparisons() []comparison {
	return slices.Concat(scopes(), items(), tasks(), channels(), streams())
}

// items returns the comparisons with many items.
func items() []comparison {
	list := []comparison{
		{
			name: "For: 20,000 calls that do nothing, limit 8",
			unit: perItem, size: 20_000, limit: 8,
			contestants: []contestant{
				{"nursery.For", true, repeat(groveFor)},
				{"claiming by hand", false, repeat(claiming)},
				{"errgroup, SetLimit", false, repeat(errgroupLimited)},
				{"conc/pool", false, repeat(concLimited)},
			},
			goals: []goal{{"nursery.For", []string{"claiming by hand"}, 1.2}},
		},
		{
			name: "Map: 20,000 items, nothing to do, limit 8",
			unit: perItem, size: 20_000, limit: 8,
			contestants: []contestant{
				{"nursery.Map", true, groveMap},
				{"conc/iter", false, concMap},
				{"errgroup, SetLimit", false, errgroupMap},
				{"pond", false, pondMap},
				{"ants", false, antsMap},
			},
			goals: []goal{
				{"nursery.Map", []string{"errgroup, SetLimit"}, 0.15},
				{"nursery.Map", []string{"conc/iter"}, 1.0},
			},
		},
	}
	for _, w := range []struct {
		d    time.Duration
		size int
	}{
		{time.Microsecond, 20_000},
		{10 * time.Microsecond, 4000},
		{time.Millisecond, 200},
	} {
		list = append(list, comparison{
			name: fmt.Sprintf("Items of %v of work, one for each processor at a time", w.d),
			unit: perItem, size: w.size, work: busy(w.d),
			contestants: []contestant{
				{"nursery.For", true, repeat(groveFor)},
				{"nursery.Run, Limit", true, repeat(groveLimited)},
				{"claiming by hand", false, repeat(claiming)},
				{"queue by hand", false, repeat(queueing)},
				{"errgroup, SetLimit", false, repeat(errgroupLimited)},
				{"conc/pool", false, repeat(concLimited)},
				{"pond", false, pondPool},
				{"ants", false, antsPool},
			},
			goals: []goal{{"nursery.For", []string{"claiming by hand", "queue by hand"}, 1.05}},
		})
	}
	return list
}

// tasks returns the comparisons of groups of tasks.
func tasks() []comparison {
	return []comparison{
		{
			name: "Tasks: 10,000 that do nothing, limit 8",
			unit: perItem, size: 10_000, limit: 8,
			contestants: []contestant{
				{"nursery.Run, Limit", true, repeat(groveLimited)},
				{"errgroup, SetLimit", false, repeat(errgroupLimited)},
				{"conc/pool", false, repeat(concLimited)},
				{"pond", false, pondPool},
				{"ants", false, antsPool},
				{"queue by hand", false, repeat(queueing)},
			},
			goals: []goal{{"nursery.Run, Limit", []string{"errgroup, SetLimit"}, 0.3}},
		},
		limitOf(2),
		limitOf(64),
		{
			name: "Tasks: 10,000 that do nothing, no limit",
			unit: perItem, size: 10_000,
			contestants: []contestant{
				{"nursery.Run", true, repeat(groveUnlimited)},
				{"errgroup", false, repeat(errgroupUnlimited)},
				{"conc/pool", false, repeat(concUnlimited)},
				{"tomb", false, repeat(tombUnlimited)},
				{"sync.WaitGroup", false, repeat(waitGroup)},
			},
		},
		{
			name: "Open and close a group without tasks",
			unit: perOp,
			contestants: []contestant{
				{"nursery.Run", true, repeat(groveUnlimited)},
				{"errgroup", false, repeat(errgroupUnlimited)},
			},
			goals: []goal{{"nursery.Run", []string{"errgroup"}, 0.7}},
		},
		{
			name: "Open and close a group of 2 tasks",
			unit: perOp, size: 2,
			contestants: []contestant{
				{"nursery.Run", true, repeat(groveUnlimited)},
				{"errgroup", false, repeat(errgroupUnlimited)},
				{"conc/pool", false, repeat(concUnlimited)},
				{"tomb", false, repeat(tombUnlimited)},
			},
			goals: []goal{{"nursery.Run", []string{"errgroup"}, 0.8}},
		},
		{
			name: "Nested groups, 100 deep",
			unit: perOp, size: 100,
			contestants: []contestant{
				{"nursery.Run", true, repeat(groveNested)},
				{"errgroup", false, repeat(errgroupNested)},
			},
			goals: []goal{{"nursery.Run", []string{"errgroup"}, 0.8}},
		},
		{
			name: "Memory of a parked task, of 100,000",
			unit: bytesPerTask, size: 100_000,
			contestants: []contestant{
				{"nursery.Run", true, groveParked},
				{"bare goroutine", false, goroutineParked},
				{"errgroup", false, errgroupParked},
				{"conc/pool", false, concParked},
			},
			goals: []goal{{"nursery.Run", []string{"bare goroutine"}, 1.03}},
		},
	}
}

// limitOf returns the comparison of tasks under another limit.
func limitOf(limit int) comparison {
	return comparison{
		name: fmt.Sprintf("Tasks: 10,000 that do nothing, limit %d", limit),
		unit: perItem, size: 10_000, limit: limit,
		contestants: []contestant{
			{"nursery.Run, Limit", true, repeat(groveLimited)},
			{"errgroup, SetLimit", false, repeat(errgroupLimited)},
		},
		goals: []goal{{"nursery.Run, Limit", []string{"errgroup, SetLimit"}, 0.3}},
	}
}

// channels returns the comparisons of passing values.
func channels() []comparison {
	var list []comparison
	add := func(name string, capacity, senders, receivers int, within opener, atMost float64) {
		list = append(list, comparison{
			name: fmt.Sprintf("Channel of capacity %d, senders and receivers: %d and %d%s", capacity, senders, receivers, name),
			unit: perItem, size: 100_000,
			contestants: []contestant{
				{"channel", true, passing(capacity, senders, receivers, within, groveLane)},
				{"native, select with ctx.Done", false, passing(capacity, senders, receivers, within, selectLane)},
				{"native, alone", false, passing(capacity, senders, receivers, within, bareLane)},
			},
			goals: []goal{{"channel", []string{"native, select with ctx.Done"}, atMost}},
		})
	}
	for _, capacity := range []int{0, 1, 16, 64, 1024} {
		for _, ends := range []struct {
			senders, receivers int
			atMost             float64 // with room for several values
		}{{1, 1, 0.55}, {4, 4, 0.6}, {16, 1, 0.65}, {1, 16, 0.65}} {
			atMost := ends.atMost
			switch capacity {
			case 0:
				atMost = 0.95
			case 1:
				atMost = 0.85
			}
			add("", capacity, ends.senders, ends.receivers, openScope, atMost)
		}
	}
	add(", in a standard context", 0, 4, 4, openStandard, 1.0)
	add(", in a standard context", 64, 4, 4, openStandard, 0.7)
	return list
}
