// Package outerctx finds tasks that use the context around them in place of their own.
package outerctx

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/grove-go/grove/testutil/lint/internal/code"
	"github.com/grove-go/grove/testutil/lint/internal/finding"
)

// Analyzer reports uses of an outer context in functions that have a context of their own.
var Analyzer = code.WithErrgroup(&analysis.Analyzer{
	Name:     "outerctx",
	Doc:      doc,
	URL:      "https://pkg.go.dev/github.com/grove-go/grove/testutil/lint/outerctx",
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}, &errgroup)

const doc = `check for tasks that use the context around them

A body or a task should use the context that it gets. The context that nursery.Run,
cancel.FailAfter and the like were called with is not canceled when a task fails or the time is
over:

	cancel.FailAfter(outer, time.Second, func(ctx context.Context) error {
		return fetch(outer, url) // the timeout has no effect
	})

Arguments of calls count as uses, and so do calls of Done and Err. Uses for the values of a
context, as in a log, or for its cause are left alone, and so are clean-up in a defer statement
and code that uses both contexts. If the outer context is meant, give it another name before the call: link := ctx.`

var errgroup bool

// A call runs functions with a context that it derives from another.
type call struct {
	name  string
	outer *types.Var // the context argument
	inner *types.Var // the context of an errgroup; nil for Grove, where tasks have a parameter
	tasks []*ast.FuncLit
	pos   token.Pos // from here on, outer and inner are different
}

type checker struct {
	*analysis.Pass
	root     inspector.Cursor
	groups   map[*types.Var]*types.Var // from a nursery or errgroup to the context of its tasks
	assigned map[*types.Var]token.Pos  // the last assignment to a variable, other than its definition
	reported map[token.Pos]bool
}

func run(pass *analysis.Pass) (any, error) {
	c := &checker{
		Pass:     pass,
		root:     pass.ResultOf[inspect.Analyzer].(*inspector.Inspector).Root(),
		groups:   make(map[*types.Var]*types.Var),
		assigned: make(map[*types.Var]token.Pos),
		reported: make(map[token.Pos]bool),
	}
	for _, call := range c.calls() {
		if call.outer == call.inner || c.assigned[call.outer] > call.pos {
			continue
		}
		for _, task := range call.tasks {
			c.check(call, task)
		}
	}
	return nil, nil
}

// calls returns the calls of the package, and fills groups and assigned.
func (c *checker) calls() (calls []*call) {
	scopes := make(map[*types.Var]*types.Var) // from a scope to the parent that New was given
	withContext := make(map[*types.Var]*call) // from an errgroup to the call that made it
	for cur := range c.root.Preorder((*ast.AssignStmt)(nil), (*ast.ValueSpec)(nil)) {
		var left, right []ast.Expr
		switch n := cur.Node().(type) {
		case *ast.AssignStmt:
			left, right = n.Lhs, n.Rhs
			for _, e := range left {
				if id, ok := e.(*ast.Ident); ok && c.TypesInfo.Defs[id] == nil {
					if v := code.Var(c.TypesInfo, id); v != nil {
						c.assigned[v] = max(c.assigned[v], n.Pos())
					}
				}
			}
		case *ast.ValueSpec:
			right = n.Values
			for _, id := range n.Names {
				left = append(left, id)
			}
		}
		if len(right) != 1 {
			continue
		}
		from, ok := ast.Unparen(right[0]).(*ast.CallExpr)
		if !ok || len(from.Args) == 0 {
			continue
		}
		v, outer := code.Var(c.TypesInfo, left[0]), code.Var(c.TypesInfo, from.Args[0])
		switch name := code.Name(c.TypesInfo, from); {
		case v == nil:
		case name == "cancel.New":
			if outer != nil {
				scopes[v] = outer
			}
		case name == "errgroup.WithContext" && errgroup && len(left) == 2:
			inner := code.Var(c.TypesInfo, left[1])
			if inner != nil && inner.Name() == "_" {
				inner = nil
			}
			if outer == nil || withContext[v] != nil {
				break
			}
			made := &call{name: name, outer: outer, inner: inner, pos: from.End()}
			withContext[v] = made
			calls = append(calls, made)
			c.groups[v] = inner
		}
	}
	for cur := range c.root.Preorder((*ast.CallExpr)(nil)) {
		n := cur.Node().(*ast.CallExpr)
		name := code.Name(c.TypesInfo, n)
		switch {
		case name == "errgroup.Group.Go" || name == "errgroup.Group.TryGo":
			if made := withContext[receiver(c.TypesInfo, n)]; made != nil && len(n.Args) == 1 {
				if lit, ok := ast.Unparen(n.Args[0]).(*ast.FuncLit); ok {
					made.tasks = append(made.tasks, lit)
				}
			}
			continue
		case name == "" || code.OfErrgroup(name):
			continue
		}
		tasks := code.Tasks(c.TypesInfo, n)
		if len(tasks) == 0 {
			continue
		}
		for _, task := range tasks {
			if v := code.Param(c.TypesInfo, task.Type, code.IsNursery); v != nil {
				c.groups[v] = code.Param(c.TypesInfo, task.Type, code.IsContext)
			}
		}
		var outer *types.Var
		if name == "Scope.Run" {
			outer = c.parentOf(n, scopes)
		} else if ctx := code.Context(c.TypesInfo, n); ctx != nil {
			outer = code.Var(c.TypesInfo, ctx)
		}
		if outer != nil {
			calls = append(calls, &call{name: name, outer: outer, tasks: tasks, pos: n.Pos()})
		}
	}
	return calls
}

