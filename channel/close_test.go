package channel_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/grove-go/grove/channel"
)

func TestCloseSender(t *testing.T) {
	both(t, "CH3/the buffer is received, then the end", func(t *testing.T, ctx context.Context, s *channel.Sender[int], r *channel.Receiver[int]) {
		for i := range 100 { // more than fits into the native channel of an unbounded one
			wantErr(t, "Send()", s.Send(ctx, i), nil)
		}
		clone := s.Clone()
		wantErr(t, "Close()", s.Close(), nil)
		wantErr(t, "Close()", s.Close(), nil)
		wantErr(t, "Send()", s.Send(ctx, 2), channel.ErrClosed)
		wantErr(t, "TrySend()", s.TrySend(2), channel.ErrClosed)
		wantErr(t, "Send() of the clone", clone.Send(ctx, 100), nil)
		wantErr(t, "Close()", clone.Close(), nil)
		if got, err := drain(r); len(got) != 101 || !slices.IsSorted(got) || err != io.EOF {
			t.Errorf("received %v, %v, want 0 to 100, EOF", got, err)
		}
		mustPanic(t, "Sender.Clone: the handle is closed", func() { s.Clone() })
	})
	both(t, "CH3/the end wakes every receiver", func(t *testing.T, ctx context.Context, s *channel.Sender[int], r *channel.Receiver[int]) {
		var calls []<-chan error
		for range 3 {
			calls = append(calls, call(func() error { _, err := r.Receive(ctx); return err }))
		}
		native := call(func() error { <-r.Ready(); _, err := r.TryReceive(); return err })
		wantBlocked(t, append(calls, native)...)
		s.Close()
		for _, c := range calls {
			wantErr(t, "Receive()", <-c, io.EOF)
		}
		wantErr(t, "TryReceive() when Ready", <-native, io.EOF)
	})
	for _, capacity := range []int{0, 1} {
		bubble(t, fmt.Sprintf("CH4/Close wakes the calls that are blocked on that handle, capacity %d", capacity), func(t *testing.T, ctx context.Context) {
			s, r := channel.New[int](capacity)
			for range capacity {
				wantErr(t, "Send()", s.Send(ctx, 0), nil)
			}
			clone := s.Clone()
			mine := []<-chan error{
				call(func() error { return s.Send(ctx, 1) }),
				call(func() error { return s.Send(context.Background(), 1) }),
			}
			other := call(func() error { return clone.Send(ctx, 2) })
			wantBlocked(t, append(mine, other)...)
			if st := s.Stats(); st != (channel.Stats{Len: capacity, Cap: capacity, Senders: 2, Receivers: 1, BlockedSenders: 3}) {
				t.Errorf("Stats() = %+v", st)
			}
			s.Close()
			for _, c := range mine {
				wantErr(t, "Send()", <-c, channel.ErrClosed)
			}
			wantBlocked(t, other)
			for range capacity {
				_, err := r.Receive(ctx)
				wantErr(t, "Receive()", err, nil)
			}
			if v, err := r.Receive(ctx); v != 2 || err != nil {
				t.Errorf("Receive() = %d, %v, want 2, nil", v, err)
			}
			wantErr(t, "Send()", <-other, nil)
			clone.Close()
			_, err := r.Receive(ctx)
			wantErr(t, "Receive()", err, io.EOF)
		})
	}
	// Close of the last handle closes the native channel while calls send to it.
	for range 20 {
		bubble(t, "CH4/Close of the last handle wakes blocked calls", func(t *testing.T, ctx context.Context) {
			s, r := channel.New[int](0)
			calls := []<-chan error{
				call(func() error { return s.Send(ctx, 1) }),
				call(func() error { return s.Send(ctx, 1) }),
			}
			wantBlocked(t, calls...)
			s.Close()
			_, err := r.TryReceive()
			wantErr(t, "TryReceive()", err, io.EOF)
			for _, c := range calls {
				wantErr(t, "Send()", <-c, channel.ErrClosed)
			}
		})
	}
}

