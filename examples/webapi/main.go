// Webapi is a JSON service: a catalogue of books, in SQLite, with the prices and
// reviews that two slow upstreams have of them.
//
//	go run ./examples/webapi [flags]
//
// It prints where it listens, and then what goes wrong. It needs nothing else: it plays
// the upstreams itself, and keeps the books in a temporary file. In another terminal:
//
//	curl localhost:8080/books/1      # the book with its price and reviews
//	curl localhost:8080/books/4      # 504: its price does not come in time
//	curl localhost:8080/books/6      # without the reviews, which do not come in time
//	curl localhost:8080/books/x      # 422: no such id can be
//	curl localhost:8080/books/1/orders --json '{"quantity":2}'
//	curl localhost:8080/openapi.json # and /docs for a browser
//	curl localhost:8081/readyz       # 503 while it drains
//
// README.md has what these print.
//
// It shows that a request is a nursery: what is done for it at the same time ends with
// it, when it is answered, when something fails, when its budget is spent, and when the
// client goes away, which the query and the upstreams get to know (request.go). What
// is done after the answer is a task of the service (api.go). Ctrl-C or SIGTERM: it
// answers what it has begun and ends with status 0; a second one cancels that too, and
// the status is 1.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/grove-go/grove/examples/internal/serve"
	"github.com/grove-go/grove/nursery"
)

// options are what the command line says.
type options struct {
	addr, health string
	db           string
	latency      time.Duration
	limits
}

// limits bound a request, and how many there are.
type limits struct {
	budget   time.Duration // for a whole request
	patience time.Duration // for what an answer can do without
	queue    time.Duration // for the wait until it is a request's turn
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
	}, nursery.Name("webapi"), nursery.Grace(2*o.budget+2*serve.Grace)) // a request, and what comes after its answer
}

// parse reads the command line. What is wrong with it is written to usage.
func parse(args []string, usage io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("webapi", flag.ContinueOnError)
	f.SetOutput(usage)
	f.StringVar(&o.addr, "addr", "localhost:8080", "serve the API at this `address`")
	f.StringVar(&o.health, "health", "localhost:8081", "serve /livez and /readyz at this `address`")
	f.StringVar(&o.db, "db", "", "keep the books in this `file`; default: a temporary one")
	f.DurationVar(&o.latency, "latency", 50*time.Millisecond, "let each upstream take so long")
	f.DurationVar(&o.budget, "budget", time.Second, "give up on a request after this time")
	f.DurationVar(&o.patience, "patience", 300*time.Millisecond, "answer without reviews after this time")
	f.DurationVar(&o.queue, "queue", 100*time.Millisecond, "turn a request away if it is not its turn within this time")
	f.IntVar(&o.requests, "requests", 64, "work on so many requests at a time")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	var err error
	switch {
	case f.NArg() > 0:
		err = fmt.Errorf("no arguments, got %q", f.Args())
	case o.latency < 0 || o.budget <= 0 || o.patience < 0 || o.queue < 0 || o.requests < 1:
		err = errors.New("a flag is out of range; see -h")
	}
	if err != nil {
		fmt.Fprintln(usage, "webapi:", err)
	}
	return o, err
}

// run serves until it is asked to stop. What the requests need is opened before the
// nursery in which they run, and closed after it; the upstreams are daemons of the one
// around that.
func run(ctx context.Context, n *nursery.Nursery, o options, out io.Writer, logger *log.Logger) (err error) {
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
		s := newService(n, o.limits, store, u, logger)
		mux := http.NewServeMux()
		s.api(mux)
		api, err := nursery.Start(ctx, n, serve.HTTP(o.addr, mux), nursery.Name("api"))
		if err != nil {
			return err
		}
		health, err := nursery.Start(ctx, n, serve.UntilCanceled(o.health, s.health()), nursery.Daemon(), nursery.Name("health"))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "books: %s, health: %s\n", api, health)
		return err
	}, nursery.Name("service"))
}
