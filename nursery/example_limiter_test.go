package nursery_test

import (
	"context"
	"fmt"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// A database allows so many connections, whoever uses them.
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

// Work is prepared, and begins when there are machines to do it.
func ExampleNewLimiter() {
	machines := nursery.NewLimiter(0)
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		for range 3 {
			n.Go(func(ctx context.Context) error {
				fmt.Println("works")
				return nil
			})
		}
		fmt.Println("a machine has come")
		machines.SetTotal(1)
		return nil
	}, nursery.Using(machines))
	fmt.Println(err)
	// Output:
	// a machine has come
	// works
	// works
	// works
	// <nil>
}

// A large image takes more memory than a small one.
func ExampleLimiter_AcquireN() {
	const all = 100
	megabytes := nursery.NewLimiter(all)
	resize := func(ctx context.Context, size int) error {
		size = min(size, all) // or it would wait for ever
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

// A server that is busy says so at once.
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
		serve(func() {}) // another one comes meanwhile
	})
	// Output:
	// 200 serving
	// 503 busy
}

// What is not urgent is done only if it leaves half of the connections to others.
func ExampleLimiter_TryAcquireN() {
	connections := nursery.NewLimiter(4)
	prefetch := func() {
		half := connections.Stats().Total/2 + 1 // and one for itself
		if !connections.TryAcquireN(half) {
			fmt.Println("not now")
			return
		}
		connections.ReleaseN(half - 1)
		defer connections.Release()
		fmt.Println("prefetching, with", connections.Stats().Borrowed)
	}
	prefetch()
	for range 2 {
		if !connections.TryAcquire() {
			fmt.Println("no connection")
		}
	}
	prefetch()
	// Output:
	// prefetching, with 1
	// not now
}

// How busy something is tells whether there should be more of it.
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

func ExampleUsing() {
	cpus := nursery.NewLimiter(2)
	sum := func(ctx context.Context, row []int) (total int, err error) {
		squares, err := nursery.Map(ctx, row, func(_ context.Context, i int) (int, error) { return i * i, nil }, nursery.Using(cpus))
		for _, s := range squares {
			total += s
		}
		return total, err
	}
	// All rows together have two calls running at a time.
	sums, err := nursery.Map(context.Background(), [][]int{{1, 2}, {3, 4}, {5, 6}}, sum, nursery.Using(cpus))
	fmt.Println(sums, err)
	// Output: [5 25 61] <nil>
}

// One who gives up does not take the answer from others who want the same.
func ExampleShared() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		gone := make(chan struct{})
		prices := nursery.NewShared(n, func(ctx context.Context, item string) (int, error) {
			select {
			case <-gone: // takes long
				return 42, nil
			case <-ctx.Done(): // nobody waits any more
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

// It is no cache: who comes later gets a newer answer.
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
