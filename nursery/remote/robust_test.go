package remote_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/remote"
	"github.com/grove-go/grove/nursery/remote/remotetest"
)

// A bent engine is one of which some methods are replaced.
type bent struct {
	remote.Engine
	pull    func(queue string) (remote.Source, error)
	enqueue func(ctx context.Context, id string) error
	request func(ctx context.Context, msg []byte) error
	ack     func()
}

func (e *bent) Pull(queue string) (remote.Source, error) {
	if e.pull != nil {
		return e.pull(queue)
	}
	s, err := e.Engine.Pull(queue)
	return bentSource{s, e}, err
}

func (e *bent) Enqueue(ctx context.Context, queue, id string, ttl time.Duration, msg []byte) (string, error) {
	if e.enqueue != nil {
		if err := e.enqueue(ctx, id); err != nil {
			return "", err
		}
	}
	return e.Engine.Enqueue(ctx, queue, id, ttl, msg)
}

func (e *bent) Request(ctx context.Context, addr string, msg []byte) ([]byte, error) {
	if e.request != nil {
		if err := e.request(ctx, msg); err != nil {
			return nil, err
		}
	}
	return e.Engine.Request(ctx, addr, msg)
}

type bentSource struct {
	remote.Source
	engine *bent
}

func (s bentSource) Next(ctx context.Context, most int, fn func(remote.Delivery)) error {
	return s.Source.Next(ctx, most, func(d remote.Delivery) { fn(bentDelivery{d, s.engine}) })
}

type bentDelivery struct {
	remote.Delivery
	engine *bent
}

func (d bentDelivery) Ack() error {
	if d.engine.ack != nil {
		d.engine.ack()
	}
	return d.Delivery.Ack()
}

// A slow context takes its time to tell its error.
type slowContext struct {
	context.Context
	slow time.Duration
}

func (c slowContext) Err() error {
	err := c.Context.Err()
	if err != nil {
		time.Sleep(c.slow)
	}
	return err
}

var (
	inA = remote.Define[int, int]("a", remote.Queue("qa"))
	inB = remote.Define[int, int]("b", remote.Queue("qb"))
)

func same(_ context.Context, n int) (int, error) { return n, nil }

// TestQueuesOfAWorker has workers with several queues.
func TestQueuesOfAWorker(t *testing.T) {
	inWorld(t, "R9/a queue that cannot be pulled", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		e := &bent{Engine: w.net.Host("w1")}
		e.pull = func(queue string) (remote.Source, error) {
			if queue == "qb" {
				return nil, errEnough
			}
			return e.Engine.Pull(queue)
		}
		worker := remote.NewWorker(e, remote.Log(quiet))
		inA.Handle(worker, same)
		inB.Handle(worker, same)
		if err := cancel.FailAfter(ctx, time.Minute, worker.Run); !errors.Is(err, errEnough) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run() = %v, want the error of Pull", err)
		}
		w.took(0)
		return nil
	})
	inWorld(t, "R16/more queues than slots", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		worker := remote.NewWorker(w.net.Host("w1"), remote.Log(quiet), remote.Slots(1))
		inA.Handle(worker, same)
		inB.Handle(worker, same)
		w.nursery.Go(worker.Run)
		time.Sleep(10 * time.Millisecond)
		for range 3 {
			for _, f := range []remote.Func[int, int]{inA, inB} {
				if err := cancel.FailAfter(ctx, 5*time.Second, func(ctx context.Context) error {
					_, err := f.Call(ctx, w.client, 1)
					return err
				}); err != nil {
					t.Errorf("Call() = %v", err)
				}
			}
		}
		w.nursery.Cancel(nil)
		return nil
	})
}

