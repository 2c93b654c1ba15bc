package script_test

import (
	"fmt"
	"iter"
	"slices"
	"time"
)

// A model runs a script by the rules in doc.go, one goroutine at a time and with plain
// variables.
type model struct {
	now    time.Duration
	procs  []*proc
	scopes []*modelScope
	trace  trace
	order  map[incident]time.Duration // times of failures, or twice
	// The rest depends on which worker of a For called Goexit.
	vague bool
	stuck bool // a proc waits forever
}

// An incident is a failure of a nursery.
type incident struct {
	nursery int // the act that opened it
	text    string
}

// twice is the time of an incident that happened several times.
const twice = -1

// A proc is a goroutine of the model.
type proc struct {
	yield  func(struct{}) bool
	resume func() (struct{}, bool)
	ready  func() bool
	due    time.Duration // time at which it becomes ready; 0: never
	gone   bool
}

// predict runs a script in the model.
func predict(s script) *model {
	m := &model{order: make(map[incident]time.Duration)}
	root := m.scope(nil, "root")
	m.spawn(func(p *proc) {
		modelFrame{m: m, p: p, scope: root, scopes: []*modelScope{root}, handles: new([]*modelTask)}.run(s)
	})
	for m.step() {
	}
	m.trace.sorted()
	return m
}

// spawn begins a proc.
func (m *model) spawn(fn func(p *proc)) {
	p := &proc{ready: func() bool { return true }}
	p.resume, _ = iter.Pull(func(yield func(struct{}) bool) {
		p.yield = yield
		fn(p)
	})
	m.procs = append(m.procs, p)
}

// until waits for a condition, or until a time.
func (m *model) until(p *proc, due time.Duration, ready func() bool) {
	p.due = due
	p.ready = func() bool { return due > 0 && m.now >= due || ready() }
	if !p.ready() {
		p.yield(struct{}{})
	}
	p.due, p.ready = 0, nil
}

// step runs all procs that are ready and then advances the time.
func (m *model) step() bool {
	for ran := true; ran; {
		ran = false
		for i := 0; i < len(m.procs); i++ {
			if p := m.procs[i]; !p.gone && p.ready() {
				_, more := p.resume()
				p.gone, ran = !more, true
			}
		}
	}
	m.procs = slices.DeleteFunc(m.procs, func(p *proc) bool { return p.gone })
	if len(m.procs) == 0 {
		return false
	}
	next := time.Duration(0)
	sooner := func(d time.Duration) {
		if d > 0 && (next == 0 || d < next) {
			next = d
		}
	}
	for _, p := range m.procs {
		sooner(p.due)
	}
	for _, s := range m.scopes {
		if s.ended == nil {
			sooner(s.deadline)
		}
	}
	if m.stuck = next == 0; m.stuck {
		return false
	}
	m.now = next
	for _, s := range m.scopes {
		s.expire(m.now)
	}
	return true
}

func (m *model) note(a *act, format string, args ...any) {
	m.trace = append(m.trace, line{m.now, a.id, fmt.Sprintf(format, args...)})
}
