package channel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/internal/test/kit"
)

var (
	bubble    = kit.Bubble
	mustPanic = kit.MustPanic
)

var errBoom = errors.New("boom")

// both runs fn with a bounded channel and with an unbounded one.
func both(t *testing.T, name string, fn func(t *testing.T, ctx context.Context, s *channel.Sender[int], r *channel.Receiver[int])) {
	t.Helper()
	kinds := []struct {
		name string
		make func() (*channel.Sender[int], *channel.Receiver[int])
	}{
		{"", func() (*channel.Sender[int], *channel.Receiver[int]) { return channel.New[int](1000) }},
		{", unbounded", channel.Unbounded[int]},
	}
	for _, k := range kinds {
		bubble(t, name+k.name, func(t *testing.T, ctx context.Context) {
			s, r := k.make()
			fn(t, ctx, s, r)
		})
	}
}

// wantErr fails the test unless err is want.
func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if err != want {
		t.Errorf("%s = %v, want %v", what, err, want)
	}
}

// wantCanceled fails the test unless err is the error of ctx.
func wantCanceled(t *testing.T, what string, err error, ctx context.Context) {
	t.Helper()
	if e, ok := err.(*cancel.Error); !ok || err != cancel.Err(ctx) {
		t.Errorf("%s = %v, want %v", what, e, cancel.Err(ctx))
	}
}

// call runs fn in a goroutine and returns a channel with its result.
func call(fn func() error) <-chan error {
	result := make(chan error, 1)
	go func() { result <- fn() }()
	return result
}

// wantBlocked fails the test if one of the calls has returned.
func wantBlocked(t *testing.T, calls ...<-chan error) {
	t.Helper()
	synctest.Wait()
	for i, c := range calls {
		select {
		case err := <-c:
			t.Errorf("call %d returned %v, want it to wait", i, err)
		default:
		}
	}
}

// drain returns the values that can be received without waiting, and the error after
// them.
func drain(r *channel.Receiver[int]) (got []int, err error) {
	for {
		v, err := r.TryReceive()
		if err != nil {
			return got, err
		}
		got = append(got, v)
	}
}