// TestDelayedMessages reorders messages by delays.
func TestDelayedMessages(t *testing.T) {
	inWorld(t, "R4/a limit of the worker under a deadline that has moved", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.worker("w1", remote.MaxBudget(5*time.Second))
		s := cancel.New(ctx, cancel.Timeout(10*time.Second))
		defer s.Close()
		w.after(1500*time.Millisecond, func() { s.SetTimeout(time.Hour) })
		_, err := run.Call(s, w.client, job{Name: "a", Takes: time.Minute})
		if !errors.Is(err, remote.ErrAborted) {
			t.Errorf("Call() = %v, want an AbortedError", err)
		}
		w.took(5 * time.Second)
		return nil
	})
	inWorld(t, "R4/a claim that comes twice, the second time after the deadline has moved", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		var again atomic.Bool
		w.net.Intercept(func(m remotetest.Message) (bool, time.Duration) {
			if k, _ := kindOf(m.Data); k == "claim" && again.CompareAndSwap(false, true) {
				data := append([]byte(nil), m.Data...)
				w.after(1800*time.Millisecond, func() {
					if err := w.net.Host("w1").Publish(m.To, data); err != nil {
						t.Error(err)
					}
				})
			}
			return false, 0
		})
		w.worker("w1")
		s := cancel.New(ctx, cancel.Timeout(10*time.Second))
		w.after(1500*time.Millisecond, func() { s.SetTimeout(time.Hour) })
		return s.Run(func(ctx context.Context) error {
			w.call(ctx, job{Name: "a", Takes: time.Minute}, "w1")
			return nil
		})
	})
	inWorld(t, "R1/beats that are older than the task", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		var slow atomic.Bool
		w.net.Intercept(func(m remotetest.Message) (bool, time.Duration) {
			switch k, _ := kindOf(m.Data); {
			case k == "grant" && slow.Load():
				return false, 980 * time.Millisecond
			case k == "beat" && slow.Load():
				// Those of 3 s, 3.5 s and 4 s come at 4.1 s.
				return false, max(0, 4100*time.Millisecond-time.Since(w.began))
			}
			return false, 0
		})
		w.worker("w1")
		w.after(2900*time.Millisecond, func() { slow.Store(true) })
		w.after(10*time.Second, func() { slow.Store(false) })
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				w.call(ctx, job{Name: "a", Takes: 20 * time.Second}, "w1")
				return nil
			})
			time.Sleep(4050 * time.Millisecond)
			w.call(ctx, job{Name: "b", Takes: 10 * time.Second}, "w1")
			return nil
		})
	})
	inWorld(t, "R1/a claim while the context tells its error", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		for i := range 12 { // the context is asked several times
			c, stop := context.WithCancel(context.Background())
			time.AfterFunc(time.Second, stop)
			s := cancel.New(w.nursery.Scope())
			time.AfterFunc(1250*time.Millisecond+time.Duration(i)*500*time.Millisecond, func() { s.Cancel(nil) })
			w.nursery.Go(func(ctx context.Context) error {
				<-s.Done()
				s.Close()
				end := w.worker("w1")
				time.Sleep(time.Minute)
				end.Cancel(nil)
				return nil
			})
			_, err := run.Call(slowContext{c, time.Second}, w.client, job{Name: "a", Takes: time.Hour})
			if !errors.Is(err, context.Canceled) || w.running() > 0 {
				t.Errorf("Call() = %v, and %d tasks run", err, w.running())
			}
			time.Sleep(2 * time.Minute)
		}
		return nil
	})
	inWorld(t, "R1/a claim while the context of a call in a full queue tells its error", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		e := &bent{Engine: w.net.Host("caller")}
		client, err := remote.NewClient(w.nursery, e, remote.Lease(lease), remote.Log(quiet))
		if err != nil {
			return err
		}
		// The message is in the queue, and its acknowledgement is lost.
		w.net.Intercept(func(m remotetest.Message) (bool, time.Duration) {
			return m.Kind == "answer" && m.To == "default" && m.From == "", 0
		})
		c, stop := context.WithCancel(context.Background())
		w.after(time.Second, stop)
		w.after(1500*time.Millisecond, func() { w.worker("w1") })
		_, err = run.Call(slowContext{c, time.Second}, client, job{Name: "a", Takes: time.Hour})
		if !errors.Is(err, context.Canceled) || w.running() > 0 {
			t.Errorf("Call() = %v, and %d tasks run", err, w.running())
		}
		return nil
	})
	inWorld(t, "R16/the acknowledgement of the queue is lost", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.net.Intercept(func(m remotetest.Message) (bool, time.Duration) {
			return m.Kind == "answer" && m.To == "default" && m.From == "", 0
		})
		w.worker("w1")
		w.call(ctx, job{Name: "a", Takes: time.Second}, "w1")
		w.took(time.Second)
		return nil
	})
}

