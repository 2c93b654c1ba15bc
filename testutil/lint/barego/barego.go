// Package barego finds goroutines that are started beside an open nursery.
package barego

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

// Analyzer reports go statements where a nursery is open.
var Analyzer = code.WithErrgroup(&analysis.Analyzer{
	Name:     "barego",
	Doc:      doc,
	URL:      "https://pkg.go.dev/github.com/grove-go/grove/testutil/lint/barego",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}, &errgroup)

const doc = `check for go statements beside an open nursery

A goroutine that a go statement starts does not belong to a nursery: Run does not wait for it,
a failure does not cancel it, and its panic ends the program. Where a *nursery.Nursery is
visible, start a task with Nursery.Go instead.

Test files are left alone, and so are goroutines that the function joins itself: by a
sync.WaitGroup, or by a channel that the goroutine closes at its end and the function
receives from in a statement of its own. With the flag errgroup, goroutines that
call Wait of the group are left alone, and goroutines that are started after Wait.`

var errgroup bool

func run(pass *analysis.Pass) (any, error) {
	if code.Library(pass.Pkg) {
		return nil, nil // the library starts the goroutines of nurseries
	}
	root := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector).Root()
	for cur := range root.Preorder((*ast.GoStmt)(nil)) {
		n := cur.Node().(*ast.GoStmt)
		group := open(pass, n.Pos())
		if group == nil || joins(pass.TypesInfo, cur) {
			continue
		}
		d := analysis.Diagnostic{Pos: n.Pos(), End: n.Call.Fun.Pos()}
		if lit, ok := n.Call.Fun.(*ast.FuncLit); ok {
			d.End = lit.Type.End()
		}
		if code.IsNursery(group.Type()) {
			d.Message = "goroutine belongs to no nursery, although nursery " + group.Name() + " is open; use " + group.Name() + ".Go"
		} else {
			if waits(pass.TypesInfo, n.Call, group) || afterWait(pass.TypesInfo, cur, group) {
				continue
			}
			d.Message = "goroutine is not awaited, although errgroup " + group.Name() + " is open; use " + group.Name() + ".Go"
		}
		d.SuggestedFixes = fix(pass, n, group)
		finding.ReportCode(pass, d)
	}
	return nil, nil
}

// open returns the innermost nursery at pos, or the innermost errgroup.
func open(pass *analysis.Pass, pos token.Pos) *types.Var {
	for _, v := range code.Visible(pass.Pkg, pos, code.IsNursery) {
		if !code.Global(v) {
			return v
		}
	}
	if errgroup {
		for _, v := range code.Visible(pass.Pkg, pos, code.IsErrgroup) {
			if !code.Global(v) {
				return v
			}
		}
	}
	return nil
}

// waits reports whether a call contains a call of the group's Wait.
func waits(info *types.Info, in ast.Node, group *types.Var) (found bool) {
	ast.Inspect(in, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && code.Name(info, call) == "errgroup.Group.Wait" {
			if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && code.Var(info, sel.X) == group {
				found = true
			}
		}
		return !found
	})
	return found
}

// afterWait reports whether an earlier statement waits for the group, in the block of cur
// or in an outer block.
func afterWait(info *types.Info, cur inspector.Cursor, group *types.Var) bool {
	for ; cur.Valid() && cur.Node() != nil; cur = cur.Parent() {
		switch cur.Node().(type) {
		case *ast.FuncLit, *ast.FuncDecl, *ast.File:
			return false
		case ast.Stmt:
			for prev, ok := cur.PrevSibling(); ok; prev, ok = prev.PrevSibling() {
				if _, deferred := prev.Node().(*ast.DeferStmt); !deferred && waits(info, prev.Node(), group) {
					return true
				}
			}
		}
	}
	return false
}

// joins reports whether the function around a go statement waits for the goroutine.
func joins(info *types.Info, cur inspector.Cursor) bool {
	signals := signals(info, cur.Node().(*ast.GoStmt))
	if len(signals) == 0 {
		return false
	}
	for fn := range cur.Enclosing((*ast.FuncDecl)(nil), (*ast.FuncLit)(nil)) {
		for c := range fn.Preorder((*ast.ExprStmt)(nil), (*ast.DeferStmt)(nil)) {
			switch n := c.Node().(type) {
			case *ast.ExprStmt:
				switch x := ast.Unparen(n.X).(type) {
				case *ast.UnaryExpr:
					if _, inSelect := c.Parent().Node().(*ast.CommClause); x.Op == token.ARROW && !inSelect && signals[code.Root(info, x.X)] {
						return true
					}
				case *ast.CallExpr:
					if v := waitsFor(info, x); v != nil && signals[v] {
						return true
					}
				}
			case *ast.DeferStmt:
				if v := waitsFor(info, n.Call); v != nil && signals[v] {
					return true
				}
			}
		}
	}
	return false
}

