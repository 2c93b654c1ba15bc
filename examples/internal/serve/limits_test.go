package serve_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/internal/pipenet"
	"github.com/grove-go/grove/examples/internal/serve"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })

// serving runs a server in virtual time. It also runs fn, which gets the server's listener
// and its scope. It returns how long the server went on after fn had returned, and what the
// server returned.
func serving(t *testing.T, s serve.Server, fn func(t *testing.T, ctx context.Context, l *pipenet.Listener, server *cancel.Scope)) (took time.Duration, err error) {
	t.Helper()
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		l := pipenet.Listen()
		scope := cancel.New(ctx)
		defer scope.Close()
		var end time.Time
		err = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error {
				testutil.WaitAllBlocked() // it listens
				fn(t, ctx, l, scope)
				end = time.Now()
				scope.Stop()
				return nil
			})
			return nursery.Run(scope, func(ctx context.Context, n *nursery.Nursery) error {
				_, err := nursery.Start(ctx, n, s.On(l))
				return err
			})
		}, nursery.KeepGoing())
		took = time.Since(end)
	})
	return took, err
}

// dial connects, and sends something.
func dial(t *testing.T, ctx context.Context, l *pipenet.Listener, sends string) net.Conn {
	t.Helper()
	c, err := l.Dial(ctx, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, sends); err != nil {
		t.Fatal(err)
	}
	return c
}

