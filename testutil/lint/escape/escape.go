// Package escape finds nurseries that leave the block that they belong to.
package escape

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"

	"github.com/grove-go/grove/testutil/lint/internal/code"
	"github.com/grove-go/grove/testutil/lint/internal/finding"
)

// Analyzer reports nurseries that are stored where they outlive their block.
var Analyzer = &analysis.Analyzer{
	Name:     "escape",
	Doc:      doc,
	URL:      "https://pkg.go.dev/github.com/grove-go/grove/testutil/lint/escape",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}

const doc = `check for nurseries that outlive their block

A nursery ends when its Run returns, and Go panics after that. This analyzer reports a
nursery, or its scope, that is stored in a value that outlives the block, or sent to a channel
that does. Variables of the package outlive the block, and so do the receiver, the parameters
and the results of the function around it. Pass the nursery as an argument, or store it in a
value of the block. An assignment is left alone if the block sets the same place to nil again.`

func run(pass *analysis.Pass) (any, error) {
	root := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector).Root()
	for cur := range root.Preorder((*ast.FuncLit)(nil), (*ast.FuncDecl)(nil)) {
		var fn *ast.FuncType
		switch n := cur.Node().(type) {
		case *ast.FuncLit:
			fn = n.Type
		case *ast.FuncDecl:
			fn = n.Type
		}
		n := code.Param(pass.TypesInfo, fn, code.IsNursery)
		if n == nil {
			continue
		}
		f := &function{Pass: pass, cur: cur, nursery: n}
		f.check()
	}
	return nil, nil
}

type function struct {
	*analysis.Pass
	cur     inspector.Cursor
	nursery *types.Var
}

func (f *function) check() {
	for cur := range f.cur.Preorder((*ast.AssignStmt)(nil), (*ast.SendStmt)(nil)) {
		switch n := cur.Node().(type) {
		case *ast.AssignStmt:
			if len(n.Lhs) != len(n.Rhs) {
				continue
			}
			for i, value := range n.Rhs {
				if what := f.holds(value); what != "" && f.outlives(n.Lhs[i]) && !f.reset(n.Lhs[i]) {
					f.report(n.Pos(), n.End(), what, types.ExprString(n.Lhs[i]))
				}
			}
		case *ast.SendStmt:
			if what := f.holds(n.Value); what != "" && f.outside(code.Root(f.TypesInfo, n.Chan)) {
				f.report(n.Pos(), n.End(), what, types.ExprString(n.Chan))
			}
		}
	}
}

func (f *function) report(pos, end token.Pos, what, into string) {
	finding.Report(f.Pass, analysis.Diagnostic{
		Pos: pos, End: end,
		Message: what + " ends with its block, and " + into + " outlives the block; pass it as an argument",
	})
}

// holds returns a description of the value, the nursery or its scope, or "".
func (f *function) holds(value ast.Expr) string {
	switch x := ast.Unparen(value).(type) {
	case *ast.Ident:
		if f.TypesInfo.Uses[x] == f.nursery {
			return "nursery " + x.Name
		}
	case *ast.UnaryExpr:
		if x.Op == token.AND {
			return f.holds(x.X)
		}
	case *ast.CompositeLit:
		for _, e := range x.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				e = kv.Value
			}
			if what := f.holds(e); what != "" {
				return what
			}
		}
	case *ast.CallExpr:
		if code.Name(f.TypesInfo, x) == "Nursery.Scope" {
			if sel, ok := ast.Unparen(x.Fun).(*ast.SelectorExpr); ok && code.Var(f.TypesInfo, sel.X) == f.nursery {
				return "the scope of nursery " + f.nursery.Name()
			}
		}
		if id, ok := ast.Unparen(x.Fun).(*ast.Ident); ok && id.Name == "append" {
			for _, arg := range x.Args {
				if what := f.holds(arg); what != "" {
					return what
				}
			}
		}
	}
	return ""
}

// outlives reports whether the place of an assignment outlives the block.
func (f *function) outlives(place ast.Expr) bool {
	v := code.Root(f.TypesInfo, place)
	if _, ok := ast.Unparen(place).(*ast.Ident); ok {
		return v != nil && code.Global(v) // goafter checks local variables
	}
	return f.outside(v)
}

// outside reports whether v outlives the block. A named function that gets the nursery as
// an argument belongs to the block, and so may its other arguments.
func (f *function) outside(v *types.Var) bool {
	if v == nil || code.Global(v) {
		return v != nil
	}
	if f.cur.Node().Pos() <= v.Pos() && v.Pos() < f.cur.Node().End() {
		return false
	}
	return v.Kind() != types.LocalVar || f.returned(v)
}

// returned reports whether a function around the block returns v after it.
func (f *function) returned(v *types.Var) bool {
	for fn := range f.cur.Enclosing((*ast.FuncDecl)(nil), (*ast.FuncLit)(nil)) {
		if v.Pos() < fn.Node().Pos() {
			continue // v is declared further out
		}
		for cur := range fn.Preorder((*ast.ReturnStmt)(nil)) {
			n := cur.Node().(*ast.ReturnStmt)
			for _, e := range n.Results {
				if u, ok := ast.Unparen(e).(*ast.UnaryExpr); ok && u.Op == token.AND {
					e = u.X
				}
				if n.Pos() >= f.cur.Node().End() && code.Var(f.TypesInfo, e) == v {
					return true
				}
			}
		}
		return false
	}
	return false
}

// reset reports whether the block sets the place of an assignment to nil.
func (f *function) reset(place ast.Expr) bool {
	for cur := range f.cur.Preorder((*ast.AssignStmt)(nil)) {
		n := cur.Node().(*ast.AssignStmt)
		for i, left := range n.Lhs {
			if len(n.Lhs) == len(n.Rhs) && f.TypesInfo.Types[n.Rhs[i]].IsNil() && types.ExprString(left) == types.ExprString(place) {
				return true
			}
		}
	}
	return false
}
