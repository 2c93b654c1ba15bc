package recipes_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/docs/recipes"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// A broker keeps the callback after unsubscribe.
type broker struct {
	mu       sync.Mutex // protects the fields below
	callback func(message string) error
	left     bool
}

func (b *broker) Subscribe(callback func(message string) error) (unsubscribe func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.callback = callback
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.left = true
	}
}

var errNoSubscriber = errors.New("no subscriber")

// deliver calls the callback.
func (b *broker) deliver(message string) error {
	b.mu.Lock()
	callback := b.callback
	b.mu.Unlock()
	if callback == nil {
		return errNoSubscriber
	}
	return callback(message)
}

// consumed sends n messages, one a second, asks for a stop, and returns how many have
// been handled. A message takes ten seconds.
func consumed(ctx context.Context, b *broker, n int) (int64, error) {
	var handled atomic.Int64
	s := cancel.New(ctx)
	err := s.Run(func(ctx context.Context) error {
		return nursery.Run(ctx, func(ctx context.Context, nu *nursery.Nursery) error {
			nu.Go(func(ctx context.Context) error {
				return recipes.Consume(ctx, b, func(ctx context.Context, message string) error {
					if message == "bad" {
						return errFull
					}
					defer handled.Add(1)
					return cancel.Sleep(ctx, 10*time.Second)
				})
			})
			defer s.Stop()
			for range n {
				if err := cancel.Sleep(ctx, time.Second); err != nil {
					return err
				}
				if err := b.deliver("good"); err != nil {
					return cancel.Because(ctx, err)
				}
			}
			return nil
		})
	})
	return handled.Load(), err
}

func TestConsume(t *testing.T) {
	t.Run("a late message is refused", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			var b broker
			start := time.Now()
			if handled, err := consumed(ctx, &b, 5); handled != 5 || err != nil || !b.left {
				t.Errorf("handled %d (%v), want 5; unsubscribed: %t", handled, err, b.left)
			}
			mustTake(t, start, 15*time.Second)
			mustBe(t, b.deliver("late"), nursery.ErrEnded)
		})
	})
	t.Run("a failure ends it", func(t *testing.T) {
		testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
			var b broker
			time.AfterFunc(time.Second/2, func() { mustBe(t, b.deliver("bad"), nil) })
			_, err := consumed(ctx, &b, 5)
			mustBe(t, err, errFull)
		})
	})
	t.Run("canceled", func(t *testing.T) {
		testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
			var b broker
			_, err := consumed(ctx, &b, 3)
			if late := b.deliver("late"); !errors.Is(late, errNoSubscriber) {
				mustBe(t, late, nursery.ErrEnded)
			}
			return err
		}, testutil.Points(100), testutil.Repeats(1))
	})
}
