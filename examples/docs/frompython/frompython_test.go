package frompython

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

func TestMoveOnAfter(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		for url, want := range map[string]string{"a": "page a", "slow": "from the cache"} {
			if page, err := moveOnAfter(ctx, url); page != want || err != nil {
				t.Errorf("moveOnAfter(%q) = %q, %v, want %q", url, page, err, want)
			}
		}
		for name, fn := range map[string]func(context.Context, string) (string, error){"moveOnAfter": moveOnAfter, "failAfter": failAfter} {
			start := time.Now()
			testutil.WantCheckpoint(t, func(ctx context.Context) error {
				_, err := fn(ctx, "slow")
				return err
			})
			if d := time.Since(start); d != 0 {
				t.Errorf("%s took %v with a context that is done", name, d)
			}
		}
		if page, err := failAfter(ctx, "a"); page != "page a" || err != nil {
			t.Errorf("failAfter = %q, %v", page, err)
		}
	})
}

func TestReschedule(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		messages := make(chan string)
		start := time.Now()
		if err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return reschedule(ctx, messages) })
			for range 3 {
				if err := cancel.Sleep(ctx, 59*time.Second); err != nil {
					return err
				}
				messages <- "hello"
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d != 3*59*time.Second+time.Minute {
			t.Errorf("it ended after %v, want a minute after the third message", d)
		}
	})
}

func TestShield(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		c := new(conn)
		moved, err := cancel.MoveOnAfter(ctx, time.Second, func(ctx context.Context) error { return shield(ctx, c) })
		if !moved || err != nil || !c.closed {
			t.Errorf("moved %v, error %v, closed %v", moved, err, c.closed)
		}
	})
}

func TestComputes(t *testing.T) {
	sum, err := computes(t.Context(), [][]float64{{1, 2}, {3}})
	if sum != 6 || err != nil {
		t.Errorf("computes = %v, %v", sum, err)
	}
	testutil.WantCheckpoint(t, func(ctx context.Context) error {
		_, err := computes(ctx, [][]float64{{1}})
		return err
	})
}

func TestAsyncFor(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		start := time.Now()
		if err := asyncFor(ctx); err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("three ticks took %v", d)
		}
		for range ticks(ctx, 3) {
			break
		}
		if d := time.Since(start); d != 4*time.Second {
			t.Errorf("a loop that is left took %v", d-3*time.Second)
		}
	})
	testutil.WantCheckpoint(t, asyncFor)
}

func TestSelectLoop(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		s, r := channel.New[string](0)
		if err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return selectLoop(ctx, r, time.Second) })
			defer s.Close()
			if err := cancel.Sleep(ctx, 1500*time.Millisecond); err != nil {
				return err
			}
			return s.Send(ctx, "here")
		}); err != nil {
			t.Error(err)
		}
	})
	testutil.WantCheckpoint(t, func(ctx context.Context) error {
		_, r := channel.New[string](0)
		return selectLoop(ctx, r, time.Second)
	})
}

func TestWork(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		s, r := channel.New[job](3)
		var done []string
		jobs := []job{
			func(context.Context) error { done = append(done, "first"); return nil },
			func(ctx context.Context) error {
				cancel.FromContext(ctx).Stop() // Ctrl-C
				done = append(done, "second")
				return cancel.Err(ctx)
			},
			func(context.Context) error { done = append(done, "third"); return nil },
		}
		for _, j := range jobs {
			if err := s.Send(ctx, j); err != nil {
				t.Fatal(err)
			}
		}
		if err := work(ctx, r); err != nil {
			t.Error(err)
		}
		if want := []string{"first", "second"}; !reflect.DeepEqual(done, want) {
			t.Errorf("done %q, want %q: the job that runs, and no other", done, want)
		}
	})
}

func TestWorkCanceled(t *testing.T) {
	testutil.WantCheckpoint(t, func(ctx context.Context) error {
		_, r := channel.New[job](0)
		return work(ctx, r)
	})
}

func TestCounter(t *testing.T) {
	c := counter{n: map[string]int{}}
	if err := nursery.Run(t.Context(), func(_ context.Context, n *nursery.Nursery) error {
		for range 2 {
			n.Go(func(context.Context) error { // each in a goroutine of its own
				c.add("x")
				return nil
			})
		}
		return nil
	}); err != nil || c.n["x"] != 2 {
		t.Errorf("counted %v, error %v", c.n, err)
	}
}

func TestValuesOfNursery(t *testing.T) {
	if err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		ctx = context.WithValue(ctx, userKey{}, "ada")
		n.Go(func(ctx context.Context) error {
			if v := ctx.Value(userKey{}); v != nil {
				t.Errorf("the task has a value of the caller of Go: %v", v)
			}
			return nil
		})
		return cancel.Err(ctx)
	}); err != nil {
		t.Error(err)
	}
}

func TestThreadAndProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := toThread(t.Context(), file); err != nil {
		t.Error(err)
	}
	if err := toThread(t.Context(), file+"x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("toThread without its file = %v", err)
	}
	if err := runProcess(t.Context(), "go", "env", "GOOS"); err != nil {
		t.Error(err)
	}
}

// dialEnv tells the test binary to dial an address and wait.
const dialEnv = "FROMPYTHON_DIAL"