func TestPass(t *testing.T) {
	both(t, "CH2/in order", func(t *testing.T, ctx context.Context, s *channel.Sender[int], r *channel.Receiver[int]) {
		for i := range 500 {
			wantErr(t, "Send()", s.Send(ctx, i), nil)
		}
		s.Close()
		for i := range 500 {
			if v, err := r.Receive(ctx); v != i || err != nil {
				t.Fatalf("Receive() = %d, %v, want %d, nil", v, err, i)
			}
		}
		for range 3 {
			_, err := r.Receive(ctx)
			wantErr(t, "Receive()", err, io.EOF)
			_, err = r.TryReceive()
			wantErr(t, "TryReceive()", err, io.EOF)
		}
	})
	bubble(t, "CH1/zero values and nil are received like others", func(t *testing.T, ctx context.Context) {
		s, r := channel.New[error](2)
		wantErr(t, "Send()", s.Send(ctx, nil), nil)
		if v, err := r.Receive(ctx); v != nil || err != nil {
			t.Errorf("Receive() = %v, %v, want nil, nil", v, err)
		}
	})
	bubble(t, "CH6/without a buffer Send waits for the receiver", func(t *testing.T, ctx context.Context) {
		s, r := channel.New[int](0)
		wantErr(t, "TrySend()", s.TrySend(1), channel.ErrWouldBlock)
		sent := call(func() error { return s.Send(ctx, 2) })
		wantBlocked(t, sent)
		if v, err := r.TryReceive(); v != 2 || err != nil {
			t.Errorf("TryReceive() = %d, %v, want 2, nil", v, err)
		}
		wantErr(t, "Send()", <-sent, nil)
		var v int
		received := call(func() (err error) { v, err = r.Receive(ctx); return err })
		wantBlocked(t, received)
		wantErr(t, "TrySend()", s.TrySend(3), nil)
		if err := <-received; v != 3 || err != nil {
			t.Errorf("Receive() = %d, %v, want 3, nil", v, err)
		}
	})
	bubble(t, "CH2/blocked calls are served in turn", func(t *testing.T, ctx context.Context) {
		s, r := channel.New[int](1)
		wantErr(t, "Send()", s.Send(ctx, 0), nil)
		for i := range 5 {
			go s.Send(ctx, i+1)
			synctest.Wait()
		}
		wantErr(t, "TrySend()", s.TrySend(99), channel.ErrWouldBlock)
		for i := range 6 {
			if v, err := r.Receive(ctx); v != i || err != nil {
				t.Errorf("Receive() = %d, %v, want %d, nil", v, err, i)
			}
			// The freed slot belongs to the waiting sender.
			if i < 5 {
				wantErr(t, "TrySend()", s.TrySend(99), channel.ErrWouldBlock)
			}
		}
		var got []int
		turn := make(chan struct{}, 1)
		turn <- struct{}{}
		for i := range 5 {
			go func() {
				v, _ := r.Receive(ctx)
				<-turn
				got = append(got, i, v)
				turn <- struct{}{}
			}()
			synctest.Wait()
		}
		for i := range 5 {
			wantErr(t, "TrySend()", s.TrySend(i), nil)
			// The value belongs to the waiting receiver.
			_, err := r.TryReceive()
			wantErr(t, "TryReceive()", err, channel.ErrWouldBlock)
			synctest.Wait()
		}
		if want := []int{0, 0, 1, 1, 2, 2, 3, 3, 4, 4}; !slices.Equal(got, want) {
			t.Errorf("received %v, want %v", got, want)
		}
	})
	bubble(t, "CH1/would block", func(t *testing.T, ctx context.Context) {
		s, r := channel.New[int](2)
		_, err := r.TryReceive()
		wantErr(t, "TryReceive()", err, channel.ErrWouldBlock)
		wantErr(t, "TrySend()", s.TrySend(1), nil)
		wantErr(t, "TrySend()", s.TrySend(2), nil)
		wantErr(t, "TrySend()", s.TrySend(3), channel.ErrWouldBlock)
		if got, err := drain(r); !slices.Equal(got, []int{1, 2}) || err != channel.ErrWouldBlock {
			t.Errorf("received %v, %v, want 1, 2", got, err)
		}
	})
	both(t, "CH1/several receivers get each value once, and all get the end", func(t *testing.T, ctx context.Context, s *channel.Sender[int], r *channel.Receiver[int]) {
		const receivers, values = 4, 400
		counts := make(chan int, receivers)
		seen := make([]bool, values)
		for range receivers {
			r := r.Clone()
			go func() {
				defer r.Close()
				n := 0
				for v, err := range r.All(ctx) {
					if err != nil || seen[v] {
						t.Errorf("received %d, %v, a second time or with an error", v, err)
					}
					seen[v] = true
					n++
				}
				counts <- n
			}()
		}
		for i := range values {
			wantErr(t, "Send()", s.Send(ctx, i), nil)
		}
		s.Close()
		sum := 0
		for range receivers {
			sum += <-counts
		}
		if sum != values {
			t.Errorf("received %d values, want %d", sum, values)
		}
	})
}

func TestContext(t *testing.T) {
	both(t, "CH5/a done context takes precedence", func(t *testing.T, ctx context.Context, s *channel.Sender[int], r *channel.Receiver[int]) {
		done := cancel.New(ctx)
		done.Cancel(errBoom)
		wantErr(t, "Send()", s.Send(ctx, 1), nil)
		wantCanceled(t, "Send()", s.Send(done, 2), done)
		_, err := r.Receive(done)
		wantCanceled(t, "Receive()", err, done)
		_, err = r.ReceiveBatch(done, make([]int, 3))
		wantCanceled(t, "ReceiveBatch()", err, done)
		for _, err := range r.All(done) {
			wantCanceled(t, "All()", err, done)
		}
		if got, err := drain(r); !slices.Equal(got, []int{1}) || err != channel.ErrWouldBlock {
			t.Errorf("%v, %v are left, want 1", got, err)
		}
		s.Close()
		wantCanceled(t, "Send() on a closed handle", s.Send(done, 2), done)
		r.Close()
		_, err = r.Receive(done)
		wantCanceled(t, "Receive() on a closed handle", err, done)
	})
	for _, capacity := range []int{0, 1} {
		bubble(t, fmt.Sprintf("CH1/a canceled Send is not delivered, capacity %d", capacity), func(t *testing.T, ctx context.Context) {
			s, r := channel.New[int](capacity)
			for range capacity {
				wantErr(t, "Send()", s.Send(ctx, 0), nil)
			}
			scope := cancel.New(ctx)
			sent := call(func() error { return s.Send(scope, 1) })
			std, stop := context.WithTimeout(ctx, time.Second)
			defer stop()
			late := call(func() error { return s.Send(std, 2) })
			wantBlocked(t, sent, late)
			if st := s.Stats(); st.BlockedSenders != 2 {
				t.Errorf("Stats() = %+v, want 2 blocked", st)
			}
			scope.Cancel(errBoom)
			wantCanceled(t, "Send()", <-sent, scope)
			if err := <-late; !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Send() = %v, want DeadlineExceeded", err)
			}
			got, err := drain(r)
			wantErr(t, "TryReceive()", err, channel.ErrWouldBlock)
			if len(got) != capacity {
				t.Errorf("received %v, want %d", got, capacity)
			}
		})
	}
	both(t, "CH1/a canceled Receive takes nothing", func(t *testing.T, ctx context.Context, s *channel.Sender[int], r *channel.Receiver[int]) {
		scope := cancel.New(ctx)
		received := call(func() error { _, err := r.Receive(scope); return err })
		wantBlocked(t, received)
		if st := r.Stats(); st.BlockedReceivers != 1 {
			t.Errorf("Stats() = %+v, want one blocked", st)
		}
		scope.Cancel(errBoom)
		wantCanceled(t, "Receive()", <-received, scope)
		wantErr(t, "Send()", s.Send(ctx, 1), nil)
		if v, err := r.Receive(ctx); v != 1 || err != nil {
			t.Errorf("Receive() = %d, %v, want 1, nil", v, err)
		}
	})
	both(t, "CH1/a value sent before the cancellation is received", func(t *testing.T, ctx context.Context, s *channel.Sender[int], r *channel.Receiver[int]) {
		for i := range 100 {
			scope := cancel.New(ctx)
			var v int
			received := call(func() (err error) { v, err = r.Receive(scope); return err })
			wantBlocked(t, received)
			wantErr(t, "TrySend()", s.TrySend(i), nil)
			scope.Cancel(errBoom)
			if err := <-received; v != i || err != nil {
				t.Fatalf("Receive() = %d, %v, want %d, nil", v, err, i)
			}
		}
	})
}