// parentOf returns the context that the scope of a call of Scope.Run was made with.
func (c *checker) parentOf(call *ast.CallExpr, scopes map[*types.Var]*types.Var) *types.Var {
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	if from, ok := ast.Unparen(sel.X).(*ast.CallExpr); ok && code.Name(c.TypesInfo, from) == "cancel.New" {
		return code.Var(c.TypesInfo, from.Args[0])
	}
	v := code.Var(c.TypesInfo, sel.X)
	if v == nil || c.assigned[v] != 0 {
		return nil
	}
	return scopes[v]
}

func receiver(info *types.Info, call *ast.CallExpr) *types.Var {
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
		return code.Var(info, sel.X)
	}
	return nil
}

// check looks for uses of call.outer in a task.
func (c *checker) check(call *call, task *ast.FuncLit) {
	cur, ok := c.root.FindNode(task)
	if !ok {
		return
	}
	own := call.inner
	if own == nil {
		own = code.Param(c.TypesInfo, task.Type, code.IsContext)
	}
	asksOwn := false
	for id := range cur.Preorder((*ast.Ident)(nil)) {
		if own != nil && c.TypesInfo.Uses[id.Node().(*ast.Ident)] == own && c.use(id) == asks {
			asksOwn = true
		}
	}
	for id := range cur.Preorder((*ast.Ident)(nil)) {
		n := id.Node().(*ast.Ident)
		if c.TypesInfo.Uses[n] != call.outer || c.reported[n.Pos()] {
			continue
		}
		kind := c.use(id)
		if kind == harmless || kind == asks && asksOwn || c.sameInside(id, cur, call.outer) {
			continue
		}
		c.reported[n.Pos()] = true
		c.report(call, id, cur)
	}
}

type use int

const (
	harmless use = iota
	asks         // by Done or Err
	passes       // to a function
)

// use returns how a task uses the context with the name id.
func (c *checker) use(id inspector.Cursor) use {
	for d := range id.Enclosing((*ast.DeferStmt)(nil), (*ast.FuncDecl)(nil)) {
		if _, ok := d.Node().(*ast.DeferStmt); ok && !c.inTaskOf(id, d) {
			return harmless // clean-up
		}
		break
	}
	for id.ParentEdgeKind() == edge.ParenExpr_X {
		id = id.Parent()
	}
	switch id.ParentEdgeKind() {
	case edge.CallExpr_Args:
		call := id.Parent().Node().(*ast.CallExpr)
		if !c.takesContext(call, id.ParentEdgeIndex()) || readsOnly(c.TypesInfo, call) || logs(c.TypesInfo, id.Parent()) || reads(c.TypesInfo, id.Parent()) {
			return harmless
		}
		return passes
	case edge.SelectorExpr_X:
		sel := id.Parent()
		if sel.ParentEdgeKind() != edge.CallExpr_Fun || code.IsScope(c.TypesInfo.TypeOf(id.Node().(ast.Expr))) {
			return harmless // methods of a scope control it
		}
		switch sel.Node().(*ast.SelectorExpr).Sel.Name {
		case "Done", "Err":
			return asks
		}
	}
	return harmless
}

// inTaskOf reports whether a task begins between id and the defer statement around it.
// Clean-up in a task of its own has a context of its own.
func (c *checker) inTaskOf(id, deferred inspector.Cursor) bool {
	for lit := range id.Enclosing((*ast.FuncLit)(nil)) {
		if !deferred.Contains(lit) {
			return false
		}
		if code.Param(c.TypesInfo, lit.Node().(*ast.FuncLit).Type, code.IsContext) != nil {
			return true
		}
	}
	return false
}

// takesContext reports whether the parameter of an argument is a context. A *cancel.Scope
// parameter is for control.
func (c *checker) takesContext(call *ast.CallExpr, arg int) bool {
	if tv := c.TypesInfo.Types[call.Fun]; tv.IsType() || tv.IsBuiltin() {
		return false
	}
	sig, ok := c.TypesInfo.TypeOf(call.Fun).(*types.Signature)
	if !ok {
		return true // the package of the function could not be loaded
	}
	params := sig.Params()
	if sig.Variadic() && arg >= params.Len()-1 {
		s, ok := params.At(params.Len() - 1).Type().(*types.Slice)
		return ok && code.IsContext(s.Elem())
	}
	return arg < params.Len() && code.IsContext(params.At(arg).Type())
}

