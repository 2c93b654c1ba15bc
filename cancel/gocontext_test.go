package cancel_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grove-go/grove/internal/test/kit"
)

// goContextForms are the forms of contexts that Go's tests run on. The words are
// explained in testdata/gocontext/context. The first two forms show whether a failure in
// another form is caused by the harness.
var goContextForms = []struct{ name, words string }{
	{"C1/standard contexts", "std"},
	{"C1/standard contexts with values between", "std,values"},
	{"C1/scopes", ""},
	{"C1/scopes after Done", "done"},
	{"C1/scopes with values between", "values"},
	{"C1/scopes after Done with values between", "values,done"},
	{"C1/scopes and standard contexts in turn", "mixed"},
	{"C1/scopes after Done and standard contexts in turn", "mixed,done"},
	{"C1/scopes and standard contexts in turn with values between", "mixed,values"},
	{"C1/scopes after Done and standard contexts in turn with values between", "mixed,values,done"},
}

// goContextEdits are replacements in the source of Go's tests. The old text must
// occur in the file.
var goContextEdits = []struct{ file, old, new, reason string }{
	{"x_test.go", `"context.Background.WithCancel"`, `StringOf(".WithCancel")`,
		"String of a scope shows that it is a scope"},
	{"x_test.go", `"context.Background.WithDeadline("`, `StringOf(".WithDeadline(")`,
		"String of a scope shows that it is a scope"},
	{"context_test.go", "now != g+1", "Wrong(now, g+1)",
		"a scope starts a goroutine for a foreign parent only when something waits for the scope"},
}

// goContextLeftOut are the tests that never run, or do not run where scopes and standard
// contexts alternate. Go must have them.
var goContextLeftOut = []leftOut{
	{"TestAllocs", false, "it limits the allocations of package context; TestAllocs here limits the allocations of scopes"},
	{"TestCancelRemoves", false, "it counts the children in package context's own type, and checks nothing else"},
	{"TestCustomContextGoroutines", true, toldByGoroutine},
	{"TestLayersCancel", true, toldByGoroutine},
	{"TestParentFinishesChild", true, toldByGoroutine},
	{"TestWithCancel", true, toldByGoroutine},
}

const toldByGoroutine = "a standard context ends the scopes below it in a goroutine, see C4"

type leftOut struct {
	name   string
	mixed  bool // left out only where scopes and standard contexts alternate
	reason string
}

// goContextInternals are unexported names of package context that the package in
// testdata does not have. Statements in context_test.go that use them are left out.
var goContextInternals = []string{
	"afterFuncCtx", "cancelCtx", "canceler", "children", "parentCancelCtx", "timerCtx",
}

// TestGoContext runs Go's own tests of package context with scopes in place of the
// contexts that package context makes. The tests come from the installed Go.
func TestGoContext(t *testing.T) {
	bin := buildGoContext(t)
	out, err := exec.Command(bin, "-test.list", "^(Test|Example)").Output()
	if err != nil {
		t.Fatalf("listing the tests: %v", err)
	}
	names := strings.Fields(string(out))
	if len(names) < 45 {
		t.Fatalf("Go has %d tests and examples of package context, want at least 45", len(names))
	}
	for _, l := range goContextLeftOut {
		if !slices.Contains(names, l.name) {
			t.Errorf("Go no longer has the test %s of package context, which is left out because %s", l.name, l.reason)
		}
	}
	for _, form := range goContextForms {
		t.Run(form.name, func(t *testing.T) {
			t.Parallel()
			var skip []string
			for _, l := range goContextLeftOut {
				if !l.mixed || strings.Contains(form.words, "mixed") {
					skip = append(skip, l.name)
				}
			}
			names := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(skip, name) })
			verdicts := runGoContext(t, bin, form.words, skip)
			count := make(map[string]int)
			for _, name := range names {
				v, ok := verdicts[name]
				if !ok {
					v = "no verdict"
				}
				count[v]++
				if v != "PASS" {
					t.Errorf("%s: %s", name, v)
				}
			}
			t.Logf("%d tests and examples: %v", len(names), count)
		})
	}
}

