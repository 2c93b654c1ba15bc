package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/internal/pipenet"
	"github.com/grove-go/grove/examples/internal/program"
	"github.com/grove-go/grove/examples/internal/serve"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) {
	program.Child(main)
	testutil.Main(m)
}

const latency = 50 * time.Millisecond // of the upstreams

// usual are the limits in tests that are not about them.
var usual = limits{budget: time.Second, patience: 300 * time.Millisecond, queue: 100 * time.Millisecond, requests: 64}

// A world is the service with all that it needs.
type world struct {
	service *service
	api     huma.API      // to add operations to
	scope   *cancel.Scope // of the service, not of what it needs
	client  *http.Client
	root    *url.URL
	log     *notes
	handler http.Handler
	spans   *tracetest.SpanRecorder
}

// inWorld runs fn in a world of its own, in virtual time. When fn has returned, the
// service is asked to stop; there must be nothing left in use when it has.
func inWorld(t *testing.T, l limits, fn func(t *testing.T, ctx context.Context, w *world)) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) { withWorld(t, ctx, pipes{}, l, fn) })
}

// withWorld is inWorld for a test that is in a bubble already, or in none.
func withWorld(t *testing.T, ctx context.Context, net network, l limits, fn func(t *testing.T, ctx context.Context, w *world)) {
	w := &world{log: &notes{}, spans: tracetest.NewSpanRecorder(), client: &http.Client{Transport: &http.Transport{DialContext: net.dial, MaxIdleConnsPerHost: 1000}}}
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		defer w.client.CloseIdleConnections()
		logger := log.New(w.log, "", 0)
		var all []upstream
		prices, reviews, mail := peers(latency, logger)
		for _, p := range []peer{prices, reviews, mail} {
			noting := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				w.log.Printf("%s: %s %s", p.name, r.Method, r.URL.Path)
				p.ServeHTTP(rw, r)
			})
			root, err := nursery.Start(ctx, n, net.serve(p.name, noting), nursery.Daemon(), nursery.Name(p.name))
			if err != nil {
				return err
			}
			all = append(all, upstream{p.name, w.client, root})
		}
		store, err := openStore(ctx, filepath.Join(t.TempDir(), "books.db"))
		if err != nil {
			return err
		}
		err = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) (err error) {
			tracer := trace.NewTracerProvider(trace.WithSpanProcessor(w.spans)).Tracer("test")
			w.service, w.scope = newService(n, l, store, upstreams{all[0], all[1], all[2]}, logger, tracer), n.Scope()
			w.handler, w.api = w.service.handler()
			if w.root, err = nursery.Start(ctx, n, net.serve("books", w.handler), nursery.Name("api")); err != nil {
				return err
			}
			fn(t, ctx, w)
			w.scope.Stop()
			return nil
		})
		w.mustBeFree(t)
		return errors.Join(err, store.close())
	})
	if err != nil {
		t.Errorf("the world ended with %+v", err)
	}
}

// A network is where a world is.
type network interface {
	serve(name string, h http.Handler) func(ctx context.Context, started func(*url.URL)) error
	dial(ctx context.Context, network, addr string) (net.Conn, error)
}

// Pipes are a network by the names of those in it, for virtual time.
type pipes map[string]*pipenet.Listener

func (p pipes) serve(name string, h http.Handler) func(ctx context.Context, started func(*url.URL)) error {
	l := pipenet.Listen()
	p[name+":80"] = l
	return func(ctx context.Context, started func(*url.URL)) error {
		return serve.On(l, h)(ctx, func(*url.URL) { started(&url.URL{Scheme: "http", Host: name, Path: "/"}) })
	}
}

func (p pipes) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return p[addr].Dial(ctx, network, addr)
}

// Sockets are the real network.
type sockets struct{ net.Dialer }

func (sockets) serve(_ string, h http.Handler) func(ctx context.Context, started func(*url.URL)) error {
	return serve.HTTP("127.0.0.1:0", h)
}

func (s sockets) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return s.DialContext(ctx, network, addr)
}

// mustBeFree fails the test if a request runs or holds a token.
func (w *world) mustBeFree(t *testing.T) {
	t.Helper()
	if s := w.service.limiter.Stats(); s.Borrowed != 0 || s.Waiting != 0 {
		t.Errorf("the limiter has %+v, want that all is given back", s)
	}
	if s := w.service.store.writing.Stats(); s.Borrowed != 0 || s.Waiting != 0 {
		t.Errorf("the limiter of the store has %+v, want all tokens back", s)
	}
	if n := w.service.store.db.Stats().InUse; n != 0 {
		t.Errorf("%d connections of the database are in use, want none", n)
	}
}

// An answer is what a client got.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, a.body) }

// get and post send a request to the service. The error is that there was no answer.
func (w *world) get(ctx context.Context, path string) (answer, error) {
	return send(ctx, w.client, http.MethodGet, w.root, path, nil)
}

func (w *world) post(ctx context.Context, path, body string) (answer, error) {
	return send(ctx, w.client, http.MethodPost, w.root, path, strings.NewReader(body))
}

func send(ctx context.Context, client *http.Client, method string, root *url.URL, path string, body io.Reader) (answer, error) {
	to, err := root.Parse(path)
	if err != nil {
		return answer{}, err
	}
	r, err := http.NewRequestWithContext(ctx, method, to.String(), body)
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return do(client, r)
}

func do(client *http.Client, r *http.Request) (answer, error) {
	response, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, strings.TrimSpace(string(b))}, err
}

// mustBe fails the test unless the answer is the one wanted.
func mustBe(t *testing.T, a answer, err error, status int, body string) {
	t.Helper()
	if err != nil {
		t.Errorf("no answer: %v; want %d %s", err, status, body)
	} else if a.status != status || a.body != body {
		t.Errorf("the answer is\n%v, want\n%d %s", a, status, body)
	}
}

// Notes are what has been logged. They are for any number of goroutines.
type notes struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{} // closed at the next Write; nil if none is waited for
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.changed != nil {
		close(n.changed)
		n.changed = nil
	}
	return n.text.Write(p)
}

func (n *notes) Printf(format string, args ...any) { fmt.Fprintf(n, format+"\n", args...) }

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

// wait waits until that line is there.
func (n *notes) wait(ctx context.Context, line string) error {
	for {
		n.mu.Lock()
		if n.changed == nil {
			n.changed = make(chan struct{})
		}
		changed, text := n.changed, n.text.String()
		n.mu.Unlock()
		if count(text, line) > 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return cancel.Err(ctx)
		}
	}
}

// mustHave fails the test unless each line is there as often as wanted, after the bubble
// has done all that it can do at this time.
func (n *notes) mustHave(t *testing.T, want map[string]int) {
	t.Helper()
	testutil.WaitAllBlocked()
	got := map[string]int{}
	for line := range want {
		got[line] = count(n.String(), line)
	}
	if !maps.Equal(got, want) {
		t.Errorf("logged %v, want %v, in:\n%s", got, want, n)
	}
}

// count returns how many lines of the text are that line.
func count(text, line string) (n int) {
	for l := range strings.Lines(text) {
		if l == line+"\n" {
			n++
		}
	}
	return n
}