// TestBentEngines has engines that fail, block and are slow.
func TestBentEngines(t *testing.T) {
	inWorld(t, "R9/a client ends while the engine hangs", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		e := &bent{Engine: w.net.Host("caller"), enqueue: func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			ready := make(chan *remote.Client)
			n.Go(func(ctx context.Context) error {
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					c, err := remote.NewClient(n, e, remote.Lease(lease), remote.Log(quiet))
					ready <- c
					return errors.Join(err, cancel.Sleep(ctx, time.Second))
				})
			})
			c := <-ready
			for range 300 {
				n.Go(func(ctx context.Context) error {
					if _, err := run.Call(ctx, c, job{}); err == nil {
						t.Error("Call() = nil")
					}
					return nil
				})
			}
			return nil
		})
		w.took(time.Second)
		return err
	})
	inWorld(t, "R16/an engine that is slow to acknowledge", remotetest.Faults{Hold: time.Second}, func(t *testing.T, ctx context.Context, w *world) error {
		var acks atomic.Int32
		e := &bent{Engine: w.net.Host("w1"), ack: func() {
			if acks.Add(1) == 1 {
				time.Sleep(30 * time.Second) // the claim's
			} else {
				time.Sleep(10 * time.Second)
			}
		}}
		worker := remote.NewWorker(e, remote.Log(quiet), remote.WorkerName("w1"), remote.Slots(8))
		run.Handle(worker, w.work)
		w.nursery.Go(worker.Run)
		w.call(ctx, job{Name: "a", Takes: time.Minute}, "w1")
		return nil
	})
	inWorld(t, "R16/a result that the engine does not carry", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		e := &bent{Engine: w.net.Host("w1"), request: func(_ context.Context, msg []byte) error {
			if len(msg) > 10_000 {
				return errEnough
			}
			return nil
		}}
		worker := remote.NewWorker(e, remote.Log(quiet), remote.WorkerName("w1"))
		run.Handle(worker, func(context.Context, job) (string, error) { return strings.Repeat("x", 20_000), nil })
		w.nursery.Go(worker.Run)
		err := cancel.FailAfter(ctx, time.Minute, func(ctx context.Context) error {
			_, err := run.Call(ctx, w.client, job{Name: "a"})
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "enough") {
			t.Errorf("Call() = %v, want the error of the engine", err)
		}
		return nil
	})
}

// A warningsOnly handler wants nothing below warnings.
type warningsOnly struct{ slog.Handler }

func (warningsOnly) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

// A handler of logs that calls f.
type calling struct {
	slog.Handler
	f func(message string)
}

func (h calling) Handle(_ context.Context, r slog.Record) error { h.f(r.Message); return nil }

// TestLogs has handlers of logs that use what they log about.
func TestLogs(t *testing.T) {
	inWorld(t, "R11/a queue that is not there", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		e := &bent{Engine: w.net.Host("caller"), enqueue: func(context.Context, string) error { return errEnough }}
		var warnings atomic.Int32
		log := slog.New(calling{warningsOnly{quiet.Handler()}, func(string) { warnings.Add(1) }})
		client, err := remote.NewClient(w.nursery, e, remote.Lease(lease), remote.Log(log))
		if err != nil {
			return err
		}
		if _, err := cancel.MoveOnAfter(ctx, 10*time.Second, func(ctx context.Context) error {
			_, err := run.Call(ctx, client, job{})
			return err
		}); err != nil {
			t.Error(err)
		}
		if n := warnings.Load(); n != 9 {
			t.Errorf("%d warnings, want one each third of the lease", n)
		}
		return nil
	})
	inWorld(t, "R9/a handler of logs that makes a call", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		var client *remote.Client
		var once sync.Once
		log := slog.New(calling{quiet.Handler(), func(string) {
			once.Do(func() {
				if _, err := run.Call(ctx, client, job{Name: "log"}); err != nil {
					t.Error(err)
				}
			})
		}})
		var err error
		if client, err = remote.NewClient(w.nursery, w.net.Host("caller"), remote.Lease(lease), remote.Log(log)); err != nil {
			return err
		}
		s := w.worker("w1")
		w.after(500*time.Millisecond, func() { w.net.Kill("w1"); s.Cancel(nil); w.worker("w2") })
		_, err = run.Call(ctx, client, job{Name: "a", Takes: time.Minute})
		if !errors.Is(err, remote.ErrLost) {
			t.Errorf("Call() = %v, want a LostError", err)
		}
		time.Sleep(10 * time.Second)
		w.begun("log", lease+lease/3)
		return nil
	})
}

