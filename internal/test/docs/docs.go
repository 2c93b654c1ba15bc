// Package docs keeps the documentation of the library complete and true. Each name has an
// example that runs, and code in comments stands in an example.
package docs

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// byOthers are methods that packages fmt, errors and net call, or this library, and users
// rarely. They need no example.
var byOthers = []string{"Error", "String", "Format", "Unwrap", "Is", "Temporary", "Echo", "LogValue"}

// tables is the heading of sections with indented text that is not code.
const tables = "Counterparts"

// Missing returns a line for each thing that the documentation of the package in a folder
// lacks. It must have
//
//   - an example for each exported function and type. The example of a function calls it. A
//     type without functions needs none if another type has a field of that type;
//   - a call of each exported method in one of the examples of its type;
//   - a program at the beginning of the package comment, which stands in an example of
//     the package;
//   - an example that contains each other block of code, or of output, in a comment.
//
// An example counts if its output is checked. Examples have no *testing.T, so some
// functions, types and packages cannot have examples. inTests has their names. Their
// comments have code that stands in a test.
func Missing(dir string, inTests ...string) ([]string, error) {
	p, err := load(dir)
	if err != nil {
		return nil, err
	}
	p.inTests = inTests
	p.program()
	for _, f := range p.doc.Funcs {
		p.function(f)
	}
	for _, t := range p.doc.Types {
		p.typ(t)
	}
	p.values(p.doc.Consts)
	p.values(p.doc.Vars)
	for _, name := range inTests {
		if !p.found[name] {
			p.lack(name, "is named as one for tests, but does not exist")
		}
	}
	return p.missing, nil
}

// A pkg is a package with its documentation.
type pkg struct {
	name     string
	doc      *doc.Package
	examples map[string]*function // with output, by name
	tests    []*function
	inTests  []string
	found    map[string]bool // which of inTests there are
	missing  []string
}

// A function is one of a test file.
type function struct {
	calls   map[string]bool // names from the package
	methods map[string]bool // names from other values
	text    string          // its source, and the output of an example
}

// load reads the files of a package.
func load(dir string) (*pkg, error) {
	b, err := build.ImportDir(dir, 0)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	var files, testFiles []*ast.File
	p := &pkg{name: b.Name, examples: map[string]*function{}, found: map[string]bool{}}
	functions := map[string]*function{}
	for _, name := range slices.Concat(b.GoFiles, b.TestGoFiles, b.XTestGoFiles) {
		source, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(fset, name, source, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
		if !strings.HasSuffix(name, "_test.go") {
			continue
		}
		testFiles = append(testFiles, f)
		for _, d := range f.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && d.Recv == nil {
				functions[d.Name.Name] = p.read(fset, f, d, source)
			}
		}
	}
	for name, f := range functions {
		if strings.HasPrefix(name, "Test") {
			p.tests = append(p.tests, f)
		}
	}
	for _, e := range doc.Examples(testFiles...) {
		if e.Output != "" || e.EmptyOutput {
			f := functions["Example"+e.Name]
			f.text += plain(e.Output)
			p.examples[e.Name] = f
		}
	}
	p.doc, err = doc.NewFromFiles(fset, files, dir)
	return p, err
}

// read returns a function of a file.
func (p *pkg) read(fset *token.FileSet, f *ast.File, d *ast.FuncDecl, source []byte) *function {
	packages := map[string]bool{}
	for _, i := range f.Imports {
		name := path.Base(strings.Trim(i.Path.Value, `"`))
		if i.Name != nil {
			name = i.Name.Name
		}
		packages[name] = true
	}
	fn := &function{calls: map[string]bool{}, methods: map[string]bool{}}
	ast.Inspect(d, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		switch x, ok := s.X.(*ast.Ident); {
		case !ok || !packages[x.Name]:
			fn.methods[s.Sel.Name] = true
		case x.Name == p.name:
			fn.calls[s.Sel.Name] = true
		}
		return true
	})
	fn.text = plain(string(source[fset.Position(d.Pos()).Offset:fset.Position(d.End()).Offset]))
	return fn
}

// plain returns lines without their indentation, which differs between code and comments,
// so that a search finds whole lines.
func plain(text string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		b.WriteString(strings.TrimSpace(l) + "\n")
	}
	return "\n" + strings.Trim(b.String(), "\n") + "\n"
}

// lack notes that a name lacks something.
func (p *pkg) lack(name, what string) {
	if name != p.name {
		name = p.name + "." + name
	}
	p.missing = append(p.missing, name+": "+what)
}

// exempt reports whether name is one of inTests. Its comment must show a test then.
func (p *pkg) exempt(name, comment string, examples []*function) bool {
	if !slices.Contains(p.inTests, name) {
		return false
	}
	p.found[name] = true
	if len(examples) > 0 {
		p.lack(name, "is named as one for tests, but has an example")
	}
	if !slices.ContainsFunc(p.blocks(comment), p.inTest) {
		p.lack(name, "its comment shows no test that runs")
	}
	return true
}

