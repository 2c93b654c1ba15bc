package libraries_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) {
	if os.Getenv(inChild) != "" {
		io.WriteString(os.Stdout, "ready\n")
		select {}
	}
	testutil.Main(m)
}

// inChild is the environment variable of a child process that waits until it is killed.
const inChild = "GROVE_LIBRARIES_CHILD"

// An operation blocks until ctx is canceled, and returns what the library returns then. It
// calls ready when it is about to block.
type operation func(t *testing.T, ctx context.Context, ready func()) error

// wantEcho cancels op and checks whether its error is an echo. With cancel.Because it must
// be an echo.
func wantEcho(t *testing.T, plain bool, op operation) {
	t.Helper()
	scope := cancel.New(t.Context(), cancel.Name("work"))
	defer scope.Close()
	err := op(t, scope, func() { scope.Cancel(errEnough) })
	if err == nil {
		t.Fatal("err = nil, want an error")
	}
	if got := scope.IsEcho(err); got != plain {
		t.Errorf("IsEcho(%T: %v) = %v, want %v", err, err, got, plain)
	}
	if because := cancel.Because(scope, err); !scope.IsEcho(because) || !errors.Is(because, context.Canceled) {
		t.Errorf("Because() = %v, want the cancellation", because)
	}
}

var errEnough = errors.New("enough")

// serve returns the address of a server with that handler.
func serve(t *testing.T, handler http.HandlerFunc) string {
	s := httptest.NewServer(handler)
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		s.Close()
	})
	return s.URL
}

func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func TestHTTPClient(t *testing.T) {
	t.Run("before the answer", func(t *testing.T) {
		wantEcho(t, true, func(t *testing.T, ctx context.Context, ready func()) error {
			return get(ctx, serve(t, func(_ http.ResponseWriter, r *http.Request) {
				ready()
				<-r.Context().Done()
			}))
		})
	})
	t.Run("in the body", func(t *testing.T) {
		wantEcho(t, true, func(t *testing.T, ctx context.Context, ready func()) error {
			return get(ctx, serve(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, "begin")
				_ = http.NewResponseController(w).Flush()
				ready()
				<-r.Context().Done()
			}))
		})
	})
}

// The context of a request ends when the client goes away.
func TestHTTPServer(t *testing.T) {
	result := make(chan error, 1)
	begun := make(chan struct{})
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		result <- nursery.Run(r.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(cancel.Forever)
			close(begun)
			return nil
		})
	})
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		<-begun
		stop()
	}()
	_ = get(ctx, url)
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("Run() = %v, want the cancellation", err)
	}
}

func TestExec(t *testing.T) {
	run := func(ctx context.Context, ready func(), change func(c *exec.Cmd)) error {
		c := exec.CommandContext(ctx, os.Args[0])
		c.Env = append(os.Environ(), inChild+"=1")
		change(c)
		out, err := c.StdoutPipe()
		if err != nil {
			return err
		}
		if err := c.Start(); err != nil {
			return err
		}
		_, _ = bufio.NewReader(out).ReadString('\n')
		ready()
		return c.Wait()
	}
	t.Run("killed", func(t *testing.T) {
		wantEcho(t, false, func(_ *testing.T, ctx context.Context, ready func()) error {
			return run(ctx, ready, func(*exec.Cmd) {})
		})
	})
	t.Run("by hand", func(t *testing.T) {
		wantEcho(t, true, func(_ *testing.T, ctx context.Context, ready func()) error {
			ready()
			return backup(ctx)
		})
	})
	t.Run("asked to exit", func(t *testing.T) {
		wantEcho(t, false, func(_ *testing.T, ctx context.Context, ready func()) error {
			return run(ctx, ready, func(c *exec.Cmd) {
				c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
				c.WaitDelay = time.Minute
			})
		})
	})
}

// backup runs a command, which has a minute to clean up.
func backup(ctx context.Context) error {
	c := exec.CommandContext(ctx, "backup")
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = time.Minute
	return cancel.Because(ctx, c.Run())
}

// readConn reads from a connection until ctx is done.
func readConn(ctx context.Context, conn net.Conn, buf []byte) (int, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	n, err := conn.Read(buf)
	return n, cancel.Because(ctx, err)
}

func TestNet(t *testing.T) {
	t.Run("by hand", func(t *testing.T) {
		wantEcho(t, true, func(_ *testing.T, ctx context.Context, ready func()) error {
			conn, other := net.Pipe()
			defer conn.Close()
			defer other.Close()
			ready()
			_, err := readConn(ctx, conn, make([]byte, 1))
			return err
		})
	})
	t.Run("a dial", func(t *testing.T) {
		wantEcho(t, true, func(_ *testing.T, ctx context.Context, ready func()) error {
			ready()
			_, err := new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:1")
			return err
		})
	})
	for name, end := range map[string]func(c net.Conn){
		"a deadline in the past": func(c net.Conn) { _ = c.SetDeadline(time.Unix(1, 0)) },
		"a connection closed":    func(c net.Conn) { _ = c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			wantEcho(t, false, func(_ *testing.T, ctx context.Context, ready func()) error {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					return err
				}
				defer l.Close()
				conn, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					return err
				}
				defer conn.Close()
				stop := context.AfterFunc(ctx, func() { end(conn) })
				defer stop()
				ready()
				_, err = conn.Read(make([]byte, 1))
				return err
			})
		})
	}
}

func TestWebSocket(t *testing.T) {
	wantEcho(t, true, func(t *testing.T, ctx context.Context, ready func()) error {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			conn, err := websocket.Accept(w, r, nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.CloseNow()
			_, _, _ = conn.Read(r.Context()) // until the client goes away
		})
		conn, _, err := websocket.Dial(t.Context(), url, nil)
		if err != nil {
			return err
		}
		defer conn.CloseNow()
		ready()
		_, _, err = conn.Read(ctx)
		return err
	})
}

func TestErrgroup(t *testing.T) {
	t.Run("in a nursery", func(t *testing.T) {
		wantEcho(t, true, func(_ *testing.T, ctx context.Context, ready func()) error {
			g, ctx := errgroup.WithContext(ctx)
			g.Go(func() error {
				<-ctx.Done()
				return ctx.Err()
			})
			ready()
			return g.Wait()
		})
	})
	t.Run("around a nursery", func(t *testing.T) {
		g, ctx := errgroup.WithContext(t.Context())
		g.Go(func() error {
			return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
				n.Go(cancel.Forever)
				return nil
			})
		})
		g.Go(func() error { return errEnough })
		if err := g.Wait(); err != errEnough {
			t.Errorf("Wait() = %v, want %v", err, errEnough)
		}
	})
}

// The context of a test is canceled before its Cleanup functions run.
func TestTestingContext(t *testing.T) {
	result := make(chan error, 1)
	t.Run("inner", func(t *testing.T) {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			result <- nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
				n.Go(cancel.Forever)
				return nil
			})
		}()
		t.Cleanup(func() { <-ended })
	})
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("Run() = %v, want the cancellation", err)
	}
}
