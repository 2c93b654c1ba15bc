package nursery

import (
	"context"
	"sync/atomic"

	"github.com/grove-go/grove/cancel"
)

// taskInfo is what is known of a task beyond its function. A task without
// options has none.
type taskInfo struct {
	name   string
	daemon bool

	// For Start and Spawn.
	scope     *cancel.Scope             // the task's own, or nil: the nursery's
	starting  atomic.Bool               // is waited for although it is a daemon
	intercept func(e exit) (taken bool) // sees how the task ended before the nursery does
	report    func(err error)           // is told what the nursery made of it
}

// An exit is how a task ended.
type exit struct {
	err      error // what it returned, or stands for it
	panicked *PanicError
	goexit   bool
}

func newTaskInfo(fn string, opts []TaskOption) *taskInfo {
	info := new(taskInfo)
	for _, o := range opts {
		if o == nil {
			panic("nursery: " + fn + ": nil option")
		}
		o.applyTask(info)
	}
	return info
}

// openScope gives the task a scope of its own, in the name of the function fn.
func (i *taskInfo) openScope(fn string, n *Nursery) {
	n.mustScope(fn)
	if i.name == "" {
		i.scope = cancel.New(n.scope)
	} else {
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

func (i *taskInfo) context(n *Nursery) context.Context {
	if i != nil && i.scope != nil {
		return i.scope
	}
	return n.scope
}
