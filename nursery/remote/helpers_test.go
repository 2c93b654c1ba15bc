package remote_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
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
	Name   string
	Takes  time.Duration
	Err    string
	Deaf   bool // ignores its context
	Panics bool
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
func inWorld(t *testing.T, name string, f remotetest.Faults, fn func(ctx context.Context, w *world) error) {
	kit.Bubble(t, name, func(t *testing.T, ctx context.Context) {
		w := &world{t: t, net: remotetest.New(f)}
		w.began = time.Now()
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			w.nursery = n
			c, err := remote.NewClient(n, w.net.Host("caller"), remote.Lease(lease), remote.ClientLog(quiet))
			if err != nil {
				return err
			}
			w.client = c
			defer n.Cancel(nil) // the workers
			return fn(ctx, w)
		})
		if err != nil {
			t.Errorf("Run() = %+v", err)
		}
		w.check(t)
	})
}

// worker starts a worker on a host of its name. The scope ends it.
func (w *world) worker(name string, opts ...remote.WorkerOption) *cancel.Scope {
	s := cancel.New(w.nursery.Scope(), cancel.Name(name))
	worker := remote.NewWorker(w.net.Host(name), append([]remote.WorkerOption{remote.WorkerName(name), remote.WorkerLog(quiet)}, opts...)...)
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
	if j.Panics {
		panic(j.Name)
	}
	if j.Deaf {
		time.Sleep(j.Takes)
	} else if err := cancel.Sleep(ctx, j.Takes); err != nil {
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
