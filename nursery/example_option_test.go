package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// A function with defaults of its own hands on what its caller wants otherwise.
func ExampleOption() {
	check := func(ctx context.Context, links []string, opts ...nursery.Option) error {
		defaults := []nursery.Option{nursery.Name("links"), nursery.Limit(8)}
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			for _, link := range links {
				n.Go(func(ctx context.Context) error { return errors.New(link + ": 404") })
			}
			return nil
		}, append(defaults, opts...)...) // the last one holds
	}
	fmt.Println(check(context.Background(), []string{"/a", "/b"}, nursery.KeepGoing(), nursery.Limit(1)))
	// Output: nursery "links": 2 failures: /a: 404; /b: 404
}

// What starts a task lets its caller say how.
func ExampleTaskOption() {
	watchDisk := func(n *nursery.Nursery, opts ...nursery.TaskOption) {
		n.Go(func(ctx context.Context) error {
			defer fmt.Println("the disk is not watched any more")
			return cancel.Forever(ctx)
		}, append([]nursery.TaskOption{nursery.Name("disk")}, opts...)...)
	}
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		watchDisk(n, nursery.Daemon()) // for as long as there is something else to do
		return nil
	})
	fmt.Println(err)
	// Output:
	// the disk is not watched any more
	// <nil>
}

// The same name serves a task and the nursery that it opens.
func ExampleNameOption() {
	customer := func(id int) nursery.NameOption { return nursery.Name(fmt.Sprint("customer ", id)) }
	bill := func(ctx context.Context, id int) error {
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			return errors.New("no address")
		}, customer(id))
	}
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return bill(ctx, 7) }, customer(7))
		return nil
	})
	fmt.Println(err)
	// Output: task "customer 7": no address
}

// Names tell in a log what has failed.
func ExampleName() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			return errors.New("line 7: no such date")
		}, nursery.Name("orders.csv"))
		return nil
	}, nursery.Name("import"))
	fmt.Printf("%+v\n", err)
	// Output:
	// nursery "import": 1 failure
	// └── task "orders.csv": line 7: no such date
}

// A walk through a tree starts a task for each branch, and never too many at a time. With
// a limit of one they run in the order of Go.
func ExampleLimit() {
	tree := map[string][]string{"/": {"/bin", "/home"}, "/home": {"/home/ada"}}
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		var walk func(dir string)
		walk = func(dir string) {
			n.Go(func(ctx context.Context) error {
				fmt.Println(dir)
				for _, d := range tree[dir] {
					walk(d) // does not block, though the limit is reached
				}
				return nil
			})
		}
		walk("/")
		return nil
	}, nursery.Limit(1))
	fmt.Println(err)
	// Output:
	// /
	// /bin
	// /home
	// /home/ada
	// <nil>
}

// A backup saves what can be saved, and then tells of all that could not.
func ExampleKeepGoing() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for _, name := range []string{"a", "b", "c"} {
			n.Go(func(ctx context.Context) error {
				if name == "b" {
					fmt.Println("saved b")
					return nil
				}
				return errors.New("no such file")
			}, nursery.Name(name))
		}
		return nil
	}, nursery.KeepGoing(), nursery.Limit(1))
	fmt.Println(err)
	// Output:
	// saved b
	// 2 failures: task "a": no such file; task "c": no such file
}

// A progress bar is there for as long as there is progress.
func ExampleDaemon() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			err := cancel.Forever(ctx) // draws
			fmt.Println("progress bar:", context.Cause(ctx))
			return err
		}, nursery.Daemon())
		n.Go(func(ctx context.Context) error { return nil })
		return nil
	})
	fmt.Println(err)
	// Output:
	// progress bar: all other tasks have returned
	// <nil>
}

// Plug-ins are code of others: a panic in one is not to end the program.
func ExampleRecoverPanics() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { panic("bad input") }, nursery.Name("plug-in"))
		return nil
	}, nursery.RecoverPanics())
	fmt.Println(err)
	// Output: task "plug-in" panicked: bad input
}

// The siblings of what panics may need more than the usual ten seconds to clean up. If
// they are not through after a minute, it is written where they are.
func ExamplePanicGrace() {
	defer func() {
		if p, ok := recover().(*nursery.PanicError); ok {
			fmt.Printf("Run panicked: %v\n", p)
		}
	}()
	_ = nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			<-ctx.Done()
			fmt.Println("writing the table back to disk")
			return cancel.Err(ctx)
		})
		n.Go(func(ctx context.Context) error { panic("bad index") }, nursery.Name("sort"))
		return nil
	}, nursery.PanicGrace(time.Minute))
	// Output:
	// writing the table back to disk
	// Run panicked: task "sort" panicked: bad index
}

// Uploads that have begun take longer to finish than the usual ten seconds.
func ExampleGrace() {
	nursery.Main(func(ctx context.Context, n *nursery.Nursery) error {
		n.Scope().Stop() // here in place of a signal
		<-cancel.UntilStop(ctx).Done()
		fmt.Println("finishing an upload, with", ctx.Err())
		return nil
	}, nursery.Grace(time.Minute))
	// Output: finishing an upload, with <nil>
}

// A command that a cancellation kills reports the signal, not the cancellation.
func ExampleEchoIf() {
	convert := func(ctx context.Context) error {
		<-ctx.Done()
		return errors.New("signal: killed") // as exec.Cmd.Wait does
	}
	wasKilled := func(err error) bool { return err.Error() == "signal: killed" }
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(convert)
		return errors.New("no more input")
	}, nursery.EchoIf(wasKilled))
	fmt.Println(err)
	// Output: no more input
}
