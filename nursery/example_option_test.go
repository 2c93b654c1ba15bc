package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// The options of a caller override the defaults of a function that calls Run.
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

// A function that starts a task accepts options for it from its caller.
func ExampleTaskOption() {
	watchDisk := func(n *nursery.Nursery, opts ...nursery.TaskOption) {
		n.Go(func(ctx context.Context) error {
			defer fmt.Println("the disk is no longer watched")
			return cancel.Forever(ctx)
		}, append([]nursery.TaskOption{nursery.Name("disk")}, opts...)...)
	}
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		watchDisk(n, nursery.Daemon()) // canceled when all other tasks have returned
		return nil
	})
	fmt.Println(err)
	// Output:
	// the disk is no longer watched
	// <nil>
}

// The same name is used for a task and for the nursery that it opens.
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

// Names appear in errors and show what failed.
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

// A tree walk starts a task for each branch, but limits how many run at a time. With a
// limit of 1, tasks run in the order of the calls of Go.
func ExampleLimit() {
	tree := map[string][]string{"/": {"/bin", "/home"}, "/home": {"/home/ada"}}
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		var walk func(dir string)
		walk = func(dir string) {
			n.Go(func(ctx context.Context) error {
				fmt.Println(dir)
				for _, d := range tree[dir] {
					walk(d) // does not block, even at the limit
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

// A backup saves every file that it can, and then reports all the others.
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

// A progress bar is a daemon: it is canceled when all other tasks have returned.
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

// RecoverPanics turns the panic of a plug-in into an error, so it does not end the
// program.
func ExampleRecoverPanics() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { panic("bad input") }, nursery.Name("plug-in"))
		return nil
	}, nursery.RecoverPanics())
	fmt.Println(err)
	// Output: task "plug-in" panicked: bad input
}

// After a panic, the other tasks may need more than the default ten seconds to clean up.
// PanicGrace delays the report of tasks that have not returned.
func ExamplePanicGrace() {
	defer func() {
		if p, ok := recover().(*nursery.PanicError); ok {
			fmt.Printf("task %q panicked: %v\n", p.Task, p.Value)
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
	// task "sort" panicked: bad index
}

// Uploads in progress may need longer to finish than the default ten seconds.
func ExampleGrace() {
	nursery.Main(func(ctx context.Context, n *nursery.Nursery) error {
		n.Scope().Stop() // stands in for a signal
		<-cancel.UntilStop(ctx).Done()
		fmt.Println("finishing an upload:", ctx.Err())
		return nil
	}, nursery.Grace(time.Minute))
	// Output: finishing an upload: <nil>
}

// A command killed by a cancellation returns the signal, not the cancellation. EchoIf
// recognizes that error as an echo.
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

// net/http recognizes a handler's panic with http.ErrAbortHandler by its value.
func ExamplePassPanics() {
	abort := errors.New("abort") // http.ErrAbortHandler, in a server
	handler := func(ctx context.Context) {
		_ = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(context.Context) error { panic(abort) })
			return nil
		}, nursery.PassPanics(func(v any) bool { return v == abort }))
	}
	defer func() { fmt.Println(recover() == abort) }()
	handler(context.Background())
	// Output: true
}
