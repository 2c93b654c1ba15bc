package channel

import (
	"context"
	"fmt"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
	"github.com/grove-go/grove/nursery"
)

// Generate runs produce as a task, and consume in the caller's goroutine. produce yields
// values into a channel, and consume gets its receiving end. Generate returns when both
// have returned. When consume returns, produce is canceled, so consume may leave its loop
// at any time.
//
//	squares := func(_ context.Context, yield func(int) error) error {
//		defer fmt.Println("producer: done")
//		for i := 0; ; i++ {
//			if err := yield(i * i); err != nil {
//				return err
//			}
//		}
//	}
//	ctx := context.Background()
//	err := channel.Generate(ctx, 0, squares, func(ctx context.Context, r *channel.Receiver[int]) error {
//		for v, err := range r.All(ctx) {
//			if err != nil || v > 10 {
//				return err
//			}
//			fmt.Println(v)
//		}
//		return nil
//	})
//
// The channel holds up to capacity values. With a capacity of 0, produce runs only while a
// receiver waits, in Receive or by Ready. It begins when a receiver asks for the first
// value, and yield returns when a receiver asks for the next value. The channel ends when
// produce returns nil. If no receiver is left, yield returns an error, which produce should
// return: the [*cancel.Error] of ctx, or an error that is [ErrBroken] if consume has closed
// the receiver. Many goroutines may call yield, but not after produce has returned.
//
// If produce fails, consume is canceled. Generate returns the error of produce or
// consume as it is and, if both failed, a [*nursery.GroupError] with both errors. An error
// of yield that produce returns is not a failure. If ctx or a context that encloses it was
// canceled, and produce or consume returns an error that says so, Generate returns the
// [*cancel.Error] of the cancellation. A panic or Goexit goes on in the caller's
// goroutine, as with [nursery.Run]: produce is a task, and consume the body.
//
// Generate panics if capacity is negative, or ctx, produce or consume is nil.
//
// This is Trio's as_safe_channel.
func Generate[T any](
	ctx context.Context,
	capacity int,
	produce func(ctx context.Context, yield func(T) error) error,
	consume func(ctx context.Context, r *Receiver[T]) error,
) error {
	switch {
	case ctx == nil:
		panic("channel: Generate: nil context; pass context.Background() if there is no other")
	case produce == nil || consume == nil:
		panic("channel: Generate: nil function")
	}
	if capacity < 0 {
		panic(fmt.Sprintf("channel: Generate: capacity must not be negative, got %d", capacity))
	}
	s, r := New[T](capacity)
	if capacity == 0 {
		s.c.demand = make(chan struct{}, 1)
	}
	defer r.Close()
	g := &generator[T]{s: s, broken: &brokenError{}}
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return g.run(ctx, produce) }, nursery.Daemon())
		return consume(ctx, r)
	})
	// A group of one error would tell no more than that there is a nursery.
	if group, ok := err.(*nursery.GroupError); ok && len(group.Unwrap()) == 1 {
		return group.Unwrap()[0]
	}
	return err
}

// A generator is a call of Generate.
type generator[T any] struct {
	s      *Sender[T]
	broken *brokenError
}

// run runs produce.
func (g *generator[T]) run(ctx context.Context, produce func(context.Context, func(T) error) error) error {
	defer g.s.Close()
	if g.asked(ctx) != nil {
		return nil // it has not begun, and never will
	}
	err := produce(ctx, func(v T) error {
		switch err := g.s.Send(ctx, v); err {
		case nil:
			return g.asked(ctx)
		case ErrBroken:
			return g.broken
		default:
			return err
		}
	})
	_, err = nursery.Split(err, func(err error) bool { return err == error(g.broken) })
	return err
}

// asked waits until a receiver asks for a value.
func (g *generator[T]) asked(ctx context.Context) error {
	c := g.s.c
	if c.demand == nil {
		return nil
	}
	for {
		c.mu.Lock()
		broken, asking := c.refused, c.receiving.len > 0 || c.ready != nil
		if broken || asking {
			c.tellAskedLocked() // another goroutine of the producer may wait as well
		}
		c.mu.Unlock()
		switch {
		case broken:
			return g.broken
		case asking:
			return nil
		}
		select {
		case <-c.demand:
		case <-bare.Done(ctx):
			return cancel.Err(ctx)
		}
	}
}

// A brokenError is what yield returns when the channel is broken. Each generator
// has its own, so that another one's is a failure.
type brokenError struct{ _ byte }

func (*brokenError) Error() string        { return ErrBroken.Error() }
func (*brokenError) Is(target error) bool { return target == ErrBroken }

// tellAskedLocked is called when a receiver may wait, or the channel is broken.
func (c *core[T]) tellAskedLocked() {
	select {
	case c.demand <- struct{}{}: // never if demand is nil
	default:
	}
}
