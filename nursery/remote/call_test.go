package remote_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/remote"
	"github.com/grove-go/grove/nursery/remote/remotetest"
)

func TestCall(t *testing.T) {
	inWorld(t, "R1/a result", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.worker("w1")
		got, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Minute})
		if got != "a by w1" || err != nil {
			t.Errorf("Call() = %q, %v", got, err)
		}
		w.took(time.Minute)
		return nil
	})
	inWorld(t, "R1/an error", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.worker("w1")
		got, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Second, Err: "boom"})
		if e, ok := errors.AsType[*remote.Error](err); !ok || e.Message != "boom" || got != "" {
			t.Errorf("Call() = %q, %v", got, err)
		}
		return nil
	})
	inWorld(t, "R1/a worker that comes late", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.nursery.Go(func(ctx context.Context) error {
			defer w.worker("w1")
			return cancel.Sleep(ctx, time.Hour)
		})
		_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Second})
		w.took(time.Hour + time.Second)
		return err
	})
	inWorld(t, "R1/canceled before a worker has it", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		err := cancel.FailAfter(ctx, time.Minute, func(ctx context.Context) error {
			_, err := run.Call(ctx, w.client, job{Name: "a"})
			return err
		})
		if _, ok := errors.AsType[*cancel.TimeoutError](err); !ok {
			t.Errorf("Call() = %v, want a timeout", err)
		}
		w.took(time.Minute)
		w.worker("w1")
		time.Sleep(time.Minute)
		if got := w.of("a"); len(got) != 0 {
			t.Errorf("the task has begun: %+v", got)
		}
		if n := w.net.Len("default"); n != 0 {
			t.Errorf("%d messages are in the queue, want none", n)
		}
		return nil
	})
	inWorld(t, "R2/a cancellation with its cause", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.worker("w1")
		s := cancel.New(ctx, cancel.Name("req-17"))
		time.AfterFunc(time.Second, func() { s.Cancel(context.DeadlineExceeded) })
		err := s.Run(func(ctx context.Context) error {
			_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Hour})
			if !s.IsEcho(err) {
				t.Errorf("Call() = %v, want an echo of the scope", err)
			}
			return err
		})
		if got := w.of("a"); len(got) != 1 || got[0].end != time.Second || got[0].cause != context.DeadlineExceeded {
			t.Errorf("the task: %+v", got)
		}
		return err
	})
	inWorld(t, "R4/a deadline on both sides", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.worker("w1")
		err := cancel.FailAfter(ctx, time.Minute, func(ctx context.Context) error {
			_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Hour})
			return err
		})
		if _, ok := errors.AsType[*cancel.TimeoutError](err); !ok {
			t.Errorf("Call() = %v, want a timeout", err)
		}
		w.took(time.Minute)
		return nil
	})
	inWorld(t, "R10/a limit of a nursery", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.worker("w1", remote.Slots(3))
		w.worker("w2", remote.Slots(3))
		jobs := make([]job, 60)
		for i := range jobs {
			jobs[i] = job{Name: string(rune('a' + i)), Takes: time.Second}
		}
		_, err := nursery.Map(ctx, jobs, run.Bind(w.client), nursery.Limit(40))
		w.took(10 * time.Second)
		return err
	})
}

func TestLost(t *testing.T) {
	inWorld(t, "R1/a worker that dies", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		s := w.worker("w1")
		time.AfterFunc(9500*time.Millisecond, func() { w.net.Kill("w1"); s.Cancel(nil) })
		_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Hour})
		e, ok := errors.AsType[*remote.LostError](err)
		if !ok || e.Worker != "w1" || e.Silent != lease+lease/3 {
			t.Errorf("Call() = %v, want a LostError", err)
		}
		w.took(9*time.Second + lease + lease/3) // the last beat was at 9 s
		return nil
	})
	inWorld(t, "R7/a retry", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		s := w.worker("w1")
		time.AfterFunc(9500*time.Millisecond, func() { w.net.Kill("w1"); s.Cancel(nil); w.worker("w2") })
		got, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Minute}, remote.Retry(1))
		if got != "a by w2" || err != nil {
			t.Errorf("Call() = %q, %v", got, err)
		}
		w.took(9*time.Second + lease + lease/3 + time.Minute)
		return nil
	})
	inWorld(t, "R3/a caller that dies", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.worker("w1")
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Hour})
				return err
			})
			time.Sleep(9500 * time.Millisecond)
			w.net.Kill("caller")
			time.Sleep(time.Minute)
			if got := w.of("a"); len(got) != 1 || got[0].end != 9*time.Second+lease || got[0].cause != remote.ErrCallerLost {
				t.Errorf("the task: %+v", got)
			}
			n.Cancel(nil)
			return nil
		})
		if !errors.Is(err, remote.ErrLost) {
			t.Errorf("Run() = %v, want a LostError", err)
		}
		return nil
	})
}
