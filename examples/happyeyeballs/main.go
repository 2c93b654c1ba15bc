// Happyeyeballs connects to a host with several addresses, some of which may not answer. It
// uses the algorithm of browsers: Happy Eyeballs, RFC 8305.
//
//	go run ./examples/happyeyeballs [HOST:PORT]
//
// With an argument it connects to that host, and closes the connection. Without an argument
// it connects on made-up networks, each with another fault. It prints a time line: the
// lookups, the attempts, and whether each attempt failed, connected, or was canceled.
//
// It shows a race with a staggered start. The body of a nursery starts the attempts as
// tasks, one after the other. The first attempt that connects cancels the nursery, and all
// attempts have ended when the nursery has ended. See [Dialer.DialContext], which fits in
// an http.Transport.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

func main() {
	address, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2)
	}
	nursery.Main(func(ctx context.Context, _ *nursery.Nursery) error {
		return run(ctx, address, os.Stdout)
	}, nursery.Name("happyeyeballs"))
}

// parse reads the command line and returns the address, or "" if there is none. It writes
// errors in the command line to usage.
func parse(args []string, usage io.Writer) (address string, err error) {
	f := flag.NewFlagSet("happyeyeballs", flag.ContinueOnError)
	f.SetOutput(usage)
	f.Usage = func() { fmt.Fprintln(usage, "usage: happyeyeballs [HOST:PORT]") }
	if err := f.Parse(args); err != nil {
		return "", err
	}
	switch f.NArg() {
	case 0:
		return "", nil
	case 1:
		err = checkAddress(f.Arg(0))
	default:
		err = fmt.Errorf("one address at most, got %q", f.Args())
	}
	if err != nil {
		fmt.Fprintln(usage, "happyeyeballs:", err)
		f.Usage()
	}
	return f.Arg(0), err
}

// checkAddress returns an error unless the address has a host and the number of a port.
func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("HOST:PORT: %w", err)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || host == "" {
		return fmt.Errorf("HOST:PORT: must have a host and a port from 1 to 65535, got %q", address)
	}
	return nil
}

// run connects to the address, or shows the races, until it is asked to stop. It then gives
// up at once, because nothing here is worth finishing.
func run(ctx context.Context, address string, stdout io.Writer) error {
	s := cancel.New(cancel.UntilStop(ctx))
	defer s.Close()
	out := bufio.NewWriter(stdout)
	var err error
	if address == "" {
		err = show(s, out)
	} else {
		internet := &Dialer{Lookup: net.DefaultResolver.LookupNetIP, Dial: new(net.Dialer).DialContext}
		err = connect(s, internet, address, time.Millisecond, out)
	}
	if s.IsEcho(err) {
		err = cancel.Err(ctx) // nil if run was only asked to stop
	}
	if err != nil {
		return err
	}
	return out.Flush()
}

// show shows the races, one after the other. It goes on after a race that fails.
func show(ctx context.Context, out *bufio.Writer) error {
	for i, r := range races() {
		if i > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintln(out, r.title)
		// Rounding hides that timers are late.
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
