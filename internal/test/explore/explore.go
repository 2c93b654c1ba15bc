// Package explore runs small concurrent scenarios under all schedules with at most two
// preemptions. Nearly all faults between a few goroutines need no more.
//
// The goroutines stop at the points of package point, which exist in a build with the tag
// explore, and at points of the scenario. The explorer lets one goroutine go on at a time,
// in a bubble of testing/synctest. The bubble tells when the goroutine has reached its next
// point, is blocked or has returned. A goroutine is preempted if it could go on and another
// goroutine does. A blocked goroutine is not a choice. When another goroutine wakes it, it
// must reach a point at once, because the two would run side by side otherwise.
//
// The explorer does not control random choices of the library, such as a select with two
// ready channels. It repeats such a schedule until it gets the schedule that it is looking
// for, so the number of schedules differs a little from run to run.
//
// This is the method of CHESS and of loom, with named points.
package explore

import (
	"bytes"
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/internal/point"
)

// preemptions is the bound on preemptions.
const preemptions = 2

// A Run is one run of a scenario, under one schedule.
type Run struct {
	*testing.T

	path []choice // of the depth first search; beyond its end the first choice is taken

	steps   []string // taken so far
	control int64    // the goroutine that chooses
	checks  []func()

	mu      sync.Mutex // protects the fields below
	all     []*goroutine
	byID    map[int64]*goroutine
	fresh   []*goroutine // started by the library, and not in all yet
	seen    []string
	failure string
}

// A choice is a goroutine that could go on at a step.
type choice struct {
	taken, of int
	step      string // what was taken; "": not known yet
}

// A goroutine is one of a scenario, or a clock.
type goroutine struct {
	id    int64
	name  string
	point string // where it waits to be let go on; "": it does not
	next  chan struct{}
	pass  time.Duration // of a clock
	ended bool
	ours  bool // started by Go: to be waited for
}

// Go adds a goroutine to the scenario.
func (r *Run) Go(name string, f func()) {
	g := &goroutine{name: name, next: make(chan struct{}), ours: true}
	r.all = append(r.all, g)
	started := make(chan struct{})
	go func() {
		defer func() {
			// A panic in a goroutine of the library's own ends the program.
			if v := recover(); v != nil {
				r.Errorf("%s: panic: %v\n%s", name, v, debug.Stack())
			}
			r.mu.Lock()
			g.ended = true
			r.mu.Unlock()
		}()
		r.mu.Lock()
		g.id = goid()
		r.byID[g.id] = g
		r.mu.Unlock()
		close(started)
		r.Point("start")
		f()
	}()
	<-started
}

// Clock adds a step to the scenario that lets time pass. The functions that timers then
// start must reach a point.
func (r *Run) Clock(d time.Duration) {
	r.all = append(r.all, &goroutine{name: "clock", point: d.String(), pass: d})
}

// Check calls f when all goroutines that Go has started have returned, and no other
// goroutine is at a point.
func (r *Run) Check(f func()) { r.checks = append(r.checks, f) }

// Saw notes an outcome.
func (r *Run) Saw(outcome string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, outcome)
}

// Errorf notes that the scenario fails.
func (r *Run) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failure += fmt.Sprintf(format, args...) + "\n"
}

// Point is a point of the scenario's own.
func (r *Run) Point(name string) {
	id := goid()
	if id == r.control {
		return
	}
	r.mu.Lock()
	g := r.byID[id]
	if g == nil {
		g = &goroutine{id: id, next: make(chan struct{})}
		r.byID[id] = g
		r.fresh = append(r.fresh, g)
	}
	g.point = name
	r.mu.Unlock()
	<-g.next
}

// ready returns the goroutines that are at a point. All others are blocked or have returned.
func (r *Run) ready() []*goroutine {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	// goroutines that one step has started have come in any order
	slices.SortFunc(r.fresh, func(a, b *goroutine) int {
		return cmp.Or(strings.Compare(a.point, b.point), cmp.Compare(a.id, b.id))
	})
	for _, g := range r.fresh {
		g.name = fmt.Sprintf("go%d", len(r.all))
		r.all = append(r.all, g)
	}
	r.fresh = nil
	var ready []*goroutine
	for _, g := range r.all {
		if g.point != "" {
			ready = append(ready, g)
		}
	}
	return ready
}

// next lets g go on.
func (r *Run) next(g *goroutine) {
	r.steps = append(r.steps, g.step())
	g.point = ""
	if g.next == nil {
		time.Sleep(g.pass)
	} else {
		g.next <- struct{}{}
	}
}

func (g *goroutine) step() string { return g.name + " " + g.point }

// choose returns the goroutine that goes on at a step of the search, and whether this run
// is the run that the search is looking for. A random choice of the library, such as the
// choice of a select, may make it another run.
func (r *Run) choose(ready []*goroutine, last *goroutine, left *int) (g *goroutine, ok bool) {
	// The last goroutine comes first, so that the first schedule has no preemption.
	i := slices.Index(ready, last)
	if i > 0 {
		ready = slices.Concat(ready[i:i+1], ready[:i], ready[i+1:])
	}
	of := len(ready)
	if i >= 0 && *left == 0 {
		of = 1
	}
	at := len(r.steps)
	if at == len(r.path) {
		r.path = append(r.path, choice{0, of, ready[0].step()})
	}
	c := &r.path[at]
	if c.of != of {
		return nil, false
	}
	g = ready[c.taken]
	if c.step == "" {
		c.step = g.step()
	}
	if i >= 0 && g != last {
		*left--
	}
	return g, c.step == g.step()
}