func TestCloseReceiver(t *testing.T) {
	both(t, "CH3/senders get ErrBroken, and the buffer is dropped", func(t *testing.T, ctx context.Context, s *channel.Sender[int], r *channel.Receiver[int]) {
		for i := range 100 {
			wantErr(t, "Send()", s.Send(ctx, i), nil)
		}
		clone := r.Clone()
		wantErr(t, "Close()", r.Close(), nil)
		wantErr(t, "Close()", r.Close(), nil)
		_, err := r.Receive(ctx)
		wantErr(t, "Receive()", err, channel.ErrClosed)
		_, err = r.TryReceive()
		wantErr(t, "TryReceive()", err, channel.ErrClosed)
		_, err = r.ReceiveBatch(ctx, make([]int, 1))
		wantErr(t, "ReceiveBatch()", err, channel.ErrClosed)
		for _, err := range r.All(ctx) {
			wantErr(t, "All()", err, channel.ErrClosed)
		}
		<-r.Ready()
		wantErr(t, "Send()", s.Send(ctx, 100), nil)
		if v, err := clone.Receive(ctx); v != 0 || err != nil {
			t.Errorf("Receive() of the clone = %d, %v, want 0, nil", v, err)
		}
		wantErr(t, "Close()", clone.Close(), nil)
		wantErr(t, "Send()", s.Send(ctx, 2), channel.ErrBroken)
		wantErr(t, "TrySend()", s.TrySend(2), channel.ErrBroken)
		wantErr(t, "Send() of a clone", s.Clone().Send(ctx, 2), channel.ErrBroken)
		if st := s.Stats(); st.Len != 0 || st.Senders != 2 || st.Receivers != 0 {
			t.Errorf("Stats() = %+v, want no value, 2 senders, no receiver", st)
		}
		s.Close()
		wantErr(t, "Send()", s.Send(ctx, 2), channel.ErrClosed)
		mustPanic(t, "Receiver.Clone: the handle is closed", func() { r.Clone() })
	})
	for _, capacity := range []int{0, 1, 3} {
		bubble(t, fmt.Sprintf("CH3/Close wakes every sender without sending, capacity %d", capacity), func(t *testing.T, ctx context.Context) {
			s, r := channel.New[int](capacity)
			for range capacity {
				wantErr(t, "Send()", s.Send(ctx, 0), nil)
			}
			var calls []<-chan error
			for range 5 {
				clone := s.Clone()
				calls = append(calls, call(func() error { return clone.Send(ctx, 1) }))
			}
			wantBlocked(t, calls...)
			r.Close()
			for _, c := range calls {
				wantErr(t, "Send()", <-c, channel.ErrBroken)
			}
			if st := s.Stats(); st.Len != 0 || st.BlockedSenders != 0 {
				t.Errorf("Stats() = %+v, want nothing left", st)
			}
		})
	}
	both(t, "CH4/Close wakes the calls that are blocked on that handle", func(t *testing.T, ctx context.Context, s *channel.Sender[int], r *channel.Receiver[int]) {
		clone := r.Clone()
		mine := []<-chan error{
			call(func() error { _, err := r.Receive(ctx); return err }),
			call(func() error { _, err := r.ReceiveBatch(context.Background(), make([]int, 2)); return err }),
		}
		other := call(func() error { _, err := clone.Receive(ctx); return err })
		wantBlocked(t, append(mine, other)...)
		r.Close()
		for _, c := range mine {
			wantErr(t, "Receive()", <-c, channel.ErrClosed)
		}
		wantBlocked(t, other)
		wantErr(t, "Send()", s.Send(ctx, 1), nil)
		wantErr(t, "Receive() of the clone", <-other, nil)
	})
	bubble(t, "CH4/ErrClosed takes precedence over the end", func(t *testing.T, ctx context.Context) {
		s, r := channel.New[int](0)
		clone := r.Clone()
		s.Close()
		r.Close()
		_, err := r.Receive(ctx)
		wantErr(t, "Receive()", err, channel.ErrClosed)
		_, err = clone.Receive(ctx)
		wantErr(t, "Receive() of the clone", err, io.EOF)
		clone.Close()
	})
}

// TestCallbacks closes a handle in the methods of the context passed to Send and Receive.
func TestCallbacks(t *testing.T) {
	for _, capacity := range []int{0, 1} {
		bubble(t, "CH4/a handle is closed by a method of the context", func(t *testing.T, ctx context.Context) {
			outer, stop := context.WithCancel(ctx)
			s, r := channel.New[int](capacity)
			for range capacity {
				wantErr(t, "Send()", s.Send(ctx, 0), nil)
			}
			wantErr(t, "Send()", s.Send(&hooked{Context: outer, hook: func() { s.Close() }}, 1), channel.ErrClosed)
			for range capacity {
				_, err := r.Receive(ctx)
				wantErr(t, "Receive()", err, nil)
			}
			_, err := r.Receive(&hooked{Context: outer, hook: func() { r.Close() }})
			wantErr(t, "Receive()", err, io.EOF)
			stop()
		})
	}
}

// A hooked is a context that calls hook in each call of Done but the first, which is made
// to check the error.
type hooked struct {
	context.Context
	hook  func()
	asked bool
}

func (h *hooked) Done() <-chan struct{} {
	if h.asked {
		h.hook()
	}
	h.asked = true
	return h.Context.Done()
}
