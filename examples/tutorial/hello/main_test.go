package main

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/grove-go/grove/examples/internal/docs"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

func TestOutput(t *testing.T) {
	for name, program := range map[string]func(){"grove": main, "errgroup": withErrgroup} {
		t.Run(name, func(t *testing.T) {
			printed := docs.Print(t, func() { synctest.Test(t, func(*testing.T) { program() }) })
			if name == "errgroup" { // it has no names for tasks
				printed = strings.Replace(printed, ": disk full", `: task "writer": disk full`, 1)
			}
			docs.Output(t, "go run ./examples/tutorial/hello", printed, "README.md", "../../../README.md", "../../../docs/tutorial.md")
		})
	}
}

// TestReadme checks that the Go code in README.md is code that is compiled here.
func TestReadme(t *testing.T) {
	if blocks := docs.Blocks(t, "../../../README.md", "*.go"); len(blocks) < 2 {
		t.Errorf("README.md has %d blocks of Go, want the program and a test at least", len(blocks))
	}
}

// TestTutorial checks that the Go code in the tutorial is the code of its programs.
func TestTutorial(t *testing.T) {
	docs.Blocks(t, "../../../docs/tutorial.md", "main.go", "../tree/main.go", "../timeouts/main.go",
		"../cleanup/main.go", "../server/main.go", "../shutdown/main.go")
}
