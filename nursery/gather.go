package nursery

import (
	"context"
	"fmt"

	"github.com/grove-go/grove/cancel"
)

// Gather runs tasks concurrently and returns their values, in the order of the
// arguments, when all tasks have returned. If a task fails, the others are canceled, and
// Gather returns nil and the error of [Run]. Without tasks it returns an empty slice.
//
// If err is nil, all values are there. If a task gave up because of a cancellation that
// Run does not report, such as one by [cancel.FromContext] of its context, Gather returns
// the [*cancel.Error] of that cancellation.
//
// A panic or Goexit of a task goes on in the caller, as with Run. Gather panics if ctx or
// a task is nil.
//
// This is asyncio's gather, except that a failure cancels the other tasks.
func Gather[T any](ctx context.Context, tasks ...func(ctx context.Context) (T, error)) ([]T, error) {
	mustTasks("Gather", ctx, tasks)
	values := make([]T, len(tasks))
	got := make([]bool, len(tasks))
	var scope *cancel.Scope
	err := Run(ctx, func(_ context.Context, n *Nursery) error {
		scope = n.Scope()
		for i, task := range tasks {
			n.Go(func(ctx context.Context) error {
				v, err := task(ctx)
				if err == nil {
					values[i], got[i] = v, true
				}
				return err
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, ok := range got {
		if !ok {
			return nil, cancel.Err(scope)
		}
	}
	return values, nil
}

// An Outcome is what a task returned.
type Outcome[T any] struct {
	Value T
	Err   error
}

// Settle runs tasks concurrently and returns the value and error of each, in the order of
// the arguments, when all tasks have returned. A failure does not cancel the other tasks.
// If ctx is canceled, by its deadline for example, tasks that have not finished return
// errors that say so, and the outcomes of the others stay. Settle itself returns no error, so
// a function with a timeout returns the error of its context to report that it was cut
// short:
//
//	late, err := cancel.MoveOnAfter(ctx, time.Second, func(ctx context.Context) error {
//		outcomes = nursery.Settle(ctx, quick, slow)
//		return cancel.Err(ctx)
//	})
//
// A panic or Goexit of a task cancels the others and goes on in the caller, as with
// [Run]. Settle panics if ctx or a task is nil.
//
// This is asyncio's gather with return_exceptions, and JavaScript's allSettled.
func Settle[T any](ctx context.Context, tasks ...func(ctx context.Context) (T, error)) []Outcome[T] {
	mustTasks("Settle", ctx, tasks)
	outcomes := make([]Outcome[T], len(tasks))
	// It never fails: the tasks keep their errors to themselves.
	_ = Run(ctx, func(_ context.Context, n *Nursery) error {
		for i, task := range tasks {
			n.Go(func(ctx context.Context) error {
				v, err := task(ctx)
				outcomes[i] = Outcome[T]{v, err}
				return nil
			})
		}
		return nil
	})
	return outcomes
}

// mustTasks panics in the name of the function fn if ctx or a task is nil.
func mustTasks[T any](fn string, ctx context.Context, tasks []func(ctx context.Context) (T, error)) {
	if ctx == nil {
		panic("nursery: " + fn + ": nil context; pass context.Background() if there is no other")
	}
	for i, task := range tasks {
		if task == nil {
			panic(fmt.Sprintf("nursery: %s: task %d is nil", fn, i))
		}
	}
}
