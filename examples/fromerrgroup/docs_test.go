package fromerrgroup_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grove-go/grove/examples/internal/docs"
)

const document = "../../docs/from-errgroup.md"

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// mustContainDoc fails the test unless the document has the text.
func mustContainDoc(t *testing.T, text string) {
	t.Helper()
	if !strings.Contains(read(t, document), text) {
		t.Errorf("the document does not have %s", text)
	}
}

// quote returns a text as the document shows it in a line.
func quote(text string) string { return "`" + strings.ReplaceAll(text, "\n", `\n`) + "`" }

func TestDocument(t *testing.T) {
	text := read(t, document)
	t.Run("its Go is compiled here", func(t *testing.T) {
		docs.Blocks(t, document, "*_test.go")
	})
	t.Run("its output is that of an example", func(t *testing.T) {
		var tests strings.Builder
		for _, f := range glob(t, "*_test.go") {
			tests.WriteString(read(t, f))
		}
		shown := 0
		for _, b := range regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
			if b[1] != "" || strings.HasPrefix(b[2], "$ ") {
				continue
			}
			shown++
			lines := "\t// " + strings.ReplaceAll(strings.TrimSuffix(b[2], "\n"), "\n", "\n\t// ") + "\n"
			if !strings.Contains(tests.String(), lines) {
				t.Errorf("no example has the output\n%s", b[2])
			}
		}
		if shown == 0 {
			t.Error("it shows no output")
		}
	})
	t.Run("each statement has its test, and each test is named", func(t *testing.T) {
		named := regexp.MustCompile("`((Test|Example_)\\w+)`").FindAllStringSubmatch(text, -1)
		var names []string
		for _, n := range named {
			names = append(names, n[1])
		}
		tests := declared(t, "*_test.go")
		for _, n := range names {
			if !slices.Contains(tests, n) {
				t.Errorf("it names %s, which is not there", n)
			}
		}
		for _, n := range tests {
			if strings.HasPrefix(n, "Test") && n != "TestMain" && n != "TestDocument" && !slices.Contains(names, n) {
				t.Errorf("it does not name %s", n)
			}
		}
	})
	t.Run("what it names is there", func(t *testing.T) {
		known := map[string][]string{} // by package, and those of Grove under "" as well
		for name, path := range packages {
			known[name] = declared(t, filepath.Join(folder(t, path), "*.go"))
			if strings.HasPrefix(path, "github.com/grove-go/") {
				known[""] = append(known[""], known[name]...)
			}
		}
		for _, m := range regexp.MustCompile(`\b([a-z]\w*)\.([A-Z]\w*)`).FindAllStringSubmatch(text, -1) {
			if names, ok := known[m[1]]; ok && !slices.Contains(names, m[2]) {
				t.Errorf("there is no %s", m[0])
			}
		}
		for _, m := range regexp.MustCompile("`([A-Z]\\w*\\.[A-Z]\\w*)").FindAllStringSubmatch(text, -1) {
			if !slices.Contains(known[""], m[1]) {
				t.Errorf("there is no %s", m[1])
			}
		}
	})
	t.Run("the versions are those of the tests", func(t *testing.T) {
		mod := read(t, "../go.mod")
		modules := regexp.MustCompile("`(\\S+ v\\S+)`").FindAllStringSubmatch(text, -1)
		if len(modules) != 5 {
			t.Errorf("it has the versions of %d modules, want 5", len(modules))
		}
		for _, m := range modules {
			if !strings.Contains(mod, "\t"+m[1]+"\n") {
				t.Errorf("go.mod does not have %s", m[1])
			}
		}
	})
	t.Run("its anchors are headings", func(t *testing.T) {
		notInAnchors := strings.NewReplacer(",", "", " ", "-")
		for _, m := range regexp.MustCompile(`\]\(#([^)]*)\)`).FindAllStringSubmatch(text, -1) {
			found := false
			for _, h := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
				found = found || notInAnchors.Replace(strings.ToLower(h[1])) == m[1]
			}
			if !found {
				t.Errorf("there is no heading for #%s", m[1])
			}
		}
	})
}

// The packages of which the document names something.
var packages = map[string]string{
	"cancel":       "github.com/grove-go/grove/cancel",
	"channel":      "github.com/grove-go/grove/channel",
	"nursery":      "github.com/grove-go/grove/nursery",
	"testutil":     "github.com/grove-go/grove/testutil",
	"errgroup":     "golang.org/x/sync/errgroup",
	"semaphore":    "golang.org/x/sync/semaphore",
	"singleflight": "golang.org/x/sync/singleflight",
	"iter":         "github.com/sourcegraph/conc/iter",
	"panics":       "github.com/sourcegraph/conc/panics",
	"pool":         "github.com/sourcegraph/conc/pool",
	"stream":       "github.com/sourcegraph/conc/stream",
	"run":          "github.com/oklog/run",
	"tomb":         "gopkg.in/tomb.v2",
	"suture":       "github.com/thejerf/suture/v4",
}

// folder returns where the source of a package is.
func folder(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", path).Output()
	if err != nil {
		t.Fatalf("go list %s: %v", path, err)
	}
	return strings.TrimSpace(string(out))
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("files of %s: %v, %v", pattern, files, err)
	}
	return files
}

// declared returns the names that Go files declare, of methods with that of the type.
// Those of tests count if the pattern is one of tests.
func declared(t *testing.T, pattern string) (names []string) {
	t.Helper()
	for _, name := range glob(t, pattern) {
		if strings.HasSuffix(name, "_test.go") != strings.HasSuffix(pattern, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				names = append(names, receiver(d)+d.Name.Name)
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						names = append(names, s.Name.Name)
					case *ast.ValueSpec:
						for _, n := range s.Names {
							names = append(names, n.Name)
						}
					}
				}
			}
		}
	}
	return names
}

// receiver returns the type of a method, with a dot, or nothing.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	typ := d.Recv.List[0].Type
	if p, ok := typ.(*ast.StarExpr); ok {
		typ = p.X
	}
	if g, ok := typ.(*ast.IndexExpr); ok { // of a type with a parameter
		typ = g.X
	}
	if n, ok := typ.(*ast.Ident); ok {
		return n.Name + "."
	}
	return ""
}
