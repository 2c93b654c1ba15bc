package nursery

import (
	"context"
	"iter"
)

// Each calls fn for each item of a sequence, several at a time, and returns when all
// calls have returned. They are begun in the order of the items.
//
// The sequence runs in the goroutine of the caller. It is asked for an item only when
// a call can be begun for it, so it may be endless, and any number of items takes the
// same memory. While it has none to give, Each waits, also if a call has failed or ctx
// is canceled: a sequence that blocks has to look for that itself.
//
// The first failure cancels the context of the other calls, and no further call is
// begun; Each then returns the error of [Run]. With [KeepGoing] the others go on,
// and the error has all failures. If the context is canceled, no further call is begun
// either, and the error says so unless the sequence had come to its end.
//
// With [Limit] so many calls run at a time. The default is as many as there are
// processors ([runtime.GOMAXPROCS]), which suits work that computes: for work that
// waits, for a network for example, choose a limit. Calls share goroutines, as tasks
// under a limit do.
//
// A panic or Goexit of a call, or of the sequence, goes on in the caller, as it does
// with Run. The options are those of Run. Each panics if ctx, items or fn is nil.
func Each[T any](ctx context.Context, items iter.Seq[T], fn func(ctx context.Context, item T) error, opts ...Option) error {
	mustFlow("Each", ctx, items == nil, fn == nil)
	f := newFlow(configure("Each", opts), dropped, func(ctx context.Context, item T) (struct{}, error) {
		return struct{}{}, fn(ctx, item)
	})
	err := f.n.run(ctx, func(context.Context, *Nursery) error {
		f.feed(items)
		return nil
	})
	if err == nil {
		err = f.undone()
	}
	return err
}

// mustFlow panics in the name of the function fn if ctx, the sequence or the function
// that was given to it is nil.
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
