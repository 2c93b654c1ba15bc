package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

func TestOutput(t *testing.T) {
	const want = `clock: tick
clock: tick
clock: tick
clock: stopped
nothing runs any more: task "writer": disk full
`
	for name, program := range map[string]func(){"grove": main, "errgroup": withErrgroup} {
		t.Run(name, func(t *testing.T) {
			got := output(t, program)
			if name == "errgroup" { // it has no names for tasks
				got = strings.Replace(got, ": disk full", `: task "writer": disk full`, 1)
			}
			if got != want {
				t.Errorf("output:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// output runs program in virtual time and returns what it prints.
func output(t *testing.T, program func()) string {
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stdout := os.Stdout
	os.Stdout = f
	defer func() { os.Stdout = stdout }()
	synctest.Test(t, func(*testing.T) { program() })
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestReadme checks that the Go code in README.md is code that is compiled here.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources []string
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, unindent(string(b)))
	}
	blocks := strings.Split(string(readme), "```go\n")[1:]
	if len(blocks) < 2 {
		t.Fatalf("README.md has %d blocks of Go, want the program and its errgroup form at least", len(blocks))
	}
block:
	for _, b := range blocks {
		code, _, _ := strings.Cut(b, "```")
		for _, s := range sources {
			if strings.Contains(s, unindent(code)) {
				continue block
			}
		}
		t.Errorf("README.md has code that stands in no file of examples/hello:\n%s", code)
	}
}

// unindent takes the indentation off each line.
func unindent(code string) string {
	var b strings.Builder
	for l := range strings.Lines(code) {
		b.WriteString(strings.TrimLeft(l, "\t"))
	}
	return b.String()
}
