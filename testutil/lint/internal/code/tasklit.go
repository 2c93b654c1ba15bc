package code

import (
	"go/ast"
	"go/types"
	"iter"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
)

// A Task is a function literal that runs as a task.
type Task struct {
	Lit  *ast.FuncLit
	Call *ast.CallExpr // the call
	Name string        // the name of the called function, from [Name]
}

// TaskOf returns the task with the function literal at cur. Functions of Grove run their
// function arguments with a context as tasks. If errgroup is set, so does Group.Go where a
// context is visible.
func TaskOf(pass *analysis.Pass, cur inspector.Cursor, errgroup bool) (t Task, ok bool) {
	lit, ok := cur.Node().(*ast.FuncLit)
	if !ok || cur.ParentEdgeKind() != edge.CallExpr_Args {
		return Task{}, false
	}
	call := cur.Parent().Node().(*ast.CallExpr)
	t = Task{Lit: lit, Call: call, Name: Name(pass.TypesInfo, call)}
	switch {
	case t.Name == "":
		return Task{}, false
	case OfErrgroup(t.Name):
		return t, errgroup && (t.Name == "errgroup.Group.Go" || t.Name == "errgroup.Group.TryGo") &&
			len(Visible(pass.Pkg, lit.Pos(), IsContext)) > 0
	}
	sig, ok := typeOf(pass.TypesInfo, lit).(*types.Signature)
	return t, ok && sig.Params().Len() > 0 && IsContext(sig.Params().At(0).Type())
}

// AllTasks returns the tasks of a package.
func AllTasks(pass *analysis.Pass, root inspector.Cursor, errgroup bool) iter.Seq2[Task, inspector.Cursor] {
	return func(yield func(Task, inspector.Cursor) bool) {
		for cur := range root.Preorder((*ast.FuncLit)(nil)) {
			if t, ok := TaskOf(pass, cur, errgroup); ok && !yield(t, cur) {
				return
			}
		}
	}
}

// Innermost returns the innermost function around cur.
func Innermost(cur inspector.Cursor) inspector.Cursor {
	for fn := range cur.Enclosing((*ast.FuncDecl)(nil), (*ast.FuncLit)(nil)) {
		return fn
	}
	return inspector.Cursor{}
}

// Done reports whether e calls a method like Done of a context, which returns a channel
// that tells an end: a method without parameters, with the name Done or Ready.
func Done(e ast.Expr) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok || len(call.Args) > 0 {
		return false
	}
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	return ok && (sel.Sel.Name == "Done" || sel.Sel.Name == "Ready")
}
