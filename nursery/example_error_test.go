package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/grove-go/grove/nursery"
)

// The format %+v prints the tree of failures, for a log. The format %v prints one line,
// for a message.
func ExampleGroupError() {
	pages := func(ctx context.Context) error {
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return errors.New("404") }, nursery.Name("page 7"))
			return nil
		}, nursery.Name("pages"))
	}
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return errors.New("disk full") }, nursery.Name("index"))
		n.Go(pages, nursery.Name("fetch"))
		return nil
	}, nursery.Name("crawl"), nursery.KeepGoing(), nursery.Limit(1))
	fmt.Printf("%v\n\n%+v\n", err, err)
	// Output:
	// nursery "crawl": 2 failures: task "index": disk full; task "fetch": task "page 7": 404
	//
	// nursery "crawl": 2 failures
	// ├── task "index": disk full
	// └── task "fetch": nursery "pages": 1 failure
	//     └── task "page 7": 404
}

// The name of the nursery says which part of the program failed.
func ExampleGroupError_Nursery() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		return errors.New("no such table")
	}, nursery.Name("migration"))
	if group, ok := errors.AsType[*nursery.GroupError](err); ok {
		fmt.Printf("%s has failed, first of all with: %v\n", group.Nursery(), group.Unwrap()[0])
	}
	// Output: migration has failed, first of all with: no such table
}

// Only the failed tasks are tried again.
func ExampleTaskError() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for _, host := range []string{"db1", "db2", "db3"} {
			n.Go(func(ctx context.Context) error {
				if host == "db2" {
					return nil
				}
				return errors.New("connection refused")
			}, nursery.Name(host))
		}
		return nil
	}, nursery.KeepGoing(), nursery.Limit(1))
	if group, ok := errors.AsType[*nursery.GroupError](err); ok {
		for _, failure := range group.Unwrap() {
			if task, ok := errors.AsType[*nursery.TaskError](failure); ok {
				fmt.Printf("again: %s (%v)\n", task.Task, task.Err)
			}
		}
	}
	// Output:
	// again: db1 (connection refused)
	// again: db3 (connection refused)
}

// A server logs the stack of a panic and goes on to answer other requests.
func ExamplePanicError() {
	handle := func(ctx context.Context) error {
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				var numbers []int
				numbers[3]++
				return nil
			}, nursery.Name("sum"))
			return nil
		}, nursery.RecoverPanics())
	}
	if p, ok := errors.AsType[*nursery.PanicError](handle(context.Background())); ok {
		fmt.Println(p.Task, "-", p.Value)
		fmt.Println("in this function:", strings.Contains(string(p.Stack), "ExamplePanicError"))
	}
	// Output:
	// sum - runtime error: index out of range [3] with length 0
	// in this function: true
}

// Split separates missing files, which do not matter, from errors that do.
func ExampleSplit() {
	err := errors.Join(fs.ErrNotExist, errors.New("disk full"), fs.ErrNotExist)
	missing, rest := nursery.Split(err, func(err error) bool { return errors.Is(err, fs.ErrNotExist) })
	for leaf := range nursery.Leaves(missing) {
		fmt.Println("ignored:", leaf)
	}
	fmt.Println("serious:", rest)
	// Output:
	// ignored: file does not exist
	// ignored: file does not exist
	// serious: disk full
}

// Leaves yields the individual errors in a tree.
func ExampleLeaves() {
	err := fmt.Errorf("save: %w", errors.Join(errors.New("disk full"), errors.New("no network")))
	for leaf := range nursery.Leaves(err) {
		fmt.Println("-", leaf)
	}
	// Output:
	// - disk full
	// - no network
}
