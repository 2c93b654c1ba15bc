package nursery

import (
	"context"
	"runtime"
	"sync/atomic"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/point"
)

// A servedError is the cause with which the daemons of a nursery are canceled.
// Each nursery has one of its own: one inside a daemon is not to take the
// daemon's dismissal for its own.
type servedError struct{ _ byte }

func (*servedError) Error() string { return "all other tasks have returned" }

// outcome gathers how the tasks of a nursery end.
type outcome struct {
	bodyDone atomic.Bool

	// mu guards the fields below. When everyone has left, Run reads without it
	// what only tasks write: all but served, which the one who dismisses the
	// daemons may set later than that, and panicked, which Stats may read.
	mu       busyMutex
	errs     []error    // failures, in the order in which they happened
	first    *TaskError // the first failure of those that cancel, with which the scope was canceled
	echoed   bool       // somebody returned an echo of the scope's cancellation
	panicked *PanicError
	overdue  *overdue // set with panicked
	goexit   bool     // somebody called runtime.Goexit
	served   *servedError
}

// failed records that a task returned err, which is not nil, and cancels the
// others. It returns what stands for err in the result: a *cancel.Error if it is
// an echo.
func (n *Nursery) failed(name string, err error) error {
	left, echoed := n.sift(err)
	if echoed {
		n.mu.Lock()
		n.echoed = true
		n.mu.Unlock()
	}
	if left == nil {
		return cancel.Err(n.scope)
	}
	if n.handedBack(left) {
		return left
	}
	entry := left
	if name != "" {
		entry = &TaskError{Task: name, Err: left}
	}
	return n.record(name, left, entry)
}

// record adds a failure to the result, as entry, and, unless the nursery is to
// keep going, cancels the scope.
func (n *Nursery) record(name string, err, entry error) error {
	// A cause of its own for each failure: a sibling that fails with the same
	// sentinel error is not to be taken for one that hands back the cause.
	failure := &TaskError{Task: name, Err: err}
	n.mu.Lock()
	n.errs = append(n.errs, entry)
	first := !n.conf.keepGoing && n.firstLocked(failure)
	n.mu.Unlock()
	point.Here("failed: recorded")
	// Recorded before the others are canceled: nothing that they return comes
	// before it.
	if first {
		n.fail(failure)
	}
	return failure
}

// fail cancels the scope because of a failure.
func (n *Nursery) fail(failure *TaskError) {
	n.scope.CancelAs(&cancel.Error{Err: context.Canceled, Reason: cancel.Reason{Source: cancel.SourceTask, Task: failure.Task, Cause: failure}})
}

// firstLocked notes a failure that cancels as the first, if it is, and reports
// whether. Only the first cancels the scope, so that of two at once it is the cause.
func (n *Nursery) firstLocked(failure *TaskError) bool {
	if n.first != nil {
		return false
	}
	n.first = failure
	return true
}

// handedBack reports whether err is a panic of this nursery's: somebody who got it
// from Task.Wait has returned it, or panics with it.
func (n *Nursery) handedBack(err error) bool {
	p, ok := err.(*PanicError)
	if !ok {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.panicked == p {
		return true
	}
	for _, e := range n.errs {
		if q, ok := e.(*PanicError); ok && p == q {
			return true
		}
	}
	return false
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
		failure := &TaskError{Task: name, Err: ErrGoexit}
		n.mu.Lock()
		n.goexit = true
		first := n.firstLocked(failure)
		n.mu.Unlock()
		point.Here("Goexit: recorded")
		if first {
			n.fail(failure)
		}
	case n.handedBack(e.err):
		// The one who waited for the task that panicked panics with it again.
	case n.conf.recoverPanics:
		// The PanicError names the task itself.
		n.record(name, e.err, e.err)
	default:
		n.panicking(name, e.panicked)
	}
	if info != nil && info.report != nil {
		info.report(e.err)
	}
}

// panicking records a panic that Run is going to pass on. The name is that of the
// task in this nursery; the panic may have risen from a task of one inside.
func (n *Nursery) panicking(name string, p *PanicError) {
	failure := &TaskError{Task: name, Err: p}
	n.mu.Lock()
	if n.panicked == nil {
		n.panicked = p
		n.overdue = newOverdue(&n.conf, p)
	} else {
		n.errs = append(n.errs, p)
	}
	first := n.firstLocked(failure)
	n.mu.Unlock()
	point.Here("panic: recorded")
	if first {
		n.fail(failure)
	}
}

// sift returns what is left of err when the echoes are taken out of it, nil if
// nothing is, and whether there were any. Of an error that is no echo as a whole
// those parts are taken out that are failures of nested nurseries; what others
// have put together stays as it is.
func (n *Nursery) sift(err error) (left error, echoed bool) {
	if n.scope.IsEcho(err) {
		return nil, true
	}
	if n.scope.Err() == nil {
		return err, false // once for all of err: the scope may end meanwhile
	}
	return n.siftGroup(err)
}

func (n *Nursery) siftGroup(err error) (left error, echoed bool) {
	switch e := err.(type) {
	case *TaskError:
		if e == nil || context.Cause(n.scope) == err {
			break
		}
		if _, ok := e.Err.(*GroupError); !ok {
			break
		}
		left, echoed := n.siftGroup(e.Err)
		switch {
		case !echoed:
			return err, false
		case left == nil:
			return nil, true
		}
		return &TaskError{Task: e.Task, Err: left}, true
	case *GroupError:
		if e == nil {
			break
		}
		kept := make([]error, 0, len(e.errs))
		for _, f := range e.errs {
			l, some := n.siftGroup(f)
			echoed = echoed || some
			if l != nil {
				kept = append(kept, l)
			}
		}
		switch {
		case !echoed:
			return err, false
		case len(kept) == 0:
			return nil, true
		}
		return &GroupError{name: e.name, errs: kept}, true
	}
	if n.scope.IsEcho(err) {
		return nil, true
	}
	return err, false
}

// end closes the nursery, in which nobody is left, and returns its result, or
// does not return if a task did not.
func (n *Nursery) end() error {
	errs := n.finish()
	if n.panicked != nil {
		panic(n.panicked)
	}
	if n.goexit {
		runtime.Goexit()
	}
	if len(errs) == 0 {
		return nil
	}
	return &GroupError{name: n.conf.name, errs: errs}
}

// finish closes the nursery, which everyone has left, and returns its failures.
// Only the goroutine that dismisses the daemons may still be on its way out.
func (n *Nursery) finish() []error {
	errs := n.errs
	if n.echoed || n.panicked != nil {
		errs = n.sum()
	}
	point.Here("Run: all have left")
	n.scope.Close()
	if n.lender != nil {
		n.lender.reclaim()
	}
	return errs
}

// sum returns the failures of a nursery that more happened to than failures.
func (n *Nursery) sum() []error {
	errs := n.errs
	if n.echoed {
		// Absorbed, unless somebody outside was canceled. But what a failure in
		// here, or the end of all tasks but the daemons, has set off says
		// nothing beside that.
		n.mu.Lock() // against dismiss
		served := n.served
		n.mu.Unlock()
		left := n.scope.Absorb(cancel.Err(n.scope))
		if cause := context.Cause(n.scope); left != nil && cause != error(served) && (n.first == nil || cause != error(n.first)) {
			errs = append(errs, left)
		}
	}
	if n.panicked != nil {
		n.overdue.stop()
		if len(errs) > 0 {
			n.mu.Lock() // against Stats
			n.panicked = n.panicked.with(errs)
			n.mu.Unlock()
		}
	}
	return errs
}
