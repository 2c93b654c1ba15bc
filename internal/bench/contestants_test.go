package main

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A witness sees what a contestant does with a job.
type witness struct {
	t      *testing.T
	stop   context.CancelFunc // or, for contestants that park tasks, when all are parked
	size   int
	passes int // so far

	mu      sync.Mutex // protects the fields below
	calls   []int      // of do, by index
	total   int
	running int
	most    int // that ran at a time

	took  [][]int
	taken []int
}

// job gives the contestant two passes, because the second shows what the first has left.
func (w *witness) job(ctx context.Context, limit int) job {
	return job{
		ctx:   ctx,
		size:  w.size,
		limit: limit,
		loop: func() bool {
			w.passes++
			return w.passes <= 2
		},
		do:     w.do,
		pause:  func() {},
		resume: func() {},
		took:   func(results []int) { w.took = append(w.took, slices.Clone(results)) },
		take:   func(r int) { w.taken = append(w.taken, r) }, // a race if two do it at a time
	}
}

func (w *witness) do(i int) int {
	w.mu.Lock()
	if i < 0 || i >= w.size {
		w.t.Errorf("do(%d), want an index below %d", i, w.size)
	} else {
		w.calls[i]++
	}
	w.running++
	w.most = max(w.most, w.running)
	w.total++
	if w.total == w.size && w.stop != nil {
		w.stop()
	}
	w.mu.Unlock()
	runtime.Gosched() // so that as many meet here as can
	w.mu.Lock()
	w.running--
	w.mu.Unlock()
	return 3 * i
}

func TestContestants(t *testing.T) {
	for _, c := range comparisons() {
		for _, who := range c.contestants {
			t.Run(c.name+"/"+who.name, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				w := &witness{t: t, size: min(c.size, 100)}
				w.calls = make([]int, w.size)
				passes := 2
				if c.unit == bytesPerTask {
					w.stop, passes = stop, 1
				}
				if err := who.run(w.job(ctx, c.job().limit)); err != nil {
					t.Fatalf("run() = %v, want nil", err)
				}

				for i, n := range w.calls {
					if n != passes {
						t.Errorf("do(%d) was called %d times, want %d", i, n, passes)
					}
				}
				if c.limit > 0 && w.most > c.limit {
					t.Errorf("%d calls of do at a time, want %d at most", w.most, c.limit)
				}
				w.checkMap(strings.HasPrefix(c.name, "Map"))
				w.checkStream(strings.HasPrefix(c.name, "Stream"), strings.HasPrefix(c.name, "Stream:"))
			})
		}
	}
}

// checkMap checks the results of a map, or that there are none.
func (w *witness) checkMap(is bool) {
	w.t.Helper()
	want := 0
	if is {
		want = 2
	}
	if len(w.took) != want {
		w.t.Errorf("results %d times, want %d", len(w.took), want)
	}
	for _, results := range w.took {
		if !slices.Equal(results, w.results()) {
			w.t.Errorf("results = %v, want %v", results, w.results())
		}
	}
}

// checkStream checks the results of a stream, or that there are none.
func (w *witness) checkStream(is, ordered bool) {
	w.t.Helper()
	var want []int
	if is {
		want = slices.Concat(w.results(), w.results())
	}
	if !ordered {
		slices.Sort(want)
		slices.Sort(w.taken)
	}
	if !slices.Equal(w.taken, want) {
		w.t.Errorf("taken = %v, want %v", w.taken, want)
	}
}

// results checks the results of a pass.
func (w *witness) results() []int {
	results := indices(w.size)
	for i := range results {
		results[i] *= 3
	}
	return results
}

func TestTable(t *testing.T) {
	names := map[string]bool{}
	for _, c := range comparisons() {
		if names[c.name] {
			t.Errorf("%s: there are two", c.name)
		}
		names[c.name] = true
		if !slices.ContainsFunc(c.contestants, func(who contestant) bool { return who.ours }) {
			t.Errorf("%s: nothing of ours", c.name)
		}
		r := result{comparison: c}
		seen := map[string]bool{}
		for _, who := range c.contestants {
			if seen[who.name] {
				t.Errorf("%s: %s: the name is used twice", c.name, who.name)
			}
			seen[who.name] = true
			r.samples = append(r.samples, []sample{{value: 1}})
		}
		for _, g := range c.goals {
			if v := r.judge(g); v.measured != 1 || v.peer == v.ours { // panics for an unknown name
				t.Errorf("%s: judge(%v) = %v, want 1 for two contestants", c.name, g, v)
			}
		}
	}
}

func TestBusy(t *testing.T) {
	work := comparison{work: busy(1)}.job().do
	if n := testing.AllocsPerRun(100, func() { work(1) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
	if spin(0, 1) == spin(0, 2) || spin(0, 2) == spin(1, 2) {
		t.Error("spin gives the same for other steps or another seed")
	}
}
