package channel_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
)

// received returns the values that a subscription has, and the error after them.
func received(s *channel.Subscription[int]) (got []int, err error) {
	for {
		v, err := s.TryReceive()
		if err != nil {
			return got, err
		}
		got = append(got, v)
	}
}

func TestBroadcast(t *testing.T) {
	bubble(t, "CH7/every subscriber sees every value, in order", func(t *testing.T, ctx context.Context) {
		b := channel.NewBroadcast[int](3)
		wantErr(t, "Publish() without subscribers", b.Publish(ctx, -1), nil)
		const subscribers, values = 5, 100
		var wg sync.WaitGroup
		for i := range subscribers {
			s := b.Subscribe(channel.Block)
			wg.Go(func() {
				defer s.Close()
				var got []int
				for v, err := range s.All(ctx) {
					wantErr(t, "All()", err, nil)
					got = append(got, v)
				}
				if len(got) != values || got[0] != 0 || !slices.IsSorted(got) {
					t.Errorf("subscriber %d received %v, want 0 to 99", i, got)
				}
			})
		}
		if n := b.Subscribers(); n != subscribers {
			t.Errorf("Subscribers() = %d, want %d", n, subscribers)
		}
		for i := range values {
			wantErr(t, "Publish()", b.Publish(ctx, i), nil)
		}
		wantErr(t, "Close()", b.Close(), nil)
		wantErr(t, "Close()", b.Close(), nil)
		wg.Wait()
		if n := b.Subscribers(); n != 0 {
			t.Errorf("Subscribers() = %d, want 0", n)
		}
		wantErr(t, "Publish()", b.Publish(ctx, 1), channel.ErrClosed)
		wantErr(t, "TryPublish()", b.TryPublish(1), channel.ErrClosed)
		s := b.Subscribe(channel.Block)
		_, err := s.Receive(ctx)
		wantErr(t, "Receive()", err, io.EOF)
		s.Close()
		_, err = s.Receive(ctx)
		wantErr(t, "Receive()", err, channel.ErrClosed)
	})
	bubble(t, "CH7/Publish waits for a slow subscriber with Block", func(t *testing.T, ctx context.Context) {
		b := channel.NewBroadcast[int](2)
		slow, fast := b.Subscribe(channel.Block), b.Subscribe(channel.DropOldest)
		for i := range 2 {
			wantErr(t, "Publish()", b.Publish(ctx, i), nil)
		}
		wantErr(t, "TryPublish()", b.TryPublish(9), channel.ErrWouldBlock)
		first := call(func() error { return b.Publish(ctx, 2) })
		wantBlocked(t, first)
		second := call(func() error { return b.Publish(ctx, 3) })
		wantBlocked(t, first, second)
		wantErr(t, "TryPublish()", b.TryPublish(9), channel.ErrWouldBlock)
		if got, err := received(fast); !slices.Equal(got, []int{0, 1}) || err != channel.ErrWouldBlock {
			t.Errorf("received %v, %v, want 0, 1: a waiting Publish has not published", got, err)
		}
		if v, err := slow.Receive(ctx); v != 0 || err != nil {
			t.Errorf("Receive() = %d, %v, want 0, nil", v, err)
		}
		wantErr(t, "Publish()", <-first, nil)
		wantBlocked(t, second)
		wantErr(t, "Close() of the slow one", slow.Close(), nil)
		wantErr(t, "Close() of the slow one", slow.Close(), nil)
		wantErr(t, "Publish()", <-second, nil)
		if got, _ := received(fast); !slices.Equal(got, []int{2, 3}) || fast.Dropped() != 0 {
			t.Errorf("received %v and dropped %d, want 2, 3 and 0", got, fast.Dropped())
		}
	})
	bubble(t, "CH7/a canceled Publish publishes to no subscriber", func(t *testing.T, ctx context.Context) {
		b := channel.NewBroadcast[int](1)
		block, drop := b.Subscribe(channel.Block), b.Subscribe(channel.DropOldest)
		wantErr(t, "Publish()", b.Publish(ctx, 1), nil)
		scope := cancel.New(ctx)
		published := call(func() error { return b.Publish(scope, 2) })
		wantBlocked(t, published)
		waits := call(func() error { return b.Publish(scope, 3) }) // for its turn
		wantBlocked(t, published, waits)
		scope.Cancel(errBoom)
		wantCanceled(t, "Publish()", <-published, scope)
		wantCanceled(t, "Publish()", <-waits, scope)
		wantCanceled(t, "Publish()", b.Publish(scope, 4), scope)
		for _, s := range []*channel.Subscription[int]{block, drop} {
			if got, err := received(s); !slices.Equal(got, []int{1}) || err != channel.ErrWouldBlock {
				t.Errorf("received %v, %v, want 1", got, err)
			}
		}
		wantErr(t, "Publish()", b.Publish(ctx, 5), nil)
		_, err := block.Receive(scope)
		wantCanceled(t, "Receive()", err, scope)
	})
	bubble(t, "CH7/DropOldest drops the oldest values and counts them", func(t *testing.T, ctx context.Context) {
		b := channel.NewBroadcast[int](3)
		s := b.Subscribe(channel.DropOldest)
		for i := range 10 {
			wantErr(t, "Publish()", b.Publish(ctx, i), nil)
		}
		if got, _ := received(s); !slices.Equal(got, []int{7, 8, 9}) || s.Dropped() != 7 {
			t.Errorf("received %v and dropped %d, want the last 3 values and 7", got, s.Dropped())
		}
	})
	bubble(t, "CH7/a slow subscriber with CutOff is cut off", func(t *testing.T, ctx context.Context) {
		b := channel.NewBroadcast[int](2)
		slow, fast := b.Subscribe(channel.CutOff), b.Subscribe(channel.CutOff)
		for i := range 3 {
			wantErr(t, "Publish()", b.Publish(ctx, i), nil)
			if v, err := fast.Receive(ctx); v != i || err != nil {
				t.Errorf("Receive() = %d, %v, want %d, nil", v, err, i)
			}
		}
		for range 2 {
			_, err := slow.Receive(ctx)
			wantErr(t, "Receive()", err, channel.ErrLagged)
		}
		if n := b.Subscribers(); n != 1 || slow.Dropped() != 0 {
			t.Errorf("Subscribers() = %d, want 1", n)
		}
		slow.Close()
		_, err := slow.Receive(ctx)
		wantErr(t, "Receive()", err, channel.ErrClosed)
	})
	bubble(t, "CH7/blocked calls are woken", func(t *testing.T, ctx context.Context) {
		b := channel.NewBroadcast[int](1)
		s, other := b.Subscribe(channel.Block), b.Subscribe(channel.Block)
		receives := func(s *channel.Subscription[int]) <-chan error {
			return call(func() error { _, err := s.Receive(ctx); return err })
		}
		one, two, three := receives(s), receives(s), receives(other)
		wantBlocked(t, one, two, three)
		wantErr(t, "Publish()", b.Publish(ctx, 1), nil)
		wantErr(t, "Receive()", <-three, nil)
		select {
		case err := <-one:
			wantErr(t, "Receive()", err, nil)
			one = two
		case err := <-two:
			wantErr(t, "Receive()", err, nil)
		}
		wantBlocked(t, one)
		s.Close()
		wantErr(t, "Receive()", <-one, channel.ErrClosed)
		last := receives(other)
		wantErr(t, "Publish()", b.Publish(ctx, 1), nil)
		wantErr(t, "Receive()", <-last, nil)
		last = receives(other)
		wantErr(t, "Publish()", b.Publish(ctx, 1), nil)
		wantErr(t, "Receive()", <-last, nil)
		wantErr(t, "Publish()", b.Publish(ctx, 1), nil)
		published := call(func() error { return b.Publish(ctx, 2) })
		waits := call(func() error { return b.Publish(ctx, 3) })
		wantBlocked(t, published, waits)
		b.Close()
		wantErr(t, "Publish()", <-published, channel.ErrClosed)
		wantErr(t, "Publish()", <-waits, channel.ErrClosed)
		if got, err := received(other); !slices.Equal(got, []int{1}) || err != io.EOF {
			t.Errorf("received %v, %v, want 1, EOF", got, err)
		}
	})
}

