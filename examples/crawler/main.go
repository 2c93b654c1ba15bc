// Crawler crawls a web site and reports what it found.
//
//	go run ./examples/crawler [flags] [URL]
//
// Without a URL it serves the sources and documents of the Go installation on the loopback
// interface, and crawls them. With a URL it crawls the pages of that host, at a moderate
// rate and as robots.txt allows.
//
// It prints a summary: the number of pages, bytes, requests per second, broken links and
// the slowest pages. The status is 0 even with broken links, and after a graceful stop. It
// is 1 if the first page cannot be fetched, or if the crawl was cut off by the time limit
// or a second Ctrl-C.
//
// It shows
//
//   - a nursery whose tasks start tasks, with a limit,
//   - a deadline for the crawl (FailAfter) and a deadline for each page (MoveOnAfter),
//   - a server that Start begins, and that says where it listens,
//   - a program that the first Ctrl-C stops gracefully, and the second at once (Main, UntilStop).
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"golang.org/x/time/rate"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/internal/flags"
	"github.com/grove-go/grove/examples/internal/goroot"
	"github.com/grove-go/grove/examples/internal/serve"
	"github.com/grove-go/grove/nursery"
)

// options are the flags and arguments of the command line.
type options struct {
	start       *url.URL // nil: the embedded server
	concurrency int
	depth       int
	pages       int
	perSecond   float64
	timeout     time.Duration
	pageTimeout time.Duration
	debug       string
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
		if err := serve.Tasks(ctx, n, o.debug, os.Stdout); err != nil {
			return err
		}
		return run(ctx, n, o, os.Stdout, newProgress(os.Stderr, o.pages))
	}, nursery.Name("crawler"), nursery.Grace(o.pageTimeout+serve.Grace)) // to finish the pages in flight
}

// parse reads the command line. It writes errors in it to usage.
func parse(args []string, usage io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("crawler", flag.ContinueOnError)
	f.SetOutput(usage)
	f.Usage = func() {
		fmt.Fprintln(usage, "usage: crawler [flags] [URL]")
		f.PrintDefaults()
	}
	f.StringVar(&o.debug, "debug", "", "serve the task tree at this address, such as 127.0.0.1:6061")
	f.IntVar(&o.concurrency, "concurrency", 8, "fetch so many pages at a time")
	f.IntVar(&o.depth, "depth", 50, "follow so many links in a row")
	f.IntVar(&o.pages, "pages", 5000, "stop after so many pages")
	f.Float64Var(&o.perSecond, "rate", 0, "make so many requests a second at most; 0: 5 for a URL, else no limit")
	f.DurationVar(&o.timeout, "timeout", 5*time.Minute, "give up on the whole after this time")
	f.DurationVar(&o.pageTimeout, "page-timeout", 10*time.Second, "give up on a page after this time")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	err := o.complete(f.Args())
	if err != nil {
		fmt.Fprintln(usage, "crawler:", err)
	}
	return o, err
}

// complete checks the flags, and adds the arguments.
func (o *options) complete(args []string) error {
	err := cmp.Or(
		flags.Within("concurrency", o.concurrency, 1, 1000),
		flags.Within("depth", o.depth, 0, 1<<30),
		flags.Within("pages", o.pages, 1, 1<<30),
		flags.Within("timeout", o.timeout, time.Millisecond, 24*time.Hour),
		flags.Within("page-timeout", o.pageTimeout, time.Millisecond, time.Hour))
	if o.perSecond != 0 {
		err = cmp.Or(err, flags.Within("rate", o.perSecond, 0.01, 1e6))
	}
	if err != nil {
		return err
	}
	switch len(args) {
	case 0:
		return nil
	case 1:
		u, err := url.Parse(args[0])
		if err != nil {
			return err
		}
		if u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("URL: must be an http or https URL, got %q", args[0])
		}
		o.start = u
		o.perSecond = cmp.Or(o.perSecond, 5)
		return nil
	default:
		return fmt.Errorf("one URL at most, got %q", args)
	}
}

// run crawls and prints the summary, even if the crawl fails.
func run(ctx context.Context, n *nursery.Nursery, o options, out io.Writer, progress progress) error {
	limit := rate.Inf
	if o.perSecond > 0 {
		limit = rate.Limit(o.perSecond)
	}
	start := o.start
	if start == nil {
		root, err := goroot.Find(ctx)
		if err != nil {
			return err
		}
		// The server is a daemon: it serves the crawl and ends with it.
		start, err = nursery.Start(ctx, n, serve.Loopback(installation(root)), nursery.Daemon(), nursery.Name("server"))
		if err != nil {
			return err
		}
	}
	c := newCrawler(start, o, limit, progress)
	defer c.client.CloseIdleConnections()
	began := time.Now()
	err := cancel.FailAfter(ctx, o.timeout, c.crawl)
	progress.done()
	c.report.write(out, time.Since(began))
	if timeout := new(cancel.TimeoutError); errors.As(err, &timeout) {
		return fmt.Errorf("not finished within %v: %w", o.timeout, err)
	}
	return err
}
