package nursery_test

import (
	"context"
	"fmt"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// A limiter bounds the number of connections to a database for the whole program.
func ExampleLimiter() {
	connections := nursery.NewLimiter(10) // for the whole program
	query := func(ctx context.Context) error {
		if err := connections.Acquire(ctx); err != nil {
			return err
		}
		defer connections.Release()
		fmt.Printf("%+v\n", connections.Stats())
		return nil
	}
	fmt.Println(query(context.Background()))
	// Output:
	// {Total:10 Borrowed:1 Waiting:0}
	// <nil>
}

// Tasks are queued before there are machines, and start when the first machine arrives.
func ExampleNewLimiter() {
	machines := nursery.NewLimiter(0)
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for range 3 {
			n.Go(func(ctx context.Context) error {
				fmt.Println("working")
				return nil
			})
		}
		fmt.Println("a machine has arrived")
		machines.SetTotal(1)
		return nil
	}, nursery.LimitBy(machines))
	fmt.Println(err)
	// Output:
	// a machine has arrived
	// working
	// working
	// working
	// <nil>
}

// The tokens are megabytes: a large image takes more of them than a small one.
func ExampleLimiter_AcquireN() {
	const all = 100
	megabytes := nursery.NewLimiter(all)
	resize := func(ctx context.Context, size int) error {
		size = min(size, all) // more than all would never be available
		if err := megabytes.AcquireN(ctx, size); err != nil {
			return err
		}
		defer megabytes.ReleaseN(size)
		fmt.Println("in use:", megabytes.Stats().Borrowed)
		return nil
	}
	for _, size := range []int{5, 80, 500} {
		if err := resize(context.Background(), size); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// in use: 5
	// in use: 80
	// in use: 100
}

// A busy server refuses a request at once.
func ExampleLimiter_TryAcquire() {
	requests := nursery.NewLimiter(1)
	serve := func(work func()) {
		if !requests.TryAcquire() {
			fmt.Println("503 busy")
			return
		}
		defer requests.Release()
		work()
	}
	serve(func() {
		fmt.Println("200 serving")
		serve(func() {}) // a second request arrives meanwhile
	})
	// Output:
	// 200 serving
	// 503 busy
}

// A prefetch runs only if it leaves half of the connections to other code.
func ExampleLimiter_TryAcquireN() {
	connections := nursery.NewLimiter(4)
	prefetch := func() {
		half := connections.Stats().Total/2 + 1 // and one for the prefetch
		if !connections.TryAcquireN(half) {
			fmt.Println("not now")
			return
		}
		connections.ReleaseN(half - 1)
		defer connections.Release()
		fmt.Println("prefetching; connections in use:", connections.Stats().Borrowed)
	}
	prefetch()
	for range 2 {
		if !connections.TryAcquire() {
			fmt.Println("no connection")
		}
	}
	prefetch()
	// Output:
	// prefetching; connections in use: 1
	// not now
}

// The limiter grows when all its tokens are in use.
func ExampleLimiterStats() {
	grow := func(l *nursery.Limiter) {
		if s := l.Stats(); s.Borrowed == s.Total {
			l.SetTotal(2 * s.Total)
		}
	}
	workers := nursery.NewLimiter(2)
	for range 3 {
		grow(workers)
		if !workers.TryAcquire() {
			fmt.Println("no worker")
		}
	}
	fmt.Printf("%+v\n", workers.Stats())
	// Output: {Total:4 Borrowed:3 Waiting:0}
}

func ExampleLimitBy() {
	cpus := nursery.NewLimiter(2)
	sum := func(ctx context.Context, row []int) (total int, err error) {
		squares, err := nursery.Map(ctx, row, func(_ context.Context, i int) (int, error) { return i * i, nil }, nursery.LimitBy(cpus))
		for _, s := range squares {
			total += s
		}
		return total, err
	}
	// At most two calls run at a time, for all rows together.
	sums, err := nursery.Map(context.Background(), [][]int{{1, 2}, {3, 4}, {5, 6}}, sum, nursery.LimitBy(cpus))
	fmt.Println(sums, err)
	// Output: [5 25 61] <nil>
}

// A caller that gives up does not cancel the computation for other callers with the same
// key.
func ExampleShared() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		gone := make(chan struct{})
		prices := nursery.NewShared(n, func(ctx context.Context, item string) (int, error) {
			select {
			case <-gone: // takes a long time
				return 42, nil
			case <-ctx.Done(): // no caller waits any more
				return 0, cancel.Err(ctx)
			}
		})
		n.Go(func(ctx context.Context) error {
			price, err := prices.Do(ctx, "tea")
			fmt.Println("patient:", price)
			return err
		})
		hasty := cancel.New(ctx, cancel.Timeout(time.Millisecond))
		defer hasty.Close()
		_, err := prices.Do(hasty, "tea")
		fmt.Println("hasty:", err)
		close(gone)
		return nil
	})
	fmt.Println(err)
	// Output:
	// hasty: context deadline exceeded (deadline of a scope)
	// patient: 42
	// <nil>
}

// Shared does not cache: a later call computes a new result.
func ExampleNewShared() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		version := 0
		config := nursery.NewShared(n, func(ctx context.Context, file string) (string, error) {
			version++ // one call at a time for each file
			return fmt.Sprintf("%s, version %d", file, version), nil
		})
		for range 2 {
			text, err := config.Do(ctx, "app.conf")
			if err != nil {
				return err
			}
			fmt.Println(text)
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// app.conf, version 1
	// app.conf, version 2
	// <nil>
}
