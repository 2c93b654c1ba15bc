package cancel_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
)

func TestSleep(t *testing.T) {
	boom := errors.New("boom")

	bubble(t, "C1/Sleep and SleepUntil take the requested time", func(t *testing.T, ctx context.Context) {
		for _, d := range []time.Duration{0, -time.Hour, 1, time.Second, 1000 * time.Hour} {
			for name, sleep := range map[string]func() error{
				"Sleep":      func() error { return cancel.Sleep(ctx, d) },
				"SleepUntil": func() error { return cancel.SleepUntil(ctx, time.Now().Add(d)) },
			} {
				start := time.Now()
				if err := sleep(); err != nil || time.Since(start) != max(d, 0) {
					t.Errorf("%s(%v) = %v after %v, want nil after %v", name, d, err, time.Since(start), max(d, 0))
				}
			}
		}
	})
	bubble(t, "C1/a cancellation interrupts a sleep", func(t *testing.T, ctx context.Context) {
		for name, wait := range map[string]func(context.Context) error{
			"Sleep":      func(ctx context.Context) error { return cancel.Sleep(ctx, time.Hour) },
			"SleepUntil": func(ctx context.Context) error { return cancel.SleepUntil(ctx, time.Now().Add(time.Hour)) },
			"Forever":    cancel.Forever,
		} {
			s := cancel.New(ctx)
			time.AfterFunc(time.Second, func() { s.Cancel(boom) })
			start := time.Now()
			err := wait(cancel.New(s))
			if err == nil || err != cancel.Err(s) || time.Since(start) != time.Second {
				t.Errorf("%s() = %v after %v, want %v after 1s", name, err, time.Since(start), cancel.Err(s))
			}
		}
	})
	// Trio: a sleep of zero is a checkpoint.
	t.Run("C1/a sleep returns at once if its context is done", func(t *testing.T) {
		s := cancel.New(t.Context())
		s.Cancel(boom)
		want := cancel.Err(s)
		for name, err := range map[string]error{
			"Sleep 0":          cancel.Sleep(s, 0),
			"Sleep -1":         cancel.Sleep(s, -1),
			"Sleep":            cancel.Sleep(s, time.Hour),
			"SleepUntil never": cancel.SleepUntil(s, time.Time{}),
			"Forever":          cancel.Forever(s),
			"Checkpoint":       cancel.Checkpoint(s),
		} {
			if err != want {
				t.Errorf("%s: error = %v, want %v", name, err, want)
			}
		}
		if err := cancel.Checkpoint(t.Context()); err != nil {
			t.Errorf("Checkpoint() = %v, want nil", err)
		}
	})
	t.Run("C1/a sleep returns an Error for a standard context", func(t *testing.T) {
		std, stop := context.WithCancel(t.Context())
		stop()
		for _, err := range []error{cancel.Sleep(std, time.Hour), cancel.Forever(std), cancel.Checkpoint(std)} {
			if e, ok := errors.AsType[*cancel.Error](err); !ok || e.Err != context.Canceled || e.Reason.Source != cancel.SourceContext {
				t.Errorf("error = %v, want an Error with source %v", err, cancel.SourceContext)
			}
		}
	})
}