// signals returns the variables that tell the end of a goroutine: the channels that it
// closes, and the wait groups that it calls Done of, by defer or in its last statement.
func signals(info *types.Info, n *ast.GoStmt) map[*types.Var]bool {
	lit, ok := n.Call.Fun.(*ast.FuncLit)
	if !ok {
		return nil
	}
	found := make(map[*types.Var]bool)
	for i, stmt := range lit.Body.List {
		var call *ast.CallExpr
		switch s := stmt.(type) {
		case *ast.DeferStmt:
			call = s.Call
		case *ast.ExprStmt:
			if i == len(lit.Body.List)-1 {
				call, _ = ast.Unparen(s.X).(*ast.CallExpr)
			}
		}
		if call == nil {
			continue
		}
		switch fun := ast.Unparen(call.Fun).(type) {
		case *ast.Ident:
			if _, ok := info.Uses[fun].(*types.Builtin); ok && fun.Name == "close" {
				if v := code.Root(info, call.Args[0]); v != nil {
					found[v] = true
				}
			}
		case *ast.SelectorExpr:
			if fn, ok := info.Uses[fun.Sel].(*types.Func); ok && fn.FullName() == "(*sync.WaitGroup).Done" {
				if v := code.Root(info, fun.X); v != nil {
					found[v] = true
				}
			}
		}
	}
	return found
}

// waitsFor returns the wait group that a call waits for, or nil.
func waitsFor(info *types.Info, call *ast.CallExpr) *types.Var {
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	if fn, ok := info.Uses[sel.Sel].(*types.Func); ok && fn.FullName() == "(*sync.WaitGroup).Wait" {
		return code.Root(info, sel.X)
	}
	return nil
}

// fix turns a go statement with a literal into a call of the group's Go.
func fix(pass *analysis.Pass, n *ast.GoStmt, group *types.Var) []analysis.SuggestedFix {
	lit, ok := n.Call.Fun.(*ast.FuncLit)
	if !ok || len(n.Call.Args) > 0 || lit.Type.Params.NumFields() > 0 || lit.Type.Results.NumFields() > 0 || code.Returns(lit.Body) {
		return nil
	}
	head := group.Name() + ".Go(func() error "
	if code.IsNursery(group.Type()) {
		context := code.PackageName(pass, n.Pos(), "context")
		if context == "" {
			return nil
		}
		if s := pass.Pkg.Scope().Innermost(n.Pos()); s != nil {
			if _, obj := s.LookupParent("ctx", n.Pos()); obj != nil && !code.IsContext(obj.Type()) {
				return nil // the parameter would shadow it
			}
		}
		head = group.Name() + ".Go(func(ctx " + context + ".Context) error "
	}
	tail := "return nil\n})"
	if last := len(lit.Body.List); last > 0 && endless(lit.Body.List[last-1]) {
		tail = "})"
	} else if last > 0 && pass.Fset.Position(lit.Body.Lbrace).Line == pass.Fset.Position(lit.Body.Rbrace).Line {
		tail = "; return nil })"
	}
	return []analysis.SuggestedFix{{
		Message: "Start a task of " + group.Name(),
		TextEdits: []analysis.TextEdit{
			{Pos: n.Pos(), End: lit.Body.Lbrace, NewText: []byte(head)},
			{Pos: lit.Body.Rbrace, End: n.End(), NewText: []byte(tail)},
		},
	}}
}

// endless reports whether a statement is a loop without an exit, which no statement may
// follow.
func endless(stmt ast.Stmt) bool {
	loop, ok := stmt.(*ast.ForStmt)
	if !ok || loop.Cond != nil {
		return false
	}
	left := false
	ast.Inspect(loop.Body, func(n ast.Node) bool {
		if b, ok := n.(*ast.BranchStmt); ok && (b.Tok == token.BREAK || b.Tok == token.GOTO) {
			left = true
		}
		return !left
	})
	return !left
}
