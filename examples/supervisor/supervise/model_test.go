package supervise_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grove-go/grove/examples/supervisor/supervise"
	"github.com/grove-go/grove/nursery"
)

const never time.Duration = 1<<63 - 1

// A model is a supervisor without concurrency: it does what is due next. Two workers of a
// plan never have something due at the same time.
type model struct {
	plan     plan
	now      time.Duration
	workers  []*modelWorker // that were started
	failures []modelFailure // failures within the time
	gaveUp   bool
	asked    bool // to stop
	turn     int  // the worker that is stopping, and all after it have ended

	log    []string
	errors []string // of the workers that were not restarted
}

type modelWorker struct {
	workerPlan
	state   supervise.State
	due     time.Duration
	run     runPlan
	next    int // run
	wait    time.Duration
	readyAt time.Duration
	first   bool // has not been ready
}

type modelFailure struct {
	at   time.Duration
	text string
}

// play returns the log of the supervisor, and the text of its error.
func (m *model) play() (log, err string) {
	m.startNext()
	for {
		var next *modelWorker
		due := m.plan.stop
		if m.asked {
			due = never
		}
		for _, w := range m.workers {
			if w.due < due {
				next, due = w, w.due
			}
		}
		if due == never || !m.asked && !slices.ContainsFunc(m.workers, func(w *modelWorker) bool { return w.state != supervise.Ended }) {
			break
		}
		m.now = due
		if next == nil {
			m.ask()
			continue
		}
		m.step(next)
	}
	switch len(m.errors) {
	case 0:
		return strings.Join(m.log, ""), ""
	case 1:
		return strings.Join(m.log, ""), m.errors[0]
	default:
		return strings.Join(m.log, ""), fmt.Sprintf("nursery %q: %d failures: %s", "supervisor", len(m.errors), strings.Join(m.errors, "; "))
	}
}

// step does what is due.
func (m *model) step(w *modelWorker) {
	w.due = never
	switch w.state {
	case supervise.Waiting:
		m.begin(w)
	case supervise.Starting:
		if !w.run.ready {
			m.failed(w)
			return
		}
		m.becomes(w, supervise.Ready, "")
		w.readyAt = m.now
		if w.run.takes > 0 {
			w.due = m.now + w.run.takes
		}
		m.settled(w)
	case supervise.Ready:
		m.failed(w)
	case supervise.Stopping:
		switch {
		case w.stopTakes > w.grace:
			m.fails(w, fmt.Sprintf("context canceled: grace expired (graceful stop of scope %q)", w.name))
		case w.stopFails:
			m.fails(w, "spoiled")
		default:
			m.becomes(w, supervise.Ended, "")
		}
		m.stopNext()
	}
}

// startNext starts the next worker, if there is one.
func (m *model) startNext() {
	if i := len(m.workers); i < len(m.plan.workers) {
		w := &modelWorker{workerPlan: m.plan.workers[i], wait: firstWait, first: true}
		m.workers = append(m.workers, w)
		m.begin(w)
	}
}

// settled starts the worker after a worker that is ready for the first time, or has ended.
func (m *model) settled(w *modelWorker) {
	if w.first && !m.asked {
		w.first = false
		m.startNext()
	}
}

func (m *model) begin(w *modelWorker) {
	m.becomes(w, supervise.Starting, "")
	w.run = runPlan{ready: true}
	if w.next < len(w.runs) {
		w.run = w.runs[w.next]
		w.next++
	}
	w.due = m.now + w.run.starts
}

// failed handles a run that has ended by itself.
func (m *model) failed(w *modelWorker) {
	text := w.run.fails
	switch {
	case text == "" && !w.run.ready:
		text = nursery.ErrNotStarted.Error()
	case text != "" && w.run.panics:
		text = "panicked: " + text
	}
	if w.restart == supervise.Temporary || w.restart == supervise.Transient && text == "" {
		m.becomes(w, supervise.Ended, text)
		m.settled(w)
		return
	}
	if text == "" {
		text = supervise.ErrReturned.Error()
	}
	if w.run.ready && m.now-w.readyAt >= m.plan.steady {
		w.wait = firstWait
	}
	wait := w.wait
	w.wait = min(2*wait, longestWait)
	if m.gaveUp {
		m.fails(w, text)
		return
	}
	m.failures = append(m.failures, modelFailure{m.now, fmt.Sprintf("task %q: %s", w.name, text)})
	for m.now-m.failures[0].at > m.plan.within {
		m.failures = m.failures[1:]
	}
	if n := len(m.failures); n > m.plan.restarts {
		m.gaveUp = true
		all := ""
		for i, f := range m.failures {
			all += []string{"", "; "}[min(i, 1)] + f.text
		}
		if n > 1 {
			all = fmt.Sprintf("%d failures: %s", n, all)
		}
		m.fails(w, "gave up: "+all)
		m.ask()
		return
	}
	m.becomes(w, supervise.Waiting, text, " wait=", wait)
	w.due = m.now + wait
}

// fails ends a worker with an error of the supervisor.
func (m *model) fails(w *modelWorker, text string) {
	m.becomes(w, supervise.Ended, text)
	m.errors = append(m.errors, fmt.Sprintf("task %q: %s", w.name, text))
}

// ask asks the supervisor to stop.
func (m *model) ask() {
	if !m.asked {
		m.asked = true
		m.turn = len(m.workers)
		m.stopNext()
	}
}

// stopNext stops the workers up to a worker that takes time for it.
func (m *model) stopNext() {
	for m.turn--; m.turn >= 0; m.turn-- {
		w := m.workers[m.turn]
		if w.state == supervise.Ended {
			continue
		}
		wasReady := w.state == supervise.Ready
		m.becomes(w, supervise.Stopping, "")
		if wasReady {
			w.due = m.now + min(w.stopTakes, w.grace)
			return
		}
		w.due = never
		m.becomes(w, supervise.Ended, "")
	}
}

func (m *model) becomes(w *modelWorker, s supervise.State, err string, more ...any) {
	w.state = s
	if err != "" {
		if strings.ContainsAny(err, ` ="`) {
			err = strconv.Quote(err)
		}
		err = " err=" + err
	}
	m.log = append(m.log, fmt.Sprint(m.now, " ", w.name, " ", s, err, fmt.Sprint(more...), "\n"))
}
