package nursery_test

import (
	"fmt"
	"slices"

	"github.com/grove-go/grove/cancel"
)

// A modelEnding is how a script, task or block ends.
type modelEnding struct {
	err      *fault
	panicked *fault
	exited   bool // by Goexit; with panicked: it panicked on its way out
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
	depth   int // of its scope in the scopes of a frame
	present int // the body, tasks and daemons
	awaited int // those among them for whom daemons are kept
	running int // those that count against the limit
	queue   []func()
	served  *fault // the cause with which daemons are dismissed

	failures []*fault
	panics   []*fault // the first one is that of Run
	exited   bool
	echoed   bool
}

func (m *model) nursery(a *act, up *modelScope) *modelNursery {
	return &modelNursery{m: m, a: a, scope: m.scope(up, fmt.Sprint("n", a.id)), served: &fault{text: "all other tasks have returned"}}
}

// fail notes a failure, of which cause is what it leaves: N2, N3.
func (n *modelNursery) fail(f, cause *fault, keep bool) {
	if f != nil {
		n.failures = append(n.failures, f)
		n.at(f)
	}
	if !keep {
		n.scope.end(&event{origin: n.scope, source: cancel.SourceTask, cause: cause})
	}
}

// at notes when a failure happened.
func (n *modelNursery) at(f *fault) {
	i := incident{n.a.id, f.String()}
	if _, ok := n.m.order[i]; ok {
		n.m.order[i] = twice
	} else {
		n.m.order[i] = n.m.now
	}
}

// sift takes the echoes out of an error: N4. Failures of nurseries inside are taken
// apart, what others have put together is not.
func (n *modelNursery) sift(f *fault) (left *fault, echoed bool) {
	if n.scope.ended == nil {
		return f, false
	}
	if n.scope.ended.echo(f) {
		return nil, true
	}
	named := f.name != "" && len(f.inside) == 1 && f.inside[0].group != nil
	if f.group == nil && !named {
		return f, false
	}
	c := *f
	c.inside = nil
	for _, i := range f.inside {
		left, some := n.sift(i)
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

// ended deals with the ending of a task or body, and returns what Task.Wait is told.
func (n *modelNursery) ended(e modelEnding, name string) *fault {
	o := n.a.options
	switch {
	case e.panicked != nil: // N8
		if slices.Contains(n.panics, e.panicked) || slices.Contains(n.failures, e.panicked) {
			return e.panicked // handed back
		}
		if o.safe {
			n.fail(e.panicked, taskFault(name, e.panicked), o.keep)
		} else {
			if n.panics = append(n.panics, e.panicked); len(n.panics) > 1 {
				n.at(e.panicked)
			}
			n.fail(nil, taskFault(name, e.panicked), false)
		}
		return e.panicked
	case e.exited: // N9
		n.exited = true
		n.fail(nil, taskFault(name, goexitFault), false)
		return goexitFault
	case e.err == nil:
		return nil
	}
	left, echoed := n.sift(e.err)
	n.echoed = n.echoed || echoed
	if left == nil {
		return n.scope.ended.err()
	}
	if slices.Contains(n.panics, left) || slices.Contains(n.failures, left) && left.panics {
		return left // handed back
	}
	entry, cause := left, taskFault(name, left)
	if name != "" {
		entry = taskFault(name, left)
	}
	n.fail(entry, cause, o.keep)
	return cause
}

// enter counts somebody in.
func (n *modelNursery) enter(daemon bool) {
	n.present++
	if !daemon {
		n.awaited++
	}
}

// leave counts them out: N10.
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

// begin runs a task when it is its turn: N11.
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

// run runs the body of a nursery, waits for everyone, and returns what Run does.
func (n *modelNursery) run(p *proc, body func() modelEnding) modelEnding {
	n.enter(false)
	e := body()
	n.ended(e, "")
	n.leave(false)
	n.m.until(p, 0, func() bool { return n.present == 0 })
	defer n.scope.close()
	failures := n.failures
	if len(n.panics) > 0 {
		failures = append(failures, n.panics[1:]...)
	}
	// N6: one error for all the echoes of what was canceled outside. What a failure in
	// here set off, or the end of all tasks but daemons, says nothing.
	if ev := n.scope.ended; n.echoed && ev.source != cancel.SourceTask && ev.cause != n.served || n.echoed && ev.origin != n.scope {
		if left := n.scope.absorb(ev.err()); left != nil {
			n.at(left)
			failures = append(failures, left)
		}
	}
	switch {
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
