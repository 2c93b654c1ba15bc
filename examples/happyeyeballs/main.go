// Happyeyeballs connects to a host that has several addresses, some of which may not
// answer, by the algorithm that browsers use: Happy Eyeballs, RFC 8305.
//
//	go run ./examples/happyeyeballs [HOST:PORT]
//
// With an argument it connects to that host, and closes the connection. Without one
// it does so on networks that it makes up, on each of which something else is wrong.
// It prints a time line: what was looked up, which attempts started, and which of them
// failed, connected, or were canceled.
//
// It shows a race with a staggered start: a nursery whose body starts the attempts,
// one after the other, as its tasks. Who connects first cancels the nursery, and when
// that has ended all have. See [Dialer.DialContext], which fits in an http.Transport.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func main() {
	if len(os.Args) > 2 {
		fmt.Fprintln(os.Stderr, "usage: happyeyeballs [HOST:PORT]")
		os.Exit(2)
	}
	nursery.Main(func(ctx context.Context, _ *nursery.Nursery) error {
		return run(ctx, os.Args[1:], os.Stdout)
	}, nursery.Name("happyeyeballs"))
}

// run connects to the address, or shows the races, until it is asked to stop: nothing
// here is worth finishing then.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	s := cancel.New(cancel.UntilStop(ctx))
	defer s.Close()
	out := bufio.NewWriter(stdout)
	var err error
	if len(args) == 0 {
		err = show(s, out)
	} else {
		internet := &Dialer{Lookup: net.DefaultResolver.LookupNetIP, Dial: new(net.Dialer).DialContext}
		err = connect(s, internet, args[0], time.Millisecond, out)
	}
	if s.IsEcho(err) {
		err = cancel.Err(ctx) // nil if we were asked to stop, and nothing more
	}
	if err != nil {
		return err
	}
	return out.Flush()
}

// show shows the races, one after the other. That one fails is part of the show.
func show(ctx context.Context, out *bufio.Writer) error {
	for i, r := range races() {
		if i > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintln(out, r.title)
		// Times are rounded so that timers which are late, as all are, do not show.
		err := connect(ctx, r.world.dialer(), "www.example.com:443", 10*time.Millisecond, out)
		if ctx.Err() != nil {
			return cancel.Err(ctx)
		}
		if err != nil {
			fmt.Fprintf(out, "%+v\n", err)
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return nil
}
