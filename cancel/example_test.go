package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grove-go/grove/cancel"
)

func Example() {
	fetch := func(ctx context.Context, url string) (string, error) {
		return "", cancel.Forever(ctx) // the server does not answer
	}
	ctx := context.Background()
	err := cancel.FailAfter(ctx, 10*time.Millisecond, func(ctx context.Context) error {
		page, err := fetch(ctx, "http://example.com")
		if err != nil {
			return err
		}
		fmt.Println(page)
		return nil
	})
	if errors.Is(err, context.DeadlineExceeded) {
		fmt.Println("no answer in time")
	}
	// Output: no answer in time
}

// MoveOnAfter gives up on a better answer when the time is up. It returns a nil error,
// because the answer so far is good enough.
func ExampleMoveOnAfter() {
	best := "a guess"
	refine := func(ctx context.Context) error {
		best = "a good answer"
		return cancel.Forever(ctx) // a perfect answer takes too long
	}
	moved, err := cancel.MoveOnAfter(context.Background(), time.Millisecond, refine)
	fmt.Println(best, moved, err)
	// Output: a good answer true <nil>
}

// Several steps share one deadline.
func ExampleMoveOnAt() {
	budget := time.Now().Add(time.Hour)
	for _, source := range []string{"memory", "disk"} {
		moved, err := cancel.MoveOnAt(context.Background(), budget, func(context.Context) error {
			fmt.Println("asked", source)
			return nil
		})
		if moved || err != nil {
			fmt.Println(source, "was cut short:", err)
		}
	}
	// Output:
	// asked memory
	// asked disk
}

// The inner of two timeouts passes first and returns a TimeoutError. The outer scope
// goes on.
func ExampleFailAfter() {
	ctx := context.Background()
	err := cancel.FailAfter(ctx, time.Hour, func(ctx context.Context) error { // the whole request
		err := cancel.FailAfter(ctx, time.Millisecond, cancel.Forever) // one server
		if _, late := errors.AsType[*cancel.TimeoutError](err); late {
			fmt.Println("the first server is slow; the second one answers")
			return nil
		}
		return err
	})
	fmt.Println(err)
	// Output:
	// the first server is slow; the second one answers
	// <nil>
}

// FailAt reports that the deadline of a request passed while it was queued.
func ExampleFailAt() {
	deadline := time.Date(2009, 11, 10, 23, 0, 0, 0, time.UTC) // as the client sent it
	err := cancel.FailAt(context.Background(), deadline, func(ctx context.Context) error {
		return cancel.Err(ctx) // returns before any work is done
	})
	fmt.Println(err)
	// Output: timed out at 2009-11-10 23:00:00 UTC
}

func ExampleShield() {
	s := cancel.New(context.Background())
	err := s.Run(func(ctx context.Context) error {
		s.Cancel(nil)
		// ctx is canceled, but the clean-up still runs, for a minute at most.
		return cancel.Shield(ctx, time.Minute, func(ctx context.Context) error {
			fmt.Println("saved, with", ctx.Err())
			return nil
		})
	})
	fmt.Println(err)
	// Output:
	// saved, with <nil>
	// <nil>
}

// Sleep pauses between attempts. It returns an error when the scope is canceled, which
// ends the attempts.
func ExampleSleep() {
	s := cancel.New(context.Background())
	defer s.Close()
	for attempt := 1; ; attempt++ {
		fmt.Println("attempt", attempt, "failed")
		if attempt == 3 {
			s.Cancel(errors.New("the client has left"))
		}
		if err := cancel.Sleep(s, time.Duration(attempt)*time.Millisecond); err != nil {
			fmt.Println("no further attempt:", context.Cause(s))
			return
		}
	}
	// Output:
	// attempt 1 failed
	// attempt 2 failed
	// attempt 3 failed
	// no further attempt: the client has left
}

// A report is made every hour. SleepUntil returns at once if a report is overdue.
func ExampleSleepUntil() {
	next := time.Date(2009, 11, 10, 21, 0, 0, 0, time.UTC)
	for range 3 {
		next = next.Add(time.Hour)
		if err := cancel.SleepUntil(context.Background(), next); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("report until", next.Format("15:04"))
	}
	// Output:
	// report until 22:00
	// report until 23:00
	// report until 00:00
}

// Forever holds a lease until the context is done.
func ExampleForever() {
	lease := func(ctx context.Context) error {
		fmt.Println("registered")
		defer fmt.Println("unregistered")
		return cancel.Forever(ctx)
	}
	_, err := cancel.MoveOnAfter(context.Background(), time.Millisecond, lease)
	fmt.Println(err)
	// Output:
	// registered
	// unregistered
	// <nil>
}

func ExampleCheckpoint() {
	s := cancel.New(context.Background())
	err := s.Run(func(ctx context.Context) error {
		for i := 0; ; i++ { // computes without calls that check ctx
			if err := cancel.Checkpoint(ctx); err != nil {
				fmt.Println("gave up after", i)
				return err
			}
			if i == 2 {
				s.Cancel(nil)
			}
		}
	})
	fmt.Println(err)
	// Output:
	// gave up after 3
	// <nil>
}

// After a stop, a worker finishes its current job and takes no other.
func ExampleUntilStop() {
	s := cancel.New(context.Background())
	err := s.Run(func(ctx context.Context) error {
		jobs := make(chan func(context.Context), 1)
		jobs <- func(ctx context.Context) {
			s.Stop() // does not interrupt the job
			fmt.Println("job:", ctx.Err())
		}
		for {
			select {
			case job := <-jobs:
				job(ctx)
			case <-cancel.UntilStop(ctx).Done():
				fmt.Println("no more jobs")
				return nil
			}
		}
	})
	fmt.Println(err)
	// Output:
	// job: <nil>
	// no more jobs
	// <nil>
}

// A stop interrupts a whole block and does not count as an error.
func ExampleUntilStop_block() {
	poll := func(ctx context.Context) error {
		block := cancel.New(cancel.UntilStop(ctx))
		defer block.Close()
		for {
			if err := cancel.Sleep(block, time.Hour); err != nil {
				if block.IsEcho(err) {
					return cancel.Err(ctx)
				}
				return err
			}
			fmt.Println("nothing new")
		}
	}
	s := cancel.New(context.Background())
	err := s.Run(func(ctx context.Context) error {
		s.Stop()
		return poll(ctx)
	})
	fmt.Println(err)
	// Output: <nil>
}

// Err says what canceled the scope, and why.
func ExampleErr() {
	s := cancel.New(context.Background(), cancel.Name("index"))
	defer s.Close()
	s.CancelAs(&cancel.Error{
		Err:    context.Canceled,
		Reason: cancel.Reason{Source: cancel.SourceTask, Task: "read", Cause: errors.New("disk full")},
	})
	fmt.Println(cancel.Err(s))
	// Output: context canceled: disk full (task "read" in scope "index" failed)
}

// A function uses FromContext to extend the timeout that its caller set.
func ExampleFromContext() {
	download := func(ctx context.Context) error {
		cancel.FromContext(ctx).SetTimeout(time.Hour) // the file is larger than most
		deadline, _ := ctx.Deadline()
		fmt.Println("more than a minute:", time.Until(deadline) > time.Minute)
		return nil
	}
	fmt.Println(cancel.FailAfter(context.Background(), time.Minute, download))
	// Output:
	// more than a minute: true
	// <nil>
}
