package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/internal/docs"
	"github.com/grove-go/grove/examples/internal/pipenet"
	"github.com/grove-go/grove/examples/internal/program"
	"github.com/grove-go/grove/examples/internal/serve"
	"github.com/grove-go/grove/examples/supervisor/supervise"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) {
	program.Child(main)
	testutil.Main(m)
}

// An output is what a program logs to.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// A network is where the front of an app listens, again at each run.
type network struct {
	mu sync.Mutex
	l  *pipenet.Listener
}

func (w *network) serve(h http.Handler) server {
	return func(ctx context.Context, started func(*url.URL)) error {
		l := pipenet.Listen()
		w.mu.Lock()
		w.l = l
		w.mu.Unlock()
		return serve.On(l, h)(ctx, started)
	}
}

// dial connects to the front that listens now.
func (w *network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	w.mu.Lock()
	l := w.l
	w.mu.Unlock()
	return l.Dial(ctx, "", "")
}

// virtual runs an app in a bubble. Meanwhile it calls a function with a client for the app.
// It returns the log of the app, and what the app returned.
func virtual(t *testing.T, o options, meanwhile func(ctx context.Context, client *http.Client) error) (log string, err error) {
	t.Helper()
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		var out output
		w := new(network)
		a := newApp(o, &out, w.serve)
		client := &http.Client{Transport: &http.Transport{DialContext: w.dial, DisableKeepAlives: true}}
		err = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			n.Go(func(ctx context.Context) error { return meanwhile(ctx, client) })
			return a.run(ctx, n)
		})
		log = out.String()
		if taken, stored := a.taken.Load(), a.stored.Load(); err == nil && taken != stored {
			t.Errorf("%d readings were taken, and %d stored\n%s", taken, stored, log)
		}
	})
	return log, err
}

func nothing(context.Context, *http.Client) error { return nil }

// TestOutput checks that README.md shows what the program prints.
func TestOutput(t *testing.T) {
	log, err := virtual(t, options{lasts: 7 * time.Second}, nothing)
	if err != nil {
		t.Error(err)
	}
	log = strings.ReplaceAll(log, "http://pipe/", "http://127.0.0.1:8080/")
	docs.Output(t, "go run ./examples/supervisor -for 7s", log, "README.md")
}

// TestSeeds runs the app with many seeds. No reading is lost, and the app goes on or says
// that it has given up.
func TestSeeds(t *testing.T) {
	gaveUps := 0
	for seed := range uint64(200) {
		log, err := virtual(t, options{lasts: 20 * time.Second, seed: seed}, nothing)
		gaveUp := new(supervise.GaveUpError)
		switch {
		case errors.As(err, &gaveUp):
			gaveUps++
		case err != nil:
			t.Errorf("with the seed %d it returns %+v\n%s", seed, err, log)
		}
		if end := regexp.MustCompile(`msg=end taken=(\d+) stored=(\d+)\n$`).FindStringSubmatch(log); end == nil || end[1] != end[2] {
			t.Errorf("with the seed %d readings are lost\n%s", seed, log)
		}
	}
	if gaveUps == 0 || gaveUps == 200 {
		t.Errorf("it has given up %d times of 200", gaveUps)
	}
}

func get(ctx context.Context, client *http.Client, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	return fmt.Sprint(answer.StatusCode, " ", string(b)), err
}

