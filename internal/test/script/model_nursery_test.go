package script_test

import (
	"fmt"
	"slices"

	"github.com/grove-go/grove/cancel"
)

// A modelEnding says how a script, task or block ended.
type modelEnding struct {
	err      *fault
	panicked *fault
	exited   bool // called Goexit; with panicked: it panicked while exiting
}

func (e modelEnding) String() string {
	switch {
	case e.panicked != nil:
		return "panicked: " + e.panicked.String()
	case e.exited:
		return "called Goexit"
	}
	return "returned " + e.err.String()
}

// A modelNursery is a nursery.
type modelNursery struct {
	m       *model
	a       *act
	scope   *modelScope
	depth   int // number of scopes up to its own
	present int // the body, tasks and daemons
	awaited int // members that daemons are kept for
	running int // tasks that count against the limit
	queue   []func()
	served  *fault // the cause for the dismissal of daemons

	failures []*fault
	panics   []*fault // Run panics with the first
	exited   bool
	echoed   bool

	recovered map[*fault]bool // panics among the failures
}

func (m *model) nursery(a *act, up *modelScope) *modelNursery {
	return &modelNursery{m: m, a: a, scope: m.scope(up, fmt.Sprint("n", a.id)), served: &fault{text: "all other tasks have returned"}}
}

// fail records a failure and cancels with the cause: N2, N3.
func (n *modelNursery) fail(f, cause *fault, keep bool) {
	if f != nil {
		n.failures = append(n.failures, f)
		n.at(f)
	}
	if !keep {
		n.scope.end(&event{origin: n.scope, source: cancel.SourceTask, cause: cause})
	}
}

// at records the time of a failure.
func (n *modelNursery) at(f *fault) {
	i := incident{n.a.id, f.String()}
	if _, ok := n.m.order[i]; ok {
		n.m.order[i] = twice
	} else {
		n.m.order[i] = n.m.now
	}
}

// dropEchoes removes the echoes from an error: N4. It takes apart the failures of inner
// nurseries, but no other groups.
func (n *modelNursery) dropEchoes(f *fault) (left *fault, echoed bool) {
	if n.scope.ended == nil {
		return f, false
	}
	if n.scope.ended.echo(f) {
		return nil, true
	}
	inner := f
	for inner.name != "" {
		inner = inner.inside[0]
	}
	if inner.group == nil {
		return f, false
	}
	c := *f
	c.inside = nil
	for _, i := range f.inside {
		left, some := n.dropEchoes(i)
		echoed = echoed || some
		if left != nil {
			c.inside = append(c.inside, left)
		}
	}
	switch {
	case !echoed:
		return f, false
	case len(c.inside) == 0:
		return nil, true
	}
	return &c, true
}

// taskFault is an error with the name of a task.
func taskFault(name string, f *fault) *fault {
	t := with(fmt.Sprintf("task%q(%%s)", name), f)
	t.name = name
	return t
}

// itemFault is an error with the index of an item: N11.
func itemFault(item int, f *fault) *fault {
	t := with(fmt.Sprintf("item%d(%%s)", item), f)
	t.name = "an item"
	return t
}

// ended handles the ending of a task or body and returns the error for Task.Wait.
func (n *modelNursery) ended(e modelEnding, name string) *fault {
	return n.endedItem(e, name, -1)
}

// endedItem is ended for an item with that index. An index of -1 stands for none.
func (n *modelNursery) endedItem(e modelEnding, name string, item int) *fault {
	o := n.a.options
	label := func(f *fault) *fault {
		if item < 0 {
			return f
		}
		return itemFault(item, f)
	}
	switch {
	case e.panicked != nil: // N8
		if slices.Contains(n.panics, e.panicked) || n.recovered[e.panicked] {
			return e.panicked // reported before
		}
		if o.safe {
			if n.recovered == nil {
				n.recovered = make(map[*fault]bool)
			}
			n.recovered[e.panicked] = true
			n.fail(label(e.panicked), taskFault(name, label(e.panicked)), o.keep)
		} else {
			p := label(e.panicked)
			if len(n.panics) == 0 {
				p = e.panicked
			}
			if n.panics = append(n.panics, p); len(n.panics) > 1 {
				n.at(p)
			}
			n.fail(nil, taskFault(name, label(e.panicked)), false)
		}
		return e.panicked
	case e.exited: // N9
		n.exited = true
		n.fail(nil, taskFault(name, goexitFault), false)
		return goexitFault
	case e.err == nil:
		return nil
	}
	left, echoed := n.dropEchoes(e.err)
	n.echoed = n.echoed || echoed
	if left == nil {
		return n.scope.ended.err()
	}
	if slices.Contains(n.panics, left) || n.recovered[left] {
		return left // reported before
	}
	entry, cause := label(left), taskFault(name, label(left))
	if name != "" {
		entry = taskFault(name, entry)
	}
	n.fail(entry, cause, o.keep)
	return cause
}

// enter counts a new member.
func (n *modelNursery) enter(daemon bool) {
	n.present++
	if !daemon {
		n.awaited++
	}
}

// leave counts a member that has ended: N10.
func (n *modelNursery) leave(daemon bool) {
	n.present--
	if !daemon {
		n.awaited--
		n.dismiss()
	}
}

func (n *modelNursery) dismiss() {
	if n.awaited == 0 && n.present > 0 {
		n.scope.end(&event{origin: n.scope, source: cancel.SourceClosed, cause: n.served})
	}
}

// begin runs a task when its turn comes: N11.
func (n *modelNursery) begin(limited bool, fn func(p *proc)) {
	if !limited || n.a.options.limit == 0 {
		n.m.spawn(fn)
		return
	}
	n.queue = append(n.queue, func() {
		n.running++
		n.m.spawn(func(p *proc) {
			fn(p)
			n.running--
			n.serve()
		})
	})
	n.serve()
}

func (n *modelNursery) serve() {
	for len(n.queue) > 0 && n.running < n.a.options.limit {
		next := n.queue[0]
		n.queue = n.queue[1:]
		next()
	}
}

// run runs the body of a nursery, waits for all members, and returns the result of Run.
func (n *modelNursery) run(p *proc, body func() modelEnding) modelEnding {
	n.enter(false)
	e := body()
	raw := e.panicked // N8: the value of the body's own panic continues unchanged
	e = named(e, "")
	n.ended(e, "")
	n.leave(false)
	n.m.until(p, 0, func() bool { return n.present == 0 })
	defer n.scope.close()
	failures := n.failures
	if len(n.panics) > 0 {
		failures = append(failures, n.panics[1:]...)
	}
	// N6: all echoes of an outer cancellation become one error. Echoes of a failure
	// inside, or of the daemons' dismissal, are not reported.
	if ev := n.scope.ended; n.echoed && ev.source != cancel.SourceTask && ev.cause != n.served || n.echoed && ev.origin != n.scope {
		if left := n.scope.absorb(ev.err()); left != nil {
			n.at(left)
			failures = append(failures, left)
		}
	}
	switch {
	case raw != nil && !raw.panics && !n.a.options.safe:
		return modelEnding{panicked: raw, exited: e.exited}
	case len(n.panics) > 0:
		first := n.panics[0]
		if len(failures) > 0 {
			c := *first
			c.inside = append(slices.Clone(first.inside), failures...)
			first = &c
		}
		return modelEnding{panicked: first, exited: e.exited}
	case n.exited || e.exited:
		return modelEnding{exited: true}
	case len(failures) == 0:
		return modelEnding{}
	}
	f := with(fmt.Sprintf("nursery%q(%%s)", n.scope.name), failures...)
	f.group = n
	return modelEnding{err: f}
}
