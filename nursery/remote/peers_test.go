package remote_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/remote"
	"github.com/grove-go/grove/nursery/remote/remotetest"
	"github.com/grove-go/grove/testutil"
)

// message returns a message with that head.
func message(head string, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(head)))
	return append(append(b, head...), body...)
}

// strange are messages that no client or worker sends.
var strange = [][]byte{
	nil, {1}, {0, 0, 0, 200, 'x'}, {255, 255, 255, 255}, message("", ""), message("x", ""), message("null", ""),
	message(`{"v":1,"k":"call"}`, ""), message(`{"v":1,"k":"call","c":"../x"}`, ""),
	message(`{"v":1,"k":"call","c":"`+strings.Repeat("x", 300)+`"}`, ""),
	message(`{"v":2,"k":"call","c":"nobody","id":1}`, ""),
	message(`{"v":1,"k":"call","c":"nobody","id":1,"fn":"run","lease":-5}`, "{}"),
	message(`{"v":1,"k":"call","c":"nobody","id":1,"fn":"run","lease":9223372036854775807}`, "{}"),
	message(`{"v":1,"k":"call","c":"nobody","id":1,"fn":"none","lease":3000000}`, "{}"),
	message(`{"v":1,"k":"call","c":"nobody","id":1,"fn":"run","lease":3000000}`, strings.Repeat("x", 1<<20)),
	message(`{"v":1,"k":"claim","claims":[{"id":1},{"id":-1},{}]}`, ""),
	message(`{"v":1,"k":"beat","w":"w9","run":[[1,1],[2,-7]],"last":true}`, ""),
	message(`{"v":1,"k":"result","w":"w1","id":1,"at":1,"tok":"guess","end":"value"}`, `"forged"`),
	message(`{"v":1,"k":"result","w":"w1","id":1,"at":1,"end":"refused"}`, "forged"),
	message(`{"v":1,"k":"order","c":"x","orders":[{"id":1,"at":1,"x":{"src":-9}}]}`, ""),
	message(`{"v":1,"k":"ok"}`, ""),
}

// FuzzMessage reads messages. What can be read is the same after it was written and read again.
func FuzzMessage(f *testing.F) {
	for _, msg := range strange {
		f.Add(msg)
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		once, err := remote.Repack(msg)
		if err != nil {
			return
		}
		if twice, err := remote.Repack(once); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("a message becomes\n%q, and then\n%q, %v", once, twice, err)
		}
	})
}

// mutants returns messages with changes to the strange ones.
func mutants() (all [][]byte) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		msg := bytes.Clone(strange[rnd.IntN(len(strange))])
		for range 1 + rnd.IntN(4) {
			if len(msg) > 0 {
				msg[rnd.IntN(min(len(msg), 200))] = byte(rnd.IntN(256))
			}
		}
		all = append(all, msg)
	}
	return all
}

// withStranger makes a call, while a stranger sends messages.
func withStranger(t *testing.T, ctx context.Context, msgs ...[]byte) {
	w := &world{t: t, net: remotetest.New(remotetest.Faults{})}
	w.run(ctx, func(ctx context.Context) error {
		var caller atomic.Pointer[string]
		w.net.Intercept(func(m remotetest.Message) (bool, time.Duration) {
			if k, _ := kindOf(m.Data); k == "claim" {
				caller.CompareAndSwap(nil, new(strings.TrimPrefix(m.To, "c.")))
			}
			return false, 0
		})
		w.worker("w1")
		stranger := w.net.Host("stranger")
		w.after(time.Second, func() {
			for i, msg := range msgs {
				for _, addr := range []string{"c." + *caller.Load(), "b." + *caller.Load(), "w.w1"} {
					if err := stranger.Publish(addr, msg); err != nil {
						t.Error(err)
					}
				}
				if _, err := stranger.Enqueue(ctx, "default", fmt.Sprint(i), 0, msg); err != nil {
					t.Error(err)
				}
			}
		})
		w.call(ctx, job{Name: "a", Takes: time.Minute}, "w1")
		w.took(time.Minute)
		if n := w.net.Len("default"); n != 0 {
			t.Errorf("%d messages are left in the queue", n)
		}
		return nil
	})
}

