package code

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// Visible returns the variables with a name that are visible at pos and have a type that is
// accepts, from the innermost scope to the package's.
func Visible(pkg *types.Package, pos token.Pos, is func(types.Type) bool) (vars []*types.Var) {
	hidden := make(map[string]bool)
	for s := pkg.Scope().Innermost(pos); s != nil && s != types.Universe; s = s.Parent() {
		for _, name := range s.Names() {
			obj := s.Lookup(name)
			// Declarations in a function are visible after their place. In the scope of a
			// package the order does not matter.
			if hidden[name] || s != pkg.Scope() && obj.Pos() >= pos {
				continue
			}
			hidden[name] = true
			if v, ok := obj.(*types.Var); ok && name != "_" && is(v.Type()) {
				vars = append(vars, v)
			}
		}
	}
	return vars
}

// Means reports whether name denotes obj at pos.
func Means(pkg *types.Package, pos token.Pos, name string, obj types.Object) bool {
	s := pkg.Scope().Innermost(pos)
	if s == nil {
		return false
	}
	_, found := s.LookupParent(name, pos)
	return found == obj
}

// PackageName returns the name of a package in the file of pos. It returns "" if the file
// does not import the package, or if the name denotes something else at pos.
func PackageName(pass *analysis.Pass, pos token.Pos, path string) string {
	for _, f := range pass.Files {
		if pos < f.FileStart || f.FileEnd < pos {
			continue
		}
		for _, spec := range f.Imports {
			obj := pass.TypesInfo.PkgNameOf(spec)
			if obj != nil && obj.Imported().Path() == path && obj.Name() != "." && Means(pass.Pkg, pos, obj.Name(), obj) {
				return obj.Name()
			}
		}
	}
	return ""
}

// Imports reports whether a package imports a package of Grove.
func Imports(pkg *types.Package) bool {
	return importsAny(pkg, func(path string) bool { return path == Nursery || path == Cancel || path == Channel })
}

// ImportsErrgroup reports whether a package imports errgroup.
func ImportsErrgroup(pkg *types.Package) bool {
	return importsAny(pkg, func(path string) bool { return path == Errgroup })
}

func importsAny(pkg *types.Package, is func(path string) bool) bool {
	for _, p := range pkg.Imports() {
		if is(p.Path()) {
			return true
		}
	}
	return false
}

// Library reports whether a package belongs to Grove.
func Library(pkg *types.Package) bool {
	path := strings.TrimSuffix(pkg.Path(), "_test")
	for _, of := range []string{Nursery, Cancel, Channel} {
		if path == of || strings.HasPrefix(path, of+"/") {
			return true
		}
	}
	return false
}

// Returns reports whether a function returns by a statement outside of the functions inside
// it.
func Returns(body *ast.BlockStmt) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			found = true
		}
		return !found
	})
	return found
}
