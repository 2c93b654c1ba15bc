// Package nilret finds tasks that hide a cancellation.
package nilret

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

// Analyzer reports tasks that return nil because they were canceled.
var Analyzer = code.WithErrgroup(&analysis.Analyzer{
	Name:     "nilret",
	Doc:      doc,
	URL:      "https://pkg.go.dev/github.com/grove-go/grove/testutil/lint/nilret",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}, &errgroup)

const doc = `check for tasks that return nil because they were canceled

If an outer context was canceled and all tasks return nil, nursery.Run returns nil too, and its
caller does not know that work is undone. A task that gives up because its context is done returns
cancel.Err(ctx). The nursery drops the echoes of its own cancellation.

This analyzer does not run by default, because it cannot tell whether work is undone. It
leaves alone test files, daemons, and tasks that wait for a graceful stop.`

var errgroup bool

func run(pass *analysis.Pass) (any, error) {
	root := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector).Root()
	for task, cur := range code.AllTasks(pass, root, errgroup) {
		sig, ok := pass.TypesInfo.TypeOf(task.Lit).(*types.Signature)
		if !ok || sig.Results().Len() != 1 || daemon(pass.TypesInfo, task.Call) {
			continue
		}
		for c := range cur.Preorder((*ast.CommClause)(nil), (*ast.IfStmt)(nil)) {
			if code.Innermost(c).Node() != task.Lit {
				continue
			}
			var ctx *types.Var
			var body []ast.Stmt
			switch n := c.Node().(type) {
			case *ast.CommClause:
				body = n.Body
				if s, ok := n.Comm.(*ast.ExprStmt); ok {
					if recv, ok := ast.Unparen(s.X).(*ast.UnaryExpr); ok && recv.Op == token.ARROW {
						ctx = asked(pass.TypesInfo, recv.X, "Done")
					}
				}
			case *ast.IfStmt:
				body = n.Body.List
				if cond, ok := ast.Unparen(n.Cond).(*ast.BinaryExpr); ok && cond.Op == token.NEQ && pass.TypesInfo.Types[cond.Y].IsNil() {
					ctx = asked(pass.TypesInfo, cond.X, "Err")
				}
			}
			if ctx == nil || len(body) != 1 {
				continue
			}
			ret, ok := body[0].(*ast.ReturnStmt)
			if !ok || len(ret.Results) != 1 || !pass.TypesInfo.Types[ret.Results[0]].IsNil() {
				continue
			}
			err := ctx.Name() + ".Err()"
			if name := code.PackageName(pass, ret.Pos(), code.Cancel); name != "" {
				err = name + ".Err(" + ctx.Name() + ")"
			}
			finding.ReportCode(pass, analysis.Diagnostic{
				Pos: ret.Pos(), End: ret.End(),
				Message: "task returns nil because it was canceled, which hides that work is undone; return " + err,
				SuggestedFixes: []analysis.SuggestedFix{{
					Message:   "Return " + err,
					TextEdits: []analysis.TextEdit{{Pos: ret.Results[0].Pos(), End: ret.Results[0].End(), NewText: []byte(err)}},
				}},
			})
		}
	}
	return nil, nil
}

// asked returns the context variable in a method call, or nil.
func asked(info *types.Info, e ast.Expr, method string) *types.Var {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return nil
	}
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != method {
		return nil
	}
	v := code.Var(info, sel.X)
	if v == nil || !code.IsContext(v.Type()) {
		return nil
	}
	return v
}

// daemon reports whether a call starts a daemon.
func daemon(info *types.Info, call *ast.CallExpr) bool {
	for _, arg := range call.Args {
		if opt, ok := ast.Unparen(arg).(*ast.CallExpr); ok && code.Name(info, opt) == "nursery.Daemon" {
			return true
		}
	}
	return false
}
