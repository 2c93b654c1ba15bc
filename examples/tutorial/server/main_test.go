package main

import (
	"bufio"
	"context"
	"errors"
	"net"
	"testing"

	"github.com/grove-go/grove/examples/internal/docs"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

func TestOutput(t *testing.T) {
	docs.Output(t, "go run ./examples/tutorial/server", docs.Print(t, main), "README.md", "../../../docs/tutorial.md")
}

// TestEnd checks that the end of the server closes a connection that is in use, and
// waits for its task.
func TestEnd(t *testing.T) {
	errEnough := errors.New("enough")
	var conn net.Conn
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		addr, err := nursery.Start(ctx, n, serve)
		if err != nil {
			return err
		}
		if conn, err = net.Dial("tcp", addr.String()); err != nil {
			return err
		}
		if _, err := conn.Write([]byte("first\n")); err != nil {
			return err
		}
		answer, err := bufio.NewReader(conn).ReadString('\n')
		if answer != "FIRST\n" || err != nil {
			t.Errorf("the answer is %q, %v, want FIRST", answer, err)
		}
		return errEnough
	})
	if !errors.Is(err, errEnough) {
		t.Fatalf("the nursery returned %v, want %v", err, errEnough)
	}
	defer conn.Close()
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("Read() = %d, %v after the end of the server, want an error", n, err)
	}
}

func TestNotReady(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		_, err := nursery.Start(ctx, n, serve)
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a server in a canceled nursery: %v, want that it was canceled", err)
	}
}
