package nursery

import (
	"context"
	"errors"
	"iter"
	"runtime"
)

// errLeft is the cause with which a stream is canceled whose loop was left.
var errLeft = errors.New("the loop over the stream was left")

// Stream returns a sequence of what fn returns for the items of another sequence, in
// the order of the items. It calls fn for several items at a time, while the loop over
// the stream has not come to them yet.
//
//	for page, err := range nursery.Stream(ctx, urls, fetch, nursery.Limit(8)) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(page)
//	}
//
// The first failure cancels the other calls, and no further call is begun. The loop
// still gets the results up to the first that is missing, and then, when all calls
// have returned, a last pair with the error of [Run]. With [KeepGoing] a failure stops
// nothing: each item has its pair, with a value or with the error of its own call, as
// it is. If ctx is canceled no further call is begun either, and the last pair has an
// error that says so if that left anything undone.
//
// When the loop is left, in whichever way, by break, return, a panic or t.FailNow, the
// calls that are running are canceled, and awaited, before anything else happens.
// Results that the loop has not got are dropped: if they have to be released, note
// what each call opens. What calls return in that case is dropped too, but a
// panic or Goexit of a call, or of the sequence, goes on in the loop's goroutine, as it
// does with Run.
//
// With [Limit] so many items are under way at a time: taken from the sequence, and the
// result not yet handed to the loop. The default is as many as there are processors
// ([runtime.GOMAXPROCS]), which suits work that computes: for work that waits, for a
// network for example, choose a limit. Nothing is taken from the sequence beyond that,
// so it may be endless, and any number of items takes the same memory. One slow call
// holds up those behind it; [StreamUnordered] does not wait for it.
//
// The sequence runs in a goroutine of its own. While it has no item to give, a loop
// that is left waits for it: a sequence that blocks has to look itself for whether it
// is still wanted. Calls share goroutines, as tasks under a limit do.
//
// Each loop over the stream begins anew, with a nursery of its own. The options are
// those of Run. Stream panics if ctx, items or fn is nil.
func Stream[T, R any](ctx context.Context, items iter.Seq[T], fn func(ctx context.Context, item T) (R, error), opts ...Option) iter.Seq2[R, error] {
	return stream("Stream", ctx, items, ordered, fn, opts)
}

// StreamUnordered is [Stream], but the loop gets the results in the order in which
// the calls return, and all of them, also if one fails: the error comes last.
//
// This is asyncio's as_completed.
func StreamUnordered[T, R any](ctx context.Context, items iter.Seq[T], fn func(ctx context.Context, item T) (R, error), opts ...Option) iter.Seq2[R, error] {
	return stream("StreamUnordered", ctx, items, unordered, fn, opts)
}

// stream is what the public function of that name does.
func stream[T, R any](name string, ctx context.Context, items iter.Seq[T], results results, fn func(ctx context.Context, item T) (R, error), opts []Option) iter.Seq2[R, error] {
	mustFlow(name, ctx, items == nil, fn == nil)
	conf := configure(name, opts)
	return func(yield func(R, error) bool) {
		newFlow(conf, results, fn).loop(ctx, items, yield)
	}
}

// loop is a loop over a stream. The loop's body is not a nursery's body: its panic
// goes on as what it is, for it is the caller's own code that goes on with it.
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
		n.finish()
		if n.panicked != nil {
			panic(n.panicked)
		}
		if n.goexit && left { // else the loop's own panic or Goexit goes on
			runtime.Goexit()
		}
	}()
	n.mustEnter("stream", member)
	go f.feedTask(items)
	for c, ok := f.take(); ok; c, ok = f.take() {
		if !yield(c.value, c.err) {
			left = true
			return
		}
	}
	n.join()
	joined = true
	err := n.end()
	if err == nil {
		err = f.undone()
	}
	if err != nil {
		var none R
		yield(none, err)
	}
}

// feedTask is feed in a goroutine of its own.
func (f *flow[T, R]) feedTask(items iter.Seq[T]) {
	returned := false
	defer func() {
		if !returned {
			f.n.crashed(recover(), nil)
		}
		f.n.leave(member)
	}()
	f.feed(items)
	returned = true
}
