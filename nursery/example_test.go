package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func ExampleRun() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			return errors.New("disk full")
		}, nursery.Name("writer"))
		n.Go(func(ctx context.Context) error {
			err := cancel.Forever(ctx) // until the writer fails
			fmt.Println("reader:", err)
			return err
		}, nursery.Name("reader"))
		return nil
	})
	fmt.Println("all have returned:", err)
	// Output:
	// reader: context canceled: task "writer": disk full (task "writer" failed)
	// all have returned: task "writer": disk full
}

func ExampleNursery_Go() {
	var sum atomic.Int64
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for i := range int64(10) {
			n.Go(func(ctx context.Context) error {
				sum.Add(i)
				return nil
			})
		}
		return nil
	})
	fmt.Println(sum.Load(), err)
	// Output: 45 <nil>
}

func ExampleNursery_Cancel() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(cancel.Forever)
		n.Cancel(errors.New("enough"))
		return nil
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleLimit() {
	// A task may start tasks, as a walk through a tree does, and with a limit of
	// one they run in the order of Go.
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		var walk func(depth int) func(ctx context.Context) error
		walk = func(depth int) func(ctx context.Context) error {
			return func(ctx context.Context) error {
				fmt.Println("depth", depth)
				if depth < 2 {
					n.Go(walk(depth + 1))
					n.Go(walk(depth + 1))
				}
				return nil
			}
		}
		n.Go(walk(0))
		return nil
	}, nursery.Limit(1))
	fmt.Println(err)
	// Output:
	// depth 0
	// depth 1
	// depth 1
	// depth 2
	// depth 2
	// depth 2
	// depth 2
	// <nil>
}

func ExampleKeepGoing() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for _, name := range []string{"a", "b", "c"} {
			n.Go(func(ctx context.Context) error {
				if name == "b" {
					return nil
				}
				return errors.New("no such file")
			}, nursery.Name(name))
		}
		return nil
	}, nursery.KeepGoing(), nursery.Limit(1))
	fmt.Println(err)
	// Output: 2 failures: task "a": no such file; task "c": no such file
}

func ExampleDaemon() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			err := cancel.Forever(ctx) // serves the others
			fmt.Println("daemon:", context.Cause(ctx))
			return err
		}, nursery.Daemon())
		n.Go(func(ctx context.Context) error { return nil })
		return nil
	})
	fmt.Println(err)
	// Output:
	// daemon: all other tasks have returned
	// <nil>
}

func ExampleStart() {
	server := func(ctx context.Context, started func(addr string)) error {
		// Listen, and then say where.
		started("127.0.0.1:8080")
		return cancel.Forever(ctx)
	}
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		addr, err := nursery.Start(ctx, n, server, nursery.Name("server"), nursery.Daemon())
		if err != nil {
			return err
		}
		fmt.Println("listening on", addr)
		return nil
	})
	fmt.Println(err)
	// Output:
	// listening on 127.0.0.1:8080
	// <nil>
}

func ExampleSpawn() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		answer := nursery.Spawn(n, func(ctx context.Context) (int, error) { return 42, nil })
		v, err := answer.Wait(ctx)
		fmt.Println("answer:", v)
		return err
	})
	fmt.Println(err)
	// Output:
	// answer: 42
	// <nil>
}

func ExampleRecoverPanics() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { panic("bad input") }, nursery.Name("parse"))
		return nil
	}, nursery.RecoverPanics())
	fmt.Println(err)
	// Output: task "parse" panicked: bad input
}

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

func ExampleLeaves() {
	err := fmt.Errorf("save: %w", errors.Join(errors.New("disk full"), errors.New("no network")))
	for leaf := range nursery.Leaves(err) {
		fmt.Println(leaf)
	}
	// Output:
	// disk full
	// no network
}
