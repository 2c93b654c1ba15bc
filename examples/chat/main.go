// Chat is a chat server over WebSocket, with rooms, and a page for the browser.
//
//	go run ./examples/chat [flags]
//
// It prints the address of the page; open the page in two windows. It writes a line to
// standard error for each client that comes or goes, with the reason. It serves until
// Ctrl-C. Each client then gets the messages that were sent, and a goodbye, and the status
// is 0.
//
// It shows
//
//   - connections that are nurseries, each with a task that reads and a task that writes; the
//     first to end ends the other,
//   - a broadcast in each room, which cuts off a slow client and does not wait for it,
//   - an idle timeout, which is a deadline that moves,
//   - connections that leave the HTTP server and belong to a nursery.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/grove-go/grove/examples/internal/flags"
	"github.com/grove-go/grove/examples/internal/serve"
	"github.com/grove-go/grove/nursery"
)

// options are the flags of the command line.
type options struct {
	addr    string
	idle    time.Duration
	limit   int64
	rate    float64
	backlog int
	history int
	debug   string
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
	}, nursery.Name("chat"), nursery.Grace(writeTimeout+closeTimeout))
}

// parse reads the command line. It writes errors in it to usage.
func parse(args []string, usage io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("chat", flag.ContinueOnError)
	f.SetOutput(usage)
	f.Usage = func() {
		fmt.Fprintln(usage, "usage: chat [flags]")
		f.PrintDefaults()
	}
	f.StringVar(&o.addr, "addr", "127.0.0.1:8080", "listen at this address; port 0: any that is free")
	f.StringVar(&o.debug, "debug", "", "serve the task tree at this `address`, such as 127.0.0.1:6061")
	f.DurationVar(&o.idle, "idle", 10*time.Minute, "send away who says nothing for this time")
	f.Int64Var(&o.limit, "limit", 4096, "refuse messages of more bytes than this")
	f.Float64Var(&o.rate, "rate", 5, "take so many messages a second from a client, after the first few")
	f.IntVar(&o.backlog, "backlog", 256, "cut off a client that is so many messages behind")
	f.IntVar(&o.history, "history", 50, "show the last messages, so many, to who comes in")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	var err error
	switch {
	case f.NArg() > 0:
		err = fmt.Errorf("no arguments, got %q", f.Args())
	default:
		err = cmp.Or(
			flags.Within("idle", o.idle, time.Second, 24*time.Hour),
			flags.Within("limit", o.limit, 1, 1<<20),
			flags.Within("rate", o.rate, 0.01, 1000),
			flags.Within("backlog", o.backlog, 1, 1<<16),
			flags.Within("history", o.history, 0, 1000))
	}
	if err != nil {
		fmt.Fprintln(usage, "chat:", err)
	}
	return o, err
}

// run serves until it is asked to stop. The server and the connections are tasks of n. The
// server does not wait for the connections, but n does.
func run(ctx context.Context, n *nursery.Nursery, o options, out io.Writer, log *log.Logger) error {
	c := newChat(n, o, log)
	server := serve.Server{Handler: c.handler(), WriteTimeout: writeTimeout}
	root, err := nursery.Start(ctx, n, server.At(o.addr), nursery.Name("server"))
	if err != nil {
		return err
	}
	if err := serve.Tasks(ctx, n, o.debug, out); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "Open %s in two windows. Ctrl-C stops.\n", root); err != nil {
		return err
	}
	return c.untilStop(ctx)
}
