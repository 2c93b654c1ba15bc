// Package spin finds tasks that nothing can end.
package spin

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/grove-go/grove/testutil/lint/internal/code"
	"github.com/grove-go/grove/testutil/lint/internal/finding"
)

// Analyzer reports endless loops in tasks.
var Analyzer = code.WithErrgroup(&analysis.Analyzer{
	Name:     "spin",
	Doc:      doc,
	URL:      "https://pkg.go.dev/github.com/grove-go/grove/testutil/lint/spin",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}, &errgroup)

const doc = `check for endless loops in tasks

A loop without a condition that uses no context and no channel, and is not left by a return,
a break, a goto or the end of the program, goes on forever, and its nursery waits forever.

This analyzer does not run by default. It leaves test files alone.`

var errgroup bool

func run(pass *analysis.Pass) (any, error) {
	root := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector).Root()
	for task, cur := range code.AllTasks(pass, root, errgroup) {
		for c := range cur.Preorder((*ast.ForStmt)(nil)) {
			loop := c.Node().(*ast.ForStmt)
			if loop.Cond != nil || code.Innermost(c).Node() != task.Lit || ends(pass.TypesInfo, loop) {
				continue
			}
			finding.ReportCode(pass, analysis.Diagnostic{
				Pos: loop.Pos(), End: loop.Body.Lbrace,
				Message: "endless loop in a task, which no cancellation ends; call cancel.Checkpoint in it",
			})
		}
	}
	return nil, nil
}

// ends reports whether a loop may end.
func ends(info *types.Info, loop *ast.ForStmt) (found bool) {
	ast.Inspect(loop, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ReturnStmt, *ast.SendStmt, *ast.SelectStmt:
			found = true
		case *ast.BranchStmt:
			found = found || n.Tok == token.BREAK || n.Tok == token.GOTO || n.Label != nil
		case *ast.UnaryExpr:
			found = found || n.Op == token.ARROW
		case *ast.RangeStmt:
			if t := info.TypeOf(n.X); t != nil {
				_, ch := t.Underlying().(*types.Chan)
				found = found || ch
			}
		case *ast.Ident:
			if v, ok := info.Uses[n].(*types.Var); ok {
				found = found || code.IsContext(v.Type()) || code.IsScope(v.Type())
			}
		case *ast.CallExpr:
			found = found || leaves(info, n)
		}
		return !found
	})
	return found
}

// leaves reports whether a call may end the goroutine or the program.
func leaves(info *types.Info, call *ast.CallExpr) bool {
	switch callee := typeutil.Callee(info, call).(type) {
	case *types.Builtin:
		return callee.Name() == "panic"
	case *types.Func:
		switch callee.FullName() {
		case "os.Exit", "runtime.Goexit", "log.Fatal", "log.Fatalf", "log.Fatalln", "log.Panic", "log.Panicf", "log.Panicln":
			return true
		}
	}
	return false
}
