package remote_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/remote"
	"github.com/grove-go/grove/nursery/remote/remotetest"
)

// lease is the lease of all clients in these tests.
const lease = 3 * time.Second

// quiet drops logs.
var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// A job is a task of the tests: it begins, takes its time, and returns.
type job struct {
	Name    string
	Takes   time.Duration
	Err     string
	Deaf    bool          // ignores its context
	Lingers time.Duration // after its context is done
}

var run = remote.Define[job, string]("run", remote.Idempotent())

// A world has a client, workers, and a network between them.
type world struct {
	t       *testing.T
	net     *remotetest.Net
	nursery *nursery.Nursery
	client  *remote.Client
	history
}

// inWorld runs fn in a bubble, with a client on the host "caller", and joins everything.
func inWorld(t *testing.T, name string, f remotetest.Faults, fn func(t *testing.T, ctx context.Context, w *world) error) {
	kit.Bubble(t, name, func(t *testing.T, ctx context.Context) {
		w := &world{t: t, net: remotetest.New(f)}
		w.run(ctx, func(ctx context.Context) error { return fn(t, ctx, w) })
	})
}

// run runs fn with a client, and joins everything.
func (w *world) run(ctx context.Context, fn func(ctx context.Context) error) {
	w.began = time.Now()
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		//grove:ok the world ends with its nursery
		w.nursery = n
		c, err := remote.NewClient(n, w.net.Host("caller"), remote.Lease(lease), remote.Log(quiet))
		if err != nil {
			return err
		}
		w.client = c
		defer n.Cancel(nil) // the workers
		return fn(ctx)
	})
	if err != nil {
		w.t.Errorf("Run() = %+v", err)
	}
	w.check(w.t)
}

// worker starts a worker on a host of its name. The scope ends it.
func (w *world) worker(name string, opts ...remote.WorkerOption) *cancel.Scope {
	s := cancel.New(w.nursery.Scope(), cancel.Name(name))
	worker := remote.NewWorker(w.net.Host(name), append([]remote.WorkerOption{remote.WorkerName(name), remote.Log(quiet)}, opts...)...)
	run.Handle(worker, func(ctx context.Context, j job) (string, error) { return w.work(ctx, j) })
	w.nursery.Go(func(context.Context) error {
		defer s.Close()
		return s.Absorb(worker.Run(s))
	})
	return s
}

// work is what workers do.
func (w *world) work(ctx context.Context, j job) (string, error) {
	info, _ := remote.Info(ctx)
	key := w.begin(j, info)
	defer func() { w.end(key, context.Cause(ctx)) }()
	if j.Deaf {
		time.Sleep(j.Takes)
	} else if err := cancel.Sleep(ctx, j.Takes); err != nil {
		time.Sleep(j.Lingers)
		return "", err
	}
	if j.Err != "" {
		return "", errors.New(j.Err)
	}
	return j.Name + " by " + info.Worker, nil
}

// took fails the test unless the time since the beginning is d.
func (w *world) took(d time.Duration) {
	w.t.Helper()
	if got := time.Since(w.began); got != d {
		w.t.Errorf("it took %v, want %v", got, d)
	}
}

// kindOf returns the kind of a message of package remote, and its attempt if it is about one
// task.
func kindOf(data []byte) (kind string, attempt int) {
	if len(data) < 4 {
		return "", 0
	}
	var h struct {
		Kind   string `json:"k"`
		At     int    `json:"at"`
		Claims []struct {
			At int `json:"at"`
		} `json:"claims"`
	}
	n := binary.BigEndian.Uint32(data)
	if uint64(n) > uint64(len(data)-4) || json.Unmarshal(data[4:4+n], &h) != nil {
		return "", 0
	}
	if len(h.Claims) == 1 {
		h.At = h.Claims[0].At
	}
	return h.Kind, h.At
}

// on intercepts the messages of a kind. The function gets the number of such messages before.
func (w *world) on(kind string, f func(i int, m remotetest.Message) (drop bool, delay time.Duration)) {
	var mu sync.Mutex
	i := -1
	w.net.Intercept(func(m remotetest.Message) (bool, time.Duration) {
		if k, _ := kindOf(m.Data); k != kind && m.Kind != kind {
			return false, 0
		}
		mu.Lock()
		defer mu.Unlock()
		i++
		return f(i, m)
	})
}

// after calls f after d, in the nursery of the world.
func (w *world) after(d time.Duration, f func()) {
	w.nursery.Go(func(ctx context.Context) error {
		if cancel.Sleep(ctx, d-time.Since(w.began)) == nil {
			f()
		}
		return nil
	})
}

// call makes a call, and fails the test unless it returns the result of the job.
func (w *world) call(ctx context.Context, j job, worker string, opts ...remote.CallOption) {
	w.t.Helper()
	if got, err := run.Call(ctx, w.client, j, opts...); err != nil || got != j.Name+" by "+worker {
		w.t.Errorf("Call(%s) = %q, %v, want the result by %s", j.Name, got, err, worker)
	}
}

// begun fails the test unless the job with that name has begun at these times.
func (w *world) begun(name string, at ...time.Duration) {
	w.t.Helper()
	var got []time.Duration
	for _, s := range w.of(name) {
		got = append(got, s.begin)
	}
	if !slices.Equal(got, at) {
		w.t.Errorf("%s has begun at %v, want %v", name, got, at)
	}
}
