// Server is step 5 of the tutorial: a server that says when it is ready, and where.
//
//	go run ./examples/tutorial/server
//
// It starts a server that answers each line in capitals, talks to it, and prints the talk.
// The server ends with the program.
package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/grove-go/grove/nursery"
)

func main() {
	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		// Start returns when the server listens, with its address, or why it does not.
		addr, err := nursery.Start(ctx, n, serve, nursery.Daemon(), nursery.Name("server"))
		if err != nil {
			return err
		}
		fmt.Println("server: ready at", addr)
		return talk(ctx, addr, "hello", "is anybody there?")
	})
	fmt.Println("the end:", err)
}

// serve listens, passes the address to started, and serves each connection in a task of its
// own until it is canceled.
func serve(ctx context.Context, started func(net.Addr)) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	started(l.Addr())
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		defer context.AfterFunc(ctx, func() { l.Close() })()
		for {
			conn, err := l.Accept()
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			n.Go(func(ctx context.Context) error { return shout(ctx, conn) })
		}
	})
}

// shout answers each line in capitals. A faulty client does not fail the server.
func shout(ctx context.Context, conn net.Conn) error {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		if _, err := fmt.Fprintln(conn, strings.ToUpper(lines.Text())); err != nil {
			return nil
		}
	}
	return nil
}

// talk sends lines to the server, and prints the answers.
func talk(ctx context.Context, addr net.Addr, lines ...string) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return err
	}
	defer conn.Close()
	answers := bufio.NewScanner(conn)
	for _, l := range lines {
		fmt.Println("client:", l)
		if _, err := fmt.Fprintln(conn, l); err != nil {
			return err
		}
		if !answers.Scan() {
			return fmt.Errorf("no answer: %w", answers.Err())
		}
		fmt.Println("server:", answers.Text())
	}
	return nil
}
