package nursery

import (
	"context"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
	"github.com/grove-go/grove/internal/live"
)

// A Task is a handle to a task that was started by [Spawn], to wait for its result. The
// task belongs to the nursery whether or not the handle is used.
//
// A Task is safe for use by multiple goroutines simultaneously.
type Task[T any] struct {
	scope   *cancel.Scope
	limiter *Limiter // of the nursery, or nil
	done    chan struct{}
	value   T     // set before done is closed
	err     error // likewise
}

// Spawn starts task in n, as [Nursery.Go] does, and returns a handle to it. The task has
// its own cancel scope below the nursery's. A cancellation of that scope, by
// [Task.Cancel] or by a deadline that the task sets ([cancel.FromContext] of its ctx), does
// not fail the nursery.
//
// The options are [Name], [Daemon] and [Values]. Spawn panics if n or task is nil, or if the
// nursery's Run has returned.
func Spawn[T any](n *Nursery, task func(ctx context.Context) (T, error), opts ...TaskOption) *Task[T] {
	if n == nil {
		panic("nursery: Spawn: nil nursery")
	}
	if task == nil {
		panic("nursery: Spawn: nil task")
	}
	info := n.newTaskInfo("Spawn", opts)
	info.openScope("Spawn", n)
	t := &Task[T]{scope: info.scope, limiter: n.config().limiter, done: make(chan struct{})}
	info.report = func(err error) {
		t.err = err
		close(t.done)
	}
	accepted := n.launch(func(ctx context.Context) (err error) {
		t.value, err = task(ctx)
		return err
	}, info)
	if !accepted {
		n.refuse("Spawn")
	}
	return t
}

// Wait waits for the task to end and returns its result. If ctx is done first, Wait returns
// the [*cancel.Error] of ctx, and the task goes on. If the task had ended before the call,
// Wait returns its result even if ctx is done. Wait may be called any number of times, even
// after the nursery has ended.
//
// If the task failed, the error is a [*TaskError] with its error. A task of the same
// nursery that returns the TaskError adds nothing to the failures, if that failure
// canceled the nursery. If the task returned an error because it or the nursery was
// canceled, the error is the [*cancel.Error] of that cancellation. If the task panicked,
// the error is the [*PanicError]. If it called [runtime.Goexit], the error is [ErrGoexit].
//
// A task that holds a token of the nursery's limiter ([LimitBy]) gives it back while it
// waits, and has one again when Wait returns. If ctx was done first, Wait does not wait
// for a token, and the limiter may have one more out than its total.
//
// A task under a [Limit] that waits for another task of the same nursery keeps its place.
// With Limit(1) it deadlocks.
//
// Wait panics if ctx is nil.
func (t *Task[T]) Wait(ctx context.Context) (T, error) {
	if ctx == nil {
		panic("nursery: Task.Wait: nil context; pass context.Background() if there is no other")
	}
	if bare.IsClosed(t.done) {
		return t.value, t.err
	}
	err := cancel.Err(ctx)
	if err == nil {
		var own *lease
		if t.limiter != nil {
			own = t.limiter.leaseOf(ctx)
		}
		own.release() // the task may need the token
		await(t.scope, t.done, bare.Done(ctx))
		err = cancel.Err(ctx)
		own.reacquire(err == nil)
	}
	if err != nil {
		var none T
		return none, err
	}
	return t.value, t.err
}

// await waits until the task with that scope has closed done, or until the other channel is
// closed. It takes either if both are.
func await(scope *cancel.Scope, done, other <-chan struct{}) {
	park := func() {
		select {
		case <-done:
		case <-other:
		}
	}
	if live.Enabled() {
		live.Parked(live.Addr(scope), park)
	} else {
		park()
	}
}

// Done returns a channel that is closed when the task has ended.
func (t *Task[T]) Done() <-chan struct{} { return t.done }

// Cancel cancels the task alone, with the given cause. A nil cause stands for
// [context.Canceled]. Cancel does not fail the nursery and does not wait. It has no effect
// on a task that has ended.
func (t *Task[T]) Cancel(cause error) { t.scope.Cancel(cause) }

// Stop asks the task alone to finish its work and return; see [cancel.Scope.Stop]. It does
// not wait.
func (t *Task[T]) Stop() { t.scope.Stop() }

// Shutdown asks the task to stop, as Stop does, and cancels it if it has not returned
// within the grace; see [cancel.Scope.Shutdown]. It does not wait.
func (t *Task[T]) Shutdown(grace time.Duration) { t.scope.Shutdown(grace) }