// TestStrangers sends what no client or worker sends.
func TestStrangers(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) { withStranger(t, ctx, strange...) })
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) { withStranger(t, ctx, mutants()...) })
	inWorld(t, "R15/an order with the wrong token", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.worker("w1")
		w.net.Intercept(func(m remotetest.Message) (bool, time.Duration) {
			if m.Kind == "publish" && m.From == "caller" {
				i := bytes.Index(m.Data, []byte(`"tok":"`))
				m.Data[i+8] ^= 1
			}
			return false, 0
		})
		s := cancel.New(ctx)
		time.AfterFunc(1500*time.Millisecond, func() { s.Cancel(nil) })
		err := s.Run(func(ctx context.Context) error {
			_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Minute})
			return err
		})
		w.took(2 * time.Second) // by the beat
		return err
	})
	inWorld(t, "R3/a task that its caller does not wait for", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		var token, caller string
		w.net.Intercept(func(m remotetest.Message) (bool, time.Duration) {
			if k, _ := kindOf(m.Data); k == "claim" {
				i := bytes.Index(m.Data, []byte(`"tok":"`)) + 7
				token, caller = string(m.Data[i:i+bytes.IndexByte(m.Data[i:], '"')]), strings.TrimPrefix(m.To, "c.")
			}
			return false, 0
		})
		w.worker("w1")
		w.after(time.Second, func() {
			gone := message(`{"v":1,"k":"order","c":"`+caller+`","orders":[{"id":1,"at":1,"tok":"`+token+`","g":true}]}`, "")
			if err := w.net.Host("caller").Publish("w.w1", gone); err != nil {
				t.Error(err)
			}
		})
		_, err := run.Call(ctx, w.client, job{Name: "a", Takes: time.Minute})
		if e, ok := errors.AsType[*remote.AbortedError](err); !ok || e.Reason.Cause != remote.ErrNotWanted {
			t.Errorf("Call() = %v, want an AbortedError by ErrNotWanted", err)
		}
		w.took(time.Second)
		return nil
	})
	inWorld(t, "R7/beats for tasks that another worker has, or another attempt", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		var caller string
		w.net.Intercept(func(m remotetest.Message) (bool, time.Duration) {
			if k, _ := kindOf(m.Data); k == "claim" {
				caller = strings.TrimPrefix(m.To, "c.")
			}
			return false, 0
		})
		w.worker("w1", remote.Slots(1))
		w.after(time.Second, func() { w.worker("w2"); w.call(ctx, job{Name: "b", Takes: time.Minute}, "w2") })
		w.after(2500*time.Millisecond, func() {
			for beat, gone := range map[string]bool{
				`{"v":1,"k":"beat","w":"w1","run":[[1,1]]}`: false,
				`{"v":1,"k":"beat","w":"w1","run":[[1,2]]}`: true,
				`{"v":1,"k":"beat","w":"w2","run":[[1,1]]}`: true,
				`{"v":1,"k":"beat","w":"w2","run":[[2,1]]}`: false,
				`{"v":1,"k":"beat","w":"w3","run":[[1,1]]}`: true,
			} {
				answer, err := w.net.Host("stranger").Request(ctx, "b."+caller, message(beat, ""))
				if got := bytes.Contains(answer, []byte(`"g":true`)); got != gone || err != nil {
					t.Errorf("the answer to %s is %q, %v; want gone: %v", beat, answer, err, gone)
				}
			}
		})
		w.call(ctx, job{Name: "a", Takes: 2 * time.Minute}, "w1")
		return nil
	})
	inWorld(t, "R8/the result of a worker that was denied", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		var token, addr string
		w.net.Intercept(func(m remotetest.Message) (bool, time.Duration) {
			if k, _ := kindOf(m.Data); k == "claim" {
				i := bytes.Index(m.Data, []byte(`"tok":"`)) + 7
				token, addr = string(m.Data[i:i+bytes.IndexByte(m.Data[i:], '"')]), m.To
			}
			return false, 0
		})
		w.worker("w1")
		w.after(time.Second, func() {
			forged := message(`{"v":1,"k":"result","w":"w2","id":1,"at":1,"tok":"`+token+`","end":"value"}`, `"forged"`)
			if err := w.net.Host("w2").Publish(addr, forged); err != nil {
				t.Error(err)
			}
		})
		w.call(ctx, job{Name: "a", Takes: time.Minute}, "w1")
		return nil
	})
	inWorld(t, "R15/refused", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		w.worker("w1")
		for name, call := range map[string]func() error{
			"no such function": func() error {
				_, err := remote.Define[int, int]("other").Call(ctx, w.client, 1)
				return err
			},
			"the argument: json:": func() error {
				_, err := remote.Define[int, int]("run").Call(ctx, w.client, 1)
				return err
			},
			"bytes, want at most 524288": func() error {
				_, err := remote.Define[job, string]("run", remote.MaxBytes(1<<20)).Call(ctx, w.client, job{Name: strings.Repeat("x", 600_000)})
				return err
			},
		} {
			err := call()
			if e, ok := errors.AsType[*remote.RefusedError](err); !ok || !strings.Contains(e.Why, name) || e.Worker != "w1" || !errors.Is(err, remote.ErrRefused) {
				t.Errorf("Call() = %v, want %q", err, name)
			}
		}
		if _, err := run.Call(ctx, w.client, job{Name: strings.Repeat("x", 600_000)}); err == nil || !strings.Contains(err.Error(), "want at most") {
			t.Errorf("Call() = %v, want an error about the size", err)
		}
		w.took(0)
		return nil
	})
}

