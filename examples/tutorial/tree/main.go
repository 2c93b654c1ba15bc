// Tree is step 2 of the tutorial: a nursery in a task of another nursery. Errors go up the
// tree of tasks, cancellation goes down.
//
//	go run ./examples/tutorial/tree
//
// It prints which steps of a build finish, which are stopped and why, and the errors as a
// tree. It takes two seconds.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func main() {
	err := nursery.Run(context.Background(), build, nursery.Name("build"))
	fmt.Printf("%+v\n", err)
}

// build is the body of a nursery: it starts the tasks, and may work itself.
func build(ctx context.Context, n *nursery.Nursery) error {
	n.Go(compile, nursery.Name("compiler"))
	n.Go(func(ctx context.Context) error {
		return step(ctx, "docs", 4*time.Second)
	}, nursery.Name("docs"))
	return nil
}

// compile is a task with tasks of its own.
func compile(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			return step(ctx, "parser", time.Second)
		}, nursery.Name("parser"))
		n.Go(func(ctx context.Context) error {
			if err := step(ctx, "linker", 2*time.Second); err != nil {
				return err
			}
			return errors.New("undefined: main")
		}, nursery.Name("linker"))
		n.Go(func(ctx context.Context) error {
			if err := step(ctx, "runtime", 5*time.Second); err != nil {
				return errors.New("half an object file is left") // its clean-up fails
			}
			return nil
		}, nursery.Name("runtime"))
		return nil
	}, nursery.Name("compile"))
}

// step takes time, unless it is canceled.
func step(ctx context.Context, name string, d time.Duration) error {
	if err := cancel.Sleep(ctx, d); err != nil {
		fmt.Printf("%s: stopped by %v\n", name, context.Cause(ctx))
		return err
	}
	fmt.Printf("%s: done\n", name)
	return nil
}
