// Package tasksleep finds waits in tasks that do not notice a cancellation.
package tasksleep

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"time"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/grove-go/grove/testutil/lint/internal/code"
	"github.com/grove-go/grove/testutil/lint/internal/finding"
)

// Analyzer reports waits for time that a cancellation does not end.
var Analyzer = code.WithErrgroup(&analysis.Analyzer{
	Name:     "tasksleep",
	Doc:      doc,
	URL:      "https://pkg.go.dev/github.com/grove-go/grove/testutil/lint/tasksleep",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}, &errgroup)

const doc = `check for waits that do not notice a cancellation

A task that calls time.Sleep holds up its nursery for the whole time, even if it is
canceled. In packages that import Grove, this analyzer reports time.Sleep, a receive from
time.After, and a select with time.After and without Done, in tasks and in functions with a
context parameter. cancel.Sleep gives up when its context is done.

Test files are left alone, and so are waits of a constant time below 10 ms. A select is left
alone if it has a channel of struct{} values, or a receive that asks whether its channel is
closed.`

// short is the time in which a task should notice a cancellation.
const short = 10 * time.Millisecond

var errgroup bool

func run(pass *analysis.Pass) (any, error) {
	if !code.Imports(pass.Pkg) && !(errgroup && code.ImportsErrgroup(pass.Pkg)) {
		return nil, nil
	}
	root := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector).Root()
	instead := "use cancel.Sleep"
	if !code.Imports(pass.Pkg) {
		instead = "wait for a timer and for ctx.Done()"
	}
	for cur := range root.Preorder((*ast.CallExpr)(nil), (*ast.SelectStmt)(nil)) {
		switch n := cur.Node().(type) {
		case *ast.SelectStmt:
			if deaf(pass.TypesInfo, n) && inTask(pass, cur) {
				finding.ReportCode(pass, analysis.Diagnostic{
					Pos: n.Pos(), End: n.Body.Lbrace,
					Message: "select with time.After does not notice a cancellation; add a case for ctx.Done()",
				})
			}
		case *ast.CallExpr:
			after := named(pass.TypesInfo, n, "time.After")
			if !after && !named(pass.TypesInfo, n, "time.Sleep") || !long(pass.TypesInfo, n) {
				continue
			}
			stmt := cur.Parent()
			if after {
				if cur.ParentEdgeKind() != edge.UnaryExpr_X || stmt.ParentEdgeKind() != edge.ExprStmt_X {
					continue
				}
				stmt = stmt.Parent()
				if stmt.ParentEdgeKind() == edge.CommClause_Comm {
					continue // of a select
				}
			}
			if !inTask(pass, cur) {
				continue
			}
			d := analysis.Diagnostic{Pos: n.Pos(), End: n.End(), Message: "time.Sleep does not notice a cancellation; " + instead}
			if after {
				d.Pos, d.Message = stmt.Node().Pos(), "a receive from time.After does not notice a cancellation; "+instead
			}
			if _, ok := stmt.Node().(*ast.ExprStmt); ok {
				d.SuggestedFixes = fix(pass, cur, stmt)
			}
			finding.ReportCode(pass, d)
		}
	}
	return nil, nil
}

func named(info *types.Info, call *ast.CallExpr, name string) bool {
	fn := typeutil.StaticCallee(info, call)
	return fn != nil && fn.FullName() == name && len(call.Args) == 1
}

// long reports whether the duration argument of a call may be longer than short.
func long(info *types.Info, call *ast.CallExpr) bool {
	value := info.Types[call.Args[0]].Value
	if value == nil {
		return true
	}
	d, ok := constant.Int64Val(constant.ToInt(value))
	return !ok || time.Duration(d) >= short
}

// inTask reports whether the innermost function around cur is a task, or has a context as a
// parameter.
func inTask(pass *analysis.Pass, cur inspector.Cursor) bool {
	for fn := range cur.Enclosing((*ast.FuncDecl)(nil), (*ast.FuncLit)(nil)) {
		var of *ast.FuncType
		switch n := fn.Node().(type) {
		case *ast.FuncDecl:
			of = n.Type
		case *ast.FuncLit:
			of = n.Type
			if fn.ParentEdgeKind() != edge.CallExpr_Args {
				break
			}
			call := fn.Parent().Node().(*ast.CallExpr)
			name := code.Name(pass.TypesInfo, call)
			switch {
			case errgroup && (name == "errgroup.Group.Go" || name == "errgroup.Group.TryGo"):
				return len(code.Visible(pass.Pkg, fn.Node().Pos(), code.IsContext)) > 0
			case name == "" || code.OfErrgroup(name):
			default:
				if slices.Contains(code.Tasks(pass.TypesInfo, call), n) {
					return true
				}
			}
		}
		ctx := code.Param(pass.TypesInfo, of, code.IsContext)
		return ctx != nil && ctx.Name() != "_"
	}
	return false
}

// deaf reports whether a select waits for time.After and has no case that a cancellation
// may make ready.
func deaf(info *types.Info, n *ast.SelectStmt) bool {
	after := false
	for _, c := range n.Body.List {
		var from ast.Expr
		switch comm := c.(*ast.CommClause).Comm.(type) {
		case nil:
			return false // default
		case *ast.SendStmt:
			continue
		case *ast.ExprStmt:
			from = comm.X
		case *ast.AssignStmt:
			if len(comm.Lhs) == 2 {
				return false // the receive asks whether the channel is closed
			}
			from = comm.Rhs[0]
		}
		recv, ok := ast.Unparen(from).(*ast.UnaryExpr)
		if !ok || recv.Op != token.ARROW {
			return false
		}
		if call, ok := ast.Unparen(recv.X).(*ast.CallExpr); ok && named(info, call, "time.After") {
			after = after || long(info, call)
			continue
		}
		t := info.TypeOf(recv.X)
		if t == nil {
			return false
		}
		ch, ok := t.Underlying().(*types.Chan)
		if !ok {
			return false
		}
		if s, ok := ch.Elem().Underlying().(*types.Struct); ok && s.NumFields() == 0 {
			return false
		}
	}
	return after
}

// fix makes a statement a call of cancel.Sleep, in a function with an error as its only
// result.
func fix(pass *analysis.Pass, cur, stmt inspector.Cursor) []analysis.SuggestedFix {
	var fn *ast.FuncType
	for f := range cur.Enclosing((*ast.FuncDecl)(nil), (*ast.FuncLit)(nil)) {
		switch n := f.Node().(type) {
		case *ast.FuncDecl:
			fn = n.Type
		case *ast.FuncLit:
			fn = n.Type
		}
		break
	}
	pos := cur.Node().Pos()
	ctx := code.Param(pass.TypesInfo, fn, code.IsContext)
	name := code.PackageName(pass, pos, code.Cancel)
	if fn.Results.NumFields() != 1 || !types.Identical(pass.TypesInfo.TypeOf(fn.Results.List[0].Type), types.Universe.Lookup("error").Type()) {
		return nil
	}
	if name == "" || ctx == nil || !code.Means(pass.Pkg, pos, ctx.Name(), ctx) {
		return nil
	}
	arg := cur.Node().(*ast.CallExpr).Args[0]
	return []analysis.SuggestedFix{{
		Message: "Use " + name + ".Sleep",
		TextEdits: []analysis.TextEdit{
			{Pos: stmt.Node().Pos(), End: arg.Pos(), NewText: []byte("if err := " + name + ".Sleep(" + ctx.Name() + ", ")},
			{Pos: arg.End(), End: stmt.Node().End(), NewText: []byte("); err != nil {\nreturn err\n}")},
		},
	}}
}
