package cancel_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
)

func TestContextSimultaneouslyCanceledParent(t *testing.T) {
	because := errors.New("because")
	for range 300 {
		p := cancel.New(t.Context())
		go p.Cancel(because)
		for _, inner := range children {
			c, stop := inner.make(p)
			<-c.Done()
			wantEnded(t, inner.name, c, context.Canceled, because)
			stop()
		}
	}
}

func TestContextCauseRace(t *testing.T) {
	because := errors.New("because")
	for range 100 {
		p := cancel.New(t.Context())
		below := cancel.New(p)
		go p.Cancel(because)
		for context.Cause(below) == nil {
			runtime.Gosched()
		}
		if got := context.Cause(below); got != because {
			t.Errorf("Cause() = %v, want %v", got, because)
		}
	}
}

// Done is closed before Err returns an error.
func TestContextErrDoneRace(t *testing.T) {
	for round := range 2000 {
		p := cancel.New(t.Context())
		s := p
		if round%2 == 0 {
			s = cancel.New(p)
		}
		done := s.Done()
		watch := func() {
			for s.Err() == nil {
				runtime.Gosched()
			}
			select {
			case <-done:
			default:
				t.Errorf("round %d: Done() is open after Err() = %v, want closed", round, s.Err())
			}
		}
		race(func() { p.Cancel(nil) }, watch, watch)
		if t.Failed() {
			return
		}
	}
}

func TestContextWithoutCancel(t *testing.T) {
	s := cancel.New(context.WithValue(t.Context(), key(1), "one"), cancel.Timeout(time.Hour))
	ctx := context.WithoutCancel(s)
	below := cancel.New(ctx)
	done := below.Done()
	s.Cancel(nil)
	for _, ctx := range []context.Context{ctx, below} {
		if d, ok := ctx.Deadline(); ok {
			t.Errorf("Deadline() = %v, true, want no deadline", d)
		}
		if got := ctx.Value(key(1)); got != "one" {
			t.Errorf("Value() = %v, want one", got)
		}
		if err := ctx.Err(); err != nil {
			t.Errorf("Err() = %v, want nil", err)
		}
	}
	if ctx.Done() != nil {
		t.Errorf("Done() of WithoutCancel = %v, want nil", ctx.Done())
	}
	if got := cancel.FromContext(ctx); got != s {
		t.Errorf("FromContext() = %v, want %v", got, s)
	}
	boom := errors.New("boom")
	below.Cancel(boom)
	<-done
	wantEnded(t, "below", below, context.Canceled, boom)
}