// ways is what handlers may do at the end.
var ways = remote.Define[string, string]("ways")

// TestHandlers checks that whatever a handler does becomes the error of its call.
func TestHandlers(t *testing.T) {
	inWorld(t, "R17/ends of handlers", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		worker := remote.NewWorker(w.net.Host("w1"), remote.Log(quiet), remote.WorkerName("w1"))
		var none *partError
		handlers := map[string]struct {
			do    func() (string, error)
			check func(err error) bool
		}{
			"panic": {func() (string, error) { panic("ouch") }, func(err error) bool {
				e, ok := err.(*nursery.PanicError)
				return ok && e.Value == "ouch" && e.Task == ctxPath(ctx)+"ways" && strings.Contains(string(e.Stack), "peers_test.go")
			}},
			"Goexit": {func() (string, error) { runtime.Goexit(); return "", nil }, func(err error) bool { return err == nursery.ErrGoexit }},
			"a group": {func() (string, error) { return "", nursery.NewGroupError("g", errSoldOut) }, func(err error) bool {
				e, ok := err.(*nursery.GroupError)
				return ok && e.Nursery() == "g" && errors.Is(err, errSoldOut)
			}},
			"a typed nil":      {func() (string, error) { return "", none }, func(err error) bool { return err != nil }},
			"a wild error":     {func() (string, error) { return "", &wild{func() string { panic(1) }, func() []error { return nil }} }, func(err error) bool { return strings.Contains(err.Error(), "panicked") }},
			"context.Canceled": {func() (string, error) { return "", context.Canceled }, func(err error) bool { return err == context.Canceled }},
			"too much":         {func() (string, error) { return strings.Repeat("x", 600_000), nil }, func(err error) bool { return strings.Contains(err.Error(), "want at most") }},
		}
		ways.Handle(worker, func(_ context.Context, way string) (string, error) { return handlers[way].do() })
		s := cancel.New(w.nursery.Scope())
		w.nursery.Go(func(context.Context) error { defer s.Close(); return s.Absorb(worker.Run(s)) })
		for way, h := range handlers {
			if got, err := ways.Call(ctx, w.client, way); err == nil || !h.check(err) || got != "" {
				t.Errorf("%s: Call() = %q, %+v", way, got, err)
			}
		}
		return nil
	})
	inWorld(t, "R17/redacted", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		worker := remote.NewWorker(w.net.Host("w1"), remote.Log(quiet), remote.RedactStacks())
		ways.Handle(worker, func(context.Context, string) (string, error) { panic("ouch") })
		s := cancel.New(w.nursery.Scope())
		w.nursery.Go(func(context.Context) error { defer s.Close(); return s.Absorb(worker.Run(s)) })
		_, err := ways.Call(ctx, w.client, "")
		if e, ok := err.(*nursery.PanicError); !ok || len(e.Stack) != 0 {
			t.Errorf("Call() = %+v, want a panic without a stack", err)
		}
		return nil
	})
}

