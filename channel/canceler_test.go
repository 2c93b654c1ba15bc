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

// TestCanceler tests the canceler, which a handle uses from the second blocking call in the
// same scope on. A waiting call must wake for every reason then, too.
func TestCanceler(t *testing.T) {
	// again makes s and r wait in scope several times.
	again := func(t *testing.T, scope context.Context, s *channel.Sender[int], r *channel.Receiver[int]) {
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
	// waiting returns waiting calls of Send and Receive, on two similar channels.
	waiting := func(t *testing.T, scope context.Context) (s *channel.Sender[int], r *channel.Receiver[int], sent, received <-chan error) {
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
	bubble(t, "CH1/Cancel", func(t *testing.T, ctx context.Context) {
		for range 20 {
			scope := cancel.New(ctx)
			_, _, sent, received := waiting(t, scope)
			scope.Cancel(errBoom)
			wantCanceled(t, "Send()", <-sent, scope)
			wantCanceled(t, "Receive()", <-received, scope)
		}
	})
	bubble(t, "CH1/cancellation by an outer context, and a deadline", func(t *testing.T, ctx context.Context) {
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
	bubble(t, "CH1/the end of a standard context", func(t *testing.T, ctx context.Context) {
		for name, std := range map[string]func(ctx context.Context) (context.Context, context.CancelFunc){
			"WithCancel": context.WithCancel,
			"WithTimeout": func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Second)
			},
			"WithValue": func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, stop := context.WithCancel(ctx)
				return context.WithValue(ctx, t, nil), stop
			},
			"below a scope": func(ctx context.Context) (context.Context, context.CancelFunc) {
				scope := cancel.New(ctx)
				ctx, stop := context.WithCancel(scope)
				return ctx, func() { scope.Cancel(errBoom); stop() }
			},
			"of another type": func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, stop := context.WithCancel(ctx)
				done := make(chan struct{})
				context.AfterFunc(ctx, func() { close(done) })
				return otherContext{ctx, done}, stop
			},
		} {
			std, stop := std(ctx)
			_, _, sent, received := waiting(t, std)
			if _, ok := std.Deadline(); !ok {
				stop()
			}
			for what, result := range map[string]<-chan error{"Send": sent, "Receive": received} {
				if err, ok := (<-result).(*cancel.Error); !ok || err.Err != std.Err() || err.Reason.Cause != context.Cause(std) {
					t.Errorf("%s: %s() = %v, want the error of the context", name, what, err)
				}
			}
			stop()
		}
	})
	bubble(t, "CH4/Close", func(t *testing.T, ctx context.Context) {
		std, stop := context.WithCancel(ctx)
		defer stop()
		for _, ctx := range []context.Context{cancel.New(ctx), std} {
			s, r, sent, received := waiting(t, ctx)
			s.Close()
			r.Close()
			wantErr(t, "Send()", <-sent, channel.ErrClosed)
			wantErr(t, "Receive()", <-received, channel.ErrClosed)
		}
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
	bubble(t, "CH1/a call beside two calls in another scope", func(t *testing.T, ctx context.Context) {
		first, second := cancel.New(ctx), cancel.New(ctx)
		s, r := channel.New[int](0)
		receive := func(scope context.Context) <-chan error {
			received := call(func() error { _, err := r.Receive(scope); return err })
			wantBlocked(t, received)
			return received
		}
		received := receive(first)
		wantErr(t, "TrySend()", s.TrySend(1), nil)
		wantErr(t, "Receive()", <-received, nil)
		received = receive(first) // the first call with a canceler
		other, another := receive(second), receive(second)
		first.Cancel(errBoom)
		wantCanceled(t, "Receive()", <-received, first)
		wantBlocked(t, other, another)
		second.Cancel(errBoom)
		wantCanceled(t, "Receive()", <-other, second)
		wantCanceled(t, "Receive()", <-another, second)
	})
	bubble(t, "CH1/calls in several scopes at once", func(t *testing.T, ctx context.Context) {
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
		for _, c := range append(calls[len(calls)-2:], calls[:2]...) { // calls in the last scope and the first
			wantErr(t, "Send()", <-c, channel.ErrClosed)
		}
	})
	bubble(t, "CH1/calls in another scope meanwhile", func(t *testing.T, ctx context.Context) {
		s, r := channel.New[int](0)
		scope, other := cancel.New(ctx), cancel.New(ctx)
		again(t, scope, s, r)
		sent := call(func() error { return s.Send(scope, 1) })
		wantBlocked(t, sent)
		for range 3 { // the handle must not forget the call in the first scope
			meanwhile := call(func() error { return s.Send(other, 2) })
			wantBlocked(t, sent, meanwhile)
			defer func() { wantErr(t, "Send()", <-meanwhile, channel.ErrClosed) }()
		}
		scope.Cancel(nil)
		wantCanceled(t, "Send()", <-sent, scope)
		s.Close()
	})
	bubble(t, "CH5/a call returns though a function of OnDone blocks", func(t *testing.T, ctx context.Context) {
		for _, later := range []bool{false, true} {
			s, r := channel.New[int](0)
			scope := cancel.New(ctx)
			free := make(chan struct{})
			block := func() { <-free }
			if !later {
				scope.OnDone(block)
			}
			again(t, scope, s, r)
			if later {
				scope.OnDone(block)
			}
			sent := call(func() error { return s.Send(scope, 1) })
			wantBlocked(t, sent)
			go scope.Cancel(nil)
			wantCanceled(t, "Send()", <-sent, scope)
			close(free)
		}
	})
	bubble(t, "CH4/Close after calls in the middle of the list have given up", func(t *testing.T, ctx context.Context) {
		s, _ := channel.New[int](0)
		var scopes []*cancel.Scope
		var calls []<-chan error
		for range 4 {
			scope := cancel.New(ctx)
			scopes = append(scopes, scope)
			calls = append(calls, call(func() error { return s.Send(scope, 1) }))
			wantBlocked(t, calls...)
		}
		for _, i := range []int{2, 1} {
			scopes[i].Cancel(nil)
			wantCanceled(t, "Send()", <-calls[i], scopes[i])
		}
		s.Close()
		wantErr(t, "Send()", <-calls[0], channel.ErrClosed)
		wantErr(t, "Send()", <-calls[3], channel.ErrClosed)
		if st := s.Stats(); st.BlockedSenders != 0 {
			t.Errorf("Stats() = %+v, want no blocked sender", st)
		}
	})
	bubble(t, "CH1/scopes one after the other", func(t *testing.T, ctx context.Context) {
		s, r := channel.New[int](0)
		for range 5 {
			scope := cancel.New(ctx)
			again(t, scope, s, r)
			sent := call(func() error { return s.Send(scope, 1) })
			wantBlocked(t, sent)
			scope.Cancel(errBoom)
			wantCanceled(t, "Send()", <-sent, scope)
		}
		for range 5 { // these are not canceled
			again(t, cancel.New(ctx), s, r)
		}
	})
}

// An otherContext is a context with its own Done channel.
type otherContext struct {
	context.Context
	done <-chan struct{}
}

func (c otherContext) Done() <-chan struct{} { return c.done }
