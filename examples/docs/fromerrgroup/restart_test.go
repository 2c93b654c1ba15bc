package fromerrgroup_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/thejerf/suture/v4"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

// A service is a task with the method that suture needs.
type service task

func (s service) Serve(ctx context.Context) error { return s(ctx) }
func (s service) String() string                  { return "worker" }

func restartSuture(ctx context.Context, worker task, event suture.EventHook) error {
	s := suture.New("workers", suture.Spec{EventHook: event})
	s.Add(service(worker))
	return s.Serve(ctx)
}

// restartGrove runs a worker until it returns nil or ctx is done.
func restartGrove(ctx context.Context, worker task, report func(error)) error {
	for {
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			return worker(ctx)
		}, nursery.RecoverPanics())
		if err == nil || ctx.Err() != nil {
			return err
		}
		report(err)
		if err := cancel.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// In both a crash ends one worker, and the other goes on.
func TestRestart(t *testing.T) {
	worker := func() (w task, runs *int) {
		runs = new(int)
		return func(ctx context.Context) error {
			switch *runs++; *runs {
			case 1:
				return errFull
			case 2:
				panic("bug")
			}
			return waits(ctx)
		}, runs
	}
	inBubble(t, "suture", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		ctx, stop := context.WithTimeout(ctx, time.Hour)
		defer stop()
		w, runs := worker()
		var events []suture.EventType
		err := restartSuture(ctx, w, func(e suture.Event) { events = append(events, e.Type()) })
		if want := []suture.EventType{suture.EventTypeServiceTerminate, suture.EventTypeServicePanic}; *runs != 3 || !slices.Equal(events, want) {
			t.Errorf("it ran %d times, with the events %v, want 3 with %v", *runs, events, want)
		}
		mustBe(t, err, context.DeadlineExceeded) // and nothing of what went wrong
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		w, runs := worker()
		var reports []string
		moved, err := cancel.MoveOnAfter(ctx, time.Hour, func(ctx context.Context) error {
			return restartGrove(ctx, w, func(err error) { reports = append(reports, err.Error()) })
		})
		if !moved || err != nil || *runs != 3 || len(reports) != 2 || reports[0] != "disk full" {
			t.Errorf("moved %v, error %v, %d runs, reports %q", moved, err, *runs, reports)
		}
	})
}

// A service that is done returns suture.ErrDoNotRestart: nil starts it again.
func TestNilIsRestarted(t *testing.T) {
	for _, last := range []error{nil, suture.ErrDoNotRestart} {
		inBubble(t, fmt.Sprint("suture, ", last), func(t *testing.T, ctx context.Context, _ func() time.Duration) {
			ctx, stop := context.WithTimeout(ctx, time.Hour)
			defer stop()
			runs := 0
			_ = restartSuture(ctx, func(context.Context) error { runs++; return last }, func(suture.Event) {})
			if (runs == 1) != (last != nil) {
				t.Errorf("it ran %d times", runs)
			}
		})
	}
}

// Serve gives up waiting for a service after Spec.Timeout, and leaves it running. A
// nursery waits as long as it takes.
func TestServiceIsLeftRunning(t *testing.T) {
	late := func(ended *atomic.Bool) task { // it does not look at its context
		return func(context.Context) error {
			time.Sleep(time.Hour)
			ended.Store(true)
			return nil
		}
	}
	inBubble(t, "suture", func(t *testing.T, ctx context.Context, passed func() time.Duration) {
		ctx, stop := context.WithTimeout(ctx, time.Second)
		defer stop()
		var ended atomic.Bool
		_ = restartSuture(ctx, late(&ended), func(suture.Event) {})
		mustTake(t, passed, 11*time.Second)
		if ended.Load() {
			t.Error("the service has ended")
		}
		time.Sleep(time.Hour)
		if !ended.Load() {
			t.Error("the service has not ended")
		}
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, passed func() time.Duration) {
		var ended atomic.Bool
		_, err := cancel.MoveOnAfter(ctx, time.Second, func(ctx context.Context) error {
			return restartGrove(ctx, late(&ended), func(error) {})
		})
		mustTake(t, passed, time.Hour)
		if err != nil || !ended.Load() {
			t.Errorf("error %v, the worker has ended: %v", err, ended.Load())
		}
	})
}

// A service that is added to a supervisor which has ended does not run, without a message.
func TestAddAfterTheEnd(t *testing.T) {
	inBubble(t, "suture", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		ctx, stop := context.WithCancel(ctx)
		s := suture.NewSimple("workers")
		end := s.ServeBackground(ctx)
		stop()
		mustBe(t, <-end, context.Canceled)
		if token := s.Add(service(func(context.Context) error { t.Error("it runs"); return nil })); token != (suture.ServiceToken{}) {
			t.Errorf("Add returns %v", token)
		}
		testutil.WaitAllBlocked()
	})
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		n := ended(t, ctx)
		if v := panicOf(func() { n.Go(fails(nil)) }); v == nil {
			t.Error("Go does not panic")
		}
	})
}

// ended returns a nursery after the end of its Run.
func ended(t *testing.T, ctx context.Context) (ended *nursery.Nursery) {
	t.Helper()
	err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		ended = n
		return nil
	}, nursery.Name("pages"))
	if err != nil {
		t.Fatal(err)
	}
	return ended
}

// A supervisor is a task as it is. When the nursery cancels it, its error is an echo.
func TestSupervisorInNursery(t *testing.T) {
	inBubble(t, "Grove", func(t *testing.T, ctx context.Context, _ func() time.Duration) {
		supervisor := suture.NewSimple("workers")
		supervisor.Add(service(waits))
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(supervisor.Serve, nursery.Daemon(), nursery.Name("workers"))
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
