// Chat is a chat server: rooms to talk in, over WebSocket, with a page for the
// browser.
//
//	go run ./examples/chat [flags]
//
// It prints the address of the page; open that in two windows. To standard error goes
// a line for each who comes and goes, with the reason. It serves until Ctrl-C: then
// everybody gets what has been said, and a goodbye, and the status is 0.
//
// It shows connections that are nurseries, each with a task that reads and one that
// writes, the first of which to end ends the other; a broadcast in each room, which
// cuts off a client that is too slow for it rather than wait; an idle timeout, which is
// a deadline that moves; and connections that an HTTP server has given away, and that
// a nursery owns.
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

// options are what the command line says.
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

// parse reads the command line. What is wrong with it is written to usage.
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

// run serves until it is asked to stop. The connections are tasks of n, as the server
// is: it does not wait for those that it has given away, but n does.
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
