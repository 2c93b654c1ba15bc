package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/internal/docs"
	"github.com/grove-go/grove/examples/internal/program"
	"github.com/grove-go/grove/nursery"
)

// client returns a client that calls h in place of a network, without connections and
// goroutines.
func client(h http.Handler) *http.Client {
	return &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		return w.Result(), nil
	})}
}

func TestParse(t *testing.T) {
	for _, args := range []string{"ok", "/ok ok", "//host/ok", "/%zz", "/a?b", "-h", "-rate NaN"} {
		var said strings.Builder
		if _, err := parse(strings.Fields(args), &said); err == nil || !strings.Contains(said.String(), "usage: ") {
			t.Errorf("parse(%q) = %v, and said\n%s, want an error and the usage", args, err, &said)
		}
	}
	if got, err := parse(nil, io.Discard); !slices.Equal(got, everyKind) || err != nil {
		t.Errorf("parse() = %q, %v, want a path of each kind", got, err)
	}
	if got, err := parse([]string{"/ok", "/down"}, io.Discard); !slices.Equal(got, []string{"/ok", "/down"}) || err != nil {
		t.Errorf("parse() = %q, %v, want both paths", got, err)
	}
}

// TestArguments checks the status after wrong arguments.
func TestArguments(t *testing.T) {
	if _, said := program.Start(t, "ok").Wait(2); !strings.Contains(said, `PATH: must be a path that begins with /, got "ok"`) {
		t.Errorf("it printed\n%s", said)
	}
	program.Start(t, "-h").Wait(0)
}

var site = &url.URL{Scheme: "http", Host: "site.test"}

func TestFetchAll(t *testing.T) {
	inBubble(t, "prints a line for each path", func(t *testing.T, s *cancel.Scope, _ func() time.Duration) {
		var out strings.Builder
		if err := fetchAll(s, client(troubled()), site, everyKind, &out); err != nil {
			t.Errorf("fetchAll() = %v, want nil", err)
		}
		docs.Output(t, "go run ./examples/retry", out.String(), "README.md")
	})
	inBubble(t, "fetches several at a time", func(t *testing.T, s *cancel.Scope, passed func() time.Duration) {
		var now, most atomic.Int64
		hang := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			n := now.Add(1)
			defer now.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			<-r.Context().Done()
		})
		if err := fetchAll(s, client(hang), site, make([]string, 2*atATime), io.Discard); err != nil {
			t.Errorf("fetchAll() = %v, want nil", err)
		}
		if most.Load() != atATime {
			t.Errorf("%d requests at a time, want %d", most.Load(), atATime)
		}
	})
	inBubble(t, "gives up on the whole in time", func(t *testing.T, s *cancel.Scope, passed func() time.Duration) {
		var out strings.Builder
		err := fetchAll(s, client(troubled()), site, []string{"/ok", "/tomorrow"}, &out)
		if timeout := new(cancel.TimeoutError); !errors.As(err, &timeout) || passed() != wholeTimeout {
			t.Errorf("fetchAll() = %v after %v, want a timeout after %v", err, passed(), wholeTimeout)
		}
		if got := out.String(); got != "/ok       attempts: 1  11 bytes\n" {
			t.Errorf("it prints\n%s, want the path that was fetched", got)
		}
	})
	inBubble(t, "ends when its output fails", func(t *testing.T, s *cancel.Scope, passed func() time.Duration) {
		r, w := io.Pipe()
		r.CloseWithError(errEnough)
		err := fetchAll(s, client(troubled()), site, []string{"/ok", "/tomorrow"}, w)
		if !errors.Is(err, errEnough) || passed() != 0 {
			t.Errorf("fetchAll() = %v after %v, want %v at once", err, passed(), errEnough)
		}
	})
}

// runAlone runs the program without its signals.
func runAlone(ctx context.Context, paths []string, out io.Writer) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		return run(ctx, n, paths, out)
	})
}

func TestRun(t *testing.T) {
	var out strings.Builder
	if err := runAlone(t.Context(), everyKind, &out); err != nil {
		t.Errorf("run() = %v, want nil", err)
	}
	// on a machine that stalls, an attempt may time out
	want := regexp.MustCompile(`^/ok       attempts: [1-5]  11 bytes
/flaky    attempts: [3-5]  11 bytes
/busy     attempts: [2-5]  11 bytes
/missing  attempts: [1-5]  .*404 Not Found.*
/hangs    attempts: [2-5]  11 bytes
/down     attempts: 5  .*exhausted.*
$`)
	if !want.MatchString(out.String()) {
		t.Errorf("it prints\n%s, want\n%s", &out, want)
	}
}

// An onWrite calls a function when something is written.
type onWrite func()

func (f onWrite) Write(p []byte) (int, error) {
	f()
	return len(p), nil
}

func TestRunEnds(t *testing.T) {
	paths := []string{"/ok", "/tomorrow", "/ok"}
	t.Run("when it is canceled", func(t *testing.T) {
		s := cancel.New(t.Context())
		defer s.Close()
		lines := 0
		err := runAlone(s, paths, onWrite(func() { lines++; s.Cancel(errEnough) }))
		if e := new(cancel.Error); !errors.As(err, &e) || e.Reason.Cause != errEnough || lines != 1 {
			t.Errorf("run() = %v after %d lines, want that it was canceled after 1", err, lines)
		}
	})
	t.Run("when it is asked to stop", func(t *testing.T) {
		s := cancel.New(t.Context())
		defer s.Close()
		lines := 0
		err := runAlone(s, paths, onWrite(func() { lines++; s.Stop() }))
		if err != nil || lines != 1 {
			t.Errorf("run() = %v after %d lines, want nil after 1", err, lines)
		}
	})
}

func TestSignal(t *testing.T) {
	p := program.Start(t, "/ok", "/tomorrow")
	p.Line("/ok ")
	p.Signal(os.Interrupt)
	if rest, _ := p.Wait(0); rest != "" {
		t.Errorf("after the signal it printed %q, want nothing", rest)
	}
}
