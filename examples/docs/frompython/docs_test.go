package frompython

import (
	"bufio"
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grove-go/grove/examples/internal/docs"
)

const folder = "../../../docs/from-python/"

// documents are the documents for users of Python.
var documents = []string{
	"../../../docs/from-python.md",
	folder + "side-by-side.md",
	folder + "web.md",
	folder + "names.md",
	folder + "unlearn.md",
}

func TestBlocks(t *testing.T) {
	for _, page := range []string{"side-by-side.md", "web.md"} {
		docs.Blocks(t, folder+page, "*.go")
	}
}

// TestDocuments checks that no page is missing in documents, and that only the pages that
// TestBlocks reads have Go code.
func TestDocuments(t *testing.T) {
	files, err := filepath.Glob(folder + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !slices.Contains(documents, f) {
			t.Errorf("no test reads %s", f)
		}
	}
	for _, page := range documents {
		hasCode := slices.Contains(lines(t, page), "```go")
		if blocks := page == folder+"side-by-side.md" || page == folder+"web.md"; hasCode && !blocks {
			t.Errorf("no test compiles the code of %s", page)
		}
	}
}

// A row is one of the tables of public names: | names | libraries | in Go |.
type row struct {
	line      int
	spans     []string // of code, in the first cell
	words     map[string]bool
	libraries []string
}

var (
	codeSpan   = regexp.MustCompile("`([^`]+)`")
	identifier = regexp.MustCompile(`[A-Za-z_]\w*`)
)

// rows returns the rows of the page of public names.
func rows(t *testing.T) []row {
	var rows []row
	within := false
	for i, l := range lines(t, folder+"names.md") {
		cells := strings.Split(l, "|")
		switch {
		case l == "| Python | of | in Go |":
			within = true
		case !strings.HasPrefix(l, "|"):
			within = false
		case within && len(cells) != 5:
			t.Errorf("line %d: %d cells, want 3: %s", i+1, len(cells)-2, l)
		case within && !strings.HasPrefix(l, "| ---"):
			r := row{line: i + 1, words: map[string]bool{}, libraries: strings.Split(strings.TrimSpace(cells[2]), ", ")}
			for _, m := range codeSpan.FindAllStringSubmatch(cells[1], -1) {
				r.spans = append(r.spans, m[1])
				for _, w := range identifier.FindAllString(m[1], -1) {
					r.words[w] = true
				}
			}
			rows = append(rows, r)
		}
	}
	return rows
}