func ctxPath(ctx context.Context) string {
	if p := cancel.Path(ctx); p != "" {
		return p + "/"
	}
	return ""
}

// deeper calls itself on another worker.
var deeper = remote.Define[int, string]("deeper", remote.Queue("deep"))

// TestNested calls from handlers.
func TestNested(t *testing.T) {
	inWorld(t, "R2/a cause at the depth of 5", remotetest.Faults{}, func(t *testing.T, ctx context.Context, w *world) error {
		var cause error
		var path string
		worker := remote.NewWorker(w.net.Host("w1"), remote.Log(quiet), remote.Slots(6))
		deeper.Handle(worker, func(ctx context.Context, depth int) (string, error) {
			if depth > 0 {
				return deeper.Call(ctx, w.client, depth-1)
			}
			path = cancel.Path(ctx)
			<-ctx.Done()
			cause = context.Cause(ctx)
			return "", cancel.Err(ctx)
		})
		ws := cancel.New(w.nursery.Scope())
		w.nursery.Go(func(context.Context) error { defer ws.Close(); return ws.Absorb(worker.Run(ws)) })
		s := cancel.New(context.Background(), cancel.Name("req-17"))
		time.AfterFunc(time.Second, func() { s.Cancel(errSoldOut) })
		err := s.Run(func(ctx context.Context) error {
			_, err := deeper.Call(ctx, w.client, 5)
			return err
		})
		w.took(time.Second)
		if cause != errSoldOut {
			t.Errorf("the cause is %v, want %v", cause, errSoldOut)
		}
		if want := "req-17" + strings.Repeat("/deeper", 6); !strings.HasSuffix(path, want) {
			t.Errorf("the path is %q, want the end %q", path, want)
		}
		return err
	})
}