// answered reads an answer from a connection.
func answered(t *testing.T, c *bufio.Reader) (*http.Response, string) {
	t.Helper()
	a, err := http.ReadResponse(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(a.Body)
	if err := errors.Join(err, a.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return a, string(b)
}

const get = "GET / HTTP/1.1\r\nHost: site.test\r\n\r\n"

// A client that sends nothing, or a part of a request, loses its connection in time.
func TestSilentClients(t *testing.T) {
	for _, c := range []struct {
		name, sends string
		status      int // of an answer, or 0
		after       time.Duration
	}{
		{"no request", "", 0, 10 * time.Second},
		{"half a header", "GET / HTTP/1.1\r\n", 0, 10 * time.Second},
		{"no second request", get, 200, 2 * time.Minute},
		{"half a body", "POST / HTTP/1.1\r\nHost: site.test\r\nContent-Length: 9\r\n\r\nhalf", 200, 5 * time.Second},
		{"half a body in chunks", "POST / HTTP/1.1\r\nHost: site.test\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", 200, 5 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := serving(t, serve.Server{Handler: hello}, func(t *testing.T, ctx context.Context, l *pipenet.Listener, _ *cancel.Scope) {
				began := time.Now()
				conn := dial(t, ctx, l, c.sends)
				defer conn.Close()
				in := bufio.NewReader(conn)
				if c.status != 0 {
					if a, _ := answered(t, in); a.StatusCode != c.status {
						t.Errorf("the answer is %s, want %d", a.Status, c.status)
					}
				}
				if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
					t.Errorf("then came %q, %v", rest, err)
				}
				// Package http keeps a connection that has something unread for a moment.
				if took := time.Since(began); took < c.after || took > c.after+time.Second {
					t.Errorf("the connection was closed after %v, want %v", took, c.after)
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// An incomplete body does not hold up a server that is asked to stop.
func TestStopWithHalfABody(t *testing.T) {
	took, err := serving(t, serve.Server{Handler: hello}, func(t *testing.T, ctx context.Context, l *pipenet.Listener, server *cancel.Scope) {
		conn := dial(t, ctx, l, "POST / HTTP/1.1\r\nHost: site.test\r\nContent-Length: 9\r\n\r\nhalf")
		go io.Copy(io.Discard, conn) // until the server closes it
		testutil.WaitAllBlocked()
	})
	if err != nil || took > 6*time.Second {
		t.Errorf("the server ended after %v with %v, want nil within 6s", took, err)
	}
}

// Neither does a connection without a request.
func TestStopWithNewConnection(t *testing.T) {
	for _, linger := range []time.Duration{0, time.Second} {
		took, err := serving(t, serve.Server{Handler: hello, Linger: linger}, func(t *testing.T, ctx context.Context, l *pipenet.Listener, server *cancel.Scope) {
			conn := dial(t, ctx, l, "")
			go io.Copy(io.Discard, conn) // until the server closes it
			half := dial(t, ctx, l, "GET / HTTP/1.1\r\n")
			go io.Copy(io.Discard, half)
			testutil.WaitAllBlocked()
		})
		if most := 2*linger + time.Second/2; err != nil || took > most {
			t.Errorf("the server ended after %v with %v, want nil within %v", took, err, most)
		}
	}
}

// A connection without a request does not make the end of a canceled server a failure.
func TestCancelWithNewConnection(t *testing.T) {
	took, err := serving(t, serve.Server{Handler: hello, ToTheLast: true}, func(t *testing.T, ctx context.Context, l *pipenet.Listener, server *cancel.Scope) {
		conn := dial(t, ctx, l, "")
		go io.Copy(io.Discard, conn) // until the server closes it
		testutil.WaitAllBlocked()
		server.Cancel(nil)
	})
	timeout := new(cancel.TimeoutError)
	if !errors.Is(err, context.Canceled) || errors.As(err, &timeout) || took > time.Second {
		t.Errorf("the server ended after %v with %v, want that it was canceled, within 1s", took, err)
	}
}

func TestLongHeader(t *testing.T) {
	for size, want := range map[int]int{8 << 10: 200, 64 << 10: 431} {
		_, err := serving(t, serve.Server{Handler: hello}, func(t *testing.T, ctx context.Context, l *pipenet.Listener, _ *cancel.Scope) {
			client := &http.Client{Transport: &http.Transport{DialContext: l.Dial, DisableKeepAlives: true}}
			r, err := http.NewRequestWithContext(ctx, "GET", "http://site.test/", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Long", strings.Repeat("x", size))
			a, err := client.Do(r)
			if err != nil || a.StatusCode != want {
				t.Fatalf("the answer to a header of %d bytes is %v, %v, want %d", size, a, err, want)
			}
			if err := a.Body.Close(); err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// A client that does not read its answer does not hold up a server that is asked to stop.
func TestWriteTimeout(t *testing.T) {
	s := serve.Server{Handler: hello, WriteTimeout: 3 * time.Second}
	took, err := serving(t, s, func(t *testing.T, ctx context.Context, l *pipenet.Listener, _ *cancel.Scope) {
		conn := dial(t, ctx, l, get)
		context.AfterFunc(ctx, func() { conn.Close() })
		testutil.WaitAllBlocked() // a pipe holds nothing: the answer waits
	})
	if err != nil || took < 3*time.Second || took > 4*time.Second {
		t.Errorf("the server ended after %v with %v, want nil after 3s", took, err)
	}
}

// A server that lingers answers requests, and has connections closed by their clients.
func TestLinger(t *testing.T) {
	const linger = 3 * time.Second
	s := serve.Server{Handler: hello, Linger: linger}
	asked := 0
	ask := func(t *testing.T, conn net.Conn, closes bool) {
		t.Helper()
		if _, err := io.WriteString(conn, get); err != nil {
			t.Error(err)
			return
		}
		in := bufio.NewReader(conn)
		if a, text := answered(t, in); a.Close != closes || text != "hello" {
			t.Errorf("the answer is %q, and that the connection is closed: %t, want %t", text, a.Close, closes)
		}
		asked++
		if closes {
			if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
				t.Errorf("then came %q, %v, want the end", rest, err)
			}
		}
	}
	took, err := serving(t, s, func(t *testing.T, ctx context.Context, l *pipenet.Listener, server *cancel.Scope) {
		idle, used := dial(t, ctx, l, ""), dial(t, ctx, l, "")
		defer idle.Close()
		defer used.Close()
		ask(t, idle, false)
		ask(t, used, false)
		began := time.Now()
		server.Stop()
		if err := cancel.Sleep(ctx, linger/2); err != nil {
			t.Error(err)
		}
		ask(t, used, true)
		fresh := dial(t, ctx, l, "")
		defer fresh.Close()
		ask(t, fresh, true)
		if rest, err := io.ReadAll(idle); len(rest) > 0 || err != nil || time.Since(began) < linger || time.Since(began) > linger+10*time.Millisecond {
			t.Errorf("the idle connection ended after %v with %q, %v; want it closed after %v", time.Since(began), rest, err, linger)
		}
		if _, err := l.Dial(ctx, "", ""); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a connection after %v: %v, want that it is refused", linger, err)
		}
	})
	if err != nil || took > time.Second || asked != 4 {
		t.Errorf("the server ended %v later with %v, after %d answers; want nil and 4", took, err, asked)
	}
	t.Run("a first request after that", func(t *testing.T) {
		for after, answers := range map[time.Duration]bool{900 * time.Millisecond: true, 1100 * time.Millisecond: false} {
			took, err := serving(t, s, func(t *testing.T, ctx context.Context, l *pipenet.Listener, server *cancel.Scope) {
				server.Stop()
				conn := dial(t, ctx, l, "")
				defer conn.Close()
				if err := cancel.Sleep(ctx, linger+after); err != nil {
					t.Error(err)
				}
				if answers {
					ask(t, conn, true)
					return
				}
				_, err := io.WriteString(conn, get)
				if rest, readErr := io.ReadAll(conn); len(rest) > 0 {
					t.Errorf("%v after the end a request is answered with %q, %v, %v", after, rest, err, readErr)
				}
			})
			if err != nil || took > time.Second {
				t.Errorf("the server ended %v later with %v", took, err)
			}
		}
	})
	t.Run("canceled meanwhile", func(t *testing.T) {
		took, err := serving(t, serve.Server{Handler: hello, Linger: time.Hour}, func(t *testing.T, ctx context.Context, _ *pipenet.Listener, server *cancel.Scope) {
			server.Shutdown(time.Second)
			if err := cancel.Sleep(ctx, time.Second); err != nil {
				t.Error(err)
			}
		})
		if !errors.Is(err, context.Canceled) || took > time.Second {
			t.Errorf("the server ended after %v with %v, want that it was canceled, at once", took, err)
		}
	})
	t.Run("to the last", func(t *testing.T) {
		_, err := serving(t, serve.Server{Handler: hello, ToTheLast: true}, func(t *testing.T, ctx context.Context, l *pipenet.Listener, server *cancel.Scope) {
			server.Stop()
			conn := dial(t, ctx, l, "")
			defer conn.Close()
			ask(t, conn, false)
			server.Cancel(nil)
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the server ended with %v, want that it was canceled", err)
		}
	})
}

// A handler that takes longer than a body may take clears the deadline.
func TestLongAnswerToABody(t *testing.T) {
	s := serve.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err == nil {
			err = http.NewResponseController(w).SetReadDeadline(time.Time{})
		}
		if err == nil {
			err = cancel.Sleep(r.Context(), time.Minute)
		}
		fmt.Fprintf(w, "%s, %v", b, err)
	})}
	_, err := serving(t, s, func(t *testing.T, ctx context.Context, l *pipenet.Listener, _ *cancel.Scope) {
		conn := dial(t, ctx, l, "POST / HTTP/1.1\r\nHost: site.test\r\nContent-Length: 4\r\n\r\nbody")
		defer conn.Close()
		if _, text := answered(t, bufio.NewReader(conn)); text != "body, <nil>" {
			t.Errorf("the answer is %q", text)
		}
	})
	if err != nil {
		t.Error(err)
	}
}
