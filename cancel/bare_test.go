package cancel_test

import (
	"context"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/bare"
)

// TestBareDone tests bare.Done, which the waits of this module use in place of the method
// Done.
func TestBareDone(t *testing.T) {
	t.Run("C4/the channel is closed when the scope ends, whatever ends it", func(t *testing.T) {
		up := cancel.New(t.Context())
		std, stop := context.WithCancel(t.Context())
		own := newCustom(t.Context())
		for name, test := range map[string]struct {
			s   *cancel.Scope
			end func(s *cancel.Scope)
		}{
			"Cancel":             {cancel.New(t.Context()), func(s *cancel.Scope) { s.Cancel(nil) }},
			"Close":              {cancel.New(t.Context()), (*cancel.Scope).Close},
			"a deadline":         {cancel.New(t.Context()), func(s *cancel.Scope) { s.SetTimeout(0) }},
			"a scope above":      {cancel.New(cancel.New(up)), func(*cancel.Scope) { up.Cancel(nil) }},
			"a standard context": {cancel.New(cancel.New(std)), func(*cancel.Scope) { stop() }},
			"a foreign context":  {cancel.New(cancel.New(own)), func(*cancel.Scope) { own.end(context.Canceled) }},
		} {
			done := bare.Done(test.s)
			if isOver(done) {
				t.Errorf("%s: Done is closed, want it open", name)
			}
			if again := bare.Done(test.s); again != done {
				t.Errorf("%s: a second call returns another channel", name)
			}
			test.end(test.s)
			<-done
			if test.s.Err() == nil {
				t.Errorf("%s: Err() = nil, want it canceled", name)
			}
		}
	})
	t.Run("C4/Done may be called later", func(t *testing.T) {
		s := cancel.New(t.Context())
		done, method := bare.Done(s), s.Done()
		s.Cancel(nil)
		if !isOver(done) || !isOver(method) {
			t.Error("Done is open, want it closed")
		}
	})
	t.Run("C4/bare.Done returns the channel of Done after a call of Done or the end of the scope", func(t *testing.T) {
		s := cancel.New(t.Context())
		if s.Done() != bare.Done(s) {
			t.Error("Done() differs from bare.Done, want the same channel")
		}
		ended := cancel.New(t.Context(), cancel.Timeout(0))
		if !isOver(bare.Done(ended)) || !isOver(ended.Done()) {
			t.Error("Done is open, want it closed")
		}
		if ctx := t.Context(); bare.Done(ctx) != ctx.Done() {
			t.Error("bare.Done of a standard context differs from Done()")
		}
	})
	t.Run("C4/Err of a registered scope shows the end of a standard parent at once", func(t *testing.T) {
		for range 100 {
			std, stop := context.WithCancel(t.Context())
			s := cancel.New(std)
			s.Done()
			wantOpen(t, "scope", s)
			stop()
			if s.Err() == nil {
				t.Error("Err() = nil, want it canceled")
			}
			s.Close()
		}
	})
	bubble(t, "C4/Sleep and Forever wait for the channel", func(t *testing.T, ctx context.Context) {
		s := cancel.New(ctx, cancel.Timeout(time.Minute))
		start := time.Now()
		for range 2 {
			if err := cancel.Sleep(s, time.Hour); !s.IsEcho(err) {
				t.Errorf("Sleep() = %v, want an echo", err)
			}
			if err := cancel.Forever(s); !s.IsEcho(err) {
				t.Errorf("Forever() = %v, want an echo", err)
			}
		}
		if got := time.Since(start); got != time.Minute {
			t.Errorf("the waits took %v, want 1m", got)
		}
	})
}

// isOver reports whether done is closed.
func isOver(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
