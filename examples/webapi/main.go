// Webapi is a JSON service: a catalogue of books in SQLite, with prices and reviews from
// two slow upstreams.
//
//	go run ./examples/webapi [flags]
//
// It prints the addresses that it listens on, and then failures. It needs nothing else,
// because it plays the upstreams itself and keeps the books in a temporary file. In another
// terminal:
//
//	curl localhost:8080/books/1      # the book with its price and reviews
//	curl localhost:8080/books/4      # 504: its price does not come in time
//	curl localhost:8080/books/6      # without the reviews, which do not come in time
//	curl localhost:8080/books/x      # 422: not an id
//	curl localhost:8080/books/1/orders --json '{"quantity":2}'
//	curl localhost:8080/openapi.json # and /docs for a browser
//	curl localhost:8081/readyz       # 503 while it drains
//
// README.md has the output.
//
// It shows that a request is a nursery. The tasks of a request end with it: when it is
// answered, when a task fails, when its budget is spent, and when the client goes away. A
// query and a request to an upstream notice that (request.go). Work after the answer is a
// task of the service (api.go). At Ctrl-C or SIGTERM the program finishes its requests and
// ends with status 0. A second signal cancels them, and the status is 1.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/internal/flags"
	"github.com/grove-go/grove/examples/internal/serve"
	"github.com/grove-go/grove/nursery"
)

// options are the flags of the command line.
type options struct {
	addr, health string
	debug        string
	db           string
	latency      time.Duration
	linger       time.Duration // from a signal until no more requests are taken
	trace        bool
	limits
}

// writing limits the time to send an answer.
const writing = 3 * time.Second

// limits are the limits of requests.
type limits struct {
	budget   time.Duration // for a whole request
	patience time.Duration // for optional parts of an answer
	queue    time.Duration // for the wait of a request for its turn
	requests int           // at a time
}

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2)
	}
	nursery.Main(func(ctx context.Context, n *nursery.Nursery) error {
		return run(ctx, n, o, os.Stdout, log.New(os.Stderr, "", log.Ltime))
	}, nursery.Name("webapi"), nursery.Grace(o.linger+2*o.budget+2*serve.Grace)) // a request, and the work after its answer
}

// parse reads the command line. It writes errors in it to usage.
func parse(args []string, usage io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("webapi", flag.ContinueOnError)
	f.SetOutput(usage)
	f.StringVar(&o.addr, "addr", "localhost:8080", "serve the API at this `address`")
	f.StringVar(&o.health, "health", "localhost:8081", "serve /livez and /readyz at this `address`")
	f.StringVar(&o.debug, "debug", "", "serve the task tree at this `address`, such as 127.0.0.1:6061")
	f.StringVar(&o.db, "db", "", "keep the books in this `file`; default: a temporary one")
	f.DurationVar(&o.latency, "latency", 50*time.Millisecond, "let each upstream take so long")
	f.DurationVar(&o.budget, "budget", time.Second, "give up on a request after this time")
	f.DurationVar(&o.patience, "patience", 300*time.Millisecond, "answer without reviews after this time")
	f.DurationVar(&o.queue, "queue", 100*time.Millisecond, "turn a request away if it is not its turn within this time")
	f.IntVar(&o.requests, "requests", 64, "work on so many requests at a time")
	f.DurationVar(&o.linger, "linger", 500*time.Millisecond, "take requests so long after a signal, and have connections closed by their clients")
	f.BoolVar(&o.trace, "trace", false, "write spans of OpenTelemetry to standard error")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	err := cmp.Or(
		flags.Within("latency", o.latency, 0, time.Hour),
		flags.Within("budget", o.budget, time.Millisecond, time.Hour),
		flags.Within("patience", o.patience, 0, time.Hour),
		flags.Within("queue", o.queue, 0, time.Hour),
		flags.Within("linger", o.linger, 0, time.Hour),
		flags.Within("requests", o.requests, 1, 10_000))
	if f.NArg() > 0 {
		err = fmt.Errorf("no arguments, got %q", f.Args())
	}
	if err != nil {
		fmt.Fprintln(usage, "webapi:", err)
	}
	return o, err
}

// run serves until it is asked to stop. It opens the store before the nursery of the
// requests, and closes it after that nursery. The upstreams are daemons of n.
func run(ctx context.Context, n *nursery.Nursery, o options, out io.Writer, logger *log.Logger) (err error) {
	var spans io.Writer
	if o.trace {
		spans = logger.Writer()
	}
	tracer, end, err := tracing(spans)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cancel.Shield(ctx, time.Second, end)) }()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = o.requests
	client := &http.Client{Transport: transport}
	defer client.CloseIdleConnections()
	var u upstreams
	prices, reviews, mail := peers(o.latency, logger)
	if u.prices, err = prices.start(ctx, n, client); err != nil {
		return err
	}
	if u.reviews, err = reviews.start(ctx, n, client); err != nil {
		return err
	}
	if u.mail, err = mail.start(ctx, n, client); err != nil {
		return err
	}
	store, err := openStore(ctx, o.db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.close()) }()
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		s := newService(n, o.limits, store, u, logger, tracer)
		h, _ := s.handler()
		server := serve.Server{Handler: h, Linger: o.linger, WriteTimeout: o.budget + writing}
		api, err := nursery.Start(ctx, n, server.At(o.addr), nursery.Name("api"))
		if err != nil {
			return err
		}
		watched := serve.Server{Handler: serve.SameSite(s.health()), ToTheLast: true, WriteTimeout: writing}
		health, err := nursery.Start(ctx, n, watched.At(o.health), nursery.Daemon(), nursery.Name("health"))
		if err != nil {
			return err
		}
		if err := serve.Tasks(ctx, n, o.debug, out); err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "books: %s, health: %s\n", api, health)
		return err
	}, nursery.Name("service"))
}
