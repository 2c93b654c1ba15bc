// Corpus runs the analyzers over modules without their dependencies, and counts the
// findings.
//
//	go run ./internal/corpus [-list] oras.land/oras-go/v2@v2.7.0 …
//
// It downloads a module from the module proxy, and type-checks its packages one by one. It
// knows the packages of the standard library, and errgroup. It takes all other packages for
// empty, and ignores errors about them. It therefore knows less than grovelint about the
// names in a package, and may find less.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"log"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/tools/go/analysis"

	"github.com/grove-go/grove/testutil/lint"
)

// analyzers are all analyzers.
var analyzers = slices.Concat(lint.Analyzers, lint.OptIn)

func main() {
	log.SetFlags(0)
	log.SetPrefix("corpus: ")
	list := flag.Bool("list", false, "print each finding, too")
	flag.Parse()
	if err := lint.Errgroup("true"); err != nil {
		log.Fatal(err)
	}
	fmt.Print("| module | packages | with errgroup |")
	for _, a := range analyzers {
		fmt.Printf(" %s |", a.Name)
	}
	fmt.Println(" time |")
	fmt.Println("|" + strings.Repeat(" --- |", 4+len(analyzers)))
	for _, module := range flag.Args() {
		dir, err := download(module)
		if err != nil {
			log.Fatal(err)
		}
		c := newCorpus(dir)
		if *list {
			c.list = os.Stderr
		}
		if err := c.walk(); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("| %s | %d | %d |", module, c.packages, c.users)
		for _, a := range analyzers {
			n := c.found[a.Name]
			fmt.Printf(" %d [%d] |", n[0], n[1])
		}
		fmt.Printf(" %.1f s |\n", c.spent.Seconds())
	}
}

// A corpus is a module with its findings.
type corpus struct {
	list     io.Writer // gets each finding
	dir      string
	fset     *token.FileSet
	known    map[string]*types.Package // by path
	importer types.ImporterFrom        // of the standard library, from source
	packages int
	users    int               // packages that import errgroup
	found    map[string][2]int // by analyzer: outside of tests, and in tests
	spent    time.Duration     // by the analyzers
}

func newCorpus(dir string) *corpus {
	fset := token.NewFileSet()
	return &corpus{
		list: io.Discard, dir: dir, fset: fset,
		known:    make(map[string]*types.Package),
		importer: importer.ForCompiler(fset, "source", nil).(types.ImporterFrom),
		found:    make(map[string][2]int),
	}
}

// download returns the directory of a module in the module cache.
func download(module string) (dir string, err error) {
	out, err := exec.Command("go", "mod", "download", "-json", module).Output()
	if err != nil {
		return "", fmt.Errorf("go mod download %s: %w: %s", module, err, out)
	}
	var info struct{ Dir string }
	if err := json.Unmarshal(out, &info); err != nil {
		return "", err
	}
	return info.Dir, nil
}

// walk checks all packages.
func (c *corpus) walk() error {
	return filepath.WalkDir(c.dir, func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); dir != c.dir && (name == "vendor" || name == "testdata" || name == "node_modules") {
			return fs.SkipDir
		}
		return c.directory(dir)
	})
}

// directory checks the packages in a directory: the package with its internal tests, and
// its external tests.
func (c *corpus) directory(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	packages := make(map[string][]*ast.File)
	for _, e := range entries {
		if e.IsDir() || filepath.Ext(e.Name()) != ".go" {
			continue
		}
		if ok, err := build.Default.MatchFile(dir, e.Name()); err != nil || !ok {
			continue // for another system, or unreadable
		}
		f, err := parser.ParseFile(c.fset, filepath.Join(dir, e.Name()), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			continue // not Go, such as the templates of generators
		}
		packages[f.Name.Name] = append(packages[f.Name.Name], f)
	}
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		if err := c.check(dir, packages[name]); err != nil {
			return err
		}
	}
	return nil
}

