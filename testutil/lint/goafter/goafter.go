// Package goafter finds tasks that are started in a nursery that has ended.
package goafter

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"

	"github.com/grove-go/grove/testutil/lint/internal/code"
	"github.com/grove-go/grove/testutil/lint/internal/finding"
)

// Analyzer reports tasks that are started after the end of their nursery.
var Analyzer = &analysis.Analyzer{
	Name:     "goafter",
	Doc:      doc,
	URL:      "https://pkg.go.dev/github.com/grove-go/grove/testutil/lint/goafter",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}

const doc = `check for tasks that are started after the end of the nursery

When nursery.Run has returned, its nursery has ended: Go, Spawn, Start and NewShared panic.
This analyzer reports such calls after Run, for a variable that the body assigns its nursery
to:

	var saved *nursery.Nursery
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		saved = n
		return nil
	})
	saved.Go(task) // panics

Functions that are called at another time, and a variable that is assigned elsewhere, are
left alone. So is TryGo, which returns an error.`

func run(pass *analysis.Pass) (any, error) {
	root := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector).Root()
	assigned := make(map[*types.Var]int) // how many times a variable is assigned, without definitions that have no value
	for cur := range root.Preorder((*ast.AssignStmt)(nil), (*ast.UnaryExpr)(nil)) {
		switch n := cur.Node().(type) {
		case *ast.AssignStmt:
			for _, left := range n.Lhs {
				if v := code.Var(pass.TypesInfo, left); v != nil {
					assigned[v]++
				}
			}
		case *ast.UnaryExpr:
			if v := code.Var(pass.TypesInfo, n.X); n.Op == token.AND && v != nil {
				assigned[v]++ // by taking its address
			}
		}
	}
	for cur := range root.Preorder((*ast.CallExpr)(nil)) {
		call := cur.Node().(*ast.CallExpr)
		if code.Name(pass.TypesInfo, call) != "nursery.Run" {
			continue
		}
		for _, body := range code.Tasks(pass.TypesInfo, call) {
			n := code.Param(pass.TypesInfo, body.Type, code.IsNursery)
			if n == nil {
				continue
			}
			for _, v := range copies(pass.TypesInfo, body, n) {
				if assigned[v] == 1 {
					after(pass, cur, v)
				}
			}
		}
	}
	return nil, nil
}

// copies returns the variables outside of body that body assigns n to.
func copies(info *types.Info, body *ast.FuncLit, n *types.Var) (vars []*types.Var) {
	ast.Inspect(body, func(node ast.Node) bool {
		a, ok := node.(*ast.AssignStmt)
		if !ok || len(a.Lhs) != len(a.Rhs) {
			return true
		}
		for i := range a.Rhs {
			v := code.Var(info, a.Lhs[i])
			if v != nil && code.Var(info, a.Rhs[i]) == n && (v.Pos() < body.Pos() || v.Pos() >= body.End()) {
				vars = append(vars, v)
			}
		}
		return true
	})
	return vars
}

// after checks the statements that follow the call of Run at cur, in its block.
func after(pass *analysis.Pass, cur inspector.Cursor, v *types.Var) {
	for cur.ParentEdgeKind() != edge.BlockStmt_List {
		if cur = cur.Parent(); !cur.Valid() || cur.Node() == nil {
			return // a variable of the package, or a case of a switch
		}
		switch cur.Node().(type) {
		case *ast.GoStmt, *ast.DeferStmt:
			return // runs at another time
		}
	}
	for next, ok := cur.NextSibling(); ok; next, ok = next.NextSibling() {
		next.Inspect(nil, func(cur inspector.Cursor) bool {
			switch n := cur.Node().(type) {
			case *ast.FuncLit:
				return cur.ParentEdgeKind() == edge.CallExpr_Fun // called at once
			case *ast.CallExpr:
				if startsIn(pass.TypesInfo, n) == v {
					finding.Report(pass, analysis.Diagnostic{
						Pos: n.Pos(), End: n.End(),
						Message: "nursery " + v.Name() + " has ended, because its Run has returned: " + code.Name(pass.TypesInfo, n) + " panics",
					})
				}
			}
			return true
		})
	}
}

// startsIn returns the nursery of a call that starts a task, or nil.
func startsIn(info *types.Info, call *ast.CallExpr) *types.Var {
	switch code.Name(info, call) {
	case "Nursery.Go":
		if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
			return code.Var(info, sel.X)
		}
	case "nursery.Spawn", "nursery.NewShared":
		return code.Var(info, call.Args[0])
	case "nursery.Start":
		return code.Var(info, call.Args[1])
	}
	return nil
}
