package remote_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/remote"
	"github.com/grove-go/grove/nursery/remote/remotetest"
)

// dropIf returns an interceptor that drops the messages for which f returns true.
func dropIf(f func(i int) bool) func(i int, m remotetest.Message) (bool, time.Duration) {
	return func(i int, _ remotetest.Message) (bool, time.Duration) { return f(i), 0 }
}

func first(i int) bool { return i == 0 }
func all(int) bool     { return true }

// TestMessages loses, repeats and delays single messages.
func TestMessages(t *testing.T) {
	inWorld(t, "R11/a delivery is lost with its worker", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		s := w.worker("w1")
		w.on("deliver", func(i int, m remotetest.Message) (bool, time.Duration) {
			if i == 0 {
				w.net.Kill("w1")
				s.Cancel(nil)
				w.worker("w2")
			}
			return i == 0, 0
		})
		w.call(ctx, job{Name: "a", Takes: time.Second}, "w2")
		w.begun("a", 10*time.Second) // when the queue delivers again
		return nil
	})
	inWorld(t, "R1/a worker dies with a grant", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		s := w.worker("w1")
		w.on("grant", func(i int, m remotetest.Message) (bool, time.Duration) {
			if i == 0 {
				w.net.Kill("w1")
				s.Cancel(nil)
				w.worker("w2")
			}
			return i == 0, 0
		})
		w.call(ctx, job{Name: "a", Takes: time.Second}, "w2", remote.Retry(1))
		w.begun("a", lease+lease/3)
		return nil
	})
	inWorld(t, "R7/a worker dies with a result", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		s := w.worker("w1")
		w.on("result", func(i int, m remotetest.Message) (bool, time.Duration) {
			w.net.Kill("w1")
			s.Cancel(nil)
			return true, 0
		})
		_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Second})
		if !errors.Is(err, remote.ErrLost) {
			t.Errorf("Call() = %v, want a LostError", err)
		}
		w.begun("a", 0)
		return nil
	})
	inWorld(t, "R7/the claim of an old attempt", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.net.Intercept(func(m remotetest.Message) (bool, time.Duration) {
			if k, attempt := kindOf(m.Data); k != "claim" || attempt != 1 {
				return false, 0
			}
			// The last claim of the old attempt comes when the new one runs.
			return time.Since(w.began) < 6*time.Second, 500 * time.Millisecond
		})
		w.after(3500*time.Millisecond, func() { w.worker("w1") })
		w.after(4*time.Second, w.net.Forget)
		w.call(ctx, job{Name: "a", Takes: time.Minute}, "w1")
		w.begun("a", 6*time.Second) // by the audit, after two leases
		return nil
	})
	inWorld(t, "R7/a message is delivered twice", remotetest.Faults{Repeat: 1}, func(t *testing.T, ctx context.Context, w *world) error {
		w.worker("w1")
		w.call(ctx, job{Name: "a", Takes: time.Minute}, "w1")
		w.begun("a", 0)
		return nil
	})
	inWorld(t, "R7/a message is delivered to another worker as well", remotetest.Faults{Hold: 2 * time.Second}, func(t *testing.T, ctx context.Context, w *world) error {
		w.on("ack", dropIf(all))
		w.worker("w1", remote.Slots(1))
		w.after(time.Second, func() { w.worker("w2") })
		w.call(ctx, job{Name: "a", Takes: time.Minute}, "w1")
		w.begun("a", 0)
		return nil
	})
	inWorld(t, "R6/a grant is lost", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.on("grant", dropIf(first))
		w.worker("w1")
		w.call(ctx, job{Name: "a", Takes: time.Second}, "w1")
		w.begun("a", lease/3)
		return nil
	})
	inWorld(t, "R8/a result is lost", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.on("result", dropIf(first))
		w.worker("w1")
		w.call(ctx, job{Name: "a", Takes: 500 * time.Millisecond}, "w1")
		w.took(500*time.Millisecond + lease/3)
		w.begun("a", 0)
		return nil
	})
	inWorld(t, "R8/the answer to a result is lost", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.on("ok", dropIf(first))
		w.worker("w1")
		w.call(ctx, job{Name: "a", Takes: 500 * time.Millisecond}, "w1")
		w.took(500 * time.Millisecond)
		w.begun("a", 0)
		return nil
	})
	inWorld(t, "R2/an order is lost", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.on("publish", dropIf(all))
		w.worker("w1")
		_, err := cancel.MoveOnAfter(ctx, 1500*time.Millisecond, func(ctx context.Context) error {
			// Without a deadline at the worker.
			s := cancel.New(ctx, cancel.Shielded())
			defer s.Close()
			stop := context.AfterFunc(ctx, func() { s.Cancel(errEnough) })
			defer stop()
			_, err := run.Call(s, w.client, job{Name: "a", Takes: time.Hour})
			return s.Absorb(err)
		})
		if got := w.of("a"); len(got) != 1 || got[0].end != 2*lease/3 || got[0].cause.Error() != "enough" {
			t.Errorf("the task: %+v, want an end with the beat", got)
		}
		return err
	})
	inWorld(t, "R6/a cancellation overtakes the grant", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.on("grant", func(int, remotetest.Message) (bool, time.Duration) { return false, 500 * time.Millisecond })
		w.worker("w1")
		s := cancel.New(ctx)
		time.AfterFunc(200*time.Millisecond, func() { s.Cancel(errEnough) })
		err := s.Run(func(ctx context.Context) error {
			_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Hour})
			return err
		})
		if got := w.of("a"); len(got) != 1 || got[0].begin != 500*time.Millisecond || got[0].end != got[0].begin {
			t.Errorf("the task: %+v, want an end at its beginning", got)
		}
		return err
	})
	inWorld(t, "R7/answers that take almost the grace", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		granted := false
		w.net.Intercept(func(m remotetest.Message) (bool, time.Duration) {
			switch k, attempt := kindOf(m.Data); {
			case k == "grant":
				drop := granted && m.From == "caller" && attempt == 1
				granted = true
				return drop, lease/3 - 20*time.Millisecond
			case k == "beat", k == "result":
				return m.From == "w1", 0
			}
			return false, 0
		})
		w.worker("w1", remote.Slots(1))
		w.after(time.Second, func() { w.worker("w2") })
		w.call(ctx, job{Name: "a", Takes: time.Minute, Lingers: lease/3 - 10*time.Millisecond}, "w2", remote.Retry(5))
		return nil // the history has no overlap
	})
}