// CH7: all subscribers with Block see all values in the same order, while other
// subscribers come and go.
func TestStressBroadcast(t *testing.T) {
	const publishers, values = 4, 500
	b := channel.NewBroadcast[int](4)
	ctx := t.Context()
	var publishing, receiving sync.WaitGroup
	orders := make([][]int, 3)
	for i := range orders {
		s := b.Subscribe(channel.Block)
		receiving.Go(func() {
			defer s.Close()
			for v, err := range s.All(ctx) {
				if err != nil {
					t.Error(err)
				}
				orders[i] = append(orders[i], v)
			}
		})
	}
	for i := range 3 {
		receiving.Go(func() {
			for range 200 { // subscribes and leaves
				s := b.Subscribe(channel.Policy(i) + channel.Block)
				for range 3 {
					_ = b.TryPublish(0)
					_, _ = s.TryReceive()
				}
				s.Close()
			}
		})
	}
	for i := range publishers {
		publishing.Go(func() {
			for v := range values {
				if err := b.Publish(ctx, i*values+v+1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	publishing.Wait()
	b.Close()
	receiving.Wait()
	seen := make(map[int]bool)
	for _, v := range orders[0] {
		if v != 0 && seen[v] {
			t.Errorf("value %d was received twice", v)
		}
		seen[v] = true
	}
	if len(seen) < publishers*values {
		t.Errorf("received %d values, want %d", len(seen), publishers*values)
	}
	for i, o := range orders {
		if !slices.Equal(o, orders[0]) {
			t.Errorf("subscriber %d and subscriber 0 saw different orders", i)
		}
	}
}

func TestWatch(t *testing.T) {
	bubble(t, "CH7/Receive returns the latest value, the first time at once", func(t *testing.T, ctx context.Context) {
		w := channel.NewWatch("a")
		r := w.Subscribe()
		get := func(want string) {
			t.Helper()
			if v, err := r.Receive(ctx); v != want || err != nil {
				t.Errorf("Receive() = %q, %v, want %q, nil", v, err, want)
			}
		}
		get("a")
		_, err := r.TryReceive()
		wantErr(t, "TryReceive()", err, channel.ErrWouldBlock)
		wantErr(t, "Set()", w.Set("b"), nil)
		wantErr(t, "Set()", w.Set("c"), nil)
		get("c")
		if v := w.Latest(); v != "c" {
			t.Errorf("Latest() = %q, want c", v)
		}
		waits := call(func() error { _, err := r.Receive(ctx); return err })
		wantBlocked(t, waits)
		wantErr(t, "Set()", w.Set("d"), nil)
		wantErr(t, "Receive()", <-waits, nil)
		wantErr(t, "Set()", w.Set("e"), nil)
		wantErr(t, "Close()", w.Close(), nil)
		wantErr(t, "Close()", w.Close(), nil)
		wantErr(t, "Set()", w.Set("f"), channel.ErrClosed)
		get("e")
		_, err = r.Receive(ctx)
		wantErr(t, "Receive()", err, io.EOF)
		var got []string
		for v, err := range w.Subscribe().All(ctx) {
			wantErr(t, "All()", err, nil)
			got = append(got, v)
		}
		if !slices.Equal(got, []string{"e"}) || w.Latest() != "e" {
			t.Errorf("a late watcher received %q, want e", got)
		}
	})
	bubble(t, "CH7/waiting receivers are woken", func(t *testing.T, ctx context.Context) {
		w := channel.NewWatch(0)
		scope := cancel.New(ctx)
		var calls []<-chan error
		for i := range 3 {
			r := w.Subscribe()
			if _, err := r.Receive(ctx); err != nil {
				t.Error(err)
			}
			c := ctx
			if i == 0 {
				c = scope
			}
			calls = append(calls, call(func() error { _, err := r.Receive(c); return err }))
		}
		wantBlocked(t, calls...)
		scope.Cancel(errBoom)
		wantCanceled(t, "Receive()", <-calls[0], scope)
		wantBlocked(t, calls[1:]...)
		w.Close()
		wantErr(t, "Receive()", <-calls[1], io.EOF)
		wantErr(t, "Receive()", <-calls[2], io.EOF)
		_, err := w.Subscribe().Receive(scope)
		wantCanceled(t, "Receive()", err, scope)
	})
}

// CH7: two values wake two receivers that are about to wait.
func TestStressSubscription(t *testing.T) {
	ctx := t.Context()
	for range 5000 {
		b := channel.NewBroadcast[int](2)
		s := b.Subscribe(channel.Block)
		receive := func() error { _, err := s.Receive(ctx); return err }
		one, two := call(receive), call(receive)
		wantErr(t, "Publish()", b.Publish(ctx, 1), nil)
		wantErr(t, "Publish()", b.Publish(ctx, 2), nil)
		wantErr(t, "Receive()", <-one, nil)
		wantErr(t, "Receive()", <-two, nil)
	}
}

// CH7: no watcher sees an older value after a newer one, and every watcher sees the last
// one.
func TestStressWatch(t *testing.T) {
	const values = 20_000
	w := channel.NewWatch(0)
	var wg sync.WaitGroup
	var seen atomic.Int64
	for i := range 4 {
		r := w.Subscribe()
		wg.Go(func() {
			last := -1
			for v, err := range r.All(t.Context()) {
				if err != nil || v <= last {
					t.Errorf("watcher %d saw %d after %d (%v)", i, v, last, err)
				}
				last = v
				seen.Add(1)
			}
			if last != values {
				t.Errorf("watcher %d saw %d last, want %d", i, last, values)
			}
		})
	}
	for i := range values {
		if err := w.Set(i + 1); err != nil {
			t.Error(err)
		}
	}
	w.Close()
	wg.Wait()
	t.Log(fmt.Sprint(seen.Load(), " of ", 4*values, " changes were seen"))
}
