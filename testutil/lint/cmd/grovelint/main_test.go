package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestGrovelint runs the command by itself and by go vet.
func TestGrovelint(t *testing.T) {
	tool := filepath.Join(t.TempDir(), "grovelint")
	if out, err := exec.Command("go", "build", "-o", tool, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, c := range []struct {
		name  string
		args  []string
		want  string // in the output
		fails bool
	}{
		{"by itself", []string{tool, "./outerctx"}, "outer was given to cancel.FailAfter", true},
		{"by go vet", []string{"go", "vet", "-vettool=" + tool, "./outerctx"}, "outer was given to cancel.FailAfter", true},
		{"one analyzer", []string{tool, "-droppederr", "./outerctx"}, "", false},
		{"all but one, by go vet", []string{"go", "vet", "-vettool=" + tool, "-outerctx=false", "./outerctx"}, "", false},
		{"errgroup is left alone", []string{tool, "./errgroup/..."}, "", false},
		{"errgroup", []string{tool, "-errgroup", "./errgroup/..."}, "errgroup.Group.Wait is dropped", true},
		{"on demand", []string{tool, "./nilret"}, "", false},
		{"on demand, by name", []string{tool, "-nilret", "./nilret"}, "task returns nil", true},
		{"on demand, all", []string{tool, "-optin", "./nilret", "./spin"}, "endless loop", true},
		{"on demand, errgroup, by go vet", []string{"go", "vet", "-vettool=" + tool, "-errgroup", "-optin", "./errgroup/nilret"}, "task returns nil", true},
		{"errgroup, by go vet", []string{"go", "vet", "-vettool=" + tool, "-errgroup", "./errgroup/..."}, "errgroup.Group.Wait is dropped", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command(c.args[0], c.args[1:]...)
			cmd.Dir = filepath.Join("..", "..", "testdata")
			cmd.Env = append(os.Environ(), "GOWORK=off")
			out, err := cmd.CombinedOutput()
			if (err != nil) != c.fails || !strings.Contains(string(out), c.want) {
				t.Errorf("%v, output:\n%s\nwant failure %v, with %q in the output", err, out, c.fails, c.want)
			}
		})
	}
}