var errEnough = errors.New("enough")

// TestDeadlines checks rules R4 and R5.
func TestDeadlines(t *testing.T) {
	for _, delay := range []time.Duration{0, time.Millisecond, 500 * time.Millisecond, 990 * time.Millisecond} {
		inWorld(t, fmt.Sprint("R5/messages take ", delay), remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
			w.net.Intercept(func(remotetest.Message) (bool, time.Duration) { return false, delay / 2 })
			w.worker("w1")
			err := cancel.FailAfter(ctx, 30*time.Second, func(ctx context.Context) error {
				return cancel.FailAfter(ctx, 10*time.Second, func(ctx context.Context) error {
					_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Hour})
					return err
				}, cancel.Name("inner"))
			}, cancel.Name("outer"))
			if e, ok := errors.AsType[*cancel.TimeoutError](err); !ok || e.Scope != "inner" {
				t.Errorf("Call() = %v, want the inner timeout", err)
			}
			if got := w.of("a"); len(got) != 1 || got[0].end > 10*time.Second {
				t.Errorf("R4: the task: %+v, want an end by 10s", got)
			}
			return nil
		})
	}
	for _, tt := range []struct {
		name string
		move func(s *cancel.Scope)
		end  time.Duration
	}{
		{"later", func(s *cancel.Scope) { s.SetTimeout(20 * time.Second) }, 24500 * time.Millisecond},
		{"earlier", func(s *cancel.Scope) { s.SetTimeout(100 * time.Millisecond) }, 4600 * time.Millisecond},
		{"to none", func(s *cancel.Scope) { s.SetDeadline(time.Time{}) }, time.Minute},
		{"to now", func(s *cancel.Scope) { s.SetTimeout(0) }, 4500 * time.Millisecond},
	} {
		inWorld(t, "R4/a deadline moves "+tt.name, remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
			w.worker("w1")
			s := cancel.New(ctx, cancel.Timeout(10*time.Second))
			w.after(4500*time.Millisecond, func() { tt.move(s) })
			err := s.Run(func(ctx context.Context) error {
				_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Minute})
				return err
			})
			w.took(tt.end)
			return err
		})
	}
	inWorld(t, "R4/a deadline moves while the task is queued", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		s := cancel.New(ctx, cancel.Timeout(10*time.Second))
		w.after(time.Second, func() { s.SetTimeout(time.Hour) })
		w.after(2*time.Second, func() { w.worker("w1") })
		return s.Run(func(ctx context.Context) error {
			w.call(ctx, job{Name: "a", Takes: time.Minute}, "w1")
			return nil
		})
	})
	inWorld(t, "R4/the limit of a worker", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.worker("w1", remote.MaxBudget(5*time.Second))
		_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Hour})
		if e, ok := errors.AsType[*remote.AbortedError](err); !ok || e.Reason.Source != cancel.SourceDeadline || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Call() = %v, want an AbortedError by a deadline", err)
		}
		w.took(5 * time.Second)
		return nil
	})
}