func TestMain(m *testing.M) {
	if addr := os.Getenv(dialEnv); addr != "" {
		var d net.Dialer
		if c, err := d.DialContext(context.Background(), "tcp", addr); err == nil {
			_, _ = c.Read(make([]byte, 1)) // until this is interrupted
		}
		os.Exit(1)
	}
	testutil.Main(m)
}

func TestProcessCanceled(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv(dialEnv, l.Addr().String())
	if err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return runProcess(ctx, exe) })
		c, err := l.Accept() // the process runs
		if err != nil {
			return err
		}
		n.Cancel(nil)
		return c.Close()
	}); err != nil {
		t.Errorf("a process that was canceled: %v", err)
	}
}

func TestHangups(t *testing.T) {
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	reloaded := make(chan struct{})
	if err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		task := func(ctx context.Context, started func(os.Signal)) error {
			return hangups(ctx, started, func() error { reloaded <- struct{}{}; return nil })
		}
		sig, err := nursery.Start(ctx, n, task, nursery.Daemon())
		if err != nil {
			return err
		}
		for range 2 {
			if err := self.Signal(sig); err != nil {
				return err
			}
			<-reloaded
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestStartAndServe(t *testing.T) {
	var c net.Conn // open to the end: what serves it is canceled
	if err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		addr, err := start(ctx, n)
		if err != nil {
			return err
		}
		var d net.Dialer
		c, err = d.DialContext(ctx, addr.Network(), addr.String())
		if err != nil {
			return err
		}
		if _, err := c.Write([]byte("hello")); err != nil {
			return err
		}
		b := make([]byte, 5)
		if _, err := io.ReadFull(c, b); err != nil {
			return err
		}
		if string(b) != "hello" {
			t.Errorf("got %q", b)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestOrders(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		a := &app{db: new(database)}
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			a.background = n
			for _, c := range []struct {
				user string
				want int
			}{{"ada", http.StatusAccepted}, {"", http.StatusUnauthorized}} {
				r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/orders", nil)
				if c.user != "" {
					r.SetBasicAuth(c.user, "")
				}
				w := httptest.NewRecorder()
				a.handler().ServeHTTP(w, r)
				if w.Code != c.want {
					t.Errorf("user %q: status %d, want %d", c.user, w.Code, c.want)
				}
			}
			return nil
		})
		if err != nil || !reflect.DeepEqual(a.db.orders, []string{"ada"}) {
			t.Errorf("orders %q, error %v", a.db.orders, err)
		}
	})
}

func TestServeHTTP(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(s *cancel.Scope)
		want string // the answer to a request that takes a second, or "" if it is cut off
	}{
		"a stop lets requests finish":       {(*cancel.Scope).Stop, "done"},
		"a cancellation cuts them off":      {func(s *cancel.Scope) { s.Cancel(nil) }, ""},
		"and so does the end of the grace":  {func(s *cancel.Scope) { s.Shutdown(time.Millisecond) }, ""},
		"a grace that is long enough: done": {func(s *cancel.Scope) { s.Shutdown(time.Minute) }, "done"},
	} {
		t.Run(name, func(t *testing.T) {
			testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
				l := newPipeListener()
				scope := cancel.New(ctx)
				handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					c.end(scope)
					<-cancel.UntilStop(r.Context()).Done() // it hears of either
					if cancel.Sleep(r.Context(), time.Second) == nil {
						if _, err := io.WriteString(w, "done"); err != nil {
							t.Error(err)
						}
					}
				})
				if err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					n.Go(func(context.Context) error {
						return scope.Run(func(ctx context.Context) error { return serveHTTP(ctx, l, handler) })
					})
					if got := l.get(ctx); got != c.want {
						t.Errorf("the answer is %q, want %q", got, c.want)
					}
					return nil
				}); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestServeHTTPCutsOff(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		l := newPipeListener()
		handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err == nil { // looks at no context
				t.Error("the body is complete")
			}
		})
		if err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return serveHTTP(ctx, l, handler) })
			ours, theirs := net.Pipe()
			l.conns <- theirs
			if _, err := io.WriteString(ours, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"); err != nil {
				return err
			}
			testutil.WaitAllBlocked()
			n.Cancel(nil)
			return nil
		}); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second) // virtual: net/http lingers over what it has cut off
	})
}

func TestServeHTTPFails(t *testing.T) {
	l := newPipeListener()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := serveHTTP(t.Context(), l, http.NotFoundHandler()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("serveHTTP with a closed listener = %v", err)
	}
}

// A pipeListener is a listener for connections in memory.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// get makes a request and returns the answer, or "" if there is none.
func (l *pipeListener) get(ctx context.Context) string {
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			l.conns <- theirs
			return ours, nil
		},
	}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://example.org/", nil)
	if err != nil {
		return err.Error()
	}
	response, err := client.Do(r)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		return ""
	}
	return string(b)
}

func TestGet(t *testing.T) {
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		if strings.HasSuffix(r.URL.Path, "/nope") {
			w.WriteHeader(http.StatusNotFound)
		}
		err := json.NewEncoder(w).Encode(map[string]int{"answer": 42})
		return w.Result(), err
	})
	client := &http.Client{Transport: transport}
	v, err := get[map[string]int](t.Context(), client, "http://example.org/")
	if v["answer"] != 42 || err != nil {
		t.Errorf("get = %v, %v", v, err)
	}
	if _, err := get[any](t.Context(), client, "http://example.org/nope"); err == nil {
		t.Error("get of what is not there succeeded")
	}
}

// A roundTripper answers the requests of a client.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