// TestLimits has peers that send more than they should.
func TestLimits(t *testing.T) {
	inWorld(t, "R15/a result that is larger than the caller takes", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		large := remote.Define[int, string]("large", remote.MaxBytes(1<<20))
		small := remote.Define[int, string]("large", remote.MaxBytes(1000))
		worker := remote.NewWorker(w.net.Host("w1"), remote.Log(quiet))
		large.Handle(worker, func(context.Context, int) (string, error) { return strings.Repeat("x", 2000), nil })
		w.nursery.Go(worker.Run)
		if _, err := small.Call(ctx, w.client, 1); err == nil || !strings.Contains(err.Error(), "2002 bytes, want at most 1000") {
			t.Errorf("Call() = %v, want an error about the size", err)
		}
		return nil
	})
	inWorld(t, "R2/a scope with a long name", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.worker("w1")
		s := cancel.New(ctx, cancel.Name(strings.Repeat("x", 300_000)))
		w.after(1500*time.Millisecond, func() { s.Cancel(nil) })
		err := s.Run(func(ctx context.Context) error {
			_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Minute})
			return err
		})
		w.took(1500 * time.Millisecond)
		return err
	})
	inWorld(t, "R15/a claim of a worker with a strange name", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		var to []string
		w.net.Intercept(func(m remotetest.Message) (bool, time.Duration) {
			if m.Kind == "publish" {
				to = append(to, m.To)
			}
			if k, _ := kindOf(m.Data); k == "claim" {
				m2 := strings.Replace(string(m.Data[4:]), `"w":"w1"`, `"w":"*\n"`, 1)
				copy(m.Data[4:], m2)
			}
			return false, 0
		})
		w.worker("w1")
		_, err := cancel.MoveOnAfter(ctx, 10*time.Second, func(ctx context.Context) error {
			_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Minute})
			return err
		})
		for _, addr := range to {
			if strings.Contains(addr, "\n") {
				t.Errorf("a message to %q", addr)
			}
		}
		return err
	})
}

// TestErrorLimits checks what errors with extreme parts become.
func TestErrorLimits(t *testing.T) {
	circular := &cancel.Error{Err: context.Canceled, Reason: cancel.Reason{Source: cancel.SourceCancel}}
	circular.Reason.Cause = circular
	if got := there(t, circular); !errors.Is(got, context.Canceled) {
		t.Errorf("R15: a circular cause arrives as %v", got)
	}
	_, missing := os.Open(filepath.Join(t.TempDir(), "none"))
	if got := there(t, fmt.Errorf("reading: %w", missing)); !errors.Is(got, fs.ErrNotExist) || errors.Is(got, fs.ErrExist) || got.Error() != "reading: "+missing.Error() {
		t.Errorf("R17: the error of Open arrives as %v, which is no fs.ErrNotExist", got)
	}
	var many []error
	for range 40 {
		many = append(many, errors.New(strings.Repeat("\x01", 16<<10)))
	}
	if b := remote.EncodeError(errors.Join(many...)); len(b) > 1<<20 {
		t.Errorf("R15: an error of %d bytes, want at most %d", len(b), 1<<20)
	}
	for _, name := range []string{"a..b", "..", "a..."} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("R15: Queue(%q) does not panic", name)
				}
			}()
			remote.Queue(name)
		}()
	}
}

