package nursery

import (
	"context"
	"fmt"

	"github.com/grove-go/grove/cancel"
)

// Gather runs tasks concurrently and returns their values, in the order of the
// arguments, when all have returned. If one fails the others are canceled, and
// Gather returns nil and the error of [Run]. Without tasks it returns an empty
// slice.
//
// If err is nil, all values are there: a cancellation that Run would keep to
// itself, such as one by [cancel.FromContext] of the tasks' context, comes back as
// its [*cancel.Error].
//
// A panic or Goexit of a task goes on in the caller, as it does with Run. Gather
// panics if ctx or a task is nil.
//
// This is asyncio's gather, but that one leaves the others running when one fails.
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

// Settle runs tasks concurrently and returns what each of them returned, in the
// order of the arguments, when all have. The failure of one does not cancel the
// others. If ctx is canceled, by its deadline for example, those that are not
// finished return soon, with an error that says so, and the others keep what they
// have.
//
// A panic or Goexit of a task cancels the others, and goes on in the caller, as it
// does with [Run]. Settle panics if ctx or a task is nil.
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