// TestPartitions cuts hosts off.
func TestPartitions(t *testing.T) {
	cuts := map[string]func(n *remotetest.Net, host string){
		"both ways":     (*remotetest.Net).Part,
		"what it sends": (*remotetest.Net).CutFrom,
		"what it gets":  (*remotetest.Net).CutTo,
	}
	for _, host := range []string{"caller", "w1"} {
		for name, cut := range cuts {
			inWorld(t, fmt.Sprintf("R6/%s is cut off for less than the lease, %s", host, name), remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
				w.worker("w1")
				w.after(1500*time.Millisecond, func() { cut(w.net, host) })
				w.after(3400*time.Millisecond, w.net.Heal)
				w.call(ctx, job{Name: "a", Takes: time.Minute}, "w1")
				w.took(time.Minute)
				return nil
			})
			inWorld(t, fmt.Sprintf("R3/%s is cut off for more than the lease, %s", host, name), remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
				w.worker("w1")
				w.after(1500*time.Millisecond, func() { cut(w.net, host) })
				w.after(20*time.Second, w.net.Heal)
				_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Minute})
				if errors.Is(err, remote.ErrLost) == errors.Is(err, remote.ErrAborted) {
					t.Errorf("Call() = %v, want a LostError or an AbortedError", err)
				}
				if got := w.of("a"); len(got) != 1 || got[0].end < lease || got[0].end > 2*time.Second+lease || got[0].cause != remote.ErrCallerLost {
					t.Errorf("the task: %+v, want an end by the lease", got)
				}
				return nil
			})
		}
	}
	inWorld(t, "R1/a worker that forgets a task", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		s := w.worker("w1")
		w.after(500*time.Millisecond, func() {
			w.net.Kill("w1")
			s.Cancel(nil)
			// Another process takes its name.
			again := remote.NewWorker(w.net.Host("w2"), remote.WorkerName("w1"), remote.Log(quiet))
			run.Handle(again, w.work)
			w.nursery.Go(func(ctx context.Context) error { return again.Run(ctx) })
			w.call(ctx, job{Name: "b", Takes: 10 * time.Second}, "w1")
		})
		_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Minute})
		if !errors.Is(err, remote.ErrLost) {
			t.Errorf("Call() = %v, want a LostError", err)
		}
		w.took(500*time.Millisecond + lease + lease/3) // by the first beat after that since it was claimed
		time.Sleep(time.Minute)
		return nil
	})
	inWorld(t, "R8/a worker that was frozen", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.overlaps = true // the handler ignores its context
		w.worker("w1", remote.Slots(1))
		w.after(1500*time.Millisecond, func() { w.net.Part("w1"); w.worker("w2") })
		w.after(20*time.Second, w.net.Heal)
		w.call(ctx, job{Name: "a", Takes: 21 * time.Second, Deaf: true}, "w2", remote.Retry(1))
		w.took(time.Second + lease + lease/3 + 21*time.Second) // the result of w1 came before
		return nil
	})
}