// TestPanicsOfOthers has engines and handlers of logs that panic.
func TestPanicsOfOthers(t *testing.T) {
	inWorld(t, "R9/an engine that panics", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		e := &bent{Engine: w.net.Host("w1")}
		e.pull = func(queue string) (remote.Source, error) {
			s, err := e.Engine.Pull(queue)
			if queue == "qa" {
				s = panicSource{}
			}
			return s, err
		}
		worker := remote.NewWorker(e, remote.Log(quiet))
		inA.Handle(worker, same)
		inB.Handle(worker, func(ctx context.Context, _ int) (int, error) { return 0, cancel.Sleep(ctx, time.Hour) })
		w.nursery.Go(func(ctx context.Context) error {
			if _, err := inB.Call(ctx, w.client, 1); err == nil {
				t.Error("Call() = nil")
			}
			return nil
		})
		defer func() {
			if recover() == nil {
				t.Error("Run() does not panic")
			}
			w.took(time.Second)
		}()
		return worker.Run(ctx)
	})
	inWorld(t, "R9/a client of a nursery that has ended", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		var ended *nursery.Nursery
		if err := nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error { ended = n; return nil }); err != nil {
			return err
		}
		kit.MustPanic(t, "", func() { _, _ = remote.NewClient(ended, w.net.Host("other")) })
		return nil // the bubble has no goroutine left
	})
	inWorld(t, "R9/a client of a nursery that is canceled", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		s := cancel.New(ctx)
		return s.Run(func(ctx context.Context) error {
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				s.Cancel(nil)
				c, err := remote.NewClient(n, w.net.Host("other"))
				if err != nil {
					return err
				}
				_, err = run.Call(context.Background(), c, job{})
				if !s.IsEcho(err) {
					t.Errorf("Call() = %v, want the end of the client", err)
				}
				return nil
			})
		})
	})
}

// A panicSource panics after a second.
type panicSource struct{}

func (panicSource) Next(context.Context, int, func(remote.Delivery)) error {
	time.Sleep(time.Second)
	panic("ouch")
}

// TestRefusals checks that what a worker refuses has slots, like what it runs.
func TestRefusals(t *testing.T) {
	inWorld(t, "R15/messages of callers that do not answer", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.worker("w1", remote.Slots(2))
		var now, most atomic.Int32
		w.net.Intercept(func(m remotetest.Message) (bool, time.Duration) {
			if k, _ := kindOf(m.Data); k == "result" && m.From == "w1" {
				most.Store(max(most.Load(), now.Add(1)))
				time.AfterFunc(900*time.Millisecond, func() { now.Add(-1) })
				return true, 0
			}
			return false, 0
		})
		stranger := w.net.Host("stranger")
		for i := range 10 {
			msg := message(fmt.Sprintf(`{"v":1,"k":"call","c":"c%d","id":1,"fn":"none","lease":3000000}`, i), "")
			if _, err := stranger.Enqueue(ctx, "default", fmt.Sprint(i), 0, msg); err != nil {
				return err
			}
		}
		time.Sleep(time.Minute)
		if n := most.Load(); n > 2 {
			t.Errorf("%d refusals at a time, want at most 2", n)
		}
		return nil
	})
}

