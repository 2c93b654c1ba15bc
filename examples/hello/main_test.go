package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/grove-go/grove/examples/internal/docs"
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
	if blocks := docs.Blocks(t, "../../README.md", "*.go"); len(blocks) < 2 {
		t.Errorf("README.md has %d blocks of Go, want the program and its errgroup form at least", len(blocks))
	}
}
