package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/grove-go/grove/examples/internal/program"
	"github.com/grove-go/grove/nursery"
)

func TestParse(t *testing.T) {
	for _, args := range []string{
		"-latency -1s", "-latency 2h", "-budget 0s", "-budget -1s", "-budget 2h", "-budget NaN", "-budget 1000000000h",
		"-patience -1s", "-patience 2h", "-queue -1s", "-queue 2h", "-linger -1s", "-linger 2h", "-requests 0", "-requests -1",
		"-requests 10001", "-requests 1e3", "books.db", "-nonsense",
	} {
		var said strings.Builder
		_, err := parse(strings.Fields(args), &said)
		if err == nil {
			t.Errorf("parse(%q) = nil error, want one", args)
		} else if n := strings.Count(said.String(), err.Error()); n != 1 {
			t.Errorf("parse(%q) said %d times what is wrong, want once:\n%s", args, n, &said)
		} else if name, _, ok := strings.Cut(args, " "); ok && !strings.Contains(err.Error(), name+":") {
			t.Errorf("parse(%q) = %v, want that it names the flag", args, err)
		}
	}
	o, err := parse(strings.Fields("-addr :1 -db books.db -requests 2"), io.Discard)
	if err != nil || o.addr != ":1" || o.db != "books.db" || o.requests != 2 || o.budget != usual.budget {
		t.Errorf("parse() = %+v, %v", o, err)
	}
}

func TestAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, flag := range []string{"-addr", "-health"} {
		o, err := parse([]string{"-addr", "127.0.0.1:0", "-health", "127.0.0.1:0", flag, l.Addr().String()}, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		err = nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
			return run(ctx, n, o, io.Discard, log.Default())
		})
		if !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("run() = %v with %s in use, want that", err, flag)
		}
	}
}

