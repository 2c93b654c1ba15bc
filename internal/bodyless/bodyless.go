// Package bodyless lets package errgroup open nurseries that have no body.
package bodyless

import (
	"context"

	"github.com/grove-go/grove/cancel"
)

// A Nursery is a nursery that is open from Open until Join has been called and all tasks
// have returned. Its tasks are functions of package errgroup: they get no context.
//
// Until Join is called, one goroutine stays in the nursery: the goroutine of the first
// task, which waits there when the task has returned. Leak checks find it if Join is never
// called.
type Nursery interface {
	// Scope returns the nursery's scope. Join cancels and closes it.
	Scope() *cancel.Scope

	// Enter counts one more task into the nursery, and reports whether the nursery is open.
	// The caller starts the task if it is, with Run.
	Enter() bool

	// Run runs a task that has entered, in a goroutine of its own, and receives from token,
	// unless it is nil, when the task has returned. Goexit counts as a return.
	Run(task func() error, token <-chan struct{})

	// RunFirst is Run for the first task. Begin has been called instead of Enter.
	RunFirst(task func() error, token <-chan struct{})

	// Begin counts the first task into the nursery.
	Begin()

	// Active returns the number of tasks that have not returned.
	Active() int

	// Join waits for all tasks and ends the nursery. It is called once. It returns the
	// failures: errors that tasks returned, each in a *nursery.TaskError, the earliest
	// first, and a *nursery.PanicError for each panic. If a task panicked, panicked is the
	// value to panic with.
	Join() (failures []error, panicked any)
}

// Open opens a nursery below ctx. If cancels is true, the first failure cancels its scope,
// with the error of the task as the cause. Errors that tasks return because of a
// cancellation are not failures then, except for the very first error. Package nursery sets
// Open when it is initialized.
var Open func(ctx context.Context, cancels bool) Nursery
