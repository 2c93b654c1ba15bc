package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/grove-go/grove/cancel"
)

func ExampleNew() {
	s := cancel.New(context.Background(), cancel.Name("crawl"))
	defer s.Close()
	ctx, stop := context.WithCancel(s) // what is derived from it follows
	defer stop()

	s.Cancel(errors.New("disk full"))

	fmt.Println(ctx.Err())
	fmt.Println(context.Cause(ctx))
	// Output:
	// context canceled
	// disk full
}

func ExampleScope_Run() {
	s := cancel.New(context.Background())
	err := s.Run(func(ctx context.Context) error {
		s.Cancel(nil)
		return cancel.Forever(ctx)
	})
	fmt.Println("the scope's own cancellation ends here:", err)

	err = cancel.New(context.Background()).Run(func(context.Context) error {
		return errors.New("disk full")
	})
	fmt.Println("any other error passes:", err)
	// Output:
	// the scope's own cancellation ends here: <nil>
	// any other error passes: disk full
}

func ExampleMoveOnAfter() {
	moved, err := cancel.MoveOnAfter(context.Background(), time.Millisecond, func(ctx context.Context) error {
		<-ctx.Done() // something that takes too long
		return cancel.Err(ctx)
	})
	fmt.Println(moved, err)
	// Output: true <nil>
}

func ExampleMoveOnAt() {
	moved, err := cancel.MoveOnAt(context.Background(), time.Now().Add(time.Hour), func(context.Context) error {
		return nil // in time
	})
	fmt.Println(moved, err)
	// Output: false <nil>
}

func ExampleFailAfter() {
	err := cancel.FailAfter(context.Background(), time.Millisecond, cancel.Forever)

	_, ok := errors.AsType[*cancel.TimeoutError](err)
	fmt.Println(ok, errors.Is(err, context.DeadlineExceeded))
	// Output: true true
}

func ExampleFailAt() {
	err := cancel.FailAt(context.Background(), time.Date(2009, 11, 10, 23, 0, 0, 0, time.UTC), cancel.Forever)
	fmt.Println(err)
	// Output: timed out: deadline passed at 2009-11-10 23:00:00 UTC
}

func ExampleShield() {
	s := cancel.New(context.Background())
	err := s.Run(func(ctx context.Context) error {
		s.Cancel(nil)
		// ctx is canceled, and the clean-up runs all the same, for a minute at most.
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

func ExampleScope_SetShield() {
	outer := cancel.New(context.Background())
	defer outer.Close()
	inner := cancel.New(outer, cancel.Shielded())
	defer inner.Close()

	outer.Cancel(nil)
	fmt.Println(inner.Err())
	inner.SetShield(false)
	fmt.Println(inner.Err())
	// Output:
	// <nil>
	// context canceled
}

// An idle timeout: the deadline moves with each message.
func ExampleScope_SetTimeout() {
	messages := make(chan string, 3)
	for _, m := range []string{"a", "b", "c"} {
		messages <- m
	}
	s := cancel.New(context.Background())
	err := s.Run(func(ctx context.Context) error {
		for {
			s.SetTimeout(10 * time.Millisecond)
			select {
			case m := <-messages:
				fmt.Println(m)
			case <-ctx.Done():
				return cancel.Err(ctx)
			}
		}
	})
	fmt.Println(err)
	// Output:
	// a
	// b
	// c
	// <nil>
}

func ExampleScope_SetDeadline() {
	s := cancel.New(context.Background(), cancel.Timeout(time.Minute))
	defer s.Close()
	s.SetDeadline(time.Time{})
	_, ok := s.Deadline()
	fmt.Println(ok)
	// Output: false
}

func ExampleScope_Shutdown() {
	s := cancel.New(context.Background(), cancel.Name("server"))
	err := s.Run(func(ctx context.Context) error {
		s.Shutdown(time.Millisecond)
		<-ctx.Done() // does not listen, and so is canceled after the grace
		fmt.Println(context.Cause(ctx))
		return cancel.Err(ctx)
	})
	fmt.Println(err)
	// Output:
	// grace expired
	// <nil>
}

func ExampleUntilStop() {
	s := cancel.New(context.Background())
	err := s.Run(func(ctx context.Context) error {
		jobs := make(chan func(context.Context), 1)
		jobs <- func(ctx context.Context) {
			s.Stop() // while a job runs, which is not cut short
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

func ExampleErr() {
	s := cancel.New(context.Background(), cancel.Name("index"))
	defer s.Close()
	s.Fail("read", errors.New("disk full"))
	fmt.Println(cancel.Err(s))
	// Output: context canceled: disk full (task "read" in scope "index" failed)
}

func ExampleReasonOf() {
	s := cancel.New(context.Background(), cancel.Name("fetch"), cancel.Timeout(0))
	defer s.Close()
	ctx, stop := context.WithCancel(s)
	defer stop()
	if reason, ok := cancel.ReasonOf(ctx); ok {
		fmt.Println(reason.Source, reason.Scope)
		fmt.Println(reason)
	}
	// Output:
	// deadline fetch
	// deadline of scope "fetch"
}

func ExampleFromContext() {
	err := cancel.FailAfter(context.Background(), time.Minute, func(ctx context.Context) error {
		cancel.FromContext(ctx).SetTimeout(time.Hour) // more is needed than was thought
		return nil
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleScope_Close() {
	s := cancel.New(context.Background(), cancel.Name("crawl"))
	s.Close()
	fmt.Println(context.Cause(s))
	fmt.Println(errors.Is(context.Cause(s), cancel.ErrClosed))
	// Output:
	// scope "crawl" has ended
	// true
}

func ExampleScope_IsEcho() {
	s := cancel.New(context.Background())
	defer s.Close()
	s.Cancel(nil)
	echo := fmt.Errorf("fetch: %w", cancel.Err(s))
	fmt.Println(s.IsEcho(echo))
	fmt.Println(s.IsEcho(errors.Join(echo, errors.New("disk full"))))
	// Output:
	// true
	// false
}

func ExampleScope_Follow() {
	request, done := context.WithCancel(context.Background())
	s := cancel.New(context.Background())
	defer s.Close()
	stop := s.Follow(request)
	defer stop()
	done()
	<-s.Done()
	fmt.Println(s.Err())
	// Output: context canceled
}

func ExampleScope_Name() {
	s := cancel.New(context.Background(), cancel.Name("crawl"))
	defer s.Close()
	fmt.Println(s.Name(), s)
	// Output: crawl context.Background.WithScope(crawl)
}

func ExampleSleep() {
	s := cancel.New(context.Background())
	defer s.Close()
	s.Cancel(errors.New("no time"))
	err := cancel.Sleep(s, time.Hour)
	fmt.Println(errors.Is(err, context.Canceled))
	// Output: true
}

func ExampleCheckpoint() {
	s := cancel.New(context.Background())
	err := s.Run(func(ctx context.Context) error {
		for i := 0; ; i++ {
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
