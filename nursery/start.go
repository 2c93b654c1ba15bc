package nursery

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
)

// ErrNotStarted is the error of [Start] if the task returned nil without having called
// started.
var ErrNotStarted = errors.New("nursery: Start: the task returned without calling started")

// Start starts task in n, waits until the task calls started(v) to say that it is ready,
// and returns v. It is for tasks that other code depends on, such as a server that is
// ready once it listens.
//
// When started has been called, the task is like any other task of n. Before that it
// belongs to the caller: Start returns the error of the task as it is, a panic or Goexit
// of the task goes on in the goroutine of the caller, and n is not affected. If ctx is
// canceled before started is called, the context of the task is canceled too. Start waits
// for the task to return, and returns the [*cancel.Error] of ctx unless the task returned
// an error that says more. A cancellation of n reaches the task at any time. If the task
// returns nil without having called started, Start returns [ErrNotStarted].
//
// A second call of started panics. A call after Start has given up has no effect, and the
// context of the task is done. Any goroutine may call started, but not after the task has
// returned.
//
// The task begins at once, even in a nursery with a [Limit], and does not count against
// the limit, because the caller waits and may be a task of n. The nursery stays open until
// the task has returned or, for a [Daemon], until it has called started.
//
// The context of the task has the values of ctx; see [Values]. The options are [Name],
// [Daemon] and Values. Start panics if ctx, n or task is nil, or if the
// nursery's Run has returned.
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
	info := n.newTaskInfo("Start", append([]TaskOption{Values(ctx)}, opts...))
	info.starting.Store(true)
	info.openScope("Start", n)
	info.intercept = func(e exit) bool { return st.returned(info, e) }
	n.remember(info, false)
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
	await(info.scope, ready, st.gone)
	if bare.IsClosed(ready) {
		return value, nil
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

// A startCall is a call of Start. Three events race to decide it: started is called, the
// task returns, or the caller's ctx is done. The last one loses if release, which returns
// true once at most, reports so.
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
		n.failed().dismiss()
	}
	return true
}

// returned is called when the task has returned. It reports whether the caller of Start
// gets the outcome.
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
