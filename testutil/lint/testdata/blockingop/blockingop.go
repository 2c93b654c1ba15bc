package blockingop

import (
	"context"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

func tasks(n *nursery.Nursery, in chan int, out chan<- int) {
	n.Go(func(ctx context.Context) error {
		out <- 1      // want `send does not notice a cancellation; use channel.New, or a select with ctx.Done\(\)`
		<-in          // want `receive does not notice a cancellation`
		v, ok := <-in // want `receive does not notice`
		if ok {
			out <- v // want `send does not notice`
		}
		for v := range in { // want `range does not notice`
			println(v)
		}
		select { // want `select does not notice`
		case <-in:
		case out <- 2:
		}
		return nil
	})
	n.Go(func(ctx context.Context) error {
		made := make(chan int)
		in <- <-made // want `send does not notice` `receive does not notice`
		return nil
	})
}

// What follows is right.

type job struct{}

func (job) Done() <-chan int { return nil }

type pool struct{ results chan int }

func fine(ctx context.Context, n *nursery.Nursery, in chan int, s *channel.Sender[int], r *channel.Receiver[int]) {
	results := make(chan int, 10)
	closed := make(chan int)
	signal := make(chan struct{})
	p := &pool{results: make(chan int, 10)}
	n.Go(func(ctx context.Context) error {
		results <- 1
		p.results <- 1
		<-signal
		<-ctx.Done()
		<-cancel.UntilStop(ctx).Done()
		<-r.Ready()
		<-job{}.Done()
		<-time.NewTimer(time.Second).C
		for v := range closed {
			println(v)
		}
		v, ok := <-closed
		println(v, ok)
		return s.Send(ctx, 1)
	})
	n.Go(func(ctx context.Context) error {
		defer close(closed)
		select {
		case v := <-in:
			println(v)
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case in <- 1:
		default:
		}
		select {
		case in <- 1:
		case <-signal:
		}
		select {
		case <-in:
		case <-time.After(time.Second):
		}
		select {
		case closed <- 1:
		case results <- 1:
		}
		return nil
	})
	n.Go(func(ctx context.Context) error {
		for v, err := range r.All(ctx) {
			if err != nil {
				return err
			}
			println(v)
		}
		for range []int{1} {
		}
		in <- 1 //grove:ok the reader reads all
		return nil
	})
	in <- 1
}