// TestSilentCallers has callers that cannot be reached while their tasks are in the queue.
func TestSilentCallers(t *testing.T) {
	inWorld(t, "R3/a caller that is cut off does not hold up another", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		s := cancel.New(w.nursery.Scope())
		w.nursery.Go(func(context.Context) error {
			return s.Run(func(ctx context.Context) error {
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					dead, err := remote.NewClient(n, w.net.Host("dead"), remote.Lease(lease), remote.Log(quiet))
					if err != nil {
						return err
					}
					return nursery.For(ctx, 100, func(ctx context.Context, i int) error {
						_, err := run.Call(ctx, dead, job{Name: "dead"})
						return err
					}, nursery.Limit(100))
				})
			})
		})
		w.after(time.Second, func() { w.net.Part("dead"); w.worker("w1", remote.Slots(2)) })
		time.Sleep(2 * time.Second)
		w.call(ctx, job{Name: "a"}, "w1")
		w.took(time.Second + lease) // the first two tasks of the dead caller had the slots
		s.Cancel(nil)
		return nil
	})
	inWorld(t, "R11/a caller that is cut off for more than the lease", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.after(time.Second, func() { w.net.Part("caller"); w.worker("w1") })
		w.after(6*time.Second, w.net.Heal)
		w.call(ctx, job{Name: "a"}, "w1")
		w.took(time.Second + lease + lease) // the worker puts it back for the lease
		return nil
	})
	inWorld(t, "R11/an acknowledgement is lost", remotetest.Faults{Hold: 2 * time.Second}, func(t *testing.T, ctx context.Context, w *world) error {
		w.on("ack", dropIf(first))
		w.worker("w1")
		w.after(2500*time.Millisecond, func() {
			if n := w.net.Len("default"); n != 0 {
				t.Errorf("%d messages are in the queue, want none", n)
			}
		})
		w.call(ctx, job{Name: "a", Takes: 5 * time.Second}, "w1")
		return nil
	})
	inWorld(t, "R7/a worker that hears nothing, of a caller that hears its beats", remotetest.Faults{Hold: 2 * time.Second}, func(t *testing.T, ctx context.Context, w *world) error {
		w.net.Intercept(func(m remotetest.Message) (bool, time.Duration) {
			k, _ := kindOf(m.Data)
			return (m.Kind == "ack" || k == "result") && time.Since(w.began) < 30*time.Second, 0
		})
		w.worker("w1")
		w.after(1500*time.Millisecond, func() { w.net.CutTo("w1") })
		w.after(6*time.Second, w.net.Heal)
		_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Hour})
		if !errors.Is(err, remote.ErrLost) {
			t.Errorf("Call() = %v, want a LostError", err)
		}
		time.Sleep(time.Minute)
		w.begun("a", 0)
		return nil
	})
	inWorld(t, "R15/an answer with too few grants", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.on("grant", func(i int, m remotetest.Message) (bool, time.Duration) {
			if i == 0 {
				copy(m.Data[bytes.Index(m.Data, []byte("[{}]")):], "[  ]")
			}
			return false, 0
		})
		w.worker("w1")
		w.call(ctx, job{Name: "a"}, "w1")
		w.took(lease / 3)
		return nil
	})
}

