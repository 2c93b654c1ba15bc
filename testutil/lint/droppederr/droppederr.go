// Package droppederr finds calls that report the failures of tasks, in statements that drop
// the result.
package droppederr

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"

	"github.com/grove-go/grove/testutil/lint/internal/code"
	"github.com/grove-go/grove/testutil/lint/internal/finding"
)

// Analyzer reports calls that drop the errors of tasks.
var Analyzer = code.WithErrgroup(&analysis.Analyzer{
	Name:     "droppederr",
	Doc:      doc,
	URL:      "https://pkg.go.dev/github.com/grove-go/grove/testutil/lint/droppederr",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}, &errgroup)

const doc = `check for calls that drop the errors of tasks

Only the call that waits for a task returns its error. A statement like

	nursery.Run(ctx, serve)

loses every failure. An assignment to _ says that this is meant. Test files are left alone,
and so are calls that report nothing but a cancellation, as cancel.Sleep does.

With the flag errgroup, a Wait is left alone if another Wait of the same group returns the
error to the program, or if it only delays the closing of a channel.`

var errgroup bool

// reporters are the functions that return the failures of tasks.
var reporters = map[string]bool{
	"nursery.Run": true, "nursery.For": true, "nursery.Each": true, "nursery.EachFrom": true,
	"nursery.Map": true, "nursery.Gather": true, "nursery.Race": true, "nursery.First": true,
	"nursery.Start": true,

	"cancel.FailAfter": true, "cancel.FailAt": true, "cancel.MoveOnAfter": true,
	"cancel.MoveOnAt": true, "cancel.Shield": true, "Scope.Run": true,

	"channel.Generate": true,
}

// senders are the functions that return whether a value was passed on.
var senders = map[string]bool{"Sender.Send": true, "Broadcast.Publish": true}

func run(pass *analysis.Pass) (any, error) {
	root := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector).Root()
	for cur := range root.Preorder((*ast.ExprStmt)(nil), (*ast.DeferStmt)(nil), (*ast.GoStmt)(nil)) {
		var call *ast.CallExpr
		switch n := cur.Node().(type) {
		case *ast.ExprStmt:
			call, _ = ast.Unparen(n.X).(*ast.CallExpr)
		case *ast.DeferStmt:
			call = n.Call
		case *ast.GoStmt:
			call = n.Call
		}
		if call == nil {
			continue
		}
		lost := ""
		switch name := code.Name(pass.TypesInfo, call); {
		case reporters[name]:
			lost = "the error of " + name + " is dropped, and with it every failure inside"
		case senders[name]:
			lost = "the error of " + name + " is dropped, which says that the value was not sent"
		case name == "errgroup.Group.Wait" && errgroup && !barrier(pass.TypesInfo, root, cur, call):
			lost = "the error of " + name + " is dropped, and with it the failure of the tasks"
		default:
			continue
		}
		finding.ReportCode(pass, analysis.Diagnostic{Pos: call.Pos(), End: call.End(), Message: lost + "; handle it, or assign it to _"})
	}
	return nil, nil
}

// barrier reports whether a call of Wait that drops the error only waits, because the next
// statement closes a channel, or because another Wait of the same group gets the error.
func barrier(info *types.Info, root, stmt inspector.Cursor, wait *ast.CallExpr) bool {
	if next, ok := stmt.NextSibling(); ok {
		if s, ok := next.Node().(*ast.ExprStmt); ok {
			if call, ok := ast.Unparen(s.X).(*ast.CallExpr); ok {
				if id, ok := ast.Unparen(call.Fun).(*ast.Ident); ok && id.Name == "close" {
					return true
				}
			}
		}
	}
	group := groupOf(info, wait)
	if group == nil {
		return false
	}
	for cur := range root.Preorder((*ast.CallExpr)(nil)) {
		call := cur.Node().(*ast.CallExpr)
		if code.Name(info, call) != "errgroup.Group.Wait" || groupOf(info, call) != group {
			continue
		}
		switch cur.ParentEdgeKind() {
		case edge.ExprStmt_X, edge.DeferStmt_Call, edge.GoStmt_Call:
		default:
			return true
		}
	}
	return false
}

func groupOf(info *types.Info, wait *ast.CallExpr) *types.Var {
	if sel, ok := ast.Unparen(wait.Fun).(*ast.SelectorExpr); ok {
		return code.Var(info, sel.X)
	}
	return nil
}
