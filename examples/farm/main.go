// Farm crawls the sources of the Go installation with worker processes.
//
//	go run ./examples/farm [flags]
//
// It starts a NATS server within itself, three worker processes, and a server of pages, all
// on the loopback interface. A page is a task that runs in one of the workers, which fetches
// it, counts its words and finds its links. The tree of the tasks stays in this process.
//
// It shows package remote: a remote function that is called like a local one (Func.Call),
// attempts after a worker was lost (Retry), and workers that are drained by a graceful stop.
// With -chaos it kills a worker with kill -9 every two seconds, and finds the same pages and
// words.
//
// With -nats it uses a server that is there, and starts no workers but those of -workers. On
// other machines they are started with
//
//	go run ./examples/farm worker -nats URL
//
// It prints a summary: pages, words, pages per second, how many pages each worker has done,
// how many took another attempt or are unknown, and the slowest page. The status is 0 after a
// graceful stop, and 1 if a page is unknown or the farm was cut off.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"github.com/grove-go/grove/examples/internal/flags"
	"github.com/grove-go/grove/examples/internal/goroot"
	"github.com/grove-go/grove/examples/internal/serve"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/remote"
	"github.com/grove-go/grove/nursery/remote/nats"
	"github.com/grove-go/grove/nursery/remote/natsserver"
)

// natsKey is the environment variable with the default of -nats. The URL may have a token,
// which does not belong on a command line.
const natsKey = "FARM_NATS"

// options are what the command line says.
type options struct {
	worker  bool // this process is a worker
	nats    string
	creds   string
	workers int
	slots   int
	lease   time.Duration
	below   string
	chaos   bool
	every   time.Duration
}

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2)
	}
	run := func(ctx context.Context, n *nursery.Nursery) error { return farm(ctx, n, o, os.Stdout, os.Stderr) }
	if o.worker {
		run = func(ctx context.Context, _ *nursery.Nursery) error { return work(ctx, o) }
	}
	nursery.Main(run, nursery.Name("farm"), nursery.Grace(20*time.Second))
}

// parse reads the command line. What is wrong with it is written to usage.
func parse(args []string, usage io.Writer) (options, error) {
	var o options
	if len(args) > 0 && args[0] == "worker" {
		o.worker, args = true, args[1:]
	}
	f := flag.NewFlagSet("farm", flag.ContinueOnError)
	f.SetOutput(usage)
	f.Usage = func() {
		fmt.Fprintln(usage, "usage: farm [worker] [flags]")
		f.PrintDefaults()
	}
	f.StringVar(&o.nats, "nats", os.Getenv(natsKey), "use the NATS server at this URL; without it, one within the program")
	f.StringVar(&o.creds, "creds", "", "a file with the credentials for that server")
	f.IntVar(&o.workers, "workers", 3, "start so many worker processes")
	f.IntVar(&o.slots, "slots", 32, "let a worker do so many pages at a time")
	f.DurationVar(&o.lease, "lease", 3*time.Second, "take a worker for lost after this time and a third of it")
	f.StringVar(&o.below, "below", "src/net/", "crawl what is below this folder of the Go installation")
	f.BoolVar(&o.chaos, "chaos", false, "kill workers with kill -9")
	f.DurationVar(&o.every, "every", 2*time.Second, "with -chaos, kill one about so often")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	err := cmp.Or(
		flags.Within("workers", o.workers, 0, 100),
		flags.Within("slots", o.slots, 1, 10_000),
		flags.Within("lease", o.lease, time.Second, time.Hour),
		flags.Within("every", o.every, time.Millisecond, time.Hour))
	switch {
	case err != nil:
	case f.NArg() > 0:
		err = fmt.Errorf("unexpected arguments: %q", f.Args())
	case o.worker && o.nats == "":
		err = errors.New("a worker needs -nats")
	case !o.worker && o.workers == 0 && o.nats == "":
		err = errors.New("-workers: without -nats there must be some")
	}
	if err != nil {
		fmt.Fprintln(usage, "farm:", err)
	}
	return o, err
}

// farm starts everything, crawls, and prints the summary however the crawl has ended.
func farm(ctx context.Context, n *nursery.Nursery, o options, out, log io.Writer) error {
	root, err := goroot.Find(ctx)
	if err != nil {
		return err
	}
	pages, err := nursery.Start(ctx, n, serve.Loopback(site(root)), nursery.Daemon(), nursery.Name("pages"))
	if err != nil {
		return err
	}
	if o.nats == "" {
		if o.nats, err = natsserver.Start(n); err != nil {
			return err
		}
	}
	conn, err := o.connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := nats.Setup(ctx, conn, nats.Prefix("farm"), nats.InMemory()); err != nil {
		return err
	}
	engine, err := nats.New(conn, nats.Prefix("farm"))
	if err != nil {
		return err
	}
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		startWorkers(n, o, log)
		client, err := remote.NewClient(n, engine, remote.Lease(o.lease))
		if err != nil {
			return err
		}
		c := newCrawl(client, pages.JoinPath(o.below), o)
		fmt.Fprintf(out, "crawling %s with %d workers\n", c.start, o.workers)
		began := time.Now()
		err = c.run(ctx, log)
		c.report.write(out, time.Since(began))
		return err
	})
}

// connect connects to the NATS server.
func (o options) connect() (*natsgo.Conn, error) {
	var opts []natsgo.Option
	if o.creds != "" {
		opts = append(opts, natsgo.UserCredentials(o.creds))
	}
	return nats.Connect(o.nats, opts...)
}
