package frompython

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

var background = context.Background()

func Example_startSoon() {
	fmt.Println(startSoon(background))
	// Unordered output:
	// saved page a
	// saved page b
	// both are saved
	// <nil>
}

func Example_gather() {
	fmt.Println(gather(background))
	fmt.Println(mapURLs(background, []string{"a", "b", "c"}))
	// Output:
	// page a page b
	// <nil>
	// [page a page b page c] <nil>
}

func Example_gatherFailure() {
	fmt.Println(mapURLs(background, []string{"slow", "nope"}))
	// Output: [] item 1: fetch nope: file does not exist
}

func Example_settle() {
	settle(background)
	// Output:
	// page a
	// failed: fetch nope: file does not exist
}

func Example_asCompleted() {
	fmt.Println(asCompleted(background, []string{"a", "b"}))
	// Unordered output:
	// page a
	// page b
	// <nil>
}

func Example_createTask() {
	fmt.Println(createTask(background))
	// Output:
	// meanwhile
	// page a
	// <nil>
}

func Example_cancelTask() {
	fmt.Println(cancelTask(background))
	// Output:
	// canceled
	// <nil>
}

func Example_race() {
	fmt.Println(race(background))
	// Output:
	// page mirror
	// <nil>
}

func Example_exceptStar() {
	fmt.Println(exceptStar(background))
	// Output:
	// ignored: fetch nope: file does not exist
	// fetch broken: unexpected EOF
}

func Example_memoryChannel() {
	fmt.Println(memoryChannel(background))
	// Output:
	// got 0
	// got 1
	// got 2
	// <nil>
}

func Example_workers() {
	fmt.Println(workers(background, []string{"a", "b"}))
	// Unordered output:
	// saved page a
	// saved page b
	// <nil>
}

func Example_safeChannel() {
	fmt.Println(safeChannel(background))
	// Output:
	// page a
	// <nil>
}

func Example_setEvent() {
	fmt.Println(setEvent(background))
	// Output:
	// ready
	// <nil>
}

func Example_condition() {
	level := channel.NewWatch(0)
	fmt.Println(nursery.Run(background, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return condition(ctx, level) })
		for v := range 4 {
			if err := level.Set(v); err != nil {
				return err
			}
		}
		return nil
	}))
	// Output:
	// high enough
	// <nil>
}

func Example_capacityLimiter() {
	connections := nursery.NewLimiter(1)
	fmt.Println(semaphore(background, connections), connections.Stats().Borrowed)
	fmt.Println(capacityLimiter(background, []string{"a", "b"}, []string{"c"}))
	// Output:
	// saved page a
	// <nil> 0
	// <nil>
}

func Example_barrier() {
	fmt.Println(barrier(background, []string{"a"}))
	// Output:
	// saved page a
	// all are loaded
	// saved page a'
	// <nil>
}

func Example_contextVars() {
	fmt.Println(contextVars(background))
	// Output:
	// for ada
	// <nil>
}

func Example_cleanUp() {
	scope := cancel.New(background)
	defer scope.Close()
	scope.Cancel(os.ErrClosed)
	fmt.Println(context.Cause(scope), "-", context.Canceled == scope.Err())
	_ = cleanUp(scope) // the cancellation
	// Output:
	// file already closed - true
	// cleaned up
}

func Example_lifespan() {
	var lc net.ListenConfig
	l, err := lc.Listen(background, "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	fmt.Println(nursery.Run(background, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return lifespan(ctx, l) })
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+l.Addr().String()+"/orders", nil)
		if err != nil {
			return err
		}
		r.SetBasicAuth("ada", "")
		response, err := client.Do(r)
		if err != nil {
			return err
		}
		fmt.Println(response.Status)
		n.Scope().Stop()
		return response.Body.Close()
	}))
	// Unordered output:
	// 202 Accepted
	// mail to ada
	// database closed
	// <nil>
}

func Example_run() {
	run()
	// Output: saved page a
}
