package nursery

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/grove-go/grove/cancel"
)

// ErrNoTasks is returned by [Race] and [First] if they are called without tasks.
var ErrNoTasks = errors.New("nursery: no tasks")

// errDecided is the cause when a race is decided and the other tasks are canceled.
var errDecided = errors.New("another task has won")

// Race runs tasks concurrently and returns the value and error of the first task that
// returns. The others are canceled, and Race waits for them.
//
// The values and errors of the other tasks are dropped. If values have to be released,
// such as connections, let each task note what it opens, and release all but the winner's
// when Race has returned. A task cannot know whether it has lost.
//
// A panic or Goexit of any task, the losers included, goes on in the caller, as with
// [Run]. Without tasks Race returns [ErrNoTasks]. It panics if ctx or a task is nil.
func Race[T any](ctx context.Context, tasks ...func(ctx context.Context) (T, error)) (T, error) {
	mustTasks("Race", ctx, tasks)
	var won atomic.Bool
	var value T
	fault := ErrNoTasks
	// It never fails: the tasks keep their errors to themselves.
	_ = Run(ctx, func(_ context.Context, n *Nursery) error {
		for _, task := range tasks {
			n.Go(func(ctx context.Context) error {
				v, err := task(ctx)
				if !won.Swap(true) {
					value, fault = v, err
					n.Cancel(errDecided)
				}
				return nil
			})
		}
		return nil
	})
	return value, fault
}

// First runs tasks concurrently and returns the value of the first task that succeeds.
// The others are canceled, and First waits for them. If no task succeeds, First returns
// the error of [Run] with all failures. If all tasks gave up because of a cancellation
// that Run does not report, First returns the [*cancel.Error] of that cancellation.
//
// The values and errors of the other tasks are dropped; see [Race] for values that have
// to be released. A panic or Goexit of any task, the losers included, goes on in the
// caller, as with Run. Without tasks First returns [ErrNoTasks]. It panics if ctx or a task
// is nil.
//
// This is JavaScript's Promise.any.
func First[T any](ctx context.Context, tasks ...func(ctx context.Context) (T, error)) (T, error) {
	mustTasks("First", ctx, tasks)
	var won atomic.Bool
	var value T
	if len(tasks) == 0 {
		return value, ErrNoTasks
	}
	var scope *cancel.Scope
	err := Run(ctx, func(_ context.Context, n *Nursery) error {
		scope = n.Scope()
		for _, task := range tasks {
			n.Go(func(ctx context.Context) error {
				v, err := task(ctx)
				switch {
				case err == nil && !won.Swap(true):
					value = v
					n.Cancel(errDecided)
					return nil
				case won.Load():
					return nil
				}
				return err
			})
		}
		return nil
	}, KeepGoing())
	switch {
	case won.Load():
		return value, nil
	case err == nil: // all have given up because of a cancellation that Run keeps to itself
		err = cancel.Err(scope)
	}
	return value, err
}
