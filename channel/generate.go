package channel

import (
	"context"
	"fmt"
	"sync"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
	"github.com/grove-go/grove/nursery"
)

// Generate runs produce as a task, and consume, in the caller's goroutine, with
// the receiving end of the channel into which produce yields its values. It
// returns when both have returned: consume may leave its loop at any time, and
// then produce is canceled, and awaited.
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
// The channel holds up to capacity values. With a capacity of 0 produce does not
// run, at first and after each value, until somebody asks for the next one. The
// channel ends when produce returns nil. yield returns an error, which produce is
// to return, when there is nobody to yield to: the [*cancel.Error] of ctx, or one
// that is [ErrBroken] when consume has closed the receiver. It may be called by
// many goroutines, but not after produce has returned.
//
// If produce fails, consume is canceled. Generate returns the error of the one
// that failed as it is and, if both did, a [*nursery.GroupError] with both. What
// produce returns because nobody listens any more is no failure. If ctx, or anything
// around it, was canceled and one of them says so, the error is the [*cancel.Error] of
// that. A panic or Goexit of either goes on in the caller's goroutine.
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
		s.c.ask = &demand{more: make(chan struct{}, 1)}
	}
	defer r.Close()
	g := &generator[T]{s: s, broken: &brokenError{}}
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return g.run(ctx, produce) }, nursery.Daemon())
		return consume(ctx, r)
	})
	// That there is a nursery is nobody's business if one error is all it has.
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

// asked waits until somebody asks for a value.
func (g *generator[T]) asked(ctx context.Context) error {
	d := g.s.c.ask
	if d == nil {
		return nil
	}
	for !d.take() {
		select {
		case <-d.more:
		case <-g.s.waker.wake:
			return g.broken
		case <-bare.Done(ctx):
			return cancel.Err(ctx)
		}
	}
	return nil
}

// A brokenError is what yield returns when the channel is broken. Each generator
// has its own, so that another one's is a failure.
type brokenError struct{ _ byte }

func (*brokenError) Error() string        { return ErrBroken.Error() }
func (*brokenError) Is(target error) bool { return target == ErrBroken }

// A demand counts the receivers that wait for a value which the generator has not
// begun to produce.
type demand struct {
	more chan struct{} // has an element if it may have grown

	mu     sync.Mutex // guards the fields below
	want   int
	always bool // a native select may be waiting at any time
}

// add is called by a receiver before it waits.
func (d *demand) add() {
	d.mu.Lock()
	d.want++
	d.mu.Unlock()
	d.signal()
}

// remove is called by a receiver that waits no longer, and has got nothing.
func (d *demand) remove() {
	d.mu.Lock()
	d.want = max(0, d.want-1)
	d.mu.Unlock()
}

// keep says that there always is demand.
func (d *demand) keep() {
	d.mu.Lock()
	d.always = true
	d.mu.Unlock()
	d.signal()
}

func (d *demand) signal() {
	select {
	case d.more <- struct{}{}:
	default:
	}
}

// take reports whether there is a demand, and takes it.
func (d *demand) take() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.want == 0 {
		return d.always
	}
	d.want--
	return true
}
