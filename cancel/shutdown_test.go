package cancel_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
)

func TestShutdown(t *testing.T) {
	bubble(t, "C12/Shutdown stops at once and cancels after the grace", func(t *testing.T, ctx context.Context) {
		s := cancel.New(ctx, cancel.Name("server"))
		below := cancel.New(s)
		u := cancel.UntilStop(below)
		start := time.Now()
		s.Shutdown(time.Minute)
		wantEnded(t, "listener", u, context.Canceled, cancel.ErrStopping)
		wantOpen(t, "scope", below)
		<-below.Done()
		wantEnded(t, "scope", s, context.Canceled, cancel.ErrGraceExpired)
		wantEnded(t, "below", below, context.Canceled, cancel.ErrGraceExpired)
		if got := time.Since(start); got != time.Minute {
			t.Errorf("scope canceled after %v, want 1m", got)
		}
		if r, _ := cancel.ReasonOf(below); r.Source != cancel.SourceStop || r.Scope != "server" {
			t.Errorf("ReasonOf() = %v, want the stop of scope %q", r, "server")
		}
	})
	bubble(t, "C12/Shutdown without a grace cancels at once", func(t *testing.T, ctx context.Context) {
		for _, grace := range []time.Duration{0, -time.Hour} {
			s := cancel.New(ctx)
			u := cancel.UntilStop(s)
			s.Shutdown(grace)
			wantEnded(t, "scope", s, context.Canceled, cancel.ErrGraceExpired)
			wantEnded(t, "listener", u, context.Canceled, cancel.ErrStopping)
		}
	})
	bubble(t, "C12/a second Shutdown can only shorten the grace", func(t *testing.T, ctx context.Context) {
		for want, graces := range map[time.Duration][]time.Duration{
			time.Second:     {time.Hour, time.Minute, time.Second, time.Hour},
			2 * time.Second: {2 * time.Second, 3 * time.Second},
		} {
			s := cancel.New(ctx)
			start := time.Now()
			for _, grace := range graces {
				s.Shutdown(grace)
			}
			<-s.Done()
			if got := time.Since(start); got != want {
				t.Errorf("scope canceled after %v, want %v", got, want)
			}
		}
	})
	bubble(t, "C12/Close stops the timer of the grace", func(t *testing.T, ctx context.Context) {
		s := cancel.New(ctx)
		err := s.Run(func(ctx context.Context) error {
			s.Shutdown(time.Minute)
			<-cancel.UntilStop(ctx).Done()
			return cancel.Sleep(ctx, time.Second)
		})
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		time.Sleep(time.Hour)
		if got := context.Cause(s); !errors.Is(got, cancel.ErrClosed) {
			t.Errorf("Cause() = %v, want %v", got, cancel.ErrClosed)
		}
	})
	bubble(t, "C10/Run absorbs the echo of an expired grace", func(t *testing.T, ctx context.Context) {
		s := cancel.New(ctx)
		s.Shutdown(time.Second)
		if err := s.Run(cancel.Forever); err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
}
