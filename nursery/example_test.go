package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func Example() {
	fetch := func(ctx context.Context, url string) error {
		if url == "http://example.com/old" {
			return errors.New("404 Not Found")
		}
		defer fmt.Println("stopped:", url)
		return cancel.Forever(ctx) // a slow server
	}
	ctx := context.Background()
	urls := []string{"http://example.com", "http://example.com/old"}
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		for _, url := range urls {
			n.Go(func(ctx context.Context) error { return fetch(ctx, url) }, nursery.Name(url))
		}
		return nil
	})
	fmt.Println("nothing runs any more:", err)
	// Output:
	// stopped: http://example.com
	// nothing runs any more: task "http://example.com/old": 404 Not Found
}

// The error of a canceled task tells which task failed and why.
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

// accept starts conversations in the nursery of its caller, so it can return while they
// go on.
func ExampleNursery() {
	accept := func(n *nursery.Nursery, callers []string) {
		for _, caller := range callers {
			n.Go(func(ctx context.Context) error {
				fmt.Println("hello,", caller)
				return nil
			})
		}
	}
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		accept(n, []string{"Ada", "Grace"})
		fmt.Println("no more callers")
		return nil
	})
	fmt.Println(err)
	// Unordered output:
	// hello, Ada
	// hello, Grace
	// no more callers
	// <nil>
}

func ExampleNursery_Go() {
	var sum atomic.Int64
	files := map[string]int64{"a.txt": 10, "b.txt": 20, "c.txt": 12}
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for _, size := range files {
			n.Go(func(ctx context.Context) error {
				sum.Add(size)
				return nil
			})
		}
		return nil
	})
	fmt.Println(sum.Load(), err) // Run has waited for all tasks
	// Output: 42 <nil>
}

// Cancel stops the other tasks when the search has succeeded. That is not a failure.
func ExampleNursery_Cancel() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(cancel.Forever) // searches elsewhere
		n.Go(func(ctx context.Context) error {
			fmt.Println("found it")
			n.Cancel(errors.New("found"))
			return nil
		})
		return nil
	})
	fmt.Println(err)
	// Output:
	// found it
	// <nil>
}

// A search stops at its timeout and keeps what it has found so far.
func ExampleNursery_Scope() {
	var found atomic.Int64
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Scope().SetTimeout(time.Millisecond)
		for range 3 {
			n.Go(func(ctx context.Context) error {
				found.Add(1)
				return cancel.Forever(ctx) // keeps searching
			})
		}
		return nil
	})
	fmt.Println(found.Load(), err)
	// Output: 3 <nil>
}

// A status page shows how many tasks are running.
func ExampleNursery_Stats() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		shown := make(chan struct{})
		for range 3 {
			n.Go(func(ctx context.Context) error {
				<-shown
				return nil
			})
		}
		stats := n.Stats()
		fmt.Println(stats.Running, "running,", stats.Finished, "finished")
		close(shown)
		return nil
	})
	fmt.Println(err)
	// Output:
	// 3 running, 0 finished
	// <nil>
}

// A queue that is too long refuses further orders.
func ExampleStats() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		closed := make(chan struct{}) // until all orders have been placed
		defer close(closed)
		for order := range 5 {
			if s := n.Stats(); s.Running+s.Queued >= 3 {
				fmt.Println("order", order, "is refused")
				continue
			}
			n.Go(func(ctx context.Context) error { <-closed; return nil })
		}
		return nil
	}, nursery.Limit(1))
	fmt.Println(err)
	// Output:
	// order 3 is refused
	// order 4 is refused
	// <nil>
}

// Start returns when the server calls started, so that the code after it can use the
// server.
func ExampleStart() {
	server := func(ctx context.Context, started func(addr string)) error {
		// Listen, then report the address.
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

// Spawn starts a computation early. Wait returns its result later.
func ExampleSpawn() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		prices := nursery.Spawn(n, func(ctx context.Context) ([]int, error) { return []int{5, 3, 4}, nil })
		fmt.Println("asking for the prices")
		p, err := prices.Wait(ctx)
		if err != nil {
			return err
		}
		fmt.Println("the best one is", slices.Min(p))
		return nil
	})
	fmt.Println(err)
	// Output:
	// asking for the prices
	// the best one is 3
	// <nil>
}

// A preview is started in case it is needed, and canceled when it is not.
func ExampleTask() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		preview := nursery.Spawn(n, func(ctx context.Context) (string, error) {
			return "", cancel.Forever(ctx) // renders
		})
		errClosed := errors.New("the window was closed")
		preview.Cancel(errClosed)
		<-preview.Done()
		_, err := preview.Wait(ctx)
		if e, ok := errors.AsType[*cancel.Error](err); ok {
			fmt.Println("no preview:", e.Reason.Cause)
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// no preview: the window was closed
	// <nil>
}

// Main is all that func main needs to call.
func ExampleMain() {
	nursery.Main(func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error {
			<-cancel.UntilStop(ctx).Done() // until SIGINT or SIGTERM
			fmt.Println("server: finishing open requests")
			return nil
		}, nursery.Name("server"))
		n.Scope().Stop() // stands in for a signal
		return nil
	}, nursery.Name("shop"))
	fmt.Println("done")
	// Output:
	// server: finishing open requests
	// done
}

// A second signal cancels the program, and the clean-up is cut short.
func ExampleSignalError() {
	nursery.Main(func(ctx context.Context, n *nursery.Nursery) error {
		n.Cancel(&nursery.SignalError{Signal: os.Interrupt}) // stands in for two signals
		<-ctx.Done()
		if s, ok := errors.AsType[*nursery.SignalError](context.Cause(ctx)); ok {
			fmt.Println("the index is not saved:", s)
		}
		return nil
	})
	// Output: the index is not saved: signal: interrupt
}
