// Supervisor runs three workers that crash at times, and restarts them.
//
//	go run ./examples/supervisor [-addr ADDR] [-debug ADDR] [-for 10s] [-seed N]
//
// An ingest sends readings to a store, and a front serves the number of readings over HTTP.
// Each worker starts when the worker before it is ready: the store, the ingest, the front.
// They stop in the reverse order, so that a worker never loses a worker that it depends on.
// Each crashes from time to time, by an error or a panic, at times that the seed decides.
// It is restarted after a wait that grows. The front also serves /healthz, /readyz and
// /status.
//
// It prints a line for each change of state, and at the end how many readings came in and
// how many were stored. It ends after a while, at Ctrl-C, or when the workers crash too
// often. Then the status is 1, and it prints the last failures as a tree. Try -seed 3 for
// that.
//
// It shows that a supervisor needs no support in the library: it is a loop in a task, in a
// page of code. See supervise/supervise.go.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"time"

	"github.com/cenkalti/backoff/v6"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/internal/flags"
	"github.com/grove-go/grove/examples/internal/serve"
	"github.com/grove-go/grove/examples/supervisor/supervise"
	"github.com/grove-go/grove/nursery"
)

// options are the flags of the command line.
type options struct {
	addr  string
	debug string
	lasts time.Duration
	seed  uint64
}

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2)
	}
	a := newApp(o, os.Stdout, func(h http.Handler) server { return serve.HTTP(o.addr, h) })
	nursery.Main(func(ctx context.Context, n *nursery.Nursery) error {
		if err := serve.Tasks(ctx, n, o.debug, os.Stdout); err != nil {
			return err
		}
		return a.run(ctx, n)
	}, nursery.Name("program"), nursery.Grace(a.Grace()+time.Second))
}

// parse reads the command line. It writes errors in it to usage.
func parse(args []string, usage io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("supervisor", flag.ContinueOnError)
	f.SetOutput(usage)
	f.StringVar(&o.addr, "addr", "127.0.0.1:8080", "serve at this address")
	f.StringVar(&o.debug, "debug", "", "serve the task tree at this address, such as 127.0.0.1:6061")
	f.DurationVar(&o.lasts, "for", 10*time.Second, "stop after so long")
	f.Uint64Var(&o.seed, "seed", 0, "crash at the times that this number makes")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	err := flags.Within("for", o.lasts, time.Millisecond, 24*time.Hour)
	if f.NArg() > 0 {
		err = fmt.Errorf("no arguments, got %q", f.Args())
	}
	if err != nil {
		fmt.Fprintln(usage, "supervisor:", err)
	}
	return o, err
}

// An app is the workers and their supervisor.
type app struct {
	*supervise.Supervisor
	*readings
	lasts time.Duration
}

// newApp returns an app that logs to out. serve makes a server of a handler.
func newApp(o options, out io.Writer, serve func(http.Handler) server) *app {
	log := logger(out)
	a := &app{lasts: o.lasts, readings: newReadings(), Supervisor: &supervise.Supervisor{
		Restarts: 5, Within: 5 * time.Second, Steady: 2 * time.Second, Log: log,
	}}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", a.readings)
	mux.Handle("/", a.Handler())
	a.Workers = []supervise.Worker{
		{Name: "store", Run: a.store, Grace: 2 * time.Second},
		{Name: "ingest", Run: a.ingest, Grace: time.Second},
		{Name: "front", Run: front(serve(mux), log), Grace: time.Second},
	}
	for i := range a.Workers {
		w := &a.Workers[i]
		w.Run = faulty(w.Run, rand.New(rand.NewPCG(o.seed, uint64(i))))
		// Leave the jitter on where many programs restart after the same trouble.
		w.Backoff = &backoff.ExponentialBackOff{InitialInterval: 100 * time.Millisecond, Multiplier: 2, MaxInterval: 2 * time.Second}
	}
	return a
}

// run runs the workers for a while, and logs how many readings were taken and stored.
func (a *app) run(ctx context.Context, n *nursery.Nursery) error {
	n.Go(func(ctx context.Context) error {
		if cancel.Sleep(cancel.UntilStop(ctx), a.lasts) == nil {
			n.Scope().Stop()
		}
		return nil
	}, nursery.Name("clock"))
	err := a.Run(ctx, func() { a.Log.Info("all are ready") })
	err = cmp.Or(err, a.flush(ctx)) // a store that waited for its restart has not flushed
	a.Log.Info("end", "taken", a.taken.Load(), "stored", a.stored.Load())
	return err
}

// logger returns a logger with times since the call of logger.
func logger(out io.Writer) *slog.Logger {
	start := time.Now()
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.String(a.Key, fmt.Sprintf("%.1fs", a.Value.Time().Sub(start).Truncate(100*time.Millisecond).Seconds()))
			}
			return a
		},
	}))
}