// TestReadme sends the requests of the README, in their order, to a service with default
// flags, and compares the answers.
func TestReadme(t *testing.T) {
	o, err := parse(nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.latency != latency {
		t.Fatalf("the default latency is %v, in tests %v", o.latency, latency)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	session := regexp.MustCompile(`(?m)^\$ (curl .*)\n([^$`+"`"+`]*)`).FindAllStringSubmatch(string(readme), -1)
	curl := regexp.MustCompile(`^curl -s (?:--json '(.*)' )?localhost:8080(/\S*)$`)
	inWorld(t, o.limits, func(t *testing.T, ctx context.Context, w *world) {
		seen := 0
		for _, s := range session {
			if s[0] == "$ curl -s localhost:8081/readyz\nready: 0 of 64 requests, 0 waiting\n" {
				continue // the other server; TestSignals asks it
			}
			m := curl.FindStringSubmatch(s[1])
			if m == nil {
				t.Errorf("a command that this test does not know: %s", s[1])
				continue
			}
			seen++
			a, err := w.get(ctx, m[2])
			if m[1] != "" {
				a, err = w.post(ctx, m[2], m[1])
			}
			if want := strings.TrimSpace(s[2]); err != nil || a.body != want {
				t.Errorf("%s\nprints\n%s, %v\nthe README has\n%s", s[1], a.body, err, want)
			}
		}
		if want := strings.Count(string(readme), "$ curl ") - 1; seen != want || seen == 0 {
			t.Errorf("%d of %d requests of the README were tested", seen, want)
		}
	})
}

// A running is the whole program in a process of its own.
type running struct {
	*program.Program
	api, health *url.URL
}

// start starts the program with the arguments, and ports that are free.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	p := &running{Program: program.Start(t, append([]string{"-addr", "127.0.0.1:0", "-health", "127.0.0.1:0"}, args...)...)}
	line := p.Line("books: ")
	m := regexp.MustCompile(`^books: (http://127\.0\.0\.1:\d+/), health: (http://127\.0\.0\.1:\d+/)\n$`).FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("the first line is %q", line)
	}
	for i, u := range []**url.URL{&p.api, &p.health} {
		var err error
		if *u, err = url.Parse(m[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func TestSignals(t *testing.T) {
	mustBeEmpty := func(t *testing.T) {
		t.Helper()
		if left, err := os.ReadDir(os.TempDir()); len(left) > 0 || err != nil {
			t.Errorf("it left %v, %v", left, err)
		}
	}
	t.Run("the first one drains", func(t *testing.T) {
		t.Setenv("TMPDIR", t.TempDir())
		p := start(t, "-budget", "1m")
		a, health := p.whileDraining(t, "/books/1/orders", func() {})
		mustBe(t, a, nil, 201, `{"id":1,"book":1,"title":"Emma","quantity":1,"cents":950}`)
		mustBe(t, health, nil, 503, "draining: 0 of 64 requests, 0 waiting")
		if _, stderr := p.Wait(0); stderr != "" {
			t.Errorf("it printed:\n%s", stderr)
		}
		mustBeEmpty(t)
	})
	t.Run("the second one cuts off", func(t *testing.T) {
		t.Setenv("TMPDIR", t.TempDir())
		p := start(t, "-budget", "1h")
		a, _ := p.whileDraining(t, "/books/4/orders", func() { p.Signal(os.Interrupt) }) // its price never comes
		mustBe(t, a, nil, 503, `{"title":"Service Unavailable","status":503,"detail":"canceled"}`)
		if _, stderr := p.Wait(1); !strings.Contains(stderr, "signal: interrupt") {
			t.Errorf("it does not tell of the second signal, but:\n%s", stderr)
		}
		mustBeEmpty(t)
	})
	t.Run("spans are written", func(t *testing.T) {
		p := start(t, "-trace")
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		a, err := send(t.Context(), client, http.MethodGet, p.api, "/books/1", nil)
		if err != nil || a.status != 200 {
			t.Errorf("the answer is %v, %v, want 200", a, err)
		}
		p.Signal(syscall.SIGTERM)
		_, stderr := p.Wait(0)
		for _, want := range []string{`"Name":"GET /books/{id}"`, `"Name":"database"`, `"Name":"prices"`, `"Name":"reviews"`} {
			if strings.Count(stderr, want) != 1 {
				t.Errorf("no span has %s, or several have, in:\n%s", want, stderr)
			}
		}
	})
	t.Run("a wrong flag", func(t *testing.T) {
		if _, stderr := program.Start(t, "-budget", "0s").Wait(2); !strings.Contains(stderr, "webapi: -budget: must be from 1ms to 1h0m0s, got 0s\n") {
			t.Errorf("it printed:\n%s", stderr)
		}
	})
}

// whileDraining sends the beginning of an order, and asks the program to stop when it has
// begun to read. When the program accepts no more connections, whileDraining calls then and
// sends the rest. It returns the answer, and the answers of the health server meanwhile.
func (p *running) whileDraining(t *testing.T, path string, then func()) (order, health answer) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Hour, DisableKeepAlives: true}}
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		ready, err := send(ctx, client, http.MethodGet, p.health, "/readyz", nil)
		mustBe(t, ready, err, 200, "ready: 0 of 64 requests, 0 waiting")
		idle, err := idle(ctx, p.api)
		if err != nil {
			return err
		}
		defer idle.Close()
		body, rest := io.Pipe()
		defer rest.Close()
		_, err = nursery.Start(ctx, n, func(ctx context.Context, started func(struct{})) error {
			reads := httptrace.ClientTrace{Got100Continue: func() { started(struct{}{}) }}
			r, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, &reads), http.MethodPost, p.api.JoinPath(path).String(), body)
			if err != nil {
				return err
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Expect", "100-continue")
			order, err = do(client, r)
			return err
		}, nursery.Name("order"))
		if err != nil {
			return err
		}
		p.Signal(syscall.SIGTERM)
		// A server that accepts no more connections closes idle connections.
		if b, err := io.ReadAll(idle); err != nil || len(b) > 0 {
			t.Errorf("the idle connection ended with %q, %v", b, err)
		}
		health, err = send(ctx, client, http.MethodGet, p.health, "/readyz", nil)
		if err != nil {
			return err
		}
		_, err = io.WriteString(rest, `{"quantity":1}`)
		then()
		return errors.Join(err, rest.Close())
	})
	if err != nil {
		t.Error(err)
	}
	return order, health
}

// idle returns a connection that has been used for a request, and waits for another.
func idle(ctx context.Context, root *url.URL) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", root.Host)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, root.JoinPath("books").String(), nil)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if err := r.Write(c); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	response, err := http.ReadResponse(bufio.NewReader(c), r)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	_, err = io.Copy(io.Discard, response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}
