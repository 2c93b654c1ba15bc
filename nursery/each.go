package nursery

import (
	"context"
	"iter"
)

// Each calls fn for each item of a sequence, several at a time, and returns when all
// calls have returned. Calls begin in the order of the items.
//
// The sequence runs in the goroutine of the caller. It yields the next item only when a
// call can begin, so it may be endless, and any number of items takes the same memory.
// While it yields nothing, Each waits, even if a call has failed or ctx is canceled. Use
// [EachFrom] for a sequence that blocks.
//
// The first failure cancels the context of the other calls, no further call begins, and
// Each returns the error of [Run]. With [KeepGoing] the other calls go on, and the error
// has all failures. If ctx is canceled, no further call begins, and Each returns the error
// of the cancellation if work was left undone.
//
// [Limit] bounds how many calls run at a time. The default is one for each processor
// ([runtime.GOMAXPROCS]), which suits computations. Choose a limit for calls that wait,
// for a network for example. Calls share goroutines, as tasks under a limit do.
//
// A panic or Goexit of a call goes on in the caller, as with Run. So does a panic of the
// sequence, which is part of Run's body. The options are the same as for Run. Each panics
// if ctx, items or fn is nil.
func Each[T any](ctx context.Context, items iter.Seq[T], fn func(ctx context.Context, item T) error, opts ...Option) error {
	mustFlow("Each", ctx, items == nil, fn == nil)
	f := newFlow(configure("Each", opts), dropped, func(ctx context.Context, item T) (struct{}, error) {
		return struct{}{}, fn(ctx, item)
	})
	err := f.n.run(ctx, func(context.Context, *Nursery) error {
		f.produce(items)
		return nil
	})
	if err == nil {
		err = f.undone()
	}
	return err
}

// EachFrom is [Each] for a sequence that can fail, such as [channel.Receiver.All], and that
// needs a context. It calls source with the context of the calls, so that a failure or a
// cancellation ends a sequence that blocks. A worker pool over a channel is
//
//	err := nursery.EachFrom(ctx, jobs.All, handle, nursery.Limit(8))
//
// An error of the sequence ends it and is a failure like the error of a call. EachFrom
// panics if ctx, source or fn is nil.
//
// [channel.Receiver.All]: https://pkg.go.dev/github.com/grove-go/grove/channel#Receiver.All
func EachFrom[T any](ctx context.Context, source func(ctx context.Context) iter.Seq2[T, error], fn func(ctx context.Context, item T) error, opts ...Option) error {
	mustFlow("EachFrom", ctx, source == nil, fn == nil)
	f := newFlow(configure("EachFrom", opts), dropped, func(ctx context.Context, item T) (struct{}, error) {
		return struct{}{}, fn(ctx, item)
	})
	err := f.n.run(ctx, func(ctx context.Context, _ *Nursery) error {
		var fault error
		f.produce(func(yield func(T) bool) {
			for item, err := range source(ctx) {
				if fault = err; err != nil || !yield(item) {
					return
				}
			}
		})
		f.finished = f.finished && fault == nil
		return fault
	})
	if err == nil {
		err = f.undone()
	}
	return err
}

// mustFlow panics in the name of the function fn if its context, sequence or function is
// nil.
func mustFlow(fn string, ctx context.Context, noItems, noFunc bool) {
	switch {
	case ctx == nil:
		panic("nursery: " + fn + ": nil context; pass context.Background() if there is no other")
	case noItems:
		panic("nursery: " + fn + ": nil sequence")
	case noFunc:
		panic("nursery: " + fn + ": nil function")
	}
}
