package nursery

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
	"github.com/grove-go/grove/internal/point"
)

// An exit is how a task or a body ended.
type exit struct {
	err      error       // what it returned, or what stands for the rest
	panicked *PanicError // its panic
	goexit   bool        // it called runtime.Goexit
	fresh    bool        // panicked did not rise from a nursery inside
	item     int         // the index of its item, from 1 on, or 0
}

// of returns e for the item with that index, from 0 on.
func (e exit) of(index int) exit {
	e.item = index + 1
	if e.fresh {
		e.panicked.item = e.item
	}
	return e
}

// label returns err with the item and the name of the task.
func (e exit) label(err error, name string) error {
	if e.item > 0 {
		err = &ItemError{Item: e.item - 1, Err: err, names: e.fresh}
	}
	if name != "" {
		err = &TaskError{Task: name, Err: err}
	}
	return err
}

// crashed returns the exit of what did not return. The caller has just recovered v,
// which is nil if there was no panic.
func crashed(v any, name string) exit {
	if v == nil {
		return exit{err: ErrGoexit, goexit: true}
	}
	if p, ok := v.(*PanicError); ok && p != nil { // from a nursery inside
		return exit{err: p, panicked: p}
	}
	p := newPanicError(v, name)
	return exit{err: p, panicked: p, fresh: true}
}

// settle passes on how a task or a body ended: to the code that intercepts it, to the
// failures of the nursery, and to the code that reports it.
func (n *Nursery) settle(e exit, info *taskInfo) {
	if info == nil {
		if e.err != nil {
			n.failed().add(e, "")
		}
		return
	}
	if info.intercept != nil && info.intercept(e) {
		return
	}
	err := e.err
	if err != nil {
		own := info.scope
		if own != nil && e.panicked == nil && !e.goexit {
			e.err = own.Absorb(err)
		}
		if e.err == nil {
			err = cancel.Err(own)
		} else {
			err = n.failed().add(e, info.name)
		}
	}
	if info.report != nil {
		info.report(err)
	}
}

// failures is what went wrong in a nursery. Most nurseries have none.
type failures struct {
	scope *cancel.Scope // of the nursery
	conf  *config

	// mu guards the fields below. When all have left, Run reads without it what only
	// tasks write: all but served, which the goroutine that dismisses the daemons may
	// set later, and panicked, which Stats may read.
	mu       busyMutex
	errs     []error              // the earliest first
	early    bool                 // one of errs came before the scope ended
	canceled bool                 // one of errs may be a cancellation
	panics   map[*PanicError]bool // in errs and panicked, each without its Others
	first    *TaskError           // the first failure that canceled the scope, and the cause of that
	panicked *PanicError          // the panic that goes on in the end
	raw      bool                 // it is the body's, which panics with the value itself
	overdue  *overdue             // set with panicked
	goexit   bool
	echoed   bool         // an echo of the scope's cancellation was returned
	served   *servedError // the cause of the dismissal of the daemons
}

// failed returns the failures of the nursery, to add one.
func (n *Nursery) failed() *failures {
	if f := n.failures.Load(); f != nil {
		return f
	}
	n.failures.CompareAndSwap(nil, &failures{scope: n.scope, conf: n.config()})
	return n.failures.Load()
}

// add records how the task of that name failed, and cancels the others. It returns
// what stands for the failure elsewhere: a *cancel.Error if it is an echo, which does
// not count.
func (f *failures) add(e exit, name string) error {
	switch {
	case e.goexit:
		f.mu.Lock()
		f.goexit = true
		f.cancelUnlock(&TaskError{Task: name, Err: ErrGoexit})
		return e.err
	case e.panicked != nil:
		f.addPanic(e, name)
		return e.err
	}
	left, echoed := dropEchoes(f.scope, e.err)
	if echoed {
		f.mu.Lock()
		f.echoed = true
		f.mu.Unlock()
	}
	if left == nil {
		return cancel.Err(f.scope)
	}
	if p, ok := left.(*PanicError); ok && f.has(p) {
		return left // a task that got it from Task.Wait has returned it
	}
	e.err = left
	return f.record(e, name)
}

// record adds the error that a task of that name returned.
func (f *failures) record(e exit, name string) error {
	// Each failure is a cause of its own: a sibling that fails with the same sentinel
	// error does not hand back the cause.
	failure := &TaskError{Task: name, Err: e.label(e.err, "")}
	early, canceled := f.scope.Err() == nil, isCancellation(e.err)
	f.mu.Lock()
	f.early = f.early || early
	f.canceled = f.canceled || canceled
	f.errs = append(f.errs, e.label(e.err, name))
	if f.conf.keepGoing {
		f.mu.Unlock()
		return failure
	}
	f.cancelUnlock(failure)
	return failure
}

