package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	t.Run("defaults", func(t *testing.T) {
		o, err := parse(nil, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if o.rounds != 9 || o.benchtime != 100*time.Millisecond || o.out != filepath.Join("internal", "bench") || !o.only.MatchString("anything") {
			t.Errorf("parse() = %v, want 9 rounds of 100ms of everything into internal/bench", o)
		}
		if o.command != "go run ./internal/bench" {
			t.Errorf("command = %q, want no flags", o.command)
		}
	})
	t.Run("the command has all flags but the directory", func(t *testing.T) {
		o, err := parse([]string{"-out", "elsewhere", "-run", "^Map", "-rounds", "3"}, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if want := "go run ./internal/bench -rounds 3 -run '^Map'"; o.command != want {
			t.Errorf("command = %q, want %q", o.command, want)
		}
	})
	for _, args := range []string{"-rounds 0", "-benchtime 0s", "-benchtime soon", "-run (", "argument"} {
		t.Run(args+" is refused", func(t *testing.T) {
			var usage strings.Builder
			if _, err := parse(strings.Fields(args), &usage); err == nil || usage.Len() == 0 {
				t.Errorf("parse() = %v, and wrote %q, want an error and a word about it", err, usage.String())
			}
		})
	}
}

func TestRun(t *testing.T) {
	list := []comparison{
		{name: "left out", contestants: nil},
		{
			name: "small", unit: perItem, size: 10, limit: 2,
			contestants: []contestant{{"ours", true, repeat(groveFor)}, {"by hand", false, repeat(claiming)}},
		},
	}
	o := options{rounds: 2, benchtime: time.Millisecond, only: regexp.MustCompile("^small$"), out: t.TempDir()}
	if err := run(o, list, io.Discard); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"RESULTS.md": "## small", "results.svg": "small</text>"} {
		text, err := os.ReadFile(filepath.Join(o.out, name))
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v, want a file with %q", name, err, want)
		}
	}
	o.only = regexp.MustCompile("^none$")
	if err := run(o, list, io.Discard); err == nil {
		t.Error("run() = nil with nothing to run, want an error")
	}
	o.only, o.out = regexp.MustCompile("^small$"), filepath.Join(o.out, "missing")
	var progress strings.Builder
	if err := run(o, list, &progress); err == nil || progress.Len() > 0 {
		t.Errorf("run() = %v without a directory, and began %q, want an error at once", err, progress.String())
	}
}
