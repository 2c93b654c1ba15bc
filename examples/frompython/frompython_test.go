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
	testutil.AssertCheckpoint(t, func(ctx context.Context) error {
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
	testutil.AssertCheckpoint(t, asyncFor)
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
	testutil.AssertCheckpoint(t, func(ctx context.Context) error {
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
	testutil.AssertCheckpoint(t, func(ctx context.Context) error {
		_, r := channel.New[job](0)
		return work(ctx, r)
	})
}

func TestCounter(t *testing.T) {
	c := counter{n: map[string]int{}}
	if err := nursery.For(t.Context(), 100, func(context.Context, int) error {
		c.add("x")
		return nil
	}); err != nil || c.n["x"] != 100 {
		t.Errorf("counted %v, error %v", c.n, err)
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
	if err := runProcess(t.Context()); err != nil {
		t.Error(err)
	}
	testutil.AssertCheckpoint(t, runProcess)
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
	if err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		addr, err := start(ctx, n)
		if err != nil {
			return err
		}
		var d net.Dialer
		c, err := d.DialContext(ctx, addr.Network(), addr.String())
		if err != nil {
			return err
		}
		defer c.Close() // the echo of it ends by cancellation at the latest
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

func TestLifespan(t *testing.T) {
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	url := "http://" + l.Addr().String()
	scope := cancel.New(t.Context())
	if err := scope.Run(func(ctx context.Context) error {
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return lifespan(ctx, l) })
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/orders", nil)
			if err != nil {
				return err
			}
			r.SetBasicAuth("ada", "")
			response, err := client.Do(r)
			if err != nil {
				return err
			}
			if response.StatusCode != http.StatusAccepted {
				t.Errorf("status %s", response.Status)
			}
			scope.Stop()
			return response.Body.Close()
		})
	}); err != nil {
		t.Error(err)
	}
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
