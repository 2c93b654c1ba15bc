package channel_test

import (
	"context"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
)

func TestReceiveBatch(t *testing.T) {
	both(t, "CH1/what is there, and no more than fits", func(t *testing.T, ctx context.Context, s *channel.Sender[int], r *channel.Receiver[int]) {
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
	both(t, "CH3/it ends without an error at the end of the channel", func(t *testing.T, ctx context.Context, s *channel.Sender[int], r *channel.Receiver[int]) {
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
	bubble(t, "CH5/the error of the context comes once", func(t *testing.T, ctx context.Context) {
		_, r := channel.New[int](1)
		scope := cancel.New(ctx, cancel.Timeout(time.Second))
		var errs []error
		for v, err := range r.All(scope) {
			if v != 0 {
				t.Errorf("a value %d", v)
			}
			errs = append(errs, err)
		}
		if len(errs) != 1 || errs[0] != cancel.Err(scope) {
			t.Errorf("errors %v, want that of the context", errs)
		}
	})
	both(t, "CH1/leaving the loop leaves the rest", func(t *testing.T, ctx context.Context, s *channel.Sender[int], r *channel.Receiver[int]) {
		for i := range 3 {
			wantErr(t, "Send()", s.Send(ctx, i), nil)
		}
		for range r.All(ctx) {
			break
		}
		if got, err := drain(r); !slices.Equal(got, []int{1, 2}) || err != channel.ErrWouldBlock {
			t.Errorf("left are %v, %v, want 1, 2", got, err)
		}
	})
}

func TestC(t *testing.T) {
	both(t, "CH1/in a select with a timer", func(t *testing.T, ctx context.Context, s *channel.Sender[int], r *channel.Receiver[int]) {
		go func() {
			defer s.Close()
			for i := range 200 { // in bursts, of more than an unbounded channel has in its native one
				if i%100 == 0 {
					_ = cancel.Sleep(ctx, 5*time.Second)
				}
				_ = s.Send(ctx, i)
			}
		}()
		tick := time.NewTicker(2 * time.Second)
		defer tick.Stop()
		ticks, next := 0, 0
		c := r.C()
		for c != nil {
			select {
			case v, ok := <-c:
				if !ok {
					c = nil
					break
				}
				if v != next {
					t.Fatalf("received %d, want %d", v, next)
				}
				next++
			case <-tick.C:
				ticks++
			}
		}
		if next != 200 || ticks != 4 && ticks != 5 {
			t.Errorf("%d values and %d ticks in 10 s, want 200 and 4 or 5", next, ticks)
		}
		_, err := r.Receive(ctx)
		wantErr(t, "Receive()", err, io.EOF)
	})
	both(t, "CH1/mixed with Receive, each value once", func(t *testing.T, ctx context.Context, s *channel.Sender[int], r *channel.Receiver[int]) {
		for i := range 300 {
			wantErr(t, "Send()", s.Send(ctx, i), nil)
		}
		s.Close()
		var got []int
		for i := 0; ; i++ {
			switch i % 3 {
			case 0:
				if v, ok := <-r.C(); ok {
					got = append(got, v)
					continue
				}
			case 1:
				if v, err := r.Receive(ctx); err == nil {
					got = append(got, v)
					continue
				}
			case 2:
				if v, err := r.TryReceive(); err == nil {
					got = append(got, v)
					continue
				}
			}
			break
		}
		if len(got) != 300 || !slices.IsSorted(got) {
			t.Errorf("received %d values, in order: %v, want 300", len(got), slices.IsSorted(got))
		}
	})
	t.Run("CH2/in order, also when one is sent for each that is received", func(t *testing.T) {
		s, r := channel.Unbounded[int]()
		c := r.C()
		next := 0
		send := func() {
			wantErr(t, "TrySend()", s.TrySend(next), nil)
			next++
		}
		for range 50 {
			send()
		}
		for i := range 20_000 {
			var v int
			if i%2 == 0 {
				v = <-c
			} else {
				var err error
				if v, err = r.TryReceive(); err != nil {
					t.Fatal(err)
				}
			}
			if v != i {
				t.Fatalf("received %d, want %d", v, i)
			}
			send()
		}
		r.Close()
	})
	bubble(t, "CH3/a channel without a bound that is broken keeps no goroutine", func(t *testing.T, ctx context.Context) {
		s, r := channel.Unbounded[int]()
		r.C()
		for i := range 200 {
			wantErr(t, "Send()", s.Send(ctx, i), nil)
		}
		synctest.Wait()
		if st := s.Stats(); st.Len != 200 || st.Cap != -1 {
			t.Errorf("Stats() = %+v, want 200 values without a bound", st)
		}
		r.Close() // the bubble fails if the goroutine that passes values on stays
		if st := s.Stats(); st.Len != 0 {
			t.Errorf("Stats() = %+v, want nothing left", st)
		}
	})
}