// TestFront asks the front, over HTTP, while the ingest is down and when it is not.
func TestFront(t *testing.T) {
	asked := map[string]string{}
	_, err := virtual(t, options{lasts: 5 * time.Second}, func(ctx context.Context, client *http.Client) error {
		for _, at := range []time.Duration{1000, 1700, 2100} { // it is down from 1.4s to 2.0s
			if err := cancel.SleepUntil(ctx, time.Date(2000, 1, 1, 0, 0, 0, int(at*time.Millisecond), time.UTC)); err != nil {
				return err
			}
			for _, path := range []string{"/", "/healthz", "/readyz", "/none"} {
				answer, err := get(ctx, client, "http://front.test"+path)
				if err != nil {
					return err
				}
				asked[fmt.Sprint(int(at), path)] = answer
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]string{
		"1000/readyz": "200 ready\n", "1700/readyz": "503 not ready\n", "2100/readyz": "200 ready\n",
		"1000/healthz": "200 ok\n", "1700/healthz": "200 ok\n", "2100/healthz": "200 ok\n",
		"1000/none": "404 404 page not found\n",
	} {
		if got := asked[what]; got != want {
			t.Errorf("%s answers %q, want %q", what, got, want)
		}
	}
	if got := asked["2100/"]; !regexp.MustCompile(`^200 taken: \d+, stored: \d+\n$`).MatchString(got) {
		t.Errorf("/ answers %q, want how it goes", got)
	}
}

// TestCancelEverywhere cancels the app at many points.
func TestCancelEverywhere(t *testing.T) {
	testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
		var out output
		a := newApp(options{lasts: 3 * time.Second}, &out, new(network).serve)
		return nursery.Run(ctx, a.run)
	}, testutil.Points(200), testutil.Repeats(1))
}

func TestSignal(t *testing.T) {
	p := program.Start(t, "-addr", "127.0.0.1:0", "-debug", "127.0.0.1:0", "-for", "1h")
	tree := strings.TrimSpace(strings.TrimPrefix(p.Line("the task tree"), "the task tree is at "))
	_, u, found := strings.Cut(strings.TrimSpace(p.Line("serving")), "url=")
	if !found {
		t.Fatal("it does not say where it serves")
	}
	p.Line("all are ready")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if got, err := get(t.Context(), client, u+"healthz"); got != "200 ok\n" || err != nil {
		t.Errorf("/healthz answers %q, %v, want ok", got, err)
	}
	if got, err := get(t.Context(), client, tree); !strings.Contains(got, "─ ingest  ") || err != nil {
		t.Errorf("the task tree is %q, %v", got, err)
	}
	p.Signal(syscall.SIGTERM)
	rest, stderr := p.Wait(0)
	if want := regexp.MustCompile(`(?s)stopping worker=front.*ended worker=front.*stopping worker=ingest.*ended worker=ingest.*stopping worker=store.*ended worker=store.*msg=end taken=(\d+) stored=(\d+)\n$`); !want.MatchString(rest) || stderr != "" {
		t.Errorf("after the signal it printed\n%s%s, want that all stop in order", rest, stderr)
	}
}

func TestParse(t *testing.T) {
	for _, args := range []string{
		"-for 0s", "-for -1s", "-for 25h", "-for NaN", "-for 1000000000h", "-seed -1", "-seed NaN", "-seed 1e400", "workers", "-nonsense",
	} {
		var said strings.Builder
		_, err := parse(strings.Fields(args), &said)
		if err == nil || strings.Count(said.String(), err.Error()) != 1 {
			t.Errorf("parse(%q) = %v, and said\n%s, want an error, once", args, err, &said)
			continue
		}
		if name, _, ok := strings.Cut(args, " "); ok && !strings.Contains(err.Error(), name+":") {
			t.Errorf("parse(%q) = %v, want that it names the flag", args, err)
		}
	}
	o, err := parse(nil, io.Discard)
	if want := (options{addr: "127.0.0.1:8080", lasts: 10 * time.Second}); o != want || err != nil {
		t.Errorf("parse() = %+v, %v, want %+v", o, err, want)
	}
	if o, err := parse(strings.Fields("-addr :1 -debug :2 -for 1s -seed 3"), io.Discard); err != nil || o != (options{":1", ":2", time.Second, 3}) {
		t.Errorf("parse() = %+v, %v", o, err)
	}
	if _, said := program.Start(t, "-for", "0s").Wait(2); !strings.Contains(said, "supervisor: -for: must be from 1ms to 24h0m0s, got 0s\n") {
		t.Errorf("it printed\n%s", said)
	}
}

// TestGivesUp runs the program at an address that is in use.
func TestGivesUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := program.Start(t, "-addr", l.Addr().String(), "-for", "1h", "-seed", "1")
	p.Line("waiting worker=front")
	p.Line("stopping worker=ingest")
	p.Line("stopping worker=store")
	_, stderr := p.Wait(1)
	const want = `nursery "program": 1 failure
└── nursery "supervisor": 1 failure
    └── task "front": gave up: 6 failures
        ├── task "front": `
	if !strings.HasPrefix(stderr, want) {
		t.Errorf("it printed\n%s\nwant\n%s…", stderr, want)
	}
}

// TestStoreFlushes checks that a store that is asked to stop while it flushes does so once
// more, for readings that came in meanwhile.
func TestStoreFlushes(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		r := newReadings()
		sends := func(n int64) {
			if err := r.send.TrySend(n); err != nil {
				t.Error(err)
			}
		}
		flushes := openTakes + flushEvery // when it begins to
		sends(1)
		time.AfterFunc(flushes+flushTakes/2, func() {
			sends(2)
			cancel.FromContext(ctx).Stop()
		})
		if err := r.store(ctx, func() {}); err != nil || r.stored.Load() != 2 {
			t.Errorf("store() = %v, and %d are stored, want 2", err, r.stored.Load())
		}
	})
}

// TestIngestStops checks that the ingest stops even if its readings are not received.
func TestIngestStops(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		r := newReadings()
		time.AfterFunc(time.Minute, cancel.FromContext(ctx).Stop)
		start := time.Now()
		if err := r.ingest(ctx, func() {}); err != nil || time.Since(start) != time.Minute {
			t.Errorf("ingest() = %v after %v, want nil after a minute", err, time.Since(start))
		}
		if got := r.recv.Stats().Len; r.taken.Load() != int64(got) {
			t.Errorf("%d were taken, and %d are in the channel", r.taken.Load(), got)
		}
	})
}

// TestFaulty checks that a run that ends before its fault ends at once.
func TestFaulty(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		run := faulty(func(context.Context, func()) error { return nil }, rand.New(rand.NewPCG(0, 0)))
		start := time.Now()
		if err := run(ctx, func() {}); err != nil || time.Since(start) != 0 {
			t.Errorf("it returned %v after %v, want nil at once", err, time.Since(start))
		}
	})
}
