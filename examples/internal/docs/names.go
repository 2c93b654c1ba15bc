package docs

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Exported returns the names that packages declare, on all systems: functions, types,
// variables and constants as Name, methods and fields as Type.Name. The values of packages
// are import paths, and its keys are the keys of the result.
func Exported(t testing.TB, packages map[string]string) map[string]map[string]bool {
	t.Helper()
	args := []string{"list", "-f", "{{.ImportPath}} {{.Dir}}"}
	out, err := exec.CommandContext(t.Context(), "go", append(args, slices.Collect(maps.Values(packages))...)...).Output()
	if err != nil {
		t.Fatalf("docs: go list: %v", err)
	}
	folders := map[string]string{}
	for l := range bytes.Lines(out) {
		path, folder, _ := strings.Cut(strings.TrimSpace(string(l)), " ")
		folders[path] = folder
	}
	exported := map[string]map[string]bool{}
	for name, path := range packages {
		exported[name] = declared(t, folders[path])
	}
	return exported
}

// declared returns the names that the files of a folder declare, without its tests.
func declared(t testing.TB, folder string) map[string]bool {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				names[receiver(d)+d.Name.Name] = true
			case *ast.GenDecl:
				for _, s := range d.Specs {
					specified(names, s)
				}
			}
		}
	}
	return names
}

// receiver returns the type of a method and a dot, and nothing for a function.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	typ := d.Recv.List[0].Type
	if p, ok := typ.(*ast.StarExpr); ok {
		typ = p.X
	}
	switch generic := typ.(type) {
	case *ast.IndexExpr:
		typ = generic.X
	case *ast.IndexListExpr:
		typ = generic.X
	}
	return typ.(*ast.Ident).Name + "."
}

// specified adds the names in a declaration of variables, constants or a type.
func specified(names map[string]bool, s ast.Spec) {
	switch s := s.(type) {
	case *ast.ValueSpec:
		for _, n := range s.Names {
			names[n.Name] = true
		}
	case *ast.TypeSpec:
		names[s.Name.Name] = true
		var members *ast.FieldList
		switch u := s.Type.(type) {
		case *ast.StructType:
			members = u.Fields
		case *ast.InterfaceType:
			members = u.Methods
		default:
			return
		}
		for _, m := range members.List {
			for _, n := range m.Names {
				names[s.Name.Name+"."+n.Name] = true
			}
		}
	}
}
