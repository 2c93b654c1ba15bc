package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/testutil"
	"github.com/grove-go/grove/testutil/errmatch"
)

// TestReadme runs the program in virtual time, and compares its output and code with the
// README.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		if err := run(ctx, "", &out); err != nil {
			t.Errorf("run() = %v, want nil", err)
		}
	})
	blocks := strings.Split(string(readme), "```") // at odd indices
	shown, code := blocks[3], strings.TrimPrefix(blocks[5], "go\n")
	for race := range strings.SplitSeq(strings.TrimSpace(shown), "\n\n") {
		if !strings.Contains(out.String(), race) {
			t.Errorf("the README shows\n%s\nand the program prints\n%s", race, &out)
		}
	}
	if !strings.Contains(string(example), "\t"+strings.ReplaceAll(strings.TrimSpace(code), "\n", "\n\t")) {
		t.Errorf("the README has code that is not in the example:\n%s", code)
	}
}

// A writer calls a function when something is written.
type writer func() error

func (w writer) Write(p []byte) (int, error) { return len(p), w() }

func TestRunEnds(t *testing.T) {
	inBubble := func(name string, fn func(t *testing.T, s *cancel.Scope)) {
		t.Run(name, func(t *testing.T) {
			testutil.Bubble(t, func(t *testing.T, ctx context.Context) { fn(t, cancel.FromContext(ctx)) })
		})
	}
	inBubble("when it is asked to stop", func(t *testing.T, s *cancel.Scope) {
		began := time.Now()
		err := run(s, "", writer(func() error { s.Stop(); return nil }))
		if took := time.Since(began); err != nil || took != 20*ms {
			t.Errorf("run() = %v after %v, want nil with the first lookup, after 20ms", err, took)
		}
	})
	inBubble("when it is canceled", func(t *testing.T, s *cancel.Scope) {
		err := run(s, "", writer(func() error { s.Cancel(errEnough); return nil }))
		testutil.WantError(t, err, errmatch.Canceled(errEnough))
	})
	inBubble("when its output fails", func(t *testing.T, s *cancel.Scope) {
		began := time.Now()
		err := run(s, "", writer(func() error { return errEnough }))
		if took := time.Since(began); err != errEnough || took != 60*ms {
			t.Errorf("run() = %v after %v, want %v with the first race, after 60ms", err, took, errEnough)
		}
	})
}

func TestParse(t *testing.T) {
	for _, args := range []string{
		"a:1 b:2", "a", "a:", ":1", "a:0", "a:-1", "a:65536", "a:NaN", "a:1e3", "a:b:1", "-h", "-port 1",
	} {
		var said strings.Builder
		if _, err := parse(strings.Fields(args), &said); err == nil || !strings.Contains(said.String(), "usage: ") {
			t.Errorf("parse(%q) = %v, and said\n%s, want an error and the usage", args, err, &said)
		}
	}
	for _, want := range []string{"", "a:1", "[::1]:65535"} {
		if got, err := parse(strings.Fields(want), io.Discard); got != want || err != nil {
			t.Errorf("parse(%q) = %q, %v", want, got, err)
		}
	}
}

// inChild is set in the environment of a child process that runs the program.
const inChild = "GROVE_HAPPYEYEBALLS_CHILD"

// child returns the program as a child process. It has no name server that answers, and
// each request to a name server shows on standard output.
func child(t *testing.T, args ...string) *exec.Cmd {
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Minute) // against a hang
	t.Cleanup(stop)
	c := exec.CommandContext(ctx, os.Args[0], "-test.run", "^TestProgram$")
	c.Env = append(os.Environ(), inChild+"="+strings.Join(args, " "))
	return c
}

func TestProgram(t *testing.T) {
	if args, ok := os.LookupEnv(inChild); ok {
		net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			fmt.Println("asked")
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		os.Args = append(os.Args[:1], strings.Fields(args)...)
		main()
		os.Exit(0)
	}
	t.Run("connects", func(t *testing.T) {
		l := listen(t)
		defer l.Close()
		address := l.Addr().String()
		out, err := child(t, address).CombinedOutput()
		if err != nil || strings.Count(string(out), address) != 4 {
			t.Errorf("the program ended with %v, want status 0, and lines for started, connected, returned and closed:\n%s", err, out)
		}
	})
	t.Run("fails", func(t *testing.T) {
		out, err := child(t, refusing(t)).CombinedOutput()
		if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != 1 {
			t.Errorf("the program ended with %v, want status 1:\n%s", err, out)
		}
	})
	t.Run("takes one argument", func(t *testing.T) {
		out, err := child(t, "a:1", "b:2").CombinedOutput()
		if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(string(out), "\nusage: ") {
			t.Errorf("the program ended with %v, want status 2, and the usage:\n%s", err, out)
		}
	})
	t.Run("stops on a signal", func(t *testing.T) {
		c := child(t, "www.example.com:443")
		var errs strings.Builder
		c.Stderr = &errs
		stdout, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(stdout)
		if line, err := lines.ReadString('\n'); line != "asked\n" {
			t.Errorf("the first line is %q, %v, want asked", line, err)
		}
		if err := c.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		rest, err := io.ReadAll(lines)
		if err != nil {
			t.Error(err)
		}
		if err := c.Wait(); err != nil || !strings.Contains(string(rest), "AAAA                 canceled: ") {
			t.Errorf("the program ended with %v, want status 0, and a lookup that was canceled:\n%s%s", err, rest, &errs)
		}
	})
}
