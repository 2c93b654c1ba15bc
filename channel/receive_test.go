package channel_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
)

func TestReceiveBatch(t *testing.T) {
	both(t, "CH1/ReceiveBatch takes the available values that fit", func(t *testing.T, ctx context.Context, s *channel.Sender[int], r *channel.Receiver[int]) {
		for i := range 200 {
			wantErr(t, "Send()", s.Send(ctx, i), nil)
		}
		buf := make([]int, 150)
		if n, err := r.ReceiveBatch(ctx, buf); n != 150 || err != nil || buf[149] != 149 {
			t.Errorf("ReceiveBatch() = %d, %v, want 150, nil", n, err)
		}
		buf[50] = -1
		if n, err := r.ReceiveBatch(ctx, buf); n != 50 || err != nil || buf[49] != 199 || buf[50] != -1 {
			t.Errorf("ReceiveBatch() = %d, %v, want 50, nil", n, err)
		}
		got := call(func() error { _, err := r.ReceiveBatch(ctx, buf); return err })
		wantBlocked(t, got)
		wantErr(t, "Send()", s.Send(ctx, 7), nil)
		if err := <-got; err != nil || buf[0] != 7 {
			t.Errorf("ReceiveBatch() = %v with %d, want nil with 7", err, buf[0])
		}
		wantErr(t, "Send()", s.Send(ctx, 8), nil)
		s.Close()
		if n, err := r.ReceiveBatch(ctx, buf); n != 1 || err != nil {
			t.Errorf("ReceiveBatch() = %d, %v, want 1, nil", n, err)
		}
		if n, err := r.ReceiveBatch(ctx, buf); n != 0 || err != io.EOF {
			t.Errorf("ReceiveBatch() = %d, %v, want 0, EOF", n, err)
		}
	})
}

func TestAll(t *testing.T) {
	both(t, "CH3/the loop ends without an error at the end of the channel", func(t *testing.T, ctx context.Context, s *channel.Sender[int], r *channel.Receiver[int]) {
		go func() {
			defer s.Close()
			for i := range 3 {
				_ = s.Send(ctx, i)
				_ = cancel.Sleep(ctx, time.Second)
			}
		}()
		var got []int
		for v, err := range r.All(ctx) {
			wantErr(t, "All()", err, nil)
			got = append(got, v)
		}
		if !slices.Equal(got, []int{0, 1, 2}) {
			t.Errorf("received %v, want 0, 1, 2", got)
		}
	})
	bubble(t, "CH5/the context's error is yielded once", func(t *testing.T, ctx context.Context) {
		_, r := channel.New[int](1)
		scope := cancel.New(ctx, cancel.Timeout(time.Second))
		var errs []error
		for v, err := range r.All(scope) {
			if v != 0 {
				t.Errorf("unexpected value %d", v)
			}
			errs = append(errs, err)
		}
		if len(errs) != 1 || errs[0] != cancel.Err(scope) {
			t.Errorf("errors %v, want the context's error once", errs)
		}
	})
	both(t, "CH1/leaving the loop leaves the other values", func(t *testing.T, ctx context.Context, s *channel.Sender[int], r *channel.Receiver[int]) {
		for i := range 3 {
			wantErr(t, "Send()", s.Send(ctx, i), nil)
		}
		for range r.All(ctx) {
			break
		}
		if got, err := drain(r); !slices.Equal(got, []int{1, 2}) || err != channel.ErrWouldBlock {
			t.Errorf("%v, %v are left, want 1, 2", got, err)
		}
	})
}

