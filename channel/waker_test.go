package channel_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
)

// Who is blocked in a handle several times in one scope waits in another way from
// the second time on: each of the reasons to wake has to reach them there too.
func TestWaker(t *testing.T) {
	// again makes s and r wait in scope, twice.
	again := func(t *testing.T, scope *cancel.Scope, s *channel.Sender[int], r *channel.Receiver[int]) {
		t.Helper()
		other := s.Stats()
		for range 3 {
			sent := call(func() error { return s.Send(scope, 1) })
			wantBlocked(t, sent)
			_, err := r.TryReceive()
			wantErr(t, "TryReceive()", err, nil)
			wantErr(t, "Send()", <-sent, nil)
			received := call(func() error { _, err := r.Receive(scope); return err })
			wantBlocked(t, received)
			wantErr(t, "TrySend()", s.TrySend(1), nil)
			wantErr(t, "Receive()", <-received, nil)
		}
		if st := s.Stats(); st != other {
			t.Errorf("Stats() = %+v, want %+v as before", st, other)
		}
	}
	// waiting returns calls of Send and Receive that wait, by two channels that are alike.
	waiting := func(t *testing.T, scope *cancel.Scope) (s *channel.Sender[int], r *channel.Receiver[int], sent, received <-chan error) {
		t.Helper()
		s, r2 := channel.New[int](0)
		s2, r := channel.New[int](0)
		again(t, scope, s, r2)
		again(t, scope, s2, r)
		sent = call(func() error { return s.Send(scope, 1) })
		received = call(func() error { _, err := r.Receive(scope); return err })
		wantBlocked(t, sent, received)
		t.Cleanup(func() { r2.Close(); s2.Close() })
		return s, r, sent, received
	}
	bubble(t, "CH1/a cancellation", func(t *testing.T, ctx context.Context) {
		for range 20 {
			scope := cancel.New(ctx)
			_, _, sent, received := waiting(t, scope)
			scope.Cancel(errBoom)
			wantCanceled(t, "Send()", <-sent, scope)
			wantCanceled(t, "Receive()", <-received, scope)
		}
	})
	bubble(t, "CH1/a cancellation from outside, and a deadline", func(t *testing.T, ctx context.Context) {
		std, stop := context.WithCancel(ctx)
		scope := cancel.New(std)
		_, _, sent, received := waiting(t, scope)
		stop()
		wantCanceled(t, "Send()", <-sent, scope)
		wantCanceled(t, "Receive()", <-received, scope)
		scope = cancel.New(ctx, cancel.Timeout(time.Second))
		_, _, sent, received = waiting(t, scope)
		wantCanceled(t, "Send()", <-sent, scope)
		wantCanceled(t, "Receive()", <-received, scope)
	})
	bubble(t, "CH4/Close", func(t *testing.T, ctx context.Context) {
		s, r, sent, received := waiting(t, cancel.New(ctx))
		s.Close()
		r.Close()
		wantErr(t, "Send()", <-sent, channel.ErrClosed)
		wantErr(t, "Receive()", <-received, channel.ErrClosed)
	})
	bubble(t, "CH3/the end of the other side", func(t *testing.T, ctx context.Context) {
		scope := cancel.New(ctx)
		s, r := channel.New[int](0)
		again(t, scope, s, r)
		sent := call(func() error { return s.Send(scope, 1) })
		wantBlocked(t, sent)
		r.Close()
		wantErr(t, "Send()", <-sent, channel.ErrBroken)
		s, r = channel.New[int](0)
		again(t, scope, s, r)
		received := call(func() error { _, err := r.Receive(scope); return err })
		wantBlocked(t, received)
		s.Close()
		wantErr(t, "Receive()", <-received, io.EOF)
	})
	bubble(t, "CH1/in several scopes at once", func(t *testing.T, ctx context.Context) {
		s, r := channel.New[int](0)
		first := cancel.New(ctx)
		again(t, first, s, r)
		var scopes []*cancel.Scope
		var calls []<-chan error
		for i := range 6 {
			scope := first
			if i > 0 {
				scope = cancel.New(ctx, cancel.Name(fmt.Sprint(i)))
			}
			for range 2 {
				scopes = append(scopes, scope)
				calls = append(calls, call(func() error { return s.Send(scope, 1) }))
				wantBlocked(t, calls...)
			}
		}
		for i := 2; i < len(calls)-2; i += 2 {
			scopes[i].Cancel(nil)
			wantCanceled(t, "Send()", <-calls[i], scopes[i])
			wantCanceled(t, "Send()", <-calls[i+1], scopes[i])
			wantBlocked(t, append(calls[i+2:], calls[:2]...)...)
		}
		s.Close()
		for _, c := range append(calls[len(calls)-2:], calls[:2]...) { // of the last scope and the first
			wantErr(t, "Send()", <-c, channel.ErrClosed)
		}
	})
	bubble(t, "CH1/one scope after the other", func(t *testing.T, ctx context.Context) {
		s, r := channel.New[int](0)
		for range 5 {
			scope := cancel.New(ctx)
			again(t, scope, s, r)
			sent := call(func() error { return s.Send(scope, 1) })
			wantBlocked(t, sent)
			scope.Cancel(errBoom)
			wantCanceled(t, "Send()", <-sent, scope)
		}
		for range 5 { // that are not canceled
			again(t, cancel.New(ctx), s, r)
		}
	})
}
