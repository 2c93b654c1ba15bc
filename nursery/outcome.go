package nursery

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/grove-go/grove/cancel"
)

// errServed is the cause with which daemons are canceled.
var errServed = errors.New("all other tasks have returned")

// outcome gathers how the tasks of a nursery end.
type outcome struct {
	bodyDone atomic.Bool

	mu       sync.Mutex // guards the fields below
	errs     []error    // failures, in the order in which they happened
	first    *TaskError // the first failure, with which the scope was canceled
	echoed   bool       // somebody returned an echo of the scope's cancellation
	panicked *PanicError
	overdue  *overdue // set with panicked
	exited   bool     // somebody called Goexit
}

// failed records that a task returned err, which is not nil, and cancels the
// others. It returns what stands for err in the result: a *cancel.Error if it is
// an echo.
func (n *Nursery) failed(name string, err error) error {
	if n.scope.IsEcho(err) {
		n.mu.Lock()
		n.echoed = true
		n.mu.Unlock()
		return cancel.Err(n.scope)
	}
	return n.record(name, n.prune(err), n.conf.keepGoing)
}

// record adds a failure to the result and, unless the nursery is to keep going,
// cancels the scope.
func (n *Nursery) record(name string, err error, keepGoing bool) error {
	// A cause of its own for each failure: a sibling that fails with the same
	// sentinel error is not to be taken for one that hands back the cause.
	failure := &TaskError{Task: name, Err: err}
	n.mu.Lock()
	if name == "" {
		n.errs = append(n.errs, err)
	} else {
		n.errs = append(n.errs, failure)
	}
	if n.first == nil {
		n.first = failure
	}
	n.mu.Unlock()
	// Recorded before the others are canceled: nothing that they return comes
	// before it.
	if !keepGoing {
		n.scope.Fail(name, failure)
	}
	return failure
}

// returned deals with what a task returned.
func (n *Nursery) returned(err error, info *taskInfo) {
	if info == nil {
		if err != nil {
			n.failed("", err)
		}
		return
	}
	if info.intercept != nil && info.intercept(exit{err: err}) {
		return
	}
	if err != nil {
		own := info.scope
		if own == nil {
			err = n.failed(info.name, err)
		} else if left := own.Absorb(err); left != nil {
			err = n.failed(info.name, left)
		} else {
			err = cancel.Err(own)
		}
	}
	if info.report != nil {
		info.report(err)
	}
}

// crashed deals with a task or body that did not return: v is what its panic
// recovered, or nil if it called Goexit.
func (n *Nursery) crashed(v any, info *taskInfo) {
	name := ""
	if info != nil {
		name = info.name
	}
	e := exit{err: ErrGoexit, goexit: true}
	if v != nil {
		e = exit{panicked: newPanicError(v, name)}
		e.err = e.panicked
	}
	if info != nil && info.intercept != nil && info.intercept(e) {
		return
	}
	switch {
	case e.goexit:
		n.mu.Lock()
		n.exited = true
		n.mu.Unlock()
		n.scope.Fail(name, &TaskError{Task: name, Err: ErrGoexit})
	case n.conf.recoverPanics:
		// The PanicError names the task itself.
		n.record("", e.err, n.conf.keepGoing)
	default:
		n.panicking(e.panicked)
	}
	if info != nil && info.report != nil {
		info.report(e.err)
	}
}

// panicking records a panic that Run is going to pass on.
func (n *Nursery) panicking(p *PanicError) {
	n.mu.Lock()
	if n.panicked == nil {
		n.panicked = p
		n.overdue = newOverdue(&n.conf, p)
	} else {
		n.errs = append(n.errs, p)
	}
	n.mu.Unlock()
	n.scope.Fail(p.Task, &TaskError{Task: p.Task, Err: p})
}

// prune takes out of err, which is no echo as a whole, the echoes among the
// failures of nested nurseries. What others have put together stays as it is.
func (n *Nursery) prune(err error) error {
	switch e := err.(type) {
	case *TaskError:
		if inner := n.prune(e.Err); inner != e.Err {
			return &TaskError{Task: e.Task, Err: inner}
		}
	case *GroupError:
		kept := make([]error, 0, len(e.errs))
		changed := false
		for _, f := range e.errs {
			if n.scope.IsEcho(f) {
				changed = true
				continue
			}
			p := n.prune(f)
			changed = changed || p != f
			kept = append(kept, p)
		}
		if changed {
			return &GroupError{name: e.name, errs: kept}
		}
	}
	return err
}

// end closes the nursery, in which nobody is left, and returns its result, or
// does not return if a task did not.
func (n *Nursery) end() error {
	errs := n.finish()
	if n.panicked != nil {
		panic(n.panicked)
	}
	if n.exited {
		runtime.Goexit()
	}
	if len(errs) == 0 {
		return nil
	}
	return &GroupError{name: n.conf.name, errs: errs}
}

// finish closes the nursery and returns its failures. Everyone has left, so the
// fields need no lock.
func (n *Nursery) finish() []error {
	if n.overdue != nil {
		n.overdue.stop()
	}
	errs := n.errs
	if n.echoed {
		// Absorbed, unless somebody outside was canceled. But what a failure
		// in here has set off says nothing beside that failure.
		left := n.scope.Absorb(cancel.Err(n.scope))
		if left != nil && (n.first == nil || context.Cause(n.scope) != error(n.first)) {
			errs = append(errs, left)
		}
	}
	if n.panicked != nil && len(errs) > 0 {
		n.panicked = n.panicked.with(errs)
	}
	n.scope.Close()
	return errs
}
