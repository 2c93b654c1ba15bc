package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grove-go/grove/testutil/lint"
)

const source = `package p

import (
	"context"
	"time"

	"example.com/missing"
	"golang.org/x/sync/errgroup"
)

func f(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return missing.Call(ctx) })
	g.Go(func() error { return gctx.Err() })
	time.Sleep(time.Second)
	return g.Wait()
}
`

// TestWalk checks a package that imports another one, which is not there.
func TestWalk(t *testing.T) {
	if err := lint.Errgroup("true"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.go":          source,
		"b_test.go":     strings.Replace(source, "func f", "func g", 1),
		"vendor/c.go":   source,
		"template/d.go": "package {{.}}",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := newCorpus(dir)
	var list strings.Builder
	c.list = &list
	if err := c.walk(); err != nil {
		t.Fatal(err)
	}
	if c.packages != 1 || c.users != 1 {
		t.Errorf("%d packages, %d with errgroup, want 1, 1", c.packages, c.users)
	}
	for name, want := range map[string][2]int{"outerctx": {1, 1}, "tasksleep": {1, 0}, "barego": {0, 0}} {
		if c.found[name] != want {
			t.Errorf("%s found %v, want %v:\n%s", name, c.found[name], want, &list)
		}
	}
}