// addPanic records a panic, unless it has been recorded. The name is the name of the task
// in this nursery. The panic may have risen from a nursery inside the task.
func (f *failures) addPanic(e exit, name string) {
	p := e.panicked
	failure := &TaskError{Task: name, Err: e.label(p, "")}
	early := f.scope.Err() == nil
	f.mu.Lock()
	if f.panics[p.only()] {
		f.mu.Unlock() // a task that got it from Task.Wait panics with it again
		return
	}
	f.early = f.early || early
	if f.panics == nil {
		f.panics = make(map[*PanicError]bool)
	}
	f.panics[p.only()] = true
	switch {
	case f.conf.recoverPanics:
		f.errs = append(f.errs, e.label(p, "")) // which names the task itself
		if f.conf.keepGoing {
			f.mu.Unlock()
			return
		}
	case f.panicked != nil:
		f.errs = append(f.errs, e.label(p, ""))
	default:
		f.panicked = p
		f.overdue = newOverdue(f.conf, p)
	}
	f.cancelUnlock(failure)
}

// addBody records the panic of the body, with the value v.
func (f *failures) addBody(v any) {
	e := crashed(v, "")
	f.add(e, "")
	if _, again := v.(*PanicError); v == nil || again || f.conf.recoverPanics {
		return
	}
	// The body is the code of Run's caller, as is what recovers: it is to see its own
	// value. That comes before the panic of a task.
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.raw = true; f.panicked != e.panicked {
		f.errs[slices.Index(f.errs, error(e.panicked))] = f.panicked
		f.panicked = e.panicked
	}
}

// has reports whether p is a panic of this nursery.
func (f *failures) has(p *PanicError) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.panics[p.only()]
}

// cancelUnlock unlocks mu, and cancels the scope if the failure is the first: of two at
// once that one is the cause. The failure has been recorded, so that nothing which the
// others return comes before it.
func (f *failures) cancelUnlock(failure *TaskError) {
	first := f.first == nil
	if first {
		f.first = failure
	}
	f.mu.Unlock()
	point.Here("failure: recorded")
	if first {
		cause := error(failure)
		if f.conf.bodyless {
			cause = failure.Err
		}
		f.scope.CancelAs(&cancel.Error{Err: context.Canceled, Reason: cancel.Reason{Source: cancel.SourceTask, Task: failure.Task, Cause: cause}})
	}
}

// A servedError is the cause when the daemons of a nursery are canceled. Each nursery
// has its own, so that a nursery inside a daemon does not take the dismissal of the
// daemon for the dismissal of its own daemons.
type servedError struct{ _ byte }

func (*servedError) Error() string { return "all other tasks have returned" }

// dismiss cancels the daemons: no task is left that they could serve.
func (f *failures) dismiss() {
	f.mu.Lock()
	if f.served == nil {
		f.served = new(servedError)
	}
	cause := f.served
	f.mu.Unlock()
	point.Here("dismiss")
	f.scope.CancelAs(&cancel.Error{Err: context.Canceled, Reason: cancel.Reason{Source: cancel.SourceClosed, Cause: cause}})
}

// sum returns the failures of a nursery that all have left. The scope is open unless
// it was canceled.
func (f *failures) sum() (errs []error, event any) {
	errs = f.errs
	if f.echoed {
		// The echo ends here, unless a context outside was canceled. What a failure in
		// here, or the end of all tasks but the daemons, has set off says nothing beside
		// that.
		f.mu.Lock() // against dismiss
		served := f.served
		f.mu.Unlock()
		left := f.scope.Absorb(cancel.Err(f.scope))
		if cause := context.Cause(f.scope); left != nil && cause != error(served) && (f.first == nil || cause != error(f.first)) {
			errs = append(errs, left)
		}
	}
	if !f.early {
		event = bare.Event(f.scope)
	}
	return errs, event
}

// close closes the nursery, which all have left. It goes on with a panic, and
// otherwise returns the result. Only the goroutine that dismisses the daemons may still
// be on its way out.
func (n *Nursery) close() (err error, goexit bool) {
	f := n.failures.Load()
	var errs []error
	var event any
	if f != nil {
		errs, event = f.sum()
	}
	n.unregister()
	point.Here("Run: all have left")
	n.scope.Close()
	if n.set != nil && n.set.caller != nil {
		n.set.caller.reacquire(true)
	}
	switch {
	case f == nil:
		return nil, false
	case f.panicked != nil:
		f.panic(errs)
	case len(errs) > 0:
		err = &GroupError{name: f.conf.name, errs: errs, canceled: f.canceled || f.echoed, event: event, judge: bare.Judge(n.scope)}
	}
	return err, f.goexit
}

// end is close, and does not return if a task called Goexit.
func (n *Nursery) end() error {
	err, goexit := n.close()
	if goexit {
		runtime.Goexit()
	}
	return err
}

// panic goes on with the panic, and sees to it that the other failures are not lost.
func (f *failures) panic(errs []error) {
	f.overdue.stop()
	p := f.panicked
	if !f.raw && !passes(f.scope, p.Value) {
		panic(p.with(errs))
	}
	if others := p.with(errs).Others; len(others) > 0 {
		// Nothing else takes a report here.
		_, _ = fmt.Fprintf(os.Stderr, "nursery%s: these failures have no place in the panic that goes on:\n\n%+v\n", f.conf.quoted(), &GroupError{name: f.conf.name, errs: others})
	}
	panic(p.Value)
}
