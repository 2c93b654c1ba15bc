package main

import (
	"testing"
	"testing/synctest"

	"github.com/grove-go/grove/examples/internal/docs"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

func TestOutput(t *testing.T) {
	printed := docs.Print(t, func() { synctest.Test(t, func(*testing.T) { main() }) })
	docs.Output(t, "go run ./examples/tutorial/cleanup", printed, "README.md", "../../../docs/tutorial.md")
}
