package docs

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

func TestBlocks(t *testing.T) {
	const source = "package p\n\nfunc f() {\n\tif x {\n\t\tgo1()\n\n\t\tgo2()\n\t}\n}\n\nfunc g() {\n}\n"
	for _, c := range []struct {
		name, document string
		blocks         int
		want           string // in the message of the failure, or "" for none
	}{
		{"a block that stands there", "a\n```go\nif x {\n\tgo1()\n\n\tgo2()\n}\n```\nb\n", 1, ""},
		{"two blocks, one indented in a list", "```go\ngo1()\n```\n- a\n  ```go\n  go2()\n  ```\n", 2, ""},
		{"blocks of other languages do not count", "```go\ngo1()\n```\n```python\nf()\n```\n", 1, ""},
		{"a block that stands nowhere", "```go\ngo1()\n```\n```go\ngo3()\n```\n", 2, "no file of p.go:\ngo3()"},
		{"lines in another order", "```go\ngo2()\n\ngo1()\n```\n", 1, "no file of p.go"},
		{"half a line", "```go\nx {\ngo1()\n```\n", 1, "no file of p.go"},
		{"a file", "```go\n" + source + "```\n", 1, ""},
		{"declarations", "```go\nfunc f() {\n\tif x {\n\t\tgo1()\n\n\t\tgo2()\n\t}\n}\n\nfunc g() {\n}\n```\n", 1, ""},
		{"the beginning of a function", "```go\nfunc f() {\n\tif x {\n\t\tgo1()\n```\n", 1, "not complete ("},
		{"the beginning of a statement", "```go\nif x {\n\tgo1()\n```\n", 1, "not complete"},
		{"the end of a function", "```go\n\t\tgo2()\n\t}\n}\n```\n", 1, "not complete"},
		{"the end of a function and the beginning of another one", "```go\n}\n\nfunc g() {\n```\n", 1, "not complete (it has the end"},
		{"a block that is not closed", "```go\ngo3()\n", 1, "no file of p.go"},
		{"a document without blocks", "```python\nf()\n```\n", 0, "has no block of Go"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "p.go", source)
			write(t, "doc.md", c.document)
			blocks, failure := try(t, "doc.md", "p.go")
			if len(blocks) != c.blocks {
				t.Errorf("Blocks returned %d blocks, want %d: %q", len(blocks), c.blocks, blocks)
			}
			if (failure == "") != (c.want == "") || !strings.Contains(failure, c.want) {
				t.Errorf("failure %q, want one with %q", failure, c.want)
			}
		})
	}
}

func TestBlocksNoFile(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "p.go", "package p\n")
	write(t, "doc.md", "```go\npackage p\n```\n")
	if _, failure := try(t, "none.md", "p.go"); !strings.Contains(failure, "none.md") {
		t.Errorf("a document that is not there: failure %q", failure)
	}
	if _, failure := try(t, "doc.md", "p.go", "*.txt"); !strings.Contains(failure, `"*.txt"`) {
		t.Errorf("a pattern without files: failure %q", failure)
	}
	if _, failure := try(t, "doc.md", "["); !strings.Contains(failure, "syntax error in pattern") {
		t.Errorf("a bad pattern: failure %q", failure)
	}
}

// try calls Blocks, and returns what it returns and how it fails.
func try(t *testing.T, document string, patterns ...string) (blocks []string, failure string) {
	r := &recorder{TB: t}
	defer func() {
		if v := recover(); v != nil && v != r {
			panic(v)
		}
		failure = r.failure
	}()
	return Blocks(r, document, patterns...), ""
}

// A recorder is a testing.TB that notes how it fails. It panics with itself where the
// test would end.
type recorder struct {
	testing.TB
	failure string
}

func (r *recorder) Errorf(format string, args ...any) { r.failure += fmt.Sprintf(format, args...) }
func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...); panic(r) }
func (r *recorder) Fatal(args ...any)                 { r.Errorf("%s", fmt.Sprint(args...)); panic(r) }

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
