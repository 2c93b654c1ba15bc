package testutil_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// A blocking is a call that waits for an event.
type blocking struct {
	call func(ctx context.Context) error
	come func() // causes the event; does not block
}

// blockings lists all functions of this module that wait with a context, with the event
// that each waits for.
var blockings = []struct {
	name  string
	once  bool  // the event happens only once
	after error // the error of the next call after one was canceled
	open  func(t *testing.T, ctx context.Context, n *nursery.Nursery) blocking
}{
	{"channel.Receiver.Receive", false, nil, func(t *testing.T, _ context.Context, _ *nursery.Nursery) blocking {
		s, r := channel.New[int](0)
		return blocking{
			func(ctx context.Context) error { _, err := r.Receive(ctx); return err },
			func() { mustNot(t, s.TrySend(1)) },
		}
	}},
	{"channel.Sender.Send", false, nil, func(t *testing.T, _ context.Context, _ *nursery.Nursery) blocking {
		s, r := channel.New[int](0)
		return blocking{
			func(ctx context.Context) error { return s.Send(ctx, 1) },
			func() { _, err := r.TryReceive(); mustNot(t, err) },
		}
	}},
	{"channel.Sender.Send with a buffer", false, nil, func(t *testing.T, _ context.Context, _ *nursery.Nursery) blocking {
		s, r := channel.New[int](1)
		mustNot(t, s.TrySend(1))
		return blocking{
			func(ctx context.Context) error { return s.Send(ctx, 1) },
			func() { _, err := r.TryReceive(); mustNot(t, err) },
		}
	}},
	{"channel.Broadcast.Publish", false, nil, func(t *testing.T, _ context.Context, _ *nursery.Nursery) blocking {
		b := channel.NewBroadcast[int](1)
		s := b.Subscribe(channel.Block)
		mustNot(t, b.TryPublish(1))
		return blocking{
			func(ctx context.Context) error { return b.Publish(ctx, 1) },
			func() { _, err := s.TryReceive(); mustNot(t, err) },
		}
	}},
	{"channel.Subscription.Receive", false, nil, func(t *testing.T, _ context.Context, _ *nursery.Nursery) blocking {
		b := channel.NewBroadcast[int](1)
		s := b.Subscribe(channel.Block)
		return blocking{
			func(ctx context.Context) error { _, err := s.Receive(ctx); return err },
			func() { mustNot(t, b.TryPublish(1)) },
		}
	}},
	{"channel.Watcher.Receive", false, nil, func(t *testing.T, ctx context.Context, _ *nursery.Nursery) blocking {
		w := channel.NewWatch(0)
		r := w.Subscribe()
		_, err := r.Receive(ctx)
		mustNot(t, err)
		return blocking{
			func(ctx context.Context) error { _, err := r.Receive(ctx); return err },
			func() { mustNot(t, w.Set(1)) },
		}
	}},
	{"nursery.Limiter.Acquire", false, nil, func(t *testing.T, ctx context.Context, _ *nursery.Nursery) blocking {
		l := nursery.NewLimiter(1)
		mustNot(t, l.Acquire(ctx))
		return blocking{l.Acquire, l.Release}
	}},
	{"nursery.Limiter.AcquireN by SetTotal", true, nil, func(t *testing.T, ctx context.Context, _ *nursery.Nursery) blocking {
		l := nursery.NewLimiter(0)
		return blocking{
			func(ctx context.Context) error { return l.AcquireN(ctx, 2) },
			func() { l.SetTotal(2) },
		}
	}},
	{"nursery.Limiter.Acquire behind a call for more tokens", true, nil, func(t *testing.T, ctx context.Context, n *nursery.Nursery) blocking {
		l := nursery.NewLimiter(1)
		more := cancel.New(ctx)
		n.Go(func(context.Context) error { return more.Absorb(l.AcquireN(more, 2)) })
		synctest.Wait()
		return blocking{l.Acquire, func() { more.Cancel(nil); synctest.Wait() }}
	}},
	{"nursery.Task.Wait", true, nil, func(t *testing.T, _ context.Context, n *nursery.Nursery) blocking {
		var end testutil.Gate
		task := nursery.Spawn(n, func(ctx context.Context) (int, error) { return 0, end.Wait(ctx) })
		return blocking{func(ctx context.Context) error { _, err := task.Wait(ctx); return err }, end.Open}
	}},
	{"nursery.Shared.Do", true, nil, func(t *testing.T, _ context.Context, n *nursery.Nursery) blocking {
		var end testutil.Gate
		s := nursery.NewShared(n, func(ctx context.Context, _ int) (int, error) { return 0, end.Wait(ctx) })
		return blocking{func(ctx context.Context) error { _, err := s.Do(ctx, 1); return err }, end.Open}
	}},
	{"testutil.Gate.Wait", true, nil, func(*testing.T, context.Context, *nursery.Nursery) blocking {
		var g testutil.Gate
		return blocking{g.Wait, g.Open}
	}},
	{"testutil.Sequencer.At", true, testutil.ErrSequenceBroken, func(t *testing.T, ctx context.Context, n *nursery.Nursery) blocking {
		var s testutil.Sequencer
		var end testutil.Gate
		n.Go(func(ctx context.Context) error { return s.At(ctx, 0, end.Wait) })
		turn := 0
		return blocking{
			func(ctx context.Context) error {
				turn++
				return s.At(ctx, turn, func(context.Context) error { return nil })
			},
			end.Open,
		}
	}},
}

// mustNot fails the test if err is not nil.
func mustNot(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestCanceledFirst checks that a call returns the error of its context if it is canceled
// before the event, and that the event goes to the next call in line. No goroutine runs
// between the cancellation and the event.
func TestCanceledFirst(t *testing.T) {
	// With one processor, the event happens before the canceled call runs.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for name, derive := range map[string]func(ctx context.Context) (context.Context, func()){
		"scope": func(ctx context.Context) (context.Context, func()) {
			s := cancel.New(ctx)
			return s, func() { s.Cancel(nil) }
		},
		"scope below a standard context": func(ctx context.Context) (context.Context, func()) {
			std, stop := context.WithCancel(ctx)
			return cancel.New(std), stop
		},
		"standard context": func(ctx context.Context) (context.Context, func()) {
			return context.WithCancel(ctx)
		},
	} {
		for _, w := range blockings {
			for _, warm := range []int{0, 3} { // a later wait may take another code path
				if warm > 0 && w.once {
					continue
				}
				t.Run(w.name+", "+name, func(t *testing.T) {
					for range 50 {
						testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
							err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
								x := w.open(t, ctx, n)
								call := func(ctx context.Context) <-chan error {
									err := make(chan error, 1)
									n.Go(func(context.Context) error { err <- x.call(ctx); return nil })
									synctest.Wait()
									return err
								}
								canceled, stop := derive(ctx)
								for range warm {
									served := call(canceled)
									x.come()
									mustNot(t, <-served)
								}
								first, next := call(canceled), call(ctx)
								stop()
								x.come()
								if err := <-first; !errors.Is(err, context.Canceled) {
									t.Fatalf("%v, want context canceled", err)
								}
								if err := <-next; !errors.Is(err, w.after) {
									t.Fatalf("the next call: %v, want %v", err, w.after)
								}
								return nil
							})
							mustNot(t, err)
						})
					}
				})
			}
		}
	}
}