// buildGoContext builds a test binary from a copy of Go's tests of package context
// and returns its path.
func buildGoContext(t *testing.T) (bin string) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "gocontext"))); err != nil {
		t.Fatal(err)
	}
	mod := fmt.Sprintf("module gocontext\n\ngo 1.26\n\nrequire github.com/grove-go/grove v0.0.0\n\nreplace github.com/grove-go/grove => %s\n", strconv.Quote(root))
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o666); err != nil {
		t.Fatal(err)
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatalf("go env GOROOT: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(goroot)), "src", "context", "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	edited := make([]bool, len(goContextEdits))
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		src = replaceImports(t, name, src)
		if name == "context_test.go" {
			var unchecked []string
			src, unchecked = blankInternals(t, name, src)
			for _, test := range unchecked {
				if !slices.ContainsFunc(goContextLeftOut, func(l leftOut) bool { return l.name == test }) {
					t.Errorf("%s checks nothing without the unexported names of package context", test)
				}
			}
		}
		for i, e := range goContextEdits {
			if e.file == name && bytes.Contains(src, []byte(e.old)) {
				src = bytes.ReplaceAll(src, []byte(e.old), []byte(e.new))
				edited[i] = true
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "context", name), src, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for i, e := range goContextEdits {
		if !edited[i] {
			t.Errorf("Go's tests of package context no longer have %s in %s, which is replaced because %s", e.old, e.file, e.reason)
		}
	}
	bin, _ = kit.BuildTest(t, dir, "./context")
	return bin
}

// replaceImports replaces the imports of a test file of package context: testdata has
// substitutes for package context and for internal packages.
func replaceImports(t *testing.T, name string, src []byte) []byte {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range slices.Backward(file.Imports) {
		var path string
		switch spec.Path.Value {
		case `"context"`:
			path = `"gocontext/context"`
		case `"internal/asan"`:
			path = `"gocontext/asan"`
		default:
			continue
		}
		start, end := fset.Position(spec.Path.Pos()).Offset, fset.Position(spec.Path.End()).Offset
		src = slices.Replace(src, start, end, []byte(path)...)
	}
	return src
}

// blankInternals replaces a declaration or statement by spaces if it uses a name in
// goContextInternals, or a variable that such a statement declares. It also returns the
// names of the tests that check nothing without them.
func blankInternals(t *testing.T, name string, src []byte) (blanked []byte, unchecked []string) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	internal := make(map[string]bool)
	uses := func(n ast.Node) (found bool) {
		ast.Inspect(n, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			found = found || ok && internal[id.Name]
			return !found
		})
		return found
	}
	blank := func(n ast.Node) {
		start, end := fset.Position(n.Pos()).Offset, fset.Position(n.End()).Offset
		for i := start; i < end; i++ {
			if src[i] != '\n' {
				src[i] = ' '
			}
		}
	}
	var blankIn func(list []ast.Stmt)
	blankIn = func(list []ast.Stmt) {
		for _, stmt := range list {
			if !uses(stmt) {
				continue
			}
			// A loop stays, without the statements that use them.
			switch s := stmt.(type) {
			case *ast.ForStmt:
				blankIn(s.Body.List)
				continue
			case *ast.RangeStmt:
				if !uses(s.X) {
					blankIn(s.Body.List)
					continue
				}
			}
			blank(stmt)
			switch s := stmt.(type) {
			case *ast.AssignStmt:
				for _, x := range s.Lhs {
					if id, ok := x.(*ast.Ident); ok && s.Tok == token.DEFINE && id.Name != "_" {
						internal[id.Name] = true
					}
				}
			case *ast.DeclStmt:
				for _, spec := range s.Decl.(*ast.GenDecl).Specs {
					if v, ok := spec.(*ast.ValueSpec); ok {
						for _, id := range v.Names {
							internal[id.Name] = true
						}
					}
				}
			}
		}
	}
	for _, decl := range file.Decls {
		clear(internal)
		for _, name := range goContextInternals {
			internal[name] = true
		}
		f, ok := decl.(*ast.FuncDecl)
		switch {
		case !uses(decl):
		case ok && !uses(f.Type):
			blankIn(f.Body.List)
		default:
			blank(decl)
		}
		if !ok || !strings.HasPrefix(f.Name.Name, "XTest") {
			continue
		}
		start, end := fset.Position(f.Pos()).Offset, fset.Position(f.End()).Offset
		if !bytes.Contains(src[start:end], []byte("t.Error")) && !bytes.Contains(src[start:end], []byte("t.Fatal")) {
			unchecked = append(unchecked, f.Name.Name[1:])
		}
	}
	return src, unchecked
}

var (
	goVerdict = regexp.MustCompile(`(?m)^--- (PASS|FAIL|SKIP): (\w+)`)
	goPassing = regexp.MustCompile(`(?m)^ *(===|--- PASS).*\n`)
	goRunning = regexp.MustCompile(`(?m)^\t+(\w+)(?:/\S*)? \(\d\S*\)$`)
)

// runGoContext runs the test binary in a form and returns each test's verdict. After a
// timeout it starts again without the tests that were running.
func runGoContext(t *testing.T, bin, words string, skip []string) map[string]string {
	t.Helper()
	const timeout = 20 * time.Second
	verdicts := make(map[string]string)
	skip = slices.Clone(skip)
	for {
		ctx, stop := context.WithTimeout(t.Context(), 2*timeout)
		c := exec.CommandContext(ctx, bin, "-test.v", "-test.run=^(Test|Example)",
			"-test.skip=^("+strings.Join(skip, "|")+")$",
			"-test.timeout="+timeout.String(), "-test.cpu="+strconv.Itoa(runtime.GOMAXPROCS(0)))
		c.Env = append(os.Environ(), "GROVE_CONTEXT_FORM="+words,
			"GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE")) // by default a race build sleeps before it exits
		out, err := c.CombinedOutput()
		stop()
		for _, m := range goVerdict.FindAllSubmatch(out, -1) {
			verdicts[string(m[2])] = string(m[1])
		}
		if err == nil {
			return verdicts
		}
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
			t.Fatal(err)
		}
		out, running, timedOut := bytes.Cut(out, []byte("panic: test timed out after "))
		t.Errorf("GROVE_CONTEXT_FORM=%s %v: %v\n%s", words, c, err, goPassing.ReplaceAll(out, nil))
		if !timedOut {
			return verdicts
		}
		hung := goRunning.FindAllSubmatch(running, -1)
		if len(hung) == 0 {
			return verdicts
		}
		for _, m := range hung {
			verdicts[string(m[1])] = "still running after " + timeout.String()
			skip = append(skip, string(m[1]))
		}
	}
}