func (c *corpus) check(dir string, files []*ast.File) error {
	info := &types.Info{
		Types: make(map[ast.Expr]types.TypeAndValue), Defs: make(map[*ast.Ident]types.Object), Uses: make(map[*ast.Ident]types.Object),
		Implicits: make(map[ast.Node]types.Object), Instances: make(map[*ast.Ident]types.Instance), Scopes: make(map[ast.Node]*types.Scope),
		Selections: make(map[*ast.SelectorExpr]*types.Selection), FileVersions: make(map[*ast.File]string),
	}
	config := &types.Config{Importer: c, Error: func(error) {}, FakeImportC: true}
	pkg, _ := config.Check("corpus/"+filepath.ToSlash(strings.TrimPrefix(dir, c.dir)), c.fset, files, info) // errors are expected
	c.packages++
	if slices.ContainsFunc(pkg.Imports(), func(p *types.Package) bool { return p.Path() == errgroupPath }) {
		c.users++
	}
	began := time.Now()
	defer func() { c.spent += time.Since(began) }()
	results := make(map[*analysis.Analyzer]any)
	for _, a := range analyzers {
		if err := c.analyze(a, pkg, files, info, results); err != nil {
			return err
		}
	}
	return nil
}

// analyze runs an analyzer and its requirements.
func (c *corpus) analyze(a *analysis.Analyzer, pkg *types.Package, files []*ast.File, info *types.Info, results map[*analysis.Analyzer]any) error {
	if _, ok := results[a]; ok {
		return nil
	}
	for _, r := range a.Requires {
		if err := c.analyze(r, pkg, files, info, results); err != nil {
			return err
		}
	}
	pass := &analysis.Pass{
		Analyzer: a, Fset: c.fset, Files: files, Pkg: pkg, TypesInfo: info, TypesSizes: types.SizesFor("gc", build.Default.GOARCH),
		ResultOf: results, ReadFile: os.ReadFile,
		Report: func(d analysis.Diagnostic) {
			at := c.fset.Position(d.Pos)
			n := c.found[a.Name]
			if strings.HasSuffix(at.Filename, "_test.go") {
				n[1]++
			} else {
				n[0]++
			}
			c.found[a.Name] = n
			fmt.Fprintf(c.list, "%s:%d: %s: %s\n", filepath.ToSlash(strings.TrimPrefix(at.Filename, c.dir+string(filepath.Separator))), at.Line, a.Name, d.Message)
		},
		ImportObjectFact: func(types.Object, analysis.Fact) bool { return false }, ExportObjectFact: func(types.Object, analysis.Fact) {},
		ImportPackageFact: func(*types.Package, analysis.Fact) bool { return false }, ExportPackageFact: func(analysis.Fact) {},
		AllObjectFacts: func() []analysis.ObjectFact { return nil }, AllPackageFacts: func() []analysis.PackageFact { return nil },
	}
	result, err := a.Run(pass)
	if err != nil {
		return fmt.Errorf("%s: %w", a.Name, err)
	}
	results[a] = result
	return nil
}

const errgroupPath = "golang.org/x/sync/errgroup"

// Import implements [types.Importer].
func (c *corpus) Import(importPath string) (*types.Package, error) {
	if pkg := c.known[importPath]; pkg != nil {
		return pkg, nil
	}
	pkg, err := c.load(importPath)
	if err != nil {
		pkg = types.NewPackage(importPath, path.Base(importPath))
		pkg.MarkComplete()
	}
	c.known[importPath] = pkg
	return pkg, nil
}

func (c *corpus) load(importPath string) (*types.Package, error) {
	if first, _, _ := strings.Cut(importPath, "/"); !strings.Contains(first, ".") {
		return c.importer.ImportFrom(importPath, "", 0)
	}
	if importPath != errgroupPath {
		return nil, fs.ErrNotExist
	}
	f, err := parser.ParseFile(c.fset, "errgroup.go", errgroupSource, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return (&types.Config{Importer: c}).Check(importPath, c.fset, []*ast.File{f}, nil)
}

// errgroupSource is a declaration of package errgroup.
const errgroupSource = `package errgroup

import "context"

type Group struct{ _ func() }

func WithContext(ctx context.Context) (*Group, context.Context)
func (g *Group) Wait() error
func (g *Group) Go(f func() error)
func (g *Group) TryGo(f func() error) bool
func (g *Group) SetLimit(n int)
`
