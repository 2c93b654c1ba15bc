package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/grove-go/grove/nursery"
)

func TestParse(t *testing.T) {
	for _, args := range []string{
		"-idle 0s", "-idle -1s", "-idle 25h", "-idle 1000000000h", "-limit 0", "-limit -1", "-limit 1048577", "-rate 0",
		"-rate -1", "-rate NaN", "-rate Inf", "-rate 1e-300", "-rate 1e300", "-backlog 0", "-backlog 65537",
		"-history -1", "-history 1001", "-addr", "lobby", "-nonsense",
	} {
		var said strings.Builder
		_, err := parse(strings.Fields(args), &said)
		if err == nil {
			t.Errorf("parse(%q) = nil error, want one", args)
			continue
		}
		if n := strings.Count(said.String(), err.Error()); n != 1 {
			t.Errorf("parse(%q) said %d times what is wrong, want once:\n%s", args, n, &said)
		}
		if name, _, ok := strings.Cut(args, " "); ok && !strings.Contains(err.Error(), name+":") {
			t.Errorf("parse(%q) = %v, want that it names the flag", args, err)
		}
	}
	o, err := parse(strings.Fields("-addr :0 -idle 1s -limit 2 -rate .5 -backlog 3 -history 0 -debug :1"), io.Discard)
	if want := (options{":0", time.Second, 2, .5, 3, 0, ":1"}); o != want || err != nil {
		t.Errorf("parse() = %+v, %v, want %+v", o, err, want)
	}
}

// inChild is set in the environment of a child process that is to be the program.
const inChild = "GROVE_CHAT_CHILD"

func TestSignal(t *testing.T) {
	if args, ok := os.LookupEnv(inChild); ok {
		os.Args = append(os.Args[:1], strings.Fields(args)...)
		main()
		os.Exit(0)
	}
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute) // against a hang
	defer stop()
	c := exec.CommandContext(ctx, os.Args[0], "-test.run", "^TestSignal$")
	c.Env = append(os.Environ(), inChild+"=-addr 127.0.0.1:0")
	var errs bytes.Buffer
	c.Stderr = &errs
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	address, ok := strings.CutPrefix(line, "Open ")
	address, _, ok2 := strings.Cut(address, " ")
	if err != nil || !ok || !ok2 {
		t.Fatalf("the first line is %q, %v, want the address", line, err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := (&http.Client{Transport: transport}).Get(address)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil || !strings.Contains(string(page), "<title>Grove chat</title>") {
		t.Errorf("the page is %q, %v", page, err)
	}
	conn, _, err := websocket.Dial(ctx, address+"ws?room=lobby&name=ann", &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	if _, b, err := conn.Read(ctx); err != nil || !strings.Contains(string(b), `"kind":"welcome","name":"ann"`) {
		t.Errorf("the welcome is %s, %v", b, err)
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	_, b, err := conn.Read(ctx)
	if want := "end 1001 the server is going down"; ending(err) != want {
		t.Errorf("after the signal the client was told %q, %v, want %q", b, err, want)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("the program ended with %v, want status 0", err)
	}
	for _, want := range []string{`"ann" in room "lobby": came in`, `"ann" in room "lobby": `, "going down"} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("the log is\n%s, want %q in it", &errs, want)
		}
	}
}

// TestForeignHost asks for the page and for a connection with a foreign host name. Such a
// name may resolve to our address, and then its page has the same origin as the server.
func TestForeignHost(t *testing.T) {
	o := defaults()
	o.addr = "127.0.0.1:0"
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		defer n.Scope().Stop()
		out, in := io.Pipe()
		n.Go(func(ctx context.Context) error {
			defer in.Close()
			return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
				return run(ctx, n, o, in, log.New(t.Output(), "", 0))
			})
		})
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			return err
		}
		address, _, _ := strings.Cut(strings.TrimPrefix(line, "Open "), " ")
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		for host, want := range map[string]int{"": http.StatusOK, "evil.test": http.StatusMisdirectedRequest} {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
			if err != nil {
				return err
			}
			r.Host = host
			answer, err := client.Do(r)
			if err != nil {
				return err
			}
			if answer.StatusCode != want {
				t.Errorf("the page of host %q is %s, want %d", host, answer.Status, want)
			}
			if err := answer.Body.Close(); err != nil {
				return err
			}
		}
		conn, answer, err := websocket.Dial(ctx, address+"ws?room=lobby&name=ann", &websocket.DialOptions{
			HTTPClient: client, Host: "evil.test", HTTPHeader: http.Header{"Origin": {"http://evil.test"}},
		})
		if err == nil {
			t.Error("a page of evil.test is connected")
			return conn.CloseNow()
		}
		if answer == nil || answer.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("the answer is %v, %v, want status 421", answer, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	o := defaults()
	o.addr = l.Addr().String()
	err = nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		return run(ctx, n, o, io.Discard, log.New(t.Output(), "", 0))
	})
	if opError := new(net.OpError); !errors.As(err, &opError) {
		t.Errorf("run() = %v, want the error of the network", err)
	}
}
