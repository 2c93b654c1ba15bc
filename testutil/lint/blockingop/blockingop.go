// Package blockingop finds channel operations in tasks that no cancellation ends.
package blockingop

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

// Analyzer reports operations on native channels in tasks.
var Analyzer = code.WithErrgroup(&analysis.Analyzer{
	Name:     "blockingop",
	Doc:      doc,
	URL:      "https://pkg.go.dev/github.com/grove-go/grove/testutil/lint/blockingop",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}, &errgroup)

const doc = `check for channel operations that no cancellation ends

A task that sends to a channel or receives from it, without a select that has a case for
ctx.Done(), waits for the other side even after it was canceled. The operations of
channel.New take a context.

This analyzer does not run by default, because it does not know the other side. It leaves
alone test files, channels with a capacity, receives from a channel that the package closes,
and channels that tell an end or the time.`

var errgroup bool

func run(pass *analysis.Pass) (any, error) {
	root := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector).Root()
	buffered, closed := channels(pass.TypesInfo, root)
	for task, cur := range code.AllTasks(pass, root, errgroup) {
		for c := range cur.Preorder((*ast.SendStmt)(nil), (*ast.UnaryExpr)(nil), (*ast.RangeStmt)(nil), (*ast.SelectStmt)(nil)) {
			if code.Innermost(c).Node() != task.Lit {
				continue
			}
			what := ""
			switch n := c.Node().(type) {
			case *ast.SendStmt:
				if c.ParentEdgeKind() != edge.CommClause_Comm && !buffered[last(pass.TypesInfo, n.Chan)] {
					what = "send"
				}
			case *ast.UnaryExpr:
				if n.Op == token.ARROW && !inSelect(c) && !tells(pass.TypesInfo, n.X, closed) {
					what = "receive"
				}
			case *ast.RangeStmt:
				if t := pass.TypesInfo.TypeOf(n.X); t != nil {
					if _, ok := t.Underlying().(*types.Chan); ok && !tells(pass.TypesInfo, n.X, closed) {
						what = "range"
					}
				}
			case *ast.SelectStmt:
				if !mayEnd(pass.TypesInfo, n, closed, buffered) {
					what = "select"
				}
			}
			if what != "" {
				d := analysis.Diagnostic{Pos: c.Node().Pos(), End: c.Node().End(), Message: what + " does not notice a cancellation; use channel.New, or a select with ctx.Done()"}
				switch n := c.Node().(type) {
				case *ast.RangeStmt:
					d.End = n.X.End()
				case *ast.SelectStmt:
					d.End = n.Body.Lbrace
				}
				finding.ReportCode(pass, d)
			}
		}
	}
	return nil, nil
}

// channels returns the channel variables of a package that are made with a capacity, and
// the channel variables that it closes.
func channels(info *types.Info, root inspector.Cursor) (buffered, closed map[*types.Var]bool) {
	buffered, closed = make(map[*types.Var]bool), make(map[*types.Var]bool)
	for cur := range root.Preorder((*ast.CallExpr)(nil)) {
		call := cur.Node().(*ast.CallExpr)
		id, ok := ast.Unparen(call.Fun).(*ast.Ident)
		if !ok {
			continue
		}
		if _, ok := info.Uses[id].(*types.Builtin); !ok {
			continue
		}
		switch {
		case id.Name == "close":
			if v := last(info, call.Args[0]); v != nil {
				closed[v] = true
			}
		case id.Name == "make" && len(call.Args) == 2:
			var left ast.Expr
			switch cur.ParentEdgeKind() {
			case edge.AssignStmt_Rhs:
				if a := cur.Parent().Node().(*ast.AssignStmt); len(a.Lhs) == len(a.Rhs) {
					left = a.Lhs[cur.ParentEdgeIndex()]
				}
			case edge.ValueSpec_Values:
				if s := cur.Parent().Node().(*ast.ValueSpec); len(s.Names) == len(s.Values) {
					left = s.Names[cur.ParentEdgeIndex()]
				}
			case edge.KeyValueExpr_Value:
				left = cur.Parent().Node().(*ast.KeyValueExpr).Key
			}
			if left != nil {
				if v := last(info, left); v != nil {
					buffered[v] = true
				}
			}
		}
	}
	return buffered, closed
}

// last returns the variable or the field that an expression denotes, or nil.
func last(info *types.Info, e ast.Expr) *types.Var {
	if sel, ok := ast.Unparen(e).(*ast.SelectorExpr); ok {
		v, _ := info.Uses[sel.Sel].(*types.Var)
		return v
	}
	return code.Var(info, e)
}

func inSelect(cur inspector.Cursor) bool {
	for cur.Valid() {
		switch cur.ParentEdgeKind() {
		case edge.CommClause_Comm:
			return true
		case edge.ExprStmt_X, edge.AssignStmt_Rhs, edge.ParenExpr_X:
			cur = cur.Parent()
		default:
			return false
		}
	}
	return false
}

// tells reports whether a receive from a channel ends by itself: because the channel tells
// an end or the time, or because the package closes it.
func tells(info *types.Info, ch ast.Expr, closed map[*types.Var]bool) bool {
	if code.Done(ch) {
		return true
	}
	if v := last(info, ch); v != nil && closed[v] {
		return true
	}
	t := info.TypeOf(ch)
	if t == nil {
		return true
	}
	c, ok := t.Underlying().(*types.Chan)
	if !ok {
		return true
	}
	if s, ok := c.Elem().Underlying().(*types.Struct); ok && s.NumFields() == 0 {
		return true
	}
	n, ok := types.Unalias(c.Elem()).(*types.Named)
	return ok && n.Obj().Name() == "Time"
}

// mayEnd reports whether a select has a default, or a case that ends by itself.
func mayEnd(info *types.Info, n *ast.SelectStmt, closed, buffered map[*types.Var]bool) bool {
	for _, c := range n.Body.List {
		var from ast.Expr
		switch comm := c.(*ast.CommClause).Comm.(type) {
		case nil:
			return true
		case *ast.SendStmt:
			if buffered[last(info, comm.Chan)] {
				return true
			}
			continue
		case *ast.ExprStmt:
			from = comm.X
		case *ast.AssignStmt:
			from = comm.Rhs[0]
		}
		if recv, ok := ast.Unparen(from).(*ast.UnaryExpr); !ok || tells(info, recv.X, closed) {
			return true
		}
	}
	return false
}
