package nursery

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/grove-go/grove/cancel"
)

// ErrNotStarted is what [Start] returns if the task has returned nil without
// calling started.
var ErrNotStarted = errors.New("nursery: Start: the task returned without calling started")

// Start starts task in n and waits until the task calls started(v), to say that
// it is ready, and then returns v. It is for tasks that others build on, such
// as a server that is ready once it listens.
//
// From started on the task is a task of n as any other. Until then it belongs to
// the caller: what it returns is returned by Start, as it is, and its panic or
// Goexit goes on in the caller's goroutine; n is not touched by that. If ctx is
// canceled in that time, so is the task's context, Start waits for the task to
// return, and returns the [*cancel.Error] of ctx unless the task returned an
// error that says more. The cancellation of n reaches the task at any time. A
// task that returns nil without having called started makes Start return
// [ErrNotStarted].
//
// Calling started again panics. Once the call of Start has been given up,
// started does nothing; the task sees a context that is done. It may be called
// from any goroutine, but not after the task has returned.
//
// The task begins at once also in a nursery with a [Limit], and does not count
// against it, for the caller waits and may be a task of n itself. The nursery
// stays open at least until the task has returned or, for a [Daemon], has
// started.
//
// The options are [Name] and [Daemon]. Start panics if ctx, n or task is nil,
// and if the nursery's Run has returned.
//
// This is Trio's nursery.start.
func Start[T any](ctx context.Context, n *Nursery, task func(ctx context.Context, started func(T)) error, opts ...TaskOption) (T, error) {
	if ctx == nil {
		panic("nursery: Start: nil context; pass context.Background() if there is no other")
	}
	if n == nil {
		panic("nursery: Start: nil nursery")
	}
	if task == nil {
		panic("nursery: Start: nil task")
	}
	var (
		value T
		calls atomic.Int32
		ready = make(chan struct{})
		st    = &startCall{gone: make(chan struct{})}
	)
	info := newTaskInfo("Start", opts)
	info.starting.Store(true)
	info.openScope("Start", n)
	info.intercept = func(e exit) bool { return st.returned(info, e) }
	n.mustEnter("Start", info.kind())
	st.caller, st.release = ctx, info.scope.Follow(ctx)
	go n.known(func(ctx context.Context) error {
		return task(ctx, func(v T) {
			if calls.Add(1) > 1 {
				panic("nursery: Start: started was called twice")
			}
			if st.started(n, info) {
				value = v
				close(ready)
			}
		})
	}, info)
	select {
	case <-ready:
		return value, nil
	case <-st.gone:
	}
	if st.exit.panicked != nil {
		panic(st.exit.panicked)
	}
	if st.exit.goexit {
		runtime.Goexit()
	}
	var none T
	return none, st.exit.err
}

// A startCall is a call of Start. Three may decide it: the task by calling started,
// the task by returning, and the caller's context. The last of these counts
// unless release, which returns true at most once, says that it came too late.
type startCall struct {
	caller  context.Context
	release func() bool // ends the task's being canceled along with the caller
	exit    exit        // how the task ended; set before gone is closed
	gone    chan struct{}

	mu      sync.Mutex // guards the fields below
	decided bool       // by the task, which has started or returned
	begun   bool       // decided: it has started
}

// started is called when the task says that it is ready. It reports whether the
// task belongs to the nursery from now on.
func (st *startCall) started(n *Nursery, info *taskInfo) bool {
	st.mu.Lock()
	if st.decided || !st.release() {
		st.mu.Unlock()
		return false
	}
	st.decided, st.begun = true, true
	last := false
	if info.daemon {
		info.starting.Store(false)
		last = n.demote()
	}
	st.mu.Unlock()
	if last { // cancels, and so runs the code of others
		n.dismiss()
	}
	return true
}

// returned is called when the task is through, and reports whether that is for
// the caller of Start to hear.
func (st *startCall) returned(info *taskInfo, e exit) bool {
	st.mu.Lock()
	begun := st.begun
	st.decided = true
	st.mu.Unlock()
	if begun {
		return false
	}
	if !st.release() {
		// The caller was canceled, maybe by this task a moment ago, and its scope
		// has not been told yet. It is here, which may run the code of others.
		info.scope.Follow(st.caller)
	}
	if e.err == nil {
		e.err = ErrNotStarted
		if err := cancel.Err(info.scope); err != nil {
			e.err = err
		}
	} else if info.scope.IsEcho(e.err) {
		e.err = cancel.Err(info.scope)
	}
	st.exit = e
	close(st.gone)
	return true
}