// TestEverywhere cancels calls at every point.
func TestEverywhere(t *testing.T) {
	testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
		net := remotetest.New(remotetest.Faults{})
		service := cancel.New(ctx, cancel.Shielded())
		defer service.Close()
		return nursery.Run(service, func(sctx context.Context, n *nursery.Nursery) error {
			defer n.Cancel(nil)
			client, err := remote.NewClient(n, net.Host("caller"), remote.Log(quiet))
			if err != nil {
				return err
			}
			worker := remote.NewWorker(net.Host("w"), remote.Log(quiet))
			ways.Handle(worker, func(ctx context.Context, s string) (string, error) { return s, cancel.Sleep(ctx, time.Second) })
			n.Go(func(ctx context.Context) error { return worker.Run(ctx) })
			for range 2 {
				if _, err := ways.Call(ctx, client, "x"); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// TestMany makes many calls at once, with the lease of the other tests.
func TestMany(t *testing.T) {
	inWorld(t, "R16/many calls at once", remotetest.Faults{Delay: 5 * time.Millisecond}, func(t *testing.T, ctx context.Context, w *world) error {
		for i := range 4 {
			w.worker(fmt.Sprint("w", i), remote.Slots(500))
		}
		return nursery.For(ctx, manyCalls, func(ctx context.Context, i int) error {
			_, err := run.Call(ctx, w.client, job{Name: fmt.Sprint("job", i), Takes: 100 * time.Millisecond})
			return err
		}, nursery.Limit(manyCalls))
	})
}

// TestMisuse checks the panics.
func TestMisuse(t *testing.T) {
	kit.Bubble(t, "R15/misuse", func(t *testing.T, ctx context.Context) {
		host := remotetest.New(remotetest.Faults{}).Host("x")
		fn := func(context.Context, job) (string, error) { return "", nil }
		once := remote.Define[job, string]("once")
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			c, err := remote.NewClient(n, host)
			w := remote.NewWorker(host)
			run.Handle(w, fn)
			var zero remote.Func[job, string]
			for want, f := range map[string]func(){
				"Define: a name has":                               func() { remote.Define[int, int]("a b") },
				"Define: a name has 1 to 200":                      func() { remote.Define[int, int]("") },
				"Define: nil option":                               func() { remote.Define[int, int]("a", nil) },
				"Queue: a name has":                                func() { remote.Queue("*") },
				"MaxBytes: want at least 1, got 0":                 func() { remote.MaxBytes(0) },
				"Retry: want at least 0, got -1":                   func() { remote.Retry(-1) },
				"Lease: want 1s to 1h0m0s, got 1ms":                func() { remote.Lease(time.Millisecond) },
				"Log: nil logger":                                  func() { remote.Log(nil) },
				"NewClient: nil nursery":                           func() { _, _ = remote.NewClient(nil, host) },
				"NewClient: nil Engine":                            func() { _, _ = remote.NewClient(n, nil) },
				"NewClient: nil option":                            func() { _, _ = remote.NewClient(n, host, nil) },
				"NewWorker: nil Engine":                            func() { remote.NewWorker(nil) },
				"NewWorker: nil option":                            func() { remote.NewWorker(host, nil) },
				"Slots: want at least 1, got 0":                    func() { remote.Slots(0) },
				"WorkerName: a name has":                           func() { remote.WorkerName("a/b") },
				"MaxBudget: want more than 0, got 0s":              func() { remote.MaxBudget(0) },
				"Func.Call: the zero Func; use Define":             func() { _, _ = zero.Call(ctx, c, job{}) },
				"Func.Call: nil Client":                            func() { _, _ = run.Call(ctx, nil, job{}) },
				"Func.Call: nil option":                            func() { _, _ = run.Call(ctx, c, job{}, nil) },
				"Func.Call: Retry: once is not Idempotent":         func() { _, _ = once.Call(ctx, c, job{}, remote.Retry(1)) },
				"Func.Bind: nil Client":                            func() { run.Bind(nil) },
				"Func.Handle: the zero Func; use Define":           func() { zero.Handle(w, fn) },
				"Func.Handle: nil Worker":                          func() { run.Handle(nil, fn) },
				"Func.Handle: nil function":                        func() { run.Handle(w, nil) },
				"Func.Handle: the worker handles run already":      func() { run.Handle(w, fn) },
				"Worker.Run: the worker has no function; use Func": func() { _ = remote.NewWorker(host).Run(ctx) },
				//lint:ignore SA1012 must panic
				"Worker.Run: nil context": func() { _ = w.Run(nil) },
				//lint:ignore SA1012 must panic
				"Func.Call: nil context": func() { _, _ = run.Call(nil, c, job{}) },
				//lint:ignore SA1012 must panic
				"Info: nil context": func() { remote.Info(nil) },
			} {
				kit.MustPanic(t, "remote: "+want, f)
			}
			s := cancel.New(ctx)
			s.Cancel(nil)
			if err := w.Run(s); !s.IsEcho(err) {
				t.Errorf("Run() = %v, want the cancellation", err)
			}
			kit.MustPanic(t, "remote: Worker.Run: called twice", func() { _ = w.Run(ctx) })
			kit.MustPanic(t, "remote: Func.Handle: the worker has begun to run", func() { once.Handle(w, fn) })
			if _, ok := remote.Info(ctx); ok {
				t.Error("Info() finds a call, want none")
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