func TestReady(t *testing.T) {
	both(t, "CH1/in a select with a timer", func(t *testing.T, ctx context.Context, s *channel.Sender[int], r *channel.Receiver[int]) {
		go func() {
			defer s.Close()
			for i := range 200 { // in bursts
				if i%100 == 0 {
					_ = cancel.Sleep(ctx, 5*time.Second)
				}
				_ = s.Send(ctx, i)
			}
		}()
		tick := time.NewTicker(2 * time.Second)
		defer tick.Stop()
		ticks, next := 0, 0
		for ended := false; !ended; {
			select {
			case <-r.Ready():
				switch v, err := r.TryReceive(); {
				case err == io.EOF:
					ended = true
				case v != next || err != nil:
					t.Fatalf("TryReceive() = %d, %v, want %d, nil", v, err, next)
				default:
					next++
				}
			case <-tick.C:
				ticks++
			}
		}
		if next != 200 || ticks != 4 && ticks != 5 {
			t.Errorf("%d values and %d ticks in 10 s, want 200 and 4 or 5", next, ticks)
		}
	})
	for _, test := range []struct {
		name     string
		capacity int
		tell     func(s *channel.Sender[int], r *channel.Receiver[int])
		v        int
		err      error
	}{
		{"CH1/a value", 1, func(s *channel.Sender[int], _ *channel.Receiver[int]) { _ = s.TrySend(1) }, 1, nil},
		{"CH6/a waiting sender", 0, func(s *channel.Sender[int], _ *channel.Receiver[int]) {
			go func() { _ = s.Send(context.Background(), 1) }()
		}, 1, nil},
		{"CH3/the end", 1, func(s *channel.Sender[int], _ *channel.Receiver[int]) { s.Close() }, 0, io.EOF},
		{"CH3/Refuse", 1, func(_ *channel.Sender[int], r *channel.Receiver[int]) { r.Refuse() }, 0, io.EOF},
		{"CH4/Close of the handle", 1, func(_ *channel.Sender[int], r *channel.Receiver[int]) { r.Close() }, 0, channel.ErrClosed},
	} {
		bubble(t, test.name+" makes it ready", func(t *testing.T, ctx context.Context) {
			s, r := channel.New[int](test.capacity)
			other := r.Clone()
			ready := []<-chan struct{}{r.Ready(), r.Ready()}
			synctest.Wait()
			select {
			case <-ready[0]:
				t.Error("Ready() is closed, want it open: there is nothing to receive")
			default:
			}
			test.tell(s, r)
			synctest.Wait()
			for range 2 {
				for _, c := range append(ready, r.Ready()) {
					select {
					case <-c:
					default:
						t.Error("Ready() is open, want it closed")
					}
				}
			}
			if v, err := r.TryReceive(); v != test.v || err != test.err {
				t.Errorf("TryReceive() = %d, %v, want %d, %v", v, err, test.v, test.err)
			}
			if test.err == nil {
				select {
				case <-r.Ready():
					t.Error("Ready() is closed, want it open: the value has been received")
				default:
				}
			}
			other.Close()
		})
	}
	bubble(t, "CH2/a blocked Receive takes precedence", func(t *testing.T, ctx context.Context) {
		s, r := channel.New[int](1)
		ready := r.Ready()
		received := call(func() error { _, err := r.Receive(ctx); return err })
		wantBlocked(t, received)
		wantErr(t, "TrySend()", s.TrySend(1), nil)
		wantErr(t, "Receive()", <-received, nil)
		select {
		case <-ready:
			t.Error("Ready() is closed, want it open: the value went to Receive")
		default:
		}
	})
}

func TestRefuse(t *testing.T) {
	both(t, "CH3/accepted values are received, new ones are refused", func(t *testing.T, ctx context.Context, s *channel.Sender[int], r *channel.Receiver[int]) {
		for i := range 3 {
			wantErr(t, "Send()", s.Send(ctx, i), nil)
		}
		for range 2 {
			r.Refuse()
			wantErr(t, "Send()", s.Send(ctx, 3), channel.ErrBroken)
			wantErr(t, "TrySend()", s.TrySend(3), channel.ErrBroken)
		}
		if got, err := drain(r); !slices.Equal(got, []int{0, 1, 2}) || err != io.EOF {
			t.Errorf("received %v, %v, want 0, 1, 2, EOF", got, err)
		}
		_, err := r.Clone().Receive(ctx)
		wantErr(t, "Receive() of a clone", err, io.EOF)
	})
	for _, capacity := range []int{0, 1} {
		bubble(t, fmt.Sprintf("CH3/blocked senders are woken, capacity %d", capacity), func(t *testing.T, ctx context.Context) {
			_, r := channel.New[int](capacity)
			received := call(func() error { _, err := r.Receive(ctx); return err })
			wantBlocked(t, received)
			r.Refuse()
			wantErr(t, "Receive()", <-received, io.EOF)

			s, r := channel.New[int](capacity)
			for range capacity {
				wantErr(t, "Send()", s.Send(ctx, 0), nil)
			}
			sent := call(func() error { return s.Send(ctx, 1) })
			wantBlocked(t, sent)
			r.Refuse()
			wantErr(t, "Send()", <-sent, channel.ErrBroken)
			if got, err := drain(r); len(got) != capacity || err != io.EOF {
				t.Errorf("received %v, %v, want %d values, EOF", got, err, capacity)
			}
		})
	}
	t.Run("CH1/a resource in the channel is never lost", func(t *testing.T) {
		for i := range 2000 {
			s, r := channel.New[int](i % 4)
			var sent, got, after atomic.Int64
			var wg sync.WaitGroup
			for k := range 2 {
				s := s.Clone()
				wg.Go(func() {
					defer s.Close()
					for {
						var err error
						if k == 0 {
							err = s.Send(t.Context(), 1)
						} else {
							err = s.TrySend(1)
							runtime.Gosched()
						}
						switch err {
						case nil:
							sent.Add(1)
						case channel.ErrWouldBlock:
						default:
							return
						}
					}
				})
			}
			s.Close()
			wg.Go(func() {
				for range i % 7 {
					if _, err := r.Receive(t.Context()); err == nil {
						got.Add(1)
					}
				}
				r.Refuse()
				for {
					if _, err := r.TryReceive(); err != nil {
						break
					}
					after.Add(1)
				}
				r.Close()
			})
			wg.Wait()
			if sent.Load() != got.Load()+after.Load() {
				t.Fatalf("%d values were sent, %d received before and %d after Refuse", sent.Load(), got.Load(), after.Load())
			}
		}
	})
}