// TestQueue checks rules R10, R11 and R16.
func TestQueue(t *testing.T) {
	inWorld(t, "R11/the queue forgets everything", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.after(time.Second, w.net.Forget)
		w.after(2*time.Second, func() { w.worker("w1", remote.Slots(100)) })
		err := nursery.For(ctx, 100, func(ctx context.Context, i int) error {
			w.call(ctx, job{Name: fmt.Sprint("job", i), Takes: time.Second}, "w1")
			return nil
		}, nursery.Limit(100))
		w.took(2*lease + time.Second)
		return err
	})
	inWorld(t, "R11/the queue forgets everything, again and again", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		for i := range 10 {
			w.after(time.Duration(1+7*i)*time.Second, w.net.Forget)
		}
		w.after(100*time.Second, func() { w.worker("w1") })
		w.call(ctx, job{Name: "a", Takes: time.Second}, "w1")
		return nil
	})
	inWorld(t, "R11/an enqueued message is lost", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.on("enqueue", dropIf(first))
		w.worker("w1")
		w.call(ctx, job{Name: "a", Takes: time.Second}, "w1")
		return nil
	})
	inWorld(t, "R10/a worker takes no more than it runs", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.worker("w1", remote.Slots(2))
		w.after(time.Second, func() {
			if n := w.running(); n != 2 {
				t.Errorf("%d tasks run, want 2", n)
			}
			w.worker("w2", remote.Slots(100))
		})
		err := nursery.For(ctx, 20, func(ctx context.Context, i int) error {
			_, err := run.Call(ctx, w.client, job{Name: fmt.Sprint("job", i), Takes: 10 * time.Second})
			return err
		}, nursery.Limit(20))
		w.took(11 * time.Second)
		return err
	})
	inWorld(t, "R3/what a dead caller has queued", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		var dead *remote.Client
		calls := cancel.New(w.nursery.Scope())
		w.nursery.Go(func(context.Context) error {
			err := nursery.Run(calls, func(ctx context.Context, n *nursery.Nursery) (err error) {
				if dead, err = remote.NewClient(n, w.net.Host("dead"), remote.Lease(lease), remote.Log(quiet)); err != nil {
					return err
				}
				return nursery.For(ctx, 300, func(ctx context.Context, i int) error {
					_, err := run.Call(ctx, dead, job{Name: "dead"})
					return err
				}, nursery.Limit(300))
			})
			return calls.Absorb(err)
		})
		time.Sleep(time.Second)
		w.net.Kill("dead")
		calls.Cancel(nil)
		w.worker("w1", remote.Slots(4))
		w.call(ctx, job{Name: "a", Takes: time.Second}, "w1")
		w.took(2 * time.Second)
		time.Sleep(time.Minute)
		if n := w.net.Len("default"); n != 0 {
			t.Errorf("%d messages of the dead caller are in the queue", n)
		}
		w.begun("dead")
		return nil
	})
	inWorld(t, "R10/the queue is full", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		var room atomic.Bool
		w.after(time.Minute, func() { room.Store(true) })
		client, err := remote.NewClient(w.nursery, &busyEngine{w.net.Host("caller"), &room}, remote.Lease(lease), remote.Log(quiet))
		if err != nil {
			return err
		}
		w.worker("w1")
		err = cancel.FailAfter(ctx, 10*time.Second, func(ctx context.Context) error {
			_, err := run.Call(ctx, client, job{Name: "a"})
			return err
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Call() = %v, want a timeout", err)
		}
		if _, err := run.Call(ctx, client, job{Name: "b"}); err != nil {
			t.Error(err)
		}
		return nil
	})
}

// TestGenerousEngine checks that a worker does not run more than its slots if the engine
// delivers more than was asked for.
func TestGenerousEngine(t *testing.T) {
	inWorld(t, "R10/an engine that delivers too much", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		worker := remote.NewWorker(generousEngine{w.net.Host("w1")}, remote.Log(quiet), remote.Slots(2))
		run.Handle(worker, func(ctx context.Context, j job) (string, error) {
			defer func() {
				if n := w.running(); n > 2 {
					t.Errorf("%d tasks run, want at most 2", n)
				}
			}()
			return w.work(ctx, j)
		})
		w.nursery.Go(worker.Run)
		return nursery.For(ctx, 10, func(ctx context.Context, i int) error {
			_, err := run.Call(ctx, w.client, job{Name: fmt.Sprint("job", i), Takes: time.Second})
			return err
		}, nursery.Limit(10))
	})
}

type generousEngine struct{ remote.Engine }

func (e generousEngine) Pull(queue string) (remote.Source, error) {
	s, err := e.Engine.Pull(queue)
	return generousSource{s}, err
}

type generousSource struct{ remote.Source }

func (s generousSource) Next(ctx context.Context, most int, fn func(remote.Delivery)) error {
	return s.Source.Next(ctx, most+3, fn)
}

// A busyEngine has a queue that may be full.
type busyEngine struct {
	remote.Engine
	room *atomic.Bool
}

func (e *busyEngine) Enqueue(ctx context.Context, queue, id string, ttl time.Duration, msg []byte) (string, error) {
	if !e.room.Load() {
		return "", fmt.Errorf("enqueue: %w", remote.ErrBusy)
	}
	return e.Engine.Enqueue(ctx, queue, id, ttl, msg)
}

