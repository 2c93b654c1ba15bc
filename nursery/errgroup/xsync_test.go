package errgroup_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/grove-go/grove/internal/test/kit"
)

const (
	theirs = "golang.org/x/sync/errgroup"
	ours   = "github.com/grove-go/grove/nursery/errgroup"
)

var verdict = regexp.MustCompile(`(?m)^--- (PASS|FAIL|SKIP): (\w+)`)

// TestXSync runs the tests of golang.org/x/sync/errgroup with this package in place of
// that one. The tests come from the module that go.mod requires.
func TestXSync(t *testing.T) {
	bin := buildXSync(t)
	out, err := exec.Command(bin, "-test.list", "^(Test|Example)").Output()
	if err != nil {
		t.Fatalf("listing the tests: %v", err)
	}
	names := strings.Fields(string(out))
	if len(names) < 6 {
		t.Fatalf("errgroup has the tests and examples %v, want at least 6", names)
	}
	for _, cpu := range []string{"1", "2", "8"} {
		t.Run("E1/GOMAXPROCS="+cpu, func(t *testing.T) {
			c := exec.CommandContext(t.Context(), bin, "-test.v", "-test.count=1", "-test.cpu="+cpu, "-test.timeout=1m")
			c.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE")) // by default a race build sleeps before it exits
			out, err := c.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %v\n%s", c, err, out)
			}
			verdicts := make(map[string]string)
			for _, m := range verdict.FindAllSubmatch(out, -1) {
				verdicts[string(m[2])] = string(m[1])
			}
			for _, name := range names {
				if v := verdicts[name]; v != "PASS" {
					t.Errorf("%s: %q, want PASS", name, v)
				}
			}
		})
	}
}

// buildXSync builds a test binary from a copy of the tests of errgroup and returns its
// path.
func buildXSync(t *testing.T) (bin string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sync").Output()
	if err != nil {
		t.Fatalf("go list -m golang.org/x/sync: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(module)), "errgroup", "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	replaced := false
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		replaced = replaced || bytes.Contains(src, []byte(strconv.Quote(theirs)))
		write(filepath.Base(file), bytes.ReplaceAll(src, []byte(strconv.Quote(theirs)), []byte(strconv.Quote(ours))))
	}
	if !replaced {
		t.Fatalf("no file of %v imports %s", files, theirs)
	}
	write("go.mod", fmt.Appendf(nil, "module xsync\n\ngo 1.26\n\nrequire github.com/grove-go/grove v0.0.0\n\nreplace github.com/grove-go/grove => %s\n", strconv.Quote(root)))
	bin, env := kit.BuildTest(t, dir, ".")
	deps := exec.Command("go", "list", "-deps", "-test", ".")
	deps.Dir, deps.Env = dir, env
	list, err := deps.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", deps, err, list)
	}
	packages := strings.Fields(string(list))
	if !slices.Contains(packages, ours) || slices.Contains(packages, theirs) {
		t.Fatalf("the tests do not run on %s alone: they import %v", ours, packages)
	}
	return bin
}
