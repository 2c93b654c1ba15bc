package natsserver_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	natsgo "github.com/nats-io/nats.go"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/remote"
	"github.com/grove-go/grove/nursery/remote/nats"
	"github.com/grove-go/grove/nursery/remote/natsserver"
	"github.com/grove-go/grove/nursery/remote/remotetest"
)

// withServer calls fn with the URL of a server that has the queues.
func withServer(t *testing.T, fn func(ctx context.Context, url string)) {
	t.Helper()
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		url, err := natsserver.Start(n, natsserver.Dir(t.TempDir()))
		if err != nil {
			return err
		}
		conn := connect(t, url)
		defer conn.Close()
		if err := nats.Setup(ctx, conn); err != nil {
			return err
		}
		fn(ctx, url)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// connect returns a connection. The caller closes it.
func connect(t *testing.T, url string) *natsgo.Conn {
	t.Helper()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestEngine(t *testing.T) {
	withServer(t, func(ctx context.Context, url string) {
		remotetest.TestEngine(t, func() remote.Engine {
			conn := connect(t, url)
			t.Cleanup(conn.Close)
			e, err := nats.New(conn)
			if err != nil {
				t.Fatal(err)
			}
			return e
		})
	})
}

var upper = remote.Define[string, string]("text.upper", remote.Idempotent())

var wait = remote.Define[string, string]("wait")

// TestTogether makes calls through a server within this process.
func TestTogether(t *testing.T) {
	withServer(t, func(_ context.Context, url string) {
		caller, worker := connect(t, url), connect(t, url)
		defer caller.Close()
		defer worker.Close()
		together(t, caller, worker)
	})
}

// together makes calls.
func together(t *testing.T, caller, worker *natsgo.Conn) {
	near, err := nats.New(caller)
	if err != nil {
		t.Fatal(err)
	}
	far, err := nats.New(worker)
	if err != nil {
		t.Fatal(err)
	}
	begun, canceled := make(chan bool, 1), make(chan error, 1)
	err = nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		w := remote.NewWorker(far, remote.Slots(100), remote.WorkerName("w1"))
		upper.Handle(w, func(_ context.Context, s string) (string, error) {
			if s == "" {
				return "", os.ErrNotExist
			}
			return strings.ToUpper(s), nil
		})
		wait.Handle(w, func(ctx context.Context, _ string) (string, error) {
			begun <- true
			<-ctx.Done()
			canceled <- context.Cause(ctx)
			return "", cancel.Err(ctx)
		})
		n.Go(w.Run, nursery.Daemon())
		c, err := remote.NewClient(n, near)
		if err != nil {
			return err
		}
		words := make([]string, 500)
		for i := range words {
			words[i] = fmt.Sprint("word", i)
		}
		got, err := nursery.Map(ctx, words, upper.Bind(c), nursery.Limit(100))
		if err != nil || got[499] != "WORD499" {
			t.Errorf("Map() = %v, %v", got, err)
		}
		if _, err := upper.Call(ctx, c, ""); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("Call() = %v, want %v", err, os.ErrNotExist)
		}
		s := cancel.New(ctx)
		n.Go(func(context.Context) error {
			<-begun
			s.Cancel(os.ErrClosed)
			return nil
		})
		err = s.Run(func(ctx context.Context) error {
			_, err := wait.Call(ctx, c, "x")
			return err
		})
		if cause := <-canceled; cause != os.ErrClosed || err != nil {
			t.Errorf("Run() = %v with the cause %v, want nil and %v", err, cause, os.ErrClosed)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestFull(t *testing.T) {
	withServer(t, func(ctx context.Context, url string) {
		conn := connect(t, url)
		defer conn.Close()
		if err := nats.Setup(ctx, conn, nats.Prefix("small"), nats.MaxBytes(4096), nats.InMemory()); err != nil {
			t.Fatal(err)
		}
		e, err := nats.New(conn, nats.Prefix("small"))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; ; i++ {
			if _, err := e.Enqueue(ctx, "q", fmt.Sprint(i), 0, make([]byte, 1000)); err != nil {
				if !errors.Is(err, remote.ErrBusy) || i == 0 {
					t.Errorf("Enqueue() = %v after %d messages, want ErrBusy", err, i)
				}
				return
			}
		}
	})
}

func TestToken(t *testing.T) {
	withServer(t, func(_ context.Context, address string) {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if u.Hostname() != "127.0.0.1" || len(u.User.Username()) < 20 {
			t.Errorf("the URL is %v, want the loopback interface and a token", u)
		}
		u.User = url.User("guess")
		if conn, err := natsgo.Connect(u.String()); err == nil {
			conn.Close()
			t.Error("a client with the wrong token is let in")
		}
	})
}

func TestMisuse(t *testing.T) {
	for want, f := range map[string]func(){
		"natsserver: Start: nil nursery":           func() { _, _ = natsserver.Start(nil) },
		"natsserver: Port: want 1 to 65535, got 0": func() { natsserver.Port(0) },
		"natsserver: Token: empty token":           func() { natsserver.Token("") },
		"nats: Setup: nil connection":              func() { _ = nats.Setup(t.Context(), nil) },
		"nats: New: nil connection":                func() { _, _ = nats.New(nil) },
		"nats: New: nil option":                    func() { _, _ = nats.New(new(natsgo.Conn), nil) },
		"nats: Prefix: want letters":               func() { nats.Prefix("a.b") },
		"nats: Replicas: want 1, 3 or 5, got 2":    func() { nats.Replicas(2) },
		"nats: MaxBytes: want more than 0, got 0":  func() { nats.MaxBytes(0) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("panic(%q), want one that contains %q", got, want)
				}
			}()
			f()
		}()
	}
}