// TestNames checks that each public name of the four libraries is in a row of that
// library, and that the rows have no other names.
func TestNames(t *testing.T) {
	rows := rows(t)
	known := map[string]map[string]bool{} // of each library, the parts of its names
	f, err := os.Open("testdata/names.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	names := 0
	for s := bufio.NewScanner(f); s.Scan(); {
		library, name, ok := strings.Cut(s.Text(), " ")
		if !ok || strings.HasPrefix(library, "#") {
			continue
		}
		names++
		parts := strings.Split(name, ".")
		if known[library] == nil {
			known[library] = map[string]bool{}
		}
		for _, p := range parts {
			known[library][p] = true
		}
		// A function needs its module in the row, because functions of several modules
		// have the same name. A class does not.
		last := len(parts) - 1
		if last > 0 && token.IsExported(parts[last]) && !token.IsExported(parts[last-1]) {
			parts = parts[last:]
		}
		if !slices.ContainsFunc(rows, func(r row) bool {
			if !slices.Contains(r.libraries, title(library)) {
				return false
			}
			return !slices.ContainsFunc(parts, func(p string) bool { return !r.words[p] })
		}) {
			t.Errorf("no row of %s has %s", title(library), name)
		}
	}
	if names < 1500 {
		t.Errorf("testdata/names.txt has %d names", names)
	}
	for _, r := range rows {
		for w := range r.words {
			for _, l := range r.libraries {
				if !known[strings.ToLower(l)][w] {
					t.Errorf("line %d: %s has no %s", r.line, l, w)
				}
			}
		}
	}
}

// title returns the name of a library as the document writes it.
func title(library string) string {
	switch library {
	case "trio":
		return "Trio"
	case "curio":
		return "Curio"
	}
	return library
}

// packages are the packages that the pages name.
var packages = map[string]string{
	"cancel":    "github.com/grove-go/grove/cancel",
	"nursery":   "github.com/grove-go/grove/nursery",
	"channel":   "github.com/grove-go/grove/channel",
	"debug":     "github.com/grove-go/grove/nursery/debug",
	"testutil":  "github.com/grove-go/grove/testutil",
	"errmatch":  "github.com/grove-go/grove/testutil/errmatch",
	"bufio":     "bufio",
	"bytes":     "bytes",
	"context":   "context",
	"errors":    "errors",
	"exec":      "os/exec",
	"filepath":  "path/filepath",
	"fmt":       "fmt",
	"fs":        "io/fs",
	"gob":       "encoding/gob",
	"http":      "net/http",
	"httptest":  "net/http/httptest",
	"httptrace": "net/http/httptrace",
	"io":        "io",
	"iotest":    "testing/iotest",
	"iter":      "iter",
	"json":      "encoding/json",
	"net":       "net",
	"netip":     "net/netip",
	"os":        "os",
	"pprof":     "runtime/pprof",
	"runtime":   "runtime",
	"signal":    "os/signal",
	"slices":    "slices",
	"strings":   "strings",
	"sync":      "sync",
	"syscall":   "syscall",
	"testing":   "testing",
	"time":      "time",
	"tls":       "crypto/tls",
	"url":       "net/url",
}

// variables are the variables in the prose, as in ctx.Done().
var variables = []string{"c", "client", "ctx", "mux", "n", "r", "response", "x"}

var qualified = regexp.MustCompile(`\b([a-z]\w*)\.([A-Z]\w*)(?:\.([A-Z]\w*))?`)

// TestGoNames checks that the names of Grove and the standard library exist.
func TestGoNames(t *testing.T) {
	exported := docs.Exported(t, packages)
	checked := 0
	for _, page := range documents {
		prose(t, page, func(place, l string) {
			for _, span := range codeSpan.FindAllStringSubmatch(l, -1) {
				if strings.HasPrefix(l, "|") && pythonCell(l, span[0]) {
					continue
				}
				for _, m := range qualified.FindAllStringSubmatch(span[1], -1) {
					name := strings.TrimSuffix(m[2]+"."+m[3], ".")
					names, ok := exported[m[1]]
					switch {
					case !ok && m[1] != "asyncio" && !slices.Contains(variables, m[1]):
						t.Errorf("%s: package %s of %s is not known here", place, m[1], m[0])
					case ok && !names[name]:
						t.Errorf("%s: there is no %s", place, m[0])
					case ok:
						checked++
					}
				}
			}
		})
	}
	if checked < 300 {
		t.Errorf("%d names checked", checked)
	}
}

// TestSpelling checks that only names of Python have two l.
func TestSpelling(t *testing.T) {
	for _, page := range documents {
		prose(t, page, func(place, l string) {
			words := codeSpan.ReplaceAllString(l, "")
			if strings.Contains(words, "cancell"+"ed") || strings.Contains(words, "cancell"+"ing") {
				t.Errorf("%s: Go writes canceled, canceling: %s", place, l)
			}
		})
	}
}

// pythonCell reports whether a span of a row stands in its first cell.
func pythonCell(row, span string) bool {
	return strings.Contains(strings.Split(row, "|")[1], span)
}

// prose calls fn for each line of a page that is not in a block of code.
func prose(t *testing.T, page string, fn func(place, line string)) {
	code := false
	for i, l := range lines(t, page) {
		if strings.HasPrefix(l, "```") {
			code = !code
		}
		if !code {
			fn(fmt.Sprintf("%s:%d", page, i+1), strings.TrimSpace(l))
		}
	}
}

func lines(t *testing.T, page string) []string {
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(b), "\n")
}