func TestBadInput(t *testing.T) {
	s, r := channel.New[int](1)
	b := channel.NewBroadcast[int](1)
	sub := b.Subscribe(channel.Block)
	w := channel.NewWatch(1)
	nothing := func(context.Context, func(int) error) error { return nil }
	ignore := func(context.Context, *channel.Receiver[int]) error { return nil }
	ctx, none := t.Context(), context.Context(nil)
	for name, bad := range map[string]func(){
		"New: capacity must not be negative, got -1": func() { channel.New[int](-1) },
		"NewBroadcast: capacity must be at least 1":  func() { channel.NewBroadcast[int](0) },
		"Send: nil context":                          func() { _ = s.Send(none, 1) },
		"Receive: nil context":                       func() { _, _ = r.Receive(none) },
		"All: nil context":                           func() { r.All(none) },
		"ReceiveBatch: empty buffer":                 func() { _, _ = r.ReceiveBatch(ctx, nil) },
		"Publish: nil context":                       func() { _ = b.Publish(none, 1) },
		"Subscribe: p must be a policy, got 0":       func() { b.Subscribe(0) },
		"Subscribe: p must be a policy, got 4":       func() { b.Subscribe(channel.CutOff + 1) },
		"Generate: nil context":                      func() { _ = channel.Generate(none, 0, nothing, ignore) },
		"Generate: nil function":                     func() { _ = channel.Generate(ctx, 0, nil, ignore) },
		"Generate: capacity must not be negative":    func() { _ = channel.Generate(ctx, -1, nothing, ignore) },
	} {
		mustPanic(t, name, bad)
	}
	mustPanic(t, "Receive: nil context", func() { _, _ = sub.Receive(none) })
	mustPanic(t, "Receive: nil context", func() { _, _ = w.Subscribe().Receive(none) })
	mustPanic(t, "Generate: nil function", func() { _ = channel.Generate(ctx, 0, nothing, nil) })
}

// TestBubbles uses one channel in a bubble, outside, and in another bubble, with calls
// that wait in each of them.
func TestBubbles(t *testing.T) {
	s, r := channel.New[int](0)
	other := s.Clone()
	pass := func(t *testing.T, ctx context.Context) {
		for range 3 {
			sent := call(func() error { return s.Send(ctx, 1) })
			also := call(func() error { return other.Send(context.Background(), 1) })
			for range 2 {
				if v, err := r.Receive(ctx); v != 1 || err != nil {
					t.Errorf("Receive() = %d, %v, want 1, nil", v, err)
				}
			}
			wantErr(t, "Send()", <-sent, nil)
			wantErr(t, "Send()", <-also, nil)
		}
	}
	for range 2 {
		for name, ctx := range map[string]context.Context{"outside, in a scope": cancel.New(t.Context()), "outside": t.Context()} {
			t.Run("CH1/"+name, func(t *testing.T) { pass(t, ctx) })
		}
		bubble(t, "CH1/in a bubble", pass)
	}
}
