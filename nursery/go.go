package nursery

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
	"github.com/grove-go/grove/internal/live"
	"github.com/grove-go/grove/internal/point"
)

// Go starts task in a new goroutine, with the nursery's context, and returns at once. An
// error of the task is a failure of the nursery; see [Run]. With [Limit] the task waits
// for its turn in a queue. Go never blocks.
//
// An accepted task always runs. If the nursery has been canceled, the context of the task
// is done from the start. A task may start tasks in the nursery.
//
// The options are [Name], [Daemon] and [Values]. Go panics if task is nil, or if the
// nursery's Run has returned. [Nursery.TryGo] returns an error instead.
func (n *Nursery) Go(task func(ctx context.Context) error, opts ...TaskOption) {
	if task == nil {
		panic("nursery: Nursery.Go: nil task")
	}
	if n.set == nil && len(opts) == 0 { // here, so that stacks say that Go created the goroutine
		n.mustEnter("Nursery.Go", member)
		point.Here("Go: entered")
		go n.plain(task)
		return
	}
	if !n.begin("Nursery.Go", task, opts) {
		n.refuse("Nursery.Go")
	}
}

// TryGo is Go for callers that cannot know whether the nursery still runs, such as a
// callback of a timer or of a subscription. It returns [ErrEnded] if the nursery's Run has
// returned, and nil otherwise. TryGo panics if task is nil, or if n does not come from Run.
func (n *Nursery) TryGo(task func(ctx context.Context) error, opts ...TaskOption) error {
	if task == nil {
		panic("nursery: Nursery.TryGo: nil task")
	}
	n.mustScope("Nursery.TryGo")
	if !n.begin("Nursery.TryGo", task, opts) {
		return ErrEnded
	}
	return nil
}

// ErrEnded is returned by [Nursery.TryGo] if the nursery's Run has returned.
var ErrEnded = errors.New("nursery: the nursery has ended")

// begin is Go, and reports whether the nursery has accepted the task.
func (n *Nursery) begin(fn string, task func(ctx context.Context) error, opts []TaskOption) (accepted bool) {
	limited := n.set != nil && n.set.crew != nil
	if len(opts) > 0 || n.set != nil && n.set.limiter != nil || limited && n.set.seen != nil {
		return n.launch(task, n.newTaskInfo(fn, opts))
	}
	if limited {
		return n.queue(job{task: task})
	}
	if !n.enter(member) {
		return false
	}
	n.accepted.Add(1)
	point.Here("Go: entered")
	if n.record() != nil {
		go n.timed(task, live.Now())
	} else {
		go n.plain(task)
	}
	return true
}

// launch starts a task that has a taskInfo, and reports whether the nursery has accepted
// it.
func (n *Nursery) launch(task func(ctx context.Context) error, info *taskInfo) (accepted bool) {
	queued := n.set != nil && n.set.crew != nil && !info.daemon
	n.remember(info, queued)
	if n.set != nil && !info.daemon {
		info.limiter = n.set.limiter
	}
	if queued {
		return n.queue(job{task, info})
	}
	if !n.enter(info.kind()) {
		return false
	}
	n.accepted.Add(1)
	go n.known(task, info)
	return true
}

func init() {
	bare.Catch = func(n any, name string, task func(ctx context.Context) error, ended func(err error)) {
		info := &taskInfo{name: name, intercept: func(e exit) bool { ended(e.err); return true }}
		if n := n.(*Nursery); !n.launch(task, info) {
			n.refuse("remote.Worker")
		}
	}
}

// plain runs a task without a taskInfo. It must stay small: its frame is what the library
// adds to the stack of a task.
func (n *Nursery) plain(task func(ctx context.Context) error) {
	returned := false
	defer func() {
		if !returned {
			n.settle(crashed(recover(), ""), nil)
		}
		point.Here("task: returned")
		n.leave(member)
	}()
	point.Here("task")
	if err := task(n.scope); err != nil {
		n.settle(exit{err: err}, nil)
	}
	returned = true // after settle, because methods of the error may panic
}

// known runs a task with a taskInfo.
func (n *Nursery) known(task func(ctx context.Context) error, info *taskInfo) {
	defer func() { n.leave(info.kind()) }()
	point.Here("task")
	n.call(task, info)
}

// call calls a task and deals with its outcome. It returns unless the task calls
// Goexit. The info may be nil.
func (n *Nursery) call(task func(ctx context.Context) error, info *taskInfo) {
	returned := false
	var token *lease
	defer func() {
		if !returned {
			n.settle(crashed(recover(), info.label()), info)
		}
		if info != nil {
			n.forget(info)
			if info.scope != nil {
				info.scope.Close()
			}
		}
		token.end() // when a failure has canceled what is next in line
	}()
	ctx := info.context(n)
	if info != nil && info.limiter != nil {
		if token = info.limiter.lease(ctx.(*cancel.Scope)); token != nil {
			ctx = token
		}
	}
	if info != nil && info.seen != nil {
		ctx = n.labelTask(ctx, info)
	}
	n.settle(exit{err: task(ctx)}, info)
	returned = true
}

// taskInfo is what is known of a task beyond its function. A task without
// options has none.
type taskInfo struct {
	name     string
	daemon   bool
	starting atomic.Bool     // of Start: is waited for although it is a daemon
	limiter  *Limiter        // gives the task a token while it runs; or nil
	values   context.Context // of the option Values, or nil
	scope    *cancel.Scope   // the task's own, or nil: the nursery's
	seen     *live.Task      // in the record of the nursery; or nil

	// For Start and Spawn.
	intercept func(e exit) (taken bool) // sees how the task ended before the nursery does
	report    func(err error)           // is told what the nursery made of it
}

// newTaskInfo returns the taskInfo of a task that was passed to the function fn.
func (n *Nursery) newTaskInfo(fn string, opts []TaskOption) *taskInfo {
	info := new(taskInfo)
	for _, o := range opts {
		if o == nil {
			panic("nursery: " + fn + ": nil option")
		}
		o.applyTask(info)
	}
	if info.values != nil {
		info.openScope(fn, n)
	}
	return info
}

// openScope gives the task a scope of its own, in the name of the function fn.
func (i *taskInfo) openScope(fn string, n *Nursery) {
	n.mustScope(fn)
	switch {
	case i.scope != nil:
	case i.values != nil:
		i.scope = bare.WithValues(n.scope, i.values, i.name).(*cancel.Scope)
	case i.name == "":
		i.scope = cancel.New(n.scope)
	default:
		i.scope = cancel.New(n.scope, cancel.Name(i.name))
	}
}

// kind says how the task counts in the nursery's state.
func (i *taskInfo) kind() uint64 {
	if i.daemon && !i.starting.Load() {
		return daemon
	}
	return member
}

// label returns the task's name. The info may be nil.
func (i *taskInfo) label() string {
	if i == nil {
		return ""
	}
	return i.name
}

// context returns the task's context. The info may be nil.
func (i *taskInfo) context(n *Nursery) context.Context {
	if i != nil && i.scope != nil {
		return i.scope
	}
	return n.scope
}
