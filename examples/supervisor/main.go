// Supervisor runs three workers that crash at times, and restarts them.
//
//	go run ./examples/supervisor [-addr ADDR] [-debug ADDR] [-for 10s] [-seed N]
//
// A store writes what an ingest sends it, and a front serves how it goes over HTTP.
// They are started in this order, each when the one before it is ready, and stopped in
// the reverse one, so that nobody loses what it builds on. Each of them crashes
// from time to time, by an error or a panic, at the times that a seed makes: it is
// restarted after a wait that grows. There are /healthz, /readyz and /status.
//
// It prints a line for each change of state, and at the end how many readings came in
// and how many were stored. It ends after a while, at Ctrl-C, or when the workers crash
// too often: then the status is 1, and the last failures are printed as a tree. Try
// -seed 3 for that.
//
// It shows that restarting is no matter of the library: a supervisor is a loop in a task,
// and takes a page of code. See supervise/supervise.go.
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

// options are what the command line says.
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

// parse reads the command line. What is wrong with it is written to usage.
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

// An app is its workers, and who supervises them.
type app struct {
	*supervise.Supervisor
	*readings
	lasts time.Duration
}

// newApp makes an app that logs to out. serve makes a server of a handler.
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
		// Where many programs restart after the same trouble, leave the jitter on.
		w.Backoff = &backoff.ExponentialBackOff{InitialInterval: 100 * time.Millisecond, Multiplier: 2, MaxInterval: 2 * time.Second}
	}
	return a
}

// run runs the workers for a while, and prints what has become of the readings.
func (a *app) run(ctx context.Context, n *nursery.Nursery) error {
	n.Go(func(ctx context.Context) error {
		if cancel.Sleep(cancel.UntilStop(ctx), a.lasts) == nil {
			n.Scope().Stop()
		}
		return nil
	}, nursery.Name("clock"))
	err := a.Run(ctx, func() { a.Log.Info("all are ready") })
	err = cmp.Or(err, a.flush(ctx)) // the store may have been waiting for its restart
	a.Log.Info("end", "taken", a.taken.Load(), "stored", a.stored.Load())
	return err
}

// logger returns a logger whose times are those since it was made.
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