// program checks the package comment.
func (p *pkg) program() {
	blocks, run := p.blocks(p.doc.Doc), p.running(p.doc.Examples)
	switch {
	case p.exempt(p.name, p.doc.Doc, run):
		p.comment(p.name, p.doc.Doc)
	case len(blocks) == 0:
		p.lack(p.name, "its comment has no program")
	case !slices.ContainsFunc(run, func(e *function) bool { return e.has(blocks[0]) }):
		p.lack(p.name, "the program in its comment stands in no example of the package")
	default:
		p.comment(p.name, p.doc.Doc)
	}
}

// function checks a function.
func (p *pkg) function(f *doc.Func) {
	p.comment(f.Name, f.Doc)
	run := p.running(f.Examples)
	switch {
	case p.exempt(f.Name, f.Doc, run):
	case len(run) == 0:
		p.lack(f.Name, "no example with output")
	case !slices.ContainsFunc(run, func(e *function) bool { return e.calls[f.Name] }):
		p.lack(f.Name, "its example does not call it")
	}
}

// typ checks a type and what belongs to it.
func (p *pkg) typ(t *doc.Type) {
	p.comment(t.Name, t.Doc)
	p.within(t.Name, t.Decl)
	p.values(t.Consts)
	p.values(t.Vars)
	run := p.running(t.Examples)
	if !p.exempt(t.Name, t.Doc, run) && len(run) == 0 && !p.isPart(t) {
		p.lack(t.Name, "no example with output")
	}
	for _, f := range t.Funcs {
		p.function(f)
		run = append(run, p.running(f.Examples)...)
	}
	for _, m := range t.Methods {
		run = append(run, p.running(m.Examples)...)
	}
	for _, m := range t.Methods {
		name := t.Name + "." + m.Name
		p.comment(name, m.Doc)
		called := func(e *function) bool { return e.methods[m.Name] }
		if own := p.running(m.Examples); len(own) > 0 && !slices.ContainsFunc(own, called) {
			p.lack(name, "its example does not call it")
		} else if !slices.Contains(byOthers, m.Name) && !slices.ContainsFunc(run, called) {
			p.lack(name, "no example of "+t.Name+" calls it")
		}
	}
}

// isPart reports whether a type has no functions and another type has a field of it.
func (p *pkg) isPart(t *doc.Type) bool {
	return len(t.Funcs) == 0 && len(t.Methods) == 0 && slices.ContainsFunc(p.doc.Types, func(other *doc.Type) bool {
		found := false
		ast.Inspect(other.Decl, func(n ast.Node) bool {
			if f, ok := n.(*ast.Field); ok && other != t {
				ast.Inspect(f.Type, func(n ast.Node) bool {
					id, ok := n.(*ast.Ident)
					found = found || ok && id.Name == t.Name
					return true
				})
			}
			return true
		})
		return found
	})
}

// running returns the examples with output.
func (p *pkg) running(examples []*doc.Example) []*function {
	var run []*function
	for _, e := range examples {
		if f := p.examples[e.Name]; f != nil {
			run = append(run, f)
		}
	}
	return run
}

// values checks the comments of constants or variables.
func (p *pkg) values(values []*doc.Value) {
	for _, v := range values {
		p.comment(v.Names[0], v.Doc)
		p.within(v.Names[0], v.Decl)
	}
}

// within checks the comments of fields, or of values that are declared together.
func (p *pkg) within(name string, decl *ast.GenDecl) {
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			p.comment(name, n.Doc.Text())
		case *ast.ValueSpec:
			p.comment(name, n.Doc.Text())
		}
		return true
	})
}

// comment checks that code and output in a comment stand in an example, or in a test.
func (p *pkg) comment(name, text string) {
	for _, b := range p.blocks(text) {
		if !p.inExample(b) && (len(p.inTests) == 0 || !p.inTest(b)) {
			first, _, _ := strings.Cut(b, "\n")
			p.lack(name, fmt.Sprintf("its comment has what stands in no example: %q...", first))
		}
	}
}

// blocks returns the indented text of a comment, without tables.
func (p *pkg) blocks(text string) []string {
	var blocks []string
	heading := ""
	for _, b := range p.doc.Parser().Parse(text).Content {
		switch b := b.(type) {
		case *comment.Heading:
			heading = string(p.doc.Printer().Text(&comment.Doc{Content: []comment.Block{&comment.Paragraph{Text: b.Text}}}))
		case *comment.Code:
			if strings.TrimSpace(heading) != tables {
				blocks = append(blocks, b.Text)
			}
		}
	}
	return blocks
}

// inExample reports whether a block stands in an example.
func (p *pkg) inExample(block string) bool {
	for _, e := range p.examples {
		if e.has(block) {
			return true
		}
	}
	return false
}

// inTest reports whether a block stands in a test.
func (p *pkg) inTest(block string) bool {
	return slices.ContainsFunc(p.tests, func(t *function) bool { return t.has(block) })
}

// has reports whether a block stands in the function, as whole lines.
func (f *function) has(block string) bool { return strings.Contains(f.text, plain(block)) }
