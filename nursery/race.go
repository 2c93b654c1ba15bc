package nursery

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/grove-go/grove/cancel"
)

// errDecided is the cause with which those who have lost are canceled.
var errDecided = errors.New("another task has won")

// Race runs tasks concurrently and returns what the first of them to return, with
// or without an error, returned. The others are canceled, and awaited.
//
// What the losers return, a value or an error, is dropped. If values have to be
// released, such as connections, let each task note what it opens, and release all
// but the winner's when Race has returned: a task cannot know whether it has lost.
//
// A panic or Goexit of any task, also of one that has lost, goes on in the caller,
// as it does with [Run]. Race panics if ctx or a task is nil, or there is none.
func Race[T any](ctx context.Context, tasks ...func(ctx context.Context) (T, error)) (T, error) {
	mustSome("Race", ctx, tasks)
	var won atomic.Bool
	var value T
	var fault error
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

// First runs tasks concurrently and returns the value of the first of them to
// succeed. The others are canceled, and awaited. If none succeeds, it returns the
// error of [Run], with the failures of all. If all gave up because of a cancellation
// that Run would keep to itself, it returns the [*cancel.Error] of that.
//
// What comes from those that have lost is dropped; see [Race] for values that have
// to be released. A panic or Goexit of any task, also of one that has lost, goes on
// in the caller, as it does with Run. First panics if ctx or a task is nil, or there
// is none.
//
// This is JavaScript's Promise.any.
func First[T any](ctx context.Context, tasks ...func(ctx context.Context) (T, error)) (T, error) {
	mustSome("First", ctx, tasks)
	var won atomic.Bool
	var value T
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

// mustSome is mustTasks, and panics also if there are none.
func mustSome[T any](fn string, ctx context.Context, tasks []func(ctx context.Context) (T, error)) {
	mustTasks(fn, ctx, tasks)
	if len(tasks) == 0 {
		panic("nursery: " + fn + ": no tasks")
	}
}