// readsOnly reports whether a function uses only the values of a context, or the state of
// its end.
func readsOnly(info *types.Info, call *ast.CallExpr) bool {
	fn, ok := typeutil.Callee(info, call).(*types.Func)
	if !ok || fn.Pkg() == nil {
		return false
	}
	if strings.Contains(fn.Name(), "FromContext") || strings.Contains(fn.Name(), "FromCtx") {
		return true
	}
	switch fn.Pkg().Path() {
	case "context":
		return fn.Name() == "Cause" || fn.Name() == "WithoutCancel"
	case "log/slog", "runtime/trace", "runtime/pprof":
		return true
	case code.Cancel:
		return fn.Name() == "ReasonOf" || fn.Name() == "Path"
	case code.Nursery:
		return fn.Name() == "Values"
	}
	return false
}

// logging matches the names of functions that take a context for its values, to write a
// log.
var logging = regexp.MustCompile(`(?i)log|debug|info|warn|error|trace|print|event|metric|observe`)

// logs reports whether a call writes a log, by its name and because it has no result.
func logs(info *types.Info, cur inspector.Cursor) bool {
	call := cur.Node().(*ast.CallExpr)
	name := ""
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		name = fun.Name
	case *ast.SelectorExpr:
		name = fun.Sel.Name
	}
	if !logging.MatchString(name) {
		return false
	}
	if sig, ok := info.TypeOf(call.Fun).(*types.Signature); ok {
		return sig.Results().Len() == 0
	}
	return cur.ParentEdgeKind() == edge.ExprStmt_X
}

// reads reports whether a call looks up a value in the context, as log.G(ctx) does. The
// context is its only argument, and its one result is a value such as a logger.
func reads(info *types.Info, cur inspector.Cursor) bool {
	call := cur.Node().(*ast.CallExpr)
	if len(call.Args) != 1 {
		return false
	}
	sig, ok := info.TypeOf(call.Fun).(*types.Signature)
	if !ok {
		return cur.ParentEdgeKind() == edge.SelectorExpr_X
	}
	if sig.Results().Len() != 1 {
		return false
	}
	result := sig.Results().At(0).Type()
	if code.IsContext(result) || code.IsScope(result) || types.Identical(result, types.Universe.Lookup("error").Type()) {
		return false
	}
	switch t := result.Underlying().(type) {
	case *types.Pointer, *types.Struct, *types.Interface:
		return true
	case *types.Basic:
		return t.Info()&types.IsBoolean == 0
	}
	return false
}

// sameInside reports whether id is in a task of a group that passes outer to its tasks. It
// is then the same as the task's own context.
func (c *checker) sameInside(id, task inspector.Cursor, outer *types.Var) bool {
	for lit := range id.Enclosing((*ast.FuncLit)(nil)) {
		if !task.Contains(lit) {
			return false
		}
		if lit.ParentEdgeKind() != edge.CallExpr_Args {
			continue
		}
		n := lit.Parent().Node().(*ast.CallExpr)
		var group *types.Var
		switch code.Name(c.TypesInfo, n) {
		case "Nursery.Go", "Nursery.TryGo", "errgroup.Group.Go", "errgroup.Group.TryGo":
			group = receiver(c.TypesInfo, n)
		case "nursery.Spawn", "nursery.NewShared":
			group = code.Var(c.TypesInfo, n.Args[0])
		case "nursery.Start":
			group = code.Var(c.TypesInfo, n.Args[1])
		}
		if group != nil && c.groups[group] == outer {
			return true
		}
	}
	return false
}

func (c *checker) report(call *call, id, task inspector.Cursor) {
	n := id.Node().(*ast.Ident)
	d := analysis.Diagnostic{Pos: n.Pos(), End: n.End()}
	if code.OfErrgroup(call.name) {
		name := "the context that it returned"
		if call.inner != nil {
			name = call.inner.Name()
		}
		d.Message = fmt.Sprintf("task uses %s, which was given to %s and is not canceled when another task fails; use %s", n.Name, call.name, name)
	} else {
		d.Message = fmt.Sprintf("%s was given to %s and is not canceled with it; use the parameter of the function", n.Name, call.name)
	}
	if own := c.visible(call, id, task); own != nil {
		d.SuggestedFixes = []analysis.SuggestedFix{{
			Message:   "Use " + own.Name(),
			TextEdits: []analysis.TextEdit{{Pos: n.Pos(), End: n.End(), NewText: []byte(own.Name())}},
		}}
	}
	finding.Report(c.Pass, d)
}

// visible returns the variable of the context that a task should use at id, if its name
// denotes that variable there.
func (c *checker) visible(call *call, id, task inspector.Cursor) *types.Var {
	pos := id.Node().Pos()
	own := call.inner
	for lit := range id.Enclosing((*ast.FuncLit)(nil)) {
		if !task.Contains(lit) {
			break
		}
		fn := lit.Node().(*ast.FuncLit)
		if sig, ok := c.TypesInfo.TypeOf(fn).(*types.Signature); ok && sig.Params().Len() > 0 && code.IsContext(sig.Params().At(0).Type()) {
			own = code.Param(c.TypesInfo, fn.Type, code.IsContext)
			break
		}
	}
	if own == nil || cmp.Or(own.Name(), "_") == "_" {
		return nil
	}
	if !code.Means(c.Pkg, pos, own.Name(), own) {
		return nil
	}
	return own
}