// TestOutcomes checks what a call returns, and when, at points that are rare.
func TestOutcomes(t *testing.T) {
	inWorld(t, "R7/a retry after a refusal", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.worker("w1")
		var refusals atomic.Int32
		w.on("result", func(int, remotetest.Message) (bool, time.Duration) { refusals.Add(1); return false, 0 })
		_, err := remote.Define[int, int]("none", remote.Idempotent()).Call(ctx, w.client, 1, remote.Retry(2))
		if !errors.Is(err, remote.ErrRefused) || refusals.Load() != 3 {
			t.Errorf("Call() = %v after %d attempts, want 3", err, refusals.Load())
		}
		return nil
	})
	inWorld(t, "R1/lost after a cancellation", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		s := w.worker("w1")
		w.after(500*time.Millisecond, func() { w.net.Kill("w1"); s.Cancel(nil) })
		c := cancel.New(ctx)
		defer c.Close()
		w.after(time.Second, func() { c.Cancel(nil) })
		_, err := run.Call(c, w.client, job{Name: "a", Takes: time.Minute}, remote.Retry(3))
		if !errors.Is(err, remote.ErrLost) || !errors.Is(err, context.Canceled) || c.IsEcho(err) {
			t.Errorf("Call() = %v, want the cancellation and a LostError", err)
		}
		return nil
	})
	inWorld(t, "R8/the result of a task that nobody has claimed", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.on("call", func(_ int, m remotetest.Message) (bool, time.Duration) {
			head := string(m.Data)
			field := func(name string) string {
				_, rest, _ := strings.Cut(head, `"`+name+`":"`)
				value, _, _ := strings.Cut(rest, `"`)
				return value
			}
			forged := message(`{"v":1,"k":"result","w":"w9","id":1,"at":1,"tok":"`+field("tok")+`","end":"value"}`, `"forged"`)
			if m.Kind == "enqueue" {
				w.after(time.Second, func() {
					if err := w.net.Host("w9").Publish("c."+field("c"), forged); err != nil {
						t.Error(err)
					}
				})
			}
			return false, 0
		})
		w.after(2*time.Second, func() { w.worker("w1") })
		w.call(ctx, job{Name: "a"}, "w1")
		return nil
	})
	inWorld(t, "R3/a deadline of a task in the queue", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		_, err := cancel.MoveOnAfter(ctx, 10*time.Second, func(ctx context.Context) error {
			_, err := run.Call(ctx, w.client, job{Name: "a"})
			return err
		})
		time.Sleep(time.Millisecond)
		if n := w.net.Len("default"); n != 0 {
			t.Errorf("%d messages are in the queue, want none", n)
		}
		return err
	})
	inWorld(t, "R16/an engine that hangs once", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		var once sync.Once
		e := &bent{Engine: w.net.Host("caller"), enqueue: func(ctx context.Context, _ string) (err error) {
			once.Do(func() { <-ctx.Done(); err = ctx.Err() })
			return err
		}}
		client, err := remote.NewClient(w.nursery, e, remote.Lease(lease), remote.Log(quiet))
		if err != nil {
			return err
		}
		w.worker("w1")
		_, err = run.Call(ctx, client, job{Name: "a"})
		w.took(lease + 10*time.Millisecond)
		return err
	})
	inWorld(t, "R15/an order with a source that is not known", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.net.Intercept(func(m remotetest.Message) (bool, time.Duration) {
			if i := bytes.Index(m.Data, []byte(`"src":`)); m.Kind == "publish" && i > 0 {
				m.Data[i+6] = '9'
			}
			return false, 0
		})
		w.worker("w1")
		s := cancel.New(ctx)
		w.after(1500*time.Millisecond, func() { s.Cancel(nil) })
		err := s.Run(func(ctx context.Context) error {
			_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Minute})
			return err
		})
		w.took(1500 * time.Millisecond)
		return err
	})
	inWorld(t, "R2/many orders with long causes are lost", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.on("publish", dropIf(all))
		w.worker("w1", remote.Slots(200))
		s := cancel.New(ctx)
		w.after(1500*time.Millisecond, func() { s.Cancel(errors.New(strings.Repeat("x", 4000))) })
		err := s.Run(func(ctx context.Context) error {
			return nursery.For(ctx, 200, func(ctx context.Context, _ int) error {
				_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Hour})
				return err
			}, nursery.Limit(200))
		})
		if d := time.Since(w.began); d > 20*time.Second {
			t.Errorf("it took %v, want some beats", d)
		}
		return err
	})
	inWorld(t, "R11/the queue forgets twice", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.after(time.Second, w.net.Forget)
		w.after(2*lease+time.Second, w.net.Forget)
		w.after(2*lease+2*time.Second, func() { w.worker("w1") })
		w.call(ctx, job{Name: "a"}, "w1")
		w.took(6 * lease)
		return nil
	})
	inWorld(t, "R16/results that wait hold back tasks", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.on("result", func(int, remotetest.Message) (bool, time.Duration) {
			return time.Since(w.began) < 900*time.Millisecond, 0
		})
		w.worker("w1", remote.Slots(1))
		w.after(500*time.Millisecond, func() { w.begun("a", 0, time.Millisecond, 2*time.Millisecond) }) // two results wait, and one task has its slot
		return nursery.For(ctx, 10, func(ctx context.Context, _ int) error {
			_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Millisecond})
			return err
		}, nursery.Limit(10))
	})
	inWorld(t, "R17/a large error without its stacks", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		worker := remote.NewWorker(w.net.Host("w1"), remote.Log(quiet), remote.RedactStacks())
		ways.Handle(worker, func(context.Context, string) (string, error) {
			errs := []error{&nursery.PanicError{Value: "ouch", Stack: []byte("secret")}}
			for range 40 {
				errs = append(errs, errors.New(strings.Repeat("\x01", 16<<10)))
			}
			return "", errors.Join(errs...)
		})
		w.nursery.Go(worker.Run)
		_, err := ways.Call(ctx, w.client, "")
		if e, ok := errors.AsType[*nursery.PanicError](err); !ok || len(e.Stack) > 0 {
			t.Errorf("Call() = %T with the stack %q, want none", err, e.Stack)
		}
		return nil
	})
}
