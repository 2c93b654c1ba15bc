package nursery

import (
	"context"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
)

// A Task is a handle to a task that was started with [Spawn], for its result.
// The task belongs to the nursery whether or not anybody uses the handle.
//
// A Task is safe for use by multiple goroutines simultaneously.
type Task[T any] struct {
	scope *cancel.Scope
	done  chan struct{}
	value T     // set before done is closed
	err   error // likewise
}

// Spawn starts task in n, as [Nursery.Go] does, and returns a handle to it. The
// task has a cancel scope of its own within the nursery's. That this one is
// canceled, by [Task.Cancel] or a deadline that the task gives it
// ([cancel.FromContext] of its ctx), is no failure of the nursery.
//
// The options are [Name] and [Daemon]. Spawn panics if n or task is nil, and if
// the nursery's Run has returned.
func Spawn[T any](n *Nursery, task func(ctx context.Context) (T, error), opts ...TaskOption) *Task[T] {
	if n == nil {
		panic("nursery: Spawn: nil nursery")
	}
	if task == nil {
		panic("nursery: Spawn: nil task")
	}
	info := newTaskInfo("Spawn", opts)
	info.openScope("Spawn", n)
	t := &Task[T]{scope: info.scope, done: make(chan struct{})}
	info.report = func(err error) {
		t.err = err
		close(t.done)
	}
	n.launch("Spawn", func(ctx context.Context) (err error) {
		t.value, err = task(ctx)
		return err
	}, info)
	return t
}

// Wait waits for the task to end and returns its result. When ctx is done first
// it returns the [*cancel.Error] of that, and the task goes on; a task that has
// ended already counts first. Wait may be called any number of times, also after
// the nursery has ended.
//
// If the task failed, the error is a [*TaskError] with its error; to return that
// from a task of the same nursery adds nothing to the nursery's failures if it
// is the one that canceled the nursery. If the task returned an error because
// it, or the nursery, was canceled, the error is the [*cancel.Error] of that. If
// it panicked, the error is the [*PanicError], and if it called
// [runtime.Goexit], [ErrGoexit].
//
// A task that waits for another one of the same nursery under a [Limit] keeps
// its place meanwhile: with Limit(1) it waits for ever.
//
// Wait panics if ctx is nil.
func (t *Task[T]) Wait(ctx context.Context) (T, error) {
	if ctx == nil {
		panic("nursery: Task.Wait: nil context; pass context.Background() if there is no other")
	}
	select {
	case <-t.done:
		return t.value, t.err
	default:
	}
	select {
	case <-t.done:
		return t.value, t.err
	case <-bare.Done(ctx):
		var none T
		return none, cancel.Err(ctx)
	}
}

// Done returns a channel that is closed when the task has ended.
func (t *Task[T]) Done() <-chan struct{} { return t.done }

// Cancel cancels the task alone, with the given cause; nil stands for
// [context.Canceled]. That is no failure of the nursery. Cancel does not wait,
// and has no effect on a task that has ended.
func (t *Task[T]) Cancel(cause error) { t.scope.Cancel(cause) }
