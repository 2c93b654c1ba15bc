package testutil

import (
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/grove-go/grove/internal/stacks"
)

// quiet is how long no goroutine may run before Main reports it.
const quiet = 10 * time.Second

// A stuckWatch reports what all goroutines wait for when none has run for a while. Nothing
// else but the time-out of the tests reports a test that hangs outside a bubble.
//
// A timer may be about to wake the test, so the watch does not end it. The watch has no
// goroutine of its own, which goleak would find.
type stuckWatch struct {
	tick time.Duration
	tell func(report string)

	mu      sync.Mutex // guards the fields below
	timer   *time.Timer
	stopped bool
	before  activity
	still   int    // the number of ticks since a goroutine has run
	outline string // of the stacks, when half the time was up
}

// ticks is the number of looks before a watch reports.
const ticks = 10

// watchStuck calls tell when no goroutine has run for the time d, once for each time that
// the process stands still. It does not report while a goroutine sleeps or is in a system
// call, such as a wait for another process.
func watchStuck(d time.Duration, tell func(report string)) (stop func()) {
	w := &stuckWatch{tick: d / ticks, tell: tell}
	w.mu.Lock()
	w.timer = time.AfterFunc(w.tick, w.look)
	w.mu.Unlock()
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.stopped = true
		w.timer.Stop()
	}
}

// look is called at each tick, in a new goroutine.
func (w *stuckWatch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	defer w.timer.Reset(w.tick)
	now := readActivity()
	if now.since(w.before) {
		w.still = 0
	}
	w.before = now
	w.still++
	switch w.still {
	case ticks / 2:
		w.outline = outline(others())
	case ticks:
		others := others()
		switch now := outline(others); {
		case now != w.outline:
			w.still, w.outline = ticks/2, now
		case !slices.ContainsFunc(others.Goroutines, goesOn):
			w.tell(others.String())
		}
	}
}

// An activity says what goroutines have done up to a look.
type activity struct {
	created uint64 // goroutines that the process has begun
	woken   uint64 // a sample of their wake-ups
	busy    bool   // a goroutine other than the caller runs or is about to
}

func readActivity() (a activity) {
	s := []metrics.Sample{
		{Name: "/sched/goroutines-created:goroutines"},
		{Name: "/sched/latencies:seconds"},
		{Name: "/sched/goroutines/running:goroutines"},
		{Name: "/sched/goroutines/runnable:goroutines"},
	}
	metrics.Read(s)
	a.created = s[0].Value.Uint64()
	for _, n := range s[1].Value.Float64Histogram().Counts {
		a.woken += n
	}
	a.busy = s[2].Value.Uint64() > 1 || s[3].Value.Uint64() > 0
	return a
}

// since reports whether anything but the watch has run since the look before. The watch
// begins one goroutine for each look, and the runtime wakes its own now and then.
func (a activity) since(before activity) bool {
	return a.busy || a.created != before.created+1 || a.woken > before.woken+3
}

// others returns all goroutines but the caller's, which is the first.
func others() *stacks.Dump {
	d := stacks.All()
	d.Goroutines = d.Goroutines[1:]
	return d
}

// goesOn reports whether the goroutine goes on by itself: it sleeps, or is in a system
// call. The goroutine that waits for signals always is.
func goesOn(g *stacks.Goroutine) bool {
	switch g.State {
	case "sleep":
		return g.Bubble == ""
	case "syscall":
		return !strings.Contains(g.Text, "os/signal.")
	}
	return false
}