// TestDrain checks rule R12 and what a worker does when it is canceled.
func TestDrain(t *testing.T) {
	inWorld(t, "R12/a stop", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		s := w.worker("w1", remote.Slots(4))
		w.after(500*time.Millisecond, func() { s.Stop(); w.worker("w2", remote.Slots(4)) })
		err := nursery.For(ctx, 40, func(ctx context.Context, i int) error {
			_, err := run.Call(ctx, w.client, job{Name: fmt.Sprint("job", i), Takes: time.Second})
			return err
		}, nursery.Limit(40))
		w.took(9500 * time.Millisecond)
		return err
	})
	inWorld(t, "R12/a grace that is over", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		s := w.worker("w1")
		w.after(time.Second, func() { s.Shutdown(2 * time.Second) })
		_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Hour})
		if e, ok := errors.AsType[*remote.AbortedError](err); !ok || e.Reason.Cause != cancel.ErrGraceExpired || errors.Is(err, context.Canceled) {
			t.Errorf("Call() = %v, want an AbortedError by the grace", err)
		}
		w.took(3 * time.Second)
		return nil
	})
	inWorld(t, "R12/a canceled worker is heard until its last task has ended", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		s := w.worker("w1")
		w.after(time.Second, func() { s.Cancel(nil) })
		_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Hour, Lingers: time.Minute})
		if !errors.Is(err, remote.ErrAborted) {
			t.Errorf("Call() = %v, want an AbortedError", err)
		}
		w.took(time.Minute + time.Second)
		return nil
	})
	inWorld(t, "R12/a retry after a grace that is over", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		s := w.worker("w1")
		w.after(time.Second, func() { s.Shutdown(2 * time.Second); w.worker("w2") })
		w.call(ctx, job{Name: "a", Takes: time.Minute}, "w2", remote.Retry(1))
		return nil
	})
	inWorld(t, "R2/a stop of the caller", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		for _, lost := range []bool{false, true} {
			w.net.Intercept(func(m remotetest.Message) (bool, time.Duration) { return lost && m.Kind == "publish", 0 })
			s := cancel.New(ctx)
			begun := time.Now()
			worker := remote.NewWorker(w.net.Host("w1"), remote.Log(quiet))
			stopping.Handle(worker, func(ctx context.Context, _ struct{}) (bool, error) {
				<-cancel.UntilStop(ctx).Done()
				return ctx.Err() == nil, nil
			})
			ws := cancel.New(w.nursery.Scope())
			w.nursery.Go(func(context.Context) error { defer ws.Close(); return ws.Absorb(worker.Run(ws)) })
			time.AfterFunc(1500*time.Millisecond, s.Stop)
			open, err := stopping.Call(s, w.client, struct{}{})
			if !open || err != nil {
				t.Errorf("Call() = %v, %v, want a stop and no cancellation", open, err)
			}
			want := 1500 * time.Millisecond
			if lost {
				want = 2 * time.Second
			}
			if d := time.Since(begun); d != want {
				t.Errorf("it took %v, want %v", d, want)
			}
			s.Close()
			ws.Cancel(nil)
		}
		return nil
	})
	inWorld(t, "R2/a stop of the caller while the task is queued", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		worker := remote.NewWorker(w.net.Host("w1"), remote.Log(quiet))
		stopping.Handle(worker, func(ctx context.Context, _ struct{}) (bool, error) {
			<-cancel.UntilStop(ctx).Done()
			return ctx.Err() == nil, nil
		})
		w.after(2*time.Second, func() { _ = worker.Run(w.nursery.Scope()) })
		s := cancel.New(ctx)
		defer s.Close()
		w.after(time.Second, s.Stop)
		open, err := stopping.Call(s, w.client, struct{}{})
		if !open || err != nil {
			t.Errorf("Call() = %v, %v, want a stop and no cancellation", open, err)
		}
		w.took(2 * time.Second)
		return nil
	})
	inWorld(t, "R1/a handler that ignores its context", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.worker("w1")
		moved, err := cancel.MoveOnAfter(ctx, time.Second, func(ctx context.Context) error {
			_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Hour, Deaf: true})
			return err
		})
		if !moved || err != nil {
			t.Errorf("MoveOnAfter() = %v, %v", moved, err)
		}
		w.took(time.Hour)
		return nil
	})
	inWorld(t, "R9/calls from outside the client's nursery", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.worker("w1")
		var client *remote.Client
		var inside *cancel.Scope
		ready := make(chan struct{})
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) (err error) {
					client, err = remote.NewClient(n, w.net.Host("caller"), remote.Lease(lease), remote.Log(quiet))
					inside = n.Scope()
					close(ready)
					return errors.Join(err, cancel.Sleep(ctx, time.Second))
				})
			})
			<-ready
			_, err := run.Call(ctx, client, job{Name: "a", Takes: time.Hour})
			if !inside.IsEcho(err) {
				t.Errorf("Call() = %v, want the end of the client", err)
			}
			w.took(time.Second)
			if _, err := run.Call(ctx, client, job{Name: "b"}); !inside.IsEcho(err) {
				t.Errorf("Call() = %v, want the end of the client", err)
			}
			return nil
		})
	})
}

var stopping = remote.Define[struct{}, bool]("stopping")
