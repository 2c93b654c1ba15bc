package main

import (
	"context"
	"errors"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/grove-go/grove/channel"
)

// A lane is a channel that passes the numbers of the items. Each call of sender and
// receiver is for one goroutine. The functions that they return contain the loops, so that
// only the channel is called for each value.
type lane struct {
	sender   func() func(from, to int) error
	receiver func() func() error // calls do for each value until the end
	finish   func()              // called when all senders have returned
}

// passing makes a run that passes values through a lane, with the given numbers of senders
// and receivers, in a context that within opens.
func passing(capacity, senders, receivers int, within opener, open func(ctx context.Context, capacity int, do func(int) int) lane) func(job) error {
	return func(j job) error {
		ctx, end := within(j.ctx)
		defer end()
		for j.loop() {
			l := open(ctx, capacity, j.do)
			var sending, receiving errgroup.Group
			for i := range senders {
				send := l.sender()
				sending.Go(func() error { return send(i*j.size/senders, (i+1)*j.size/senders) })
			}
			for range receivers {
				receiving.Go(l.receiver())
			}
			err := sending.Wait()
			l.finish()
			if err = errors.Join(err, receiving.Wait()); err != nil {
				return err
			}
		}
		return nil
	}
}

// groveLane is a channel of Grove, with handles for each goroutine.
func groveLane(ctx context.Context, capacity int, do func(int) int) lane {
	s, r := channel.New[int](capacity)
	return lane{
		sender: func() func(from, to int) error {
			s := s.Clone()
			return func(from, to int) error {
				defer s.Close()
				for v := from; v < to; v++ {
					if err := s.Send(ctx, v); err != nil {
						return err
					}
				}
				return nil
			}
		},
		receiver: func() func() error {
			r := r.Clone()
			return func() error {
				defer r.Close()
				for {
					v, err := r.Receive(ctx)
					if err == io.EOF {
						return nil
					}
					if err != nil {
						return err
					}
					do(v)
				}
			}
		},
		finish: func() {
			s.Close()
			r.Close()
		},
	}
}

// selectLane is a native channel in a select statement with the end of the context, as
// programs do by hand.
func selectLane(ctx context.Context, capacity int, do func(int) int) lane {
	ch := make(chan int, capacity)
	return lane{
		sender: func() func(from, to int) error {
			return func(from, to int) error {
				for v := from; v < to; v++ {
					select {
					case ch <- v:
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				return nil
			}
		},
		receiver: func() func() error {
			return func() error {
				for {
					select {
					case v, ok := <-ch:
						if !ok {
							return nil
						}
						do(v)
					case <-ctx.Done():
						return ctx.Err()
					}
				}
			}
		},
		finish: func() { close(ch) },
	}
}

// bareLane is a native channel without cancellation.
func bareLane(_ context.Context, capacity int, do func(int) int) lane {
	ch := make(chan int, capacity)
	return lane{
		sender: func() func(from, to int) error {
			return func(from, to int) error {
				for v := from; v < to; v++ {
					ch <- v
				}
				return nil
			}
		},
		receiver: func() func() error {
			return func() error {
				for v := range ch {
					do(v)
				}
				return nil
			}
		},
		finish: func() { close(ch) },
	}
}
