package tasksleep

import (
	"context"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

const pause = 20 * time.Millisecond

func work(ctx context.Context) error { return nil }

func parameter(ctx context.Context, d time.Duration) error {
	time.Sleep(d)           // want `time.Sleep does not notice a cancellation; use cancel.Sleep`
	time.Sleep(time.Second) // want `use cancel.Sleep`
	time.Sleep(pause)       // want `use cancel.Sleep`
	<-time.After(d)         // want `a receive from time.After does not notice a cancellation; use cancel.Sleep`
	return work(ctx)
}

func tasks(ctx context.Context, ticks chan int) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(context.Context) error {
			time.Sleep(time.Second) // want `use cancel.Sleep`
			return nil
		})
		n.Go(func(ctx context.Context) error {
			for {
				select { // want `select with time.After does not notice a cancellation; add a case for ctx.Done\(\)`
				case <-ticks:
				case v := <-ticks:
					ticks <- v
				case ticks <- 1:
				case <-time.After(time.Second):
					return work(ctx)
				}
			}
		})
		return cancel.FailAfter(ctx, time.Minute, func(ctx context.Context) error {
			time.Sleep(time.Until(time.Now())) // want `use cancel.Sleep`
			return nil
		})
	})
}

// What follows is right.

func waits(ctx context.Context, ticks chan int, closed chan struct{}) error {
	if err := cancel.Sleep(ctx, time.Second); err != nil {
		return err
	}
	time.Sleep(time.Millisecond)
	time.Sleep(5 * time.Millisecond)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Second):
	}
	done := ctx.Done()
	select {
	case <-done:
	case <-ticks:
	case <-time.After(time.Second):
	}
	select {
	case <-closed:
	case <-time.After(time.Second):
	}
	select {
	case _, ok := <-ticks:
		if !ok {
			return nil
		}
	case <-time.After(time.Second):
	}
	select {
	case <-ticks:
	default:
	}
	select {
	case <-ticks:
	case <-time.After(time.Millisecond):
	}
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil
}

func without(d time.Duration) {
	time.Sleep(d)
	<-time.After(d)
}

func ignored(_ context.Context) { time.Sleep(time.Second) }

func inside(ctx context.Context) {
	later := func() { time.Sleep(time.Second) }
	_ = later
}

func timeout() <-chan time.Time {
	after := time.After(time.Second)
	return after
}

func excused(ctx context.Context) {
	time.Sleep(time.Second) //grove:ok the device needs the pause
}
