package nursery

import (
	"context"
	"errors"
	"iter"
	"runtime"
)

// errLeft is the cause when a stream is canceled because its loop was left.
var errLeft = errors.New("the loop over the stream was left")

// Stream returns a sequence of the results of fn for the items of another sequence, in
// the order of the items. It calls fn for several items at a time, ahead of the loop over
// the stream.
//
//	for page, err := range nursery.Stream(ctx, urls, fetch, nursery.Limit(8)) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(page)
//	}
//
// The first failure cancels the other calls, and no further call begins. The loop still
// gets the results up to the first that is missing, and, when all calls have returned, a
// last pair with the error of [Run]. With [KeepGoing] a failure stops nothing, and each
// item has its pair, with a value or with the error of its call. If ctx is canceled, no
// further call begins, and the last pair has the error of the cancellation if work was left
// undone.
//
// Leaving the loop, by break, return, a panic or t.FailNow, cancels the running calls and
// waits for them. Results that the loop has not received are dropped. If results have to
// be released, note what each call opens. Errors of calls are dropped too, but a panic or
// Goexit of a call, or of the sequence, goes on in the goroutine of the loop, as with Run.
//
// [Limit] bounds how many items are under way: taken from the sequence, and the result
// not yet received by the loop. The default is one for each processor
// ([runtime.GOMAXPROCS]), which suits computations. Choose a limit for calls that wait,
// for a network for example. The sequence may be endless, and any number of items takes
// the same memory. A slow call holds up the results behind it; [StreamUnordered] does not
// wait for it.
//
// The sequence runs in its own goroutine. Leaving the loop, and a failure, wait for the
// sequence to return. A sequence that blocks must therefore watch a context that is
// canceled then, such as the context of a scope around the loop. Calls share goroutines,
// as tasks under a limit do.
//
// Each loop over the stream begins anew, with its own nursery. The options are the same
// as for Run. Stream panics if ctx, items or fn is nil.
func Stream[T, R any](ctx context.Context, items iter.Seq[T], fn func(ctx context.Context, item T) (R, error), opts ...Option) iter.Seq2[R, error] {
	return stream("Stream", ctx, items, ordered, fn, opts)
}

// StreamUnordered is [Stream], but a result comes as soon as its call has returned. If a
// call fails, the loop still gets all results, and the error last.
//
// This is asyncio's as_completed.
func StreamUnordered[T, R any](ctx context.Context, items iter.Seq[T], fn func(ctx context.Context, item T) (R, error), opts ...Option) iter.Seq2[R, error] {
	return stream("StreamUnordered", ctx, items, unordered, fn, opts)
}

// stream is the exported function of that name.
func stream[T, R any](name string, ctx context.Context, items iter.Seq[T], results results, fn func(ctx context.Context, item T) (R, error), opts []Option) iter.Seq2[R, error] {
	mustFlow(name, ctx, items == nil, fn == nil)
	conf := configure(name, opts)
	return func(yield func(R, error) bool) {
		f := newFlow(conf, results, fn)
		f.n.consume(func() { f.loop(ctx, items, yield) })
	}
}

// loop is a loop over a stream. Its body is the caller's code and not the body of the
// nursery, so that a panic in it goes on as it is.
func (f *flow[T, R]) loop(ctx context.Context, items iter.Seq[T], yield func(R, error) bool) {
	n := f.n
	n.open(ctx)
	joined, left := false, false
	defer func() {
		if joined {
			return
		}
		n.Cancel(errLeft)
		n.join()
		if _, goexit := n.close(); goexit && left { // else the loop's own panic or Goexit goes on
			runtime.Goexit()
		}
	}()
	n.mustEnter("stream", member)
	go n.plain(func(context.Context) error { n.label(); f.produce(items); return nil })
	for c, ok := f.take(); ok; c, ok = f.take() {
		if !yield(c.value, c.err) {
			left = true
			return
		}
	}
	n.join()
	joined = true
	f.settleRest()
	err := n.end()
	if err == nil {
		err = f.undone()
	}
	if err != nil {
		var none R
		yield(none, err)
	}
}
