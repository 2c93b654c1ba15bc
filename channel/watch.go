package channel

import (
	"context"
	"io"
	"iter"
	"sync"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
)

// A Watch holds a value that changes, and tells its watchers. A watcher sees the latest
// value. It does not see values that are replaced before it looks.
//
// A Watch is safe for use by multiple goroutines simultaneously.
//
// This is Tokio's watch channel.
type Watch[T any] struct {
	mu      sync.Mutex // never held while anything blocks; guards the fields below
	v       T
	version uint64
	closed  bool
	changed chan struct{} // closed at the next change; nil while no call waits
	waiting int           // calls that wait for changed
}

// NewWatch returns a Watch with the value v.
func NewWatch[T any](v T) *Watch[T] {
	return &Watch[T]{v: v, version: 1}
}

// Set changes the value. It does not block. It returns [ErrClosed] if the Watch
// is closed, and nil otherwise.
func (w *Watch[T]) Set(v T) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	w.v = v
	w.version++
	w.tellLocked()
	return nil
}

// Latest returns the value, even if the Watch is closed.
func (w *Watch[T]) Latest() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.v
}

// Close ends the changes of the value. Watchers see the last value, if they have not seen
// it yet, and then get [io.EOF]. Close is idempotent, does not block, and returns nil.
func (w *Watch[T]) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.tellLocked()
	return nil
}

func (w *Watch[T]) tellLocked() {
	if w.changed != nil {
		close(w.changed)
		w.changed, w.waiting = nil, 0
	}
}

// Subscribe returns a new watcher, which has seen nothing yet. A watcher needs no
// Close: the Watch does not refer to it.
func (w *Watch[T]) Subscribe() *Watcher[T] { return &Watcher[T]{w: w} }

// A Watcher sees the changes of a [Watch].
//
// A Watcher is safe for use by multiple goroutines simultaneously, each change
// going to one of them.
type Watcher[T any] struct {
	w    *Watch[T]
	seen uint64 // the version; guarded by w.mu
}

// Receive returns the value at once when it is called first. Later calls wait until the
// value has been set again, even to an equal value. Receive never returns an older value
// after a newer one. The error is the [*cancel.Error] of ctx if ctx is done, and otherwise
// [io.EOF] if the Watch is closed and the last value has been seen. Receive panics if ctx
// is nil.
func (r *Watcher[T]) Receive(ctx context.Context) (T, error) {
	if ctx == nil {
		panic("channel: Watcher.Receive: nil context; pass context.Background() if there is no other")
	}
	for {
		if err := cancel.Err(ctx); err != nil {
			var none T
			return none, err
		}
		v, changed, err := r.look(true)
		if err != ErrWouldBlock {
			return v, err
		}
		select {
		case <-changed:
		case <-bare.Done(ctx):
			r.w.giveUp(changed)
		}
	}
}

// giveUp is called by a call that does not wait for changed any more. A channel that
// nothing waits for is dropped: it may belong to a synctest bubble.
func (w *Watch[T]) giveUp(changed <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.changed == changed {
		if w.waiting--; w.waiting == 0 {
			w.changed = nil
		}
	}
}

// TryReceive returns the value if it has not been seen. Otherwise the error is
// [ErrWouldBlock], or [io.EOF] if the Watch is closed.
func (r *Watcher[T]) TryReceive() (T, error) {
	v, _, err := r.look(false)
	return v, err
}

// look returns the value if it has not been seen, and otherwise, if the caller is
// going to wait, a channel that is closed when there is something new.
func (r *Watcher[T]) look(wait bool) (v T, changed <-chan struct{}, err error) {
	w := r.w
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case r.seen < w.version:
		r.seen = w.version
		return w.v, nil, nil
	case w.closed:
		return v, nil, io.EOF
	}
	if wait {
		if w.changed == nil {
			w.changed = make(chan struct{})
		}
		w.waiting++
	}
	return v, w.changed, ErrWouldBlock
}

// All returns an iterator over the changes; see [Receiver.All]. It ends without an
// error when the Watch is closed and the last value has been seen.
func (r *Watcher[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return all("Watcher", ctx, r.Receive)
}
