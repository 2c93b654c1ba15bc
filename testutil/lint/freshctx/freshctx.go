// Package freshctx finds tasks that begin a context of their own.
package freshctx

import (
	"go/ast"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/grove-go/grove/testutil/lint/internal/code"
	"github.com/grove-go/grove/testutil/lint/internal/finding"
)

// Analyzer reports context.Background and context.TODO in tasks.
var Analyzer = code.WithErrgroup(&analysis.Analyzer{
	Name:     "freshctx",
	Doc:      doc,
	URL:      "https://pkg.go.dev/github.com/grove-go/grove/testutil/lint/freshctx",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}, &errgroup)

const doc = `check for tasks that begin a context of their own

A call with context.Background or context.TODO does not end when the task is canceled. Use
cancel.Shield for clean-up. context.WithoutCancel keeps the values.

This analyzer does not run by default. It leaves alone test files, deferred calls, and
nursery.Values.`

var errgroup bool

func run(pass *analysis.Pass) (any, error) {
	root := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector).Root()
	reported := make(map[*ast.CallExpr]bool)
	for _, task := range code.AllTasks(pass, root, errgroup) {
		for cur := range task.Preorder((*ast.CallExpr)(nil)) {
			call := cur.Node().(*ast.CallExpr)
			fn := typeutil.StaticCallee(pass.TypesInfo, call)
			if fn == nil || fn.FullName() != "context.Background" && fn.FullName() != "context.TODO" || reported[call] {
				continue
			}
			if deferred(task, cur) || forValues(pass, cur) {
				continue
			}
			reported[call] = true
			finding.ReportCode(pass, analysis.Diagnostic{
				Pos: call.Pos(), End: call.End(),
				Message: fn.FullName() + " in a task is not canceled with it; use the context of the task",
			})
		}
	}
	return nil, nil
}

// deferred reports whether a task runs cur in a defer statement.
func deferred(task, cur inspector.Cursor) bool {
	for d := range cur.Enclosing((*ast.DeferStmt)(nil)) {
		return task.Contains(d)
	}
	return false
}

func forValues(pass *analysis.Pass, cur inspector.Cursor) bool {
	if cur.ParentEdgeKind() != edge.CallExpr_Args {
		return false
	}
	return code.Name(pass.TypesInfo, cur.Parent().Node().(*ast.CallExpr)) == "nursery.Values"
}
