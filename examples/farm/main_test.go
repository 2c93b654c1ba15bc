package main

import (
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/examples/internal/program"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) {
	// Worker processes are started by the farm: they are the program whatever the
	// environment says.
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		main()
		return
	}
	program.Child(main)
	testutil.Main(m)
}

// TestFarm runs the farm with real processes, without and with killed workers, and compares
// what they find.
func TestFarm(t *testing.T) {
	plain := program.Start(t, "-below", "src/net/")
	want := plain.Line(" pages, ")
	if line := plain.Line("unknown"); !strings.HasPrefix(line, "0 more attempts, 0 unknown, 0 broken") {
		t.Errorf("the farm reports %q", line)
	}
	plain.Wait(0)
	chaos := program.Start(t, "-below", "src/net/", "-chaos", "-every", "50ms", "-lease", "1s")
	if got := chaos.Line(" pages, "); got != want {
		t.Errorf("with killed workers the farm finds %q, want %q", got, want)
	}
	if line := chaos.Line("unknown"); !strings.Contains(line, ", 0 unknown, 0 broken") {
		t.Errorf("the farm reports %q", line)
	}
	chaos.Wait(0)
}

// TestInterrupt stops the farm in the middle.
func TestInterrupt(t *testing.T) {
	p := program.Start(t, "-below", "src/")
	p.Line("crawling")
	p.Signal(os.Interrupt)
	if line := p.Line("unknown"); !strings.HasPrefix(line, "0 more attempts, 0 unknown, 0 broken") {
		t.Errorf("the farm reports %q", line)
	}
	p.Wait(0)
}

func TestParse(t *testing.T) {
	for args, want := range map[string]string{
		"":                   "",
		"-chaos -workers 5":  "",
		"worker -nats x":     "",
		"worker":             "a worker needs -nats",
		"-workers 0":         "without -nats there must be some",
		"-workers 0 -nats x": "",
		"-slots 0":           "-slots: must be from 1 to 10000, got 0",
		"-lease 1ms":         "-lease: must be from 1s to 1h0m0s, got 1ms",
		"-every 0s":          "-every: must be from 1ms to 1h0m0s, got 0s",
		"x y":                `unexpected arguments: ["x" "y"]`,
	} {
		got := ""
		if _, err := parse(strings.Fields(args), io.Discard); err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("parse(%q): %q, want %q", args, got, want)
		}
	}
}

// TestReport checks the lines of the summary.
func TestReport(t *testing.T) {
	r := report{workers: make(map[string]int)}
	r.add("a", Page{Words: 3, Bytes: 10, Worker: "w1", Attempt: 1}, nil, time.Second)
	r.add("b", Page{Words: 4, Bytes: 10, Worker: "w2", Attempt: 3}, nil, 2*time.Second)
	r.add("c", Page{}, io.EOF, time.Second)
	var b strings.Builder
	r.write(&b, 2*time.Second)
	const want = `2 pages, 7 words, 0\.0 MB
1 pages a second
2 more attempts, 0 unknown, 1 broken
     1 by w1
     1 by w2
slowest: 2s for b
broken: EOF
`
	if !regexp.MustCompile("^" + want + "$").MatchString(b.String()) {
		t.Errorf("the summary is\n%s\nwant\n%s", b.String(), want)
	}
}