// play runs the scenario once, in a bubble, and reports whether the search was looking for
// this run.
func (r *Run) play(t *testing.T, scenario func(r *Run), choose func(ready []*goroutine, last *goroutine) (*goroutine, bool)) (ok bool) {
	*r = Run{T: t, path: r.path, control: goid(), byID: make(map[int64]*goroutine)}
	point.Hook(r.Point)
	defer point.Hook(nil)
	scenario(r)
	ok = true
	var last *goroutine
	for {
		ready := r.ready()
		if len(ready) == 0 {
			break
		}
		g := ready[0]
		if ok {
			g, ok = choose(ready, last)
			if !ok {
				g = ready[0] // to its end all the same
			}
		}
		r.next(g)
		last = g
	}
	for _, g := range r.all {
		if g.ours && !g.ended {
			r.Errorf("deadlock: %s is blocked", g.name)
		}
	}
	if r.failure == "" {
		for _, f := range r.checks {
			f()
		}
	}
	return ok
}

// bubble calls play in a bubble. A goroutine that is left over is a failure.
func (r *Run) bubble(t *testing.T, play func(t *testing.T)) {
	defer func() {
		if v := recover(); v != nil {
			r.Errorf("%v", v)
		}
	}()
	synctest.Test(t, play)
}

// failed describes a run that has failed.
func (r *Run) failed() string {
	return fmt.Sprintf("%sin the schedule, for Replay:\n\t%s", r.failure, strings.Join(r.steps, "\n\t"))
}

// A Result describes all runs of a scenario.
type Result struct {
	Schedules int
	Failure   string         // of the first schedule that failed, which is also the last schedule
	Seen      map[string]int // how many schedules had an outcome
}

// tries is how often the explorer runs a schedule that depends on chance.
const tries = 1000

// Explore runs the scenario under all schedules. The scenario itself runs without
// preemption. It sets up what it needs and calls Go.
func Explore(t *testing.T, scenario func(r *Run)) Result {
	result := Result{Seen: make(map[string]int)}
	r := new(Run)
	for {
		for try := 1; ; try++ {
			found := false
			r.bubble(t, func(t *testing.T) {
				left := preemptions
				found = r.play(t, scenario, func(ready []*goroutine, last *goroutine) (*goroutine, bool) {
					return r.choose(ready, last, &left)
				})
			})
			if r.failure != "" {
				result.Failure = r.failed()
				return result
			}
			if found {
				break
			}
			if try == tries {
				var wanted []string
				for _, c := range r.path {
					wanted = append(wanted, fmt.Sprintf("%s (%d of %d)", c.step, c.taken+1, c.of))
				}
				result.Failure = fmt.Sprintf("%d runs did not take the steps\n\t%s\nthe last run took\n\t%s",
					tries, strings.Join(wanted, "\n\t"), strings.Join(r.steps, "\n\t"))
				return result
			}
		}
		result.Schedules++
		slices.Sort(r.seen)
		for _, outcome := range slices.Compact(r.seen) {
			result.Seen[outcome]++
		}
		// The next schedule changes the last choice that has an alternative.
		r.path = r.path[:len(r.steps)]
		for {
			n := len(r.path)
			if n == 0 {
				return result
			}
			if c := &r.path[n-1]; c.taken+1 < c.of {
				*c = choice{taken: c.taken + 1, of: c.of}
				break
			}
			r.path = r.path[:n-1]
		}
	}
}

// All is Explore for a test. The test fails if a schedule fails, or if the outcomes of the
// scenario differ from the given outcomes.
func All(t *testing.T, scenario func(r *Run), outcomes ...string) {
	t.Helper()
	start := time.Now()
	result := Explore(t, scenario)
	if result.Failure != "" {
		t.Fatal(result.Failure)
	}
	t.Logf("%d schedules in %v: %v", result.Schedules, time.Since(start).Round(time.Millisecond), result.Seen)
	for _, outcome := range outcomes {
		if result.Seen[outcome] == 0 {
			t.Errorf("%s: never seen", outcome)
		}
		delete(result.Seen, outcome)
	}
	for outcome := range result.Seen {
		t.Errorf("%s: seen, but not expected", outcome)
	}
}

// Replay runs the scenario under one schedule, in the form of a failure, with a line for each
// step. Beyond the end of the schedule, and where it does not fit, the last goroutine goes
// on.
func Replay(t *testing.T, schedule string, scenario func(r *Run)) Result {
	var steps []string
	for line := range strings.Lines(strings.TrimSpace(schedule)) {
		steps = append(steps, strings.TrimSpace(line))
	}
	r := new(Run)
	r.bubble(t, func(t *testing.T) {
		r.play(t, scenario, func(ready []*goroutine, last *goroutine) (*goroutine, bool) {
			if at := len(r.steps); at < len(steps) {
				for _, g := range ready {
					if g.step() == steps[at] {
						return g, true
					}
				}
			}
			if slices.Contains(ready, last) {
				return last, true
			}
			return ready[0], true
		})
	})
	result := Result{Schedules: 1, Seen: make(map[string]int)}
	for _, outcome := range r.seen {
		result.Seen[outcome] = 1
	}
	if r.failure != "" {
		result.Failure = r.failed()
	}
	return result
}

// goid returns the number of the calling goroutine. Only its stack shows the number.
func goid() int64 {
	var buf [64]byte
	head := buf[:runtime.Stack(buf[:], false)]
	number, _, _ := bytes.Cut(head[len("goroutine "):], []byte(" "))
	id, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil {
		panic(err)
	}
	return id
}
