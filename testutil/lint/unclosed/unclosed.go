// Package unclosed finds cancel scopes that are neither closed nor run.
package unclosed

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/ctrlflow"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/cfg"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/grove-go/grove/testutil/lint/internal/code"
	"github.com/grove-go/grove/testutil/lint/internal/finding"
)

// Analyzer reports scopes from cancel.New that are not closed.
var Analyzer = &analysis.Analyzer{
	Name:     "unclosed",
	Doc:      doc,
	URL:      "https://pkg.go.dev/github.com/grove-go/grove/testutil/lint/unclosed",
	Requires: []*analysis.Analyzer{inspect.Analyzer, ctrlflow.Analyzer},
	Run:      run,
}

const doc = `check for cancel scopes that are not closed

A scope from cancel.New holds a timer, and a place in its parent, until Close, Run or
Cancel ends it. This analyzer reports a scope that is dropped, a variable on which no such
method is called, and a path on which the function returns before such a call. A scope that is
returned, stored, or passed as a *cancel.Scope may be closed elsewhere. Passing it as a
context.Context closes nothing.

Test files are left alone, and so are scopes below context.Background without a time limit,
which hold nothing.`

func run(pass *analysis.Pass) (any, error) {
	root := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector).Root()
	graphs := pass.ResultOf[ctrlflow.Analyzer].(*ctrlflow.CFGs)
	for cur := range root.Preorder((*ast.CallExpr)(nil)) {
		call := cur.Node().(*ast.CallExpr)
		if code.Name(pass.TypesInfo, call) != "cancel.New" {
			continue
		}
		report := func(message string) {
			finding.ReportCode(pass, analysis.Diagnostic{Pos: call.Pos(), End: call.End(), Message: message})
		}
		if holdsNothing(pass.TypesInfo, call) {
			continue
		}
		for cur.ParentEdgeKind() == edge.ParenExpr_X {
			cur = cur.Parent()
		}
		switch cur.ParentEdgeKind() {
		case edge.ExprStmt_X:
			report("the scope of cancel.New is dropped and stays open; call Close or Run")
		case edge.CallExpr_Args:
			if !keeps(pass.TypesInfo, cur) {
				report("the scope of cancel.New is passed as a context and stays open; keep it in a variable, and call Close")
			}
		case edge.SelectorExpr_X:
			sel := cur.Parent()
			if sel.ParentEdgeKind() == edge.CallExpr_Fun && !ends(sel) && !code.IsScope(pass.TypesInfo.TypeOf(sel.Parent().Node().(ast.Expr))) {
				report("the scope of cancel.New stays open; keep it in a variable, and call Close")
			}
		case edge.AssignStmt_Rhs, edge.ValueSpec_Values:
			id := target(cur)
			if id == nil {
				continue // a field or an element
			}
			if id.Name == "_" {
				report("the scope of cancel.New is dropped and stays open; call Close or Run")
				continue
			}
			v := code.Var(pass.TypesInfo, id)
			if v == nil || code.Global(v) {
				continue
			}
			enclosing := function(cur)
			if !enclosing.Valid() || v.Pos() < enclosing.Node().Pos() || v.Pos() >= enclosing.Node().End() {
				continue // the variable belongs to an outer function
			}
			isEnd := ending(pass.TypesInfo, enclosing, v)
			if len(isEnd) == 0 {
				report("scope " + v.Name() + " is not closed; defer " + v.Name() + ".Close()")
			} else if pass.TypesInfo.Defs[id] == v {
				var graph *cfg.CFG
				switch n := enclosing.Node().(type) {
				case *ast.FuncDecl:
					graph = graphs.FuncDecl(n)
				case *ast.FuncLit:
					graph = graphs.FuncLit(n)
				}
				if returns := leak(graph, cur.Parent().Node(), isEnd); returns.IsValid() {
					d := analysis.Diagnostic{Pos: call.Pos(), End: call.End(), Message: "scope " + v.Name() + " is not closed on all paths; defer " + v.Name() + ".Close()"}
					d.Related = []analysis.RelatedInformation{{Pos: returns, Message: "returns here with the scope open"}}
					finding.ReportCode(pass, d)
				}
			}
		}
	}
	return nil, nil
}

// holdsNothing reports whether the scope of a call of New has neither a parent that could
// cancel it nor a time limit.
func holdsNothing(info *types.Info, call *ast.CallExpr) bool {
	parent, ok := ast.Unparen(call.Args[0]).(*ast.CallExpr)
	if !ok {
		return false
	}
	fn := typeutil.StaticCallee(info, parent)
	if fn == nil || fn.FullName() != "context.Background" && fn.FullName() != "context.TODO" {
		return false
	}
	for _, opt := range call.Args[1:] {
		opt, ok := ast.Unparen(opt).(*ast.CallExpr)
		if !ok {
			return false
		}
		switch code.Name(info, opt) {
		case "cancel.Name", "cancel.EchoIf", "cancel.Shielded":
		default:
			return false
		}
	}
	return true
}

// target returns the identifier that the call at cur is assigned to, or nil.
func target(cur inspector.Cursor) *ast.Ident {
	var left ast.Expr
	switch n := cur.Parent().Node().(type) {
	case *ast.AssignStmt:
		if len(n.Lhs) == len(n.Rhs) {
			left = n.Lhs[cur.ParentEdgeIndex()]
		}
	case *ast.ValueSpec:
		if len(n.Names) == len(n.Values) {
			left = n.Names[cur.ParentEdgeIndex()]
		}
	}
	id, _ := left.(*ast.Ident)
	return id
}

func function(cur inspector.Cursor) inspector.Cursor {
	for f := range cur.Enclosing((*ast.FuncDecl)(nil), (*ast.FuncLit)(nil)) {
		return f
	}
	return inspector.Cursor{}
}

// ending returns the identifiers in a function that end the scope v, or pass it to code
// that may end it.
func ending(info *types.Info, fn inspector.Cursor, v *types.Var) map[*ast.Ident]bool {
	found := make(map[*ast.Ident]bool)
	for cur := range fn.Preorder((*ast.Ident)(nil)) {
		id := cur.Node().(*ast.Ident)
		if info.Uses[id] != v {
			continue
		}
		for cur.ParentEdgeKind() == edge.ParenExpr_X {
			cur = cur.Parent()
		}
		switch cur.ParentEdgeKind() {
		case edge.SelectorExpr_X:
			if ends(cur.Parent()) {
				found[id] = true
			}
		case edge.CallExpr_Args:
			if keeps(info, cur) {
				found[id] = true
			}
		case edge.AssignStmt_Lhs: // it gets another scope
		case edge.AssignStmt_Rhs, edge.ValueSpec_Values:
			if into := target(cur); into == nil || into.Name != "_" {
				found[id] = !toContext(info, into)
			}
		default:
			found[id] = true // returned, stored, sent, compared: its end is out of sight
		}
	}
	for id, ends := range found {
		if !ends {
			delete(found, id)
		}
	}
	return found
}

// toContext reports whether id becomes a variable of type context.Context, which has no
// Close.
func toContext(info *types.Info, id *ast.Ident) bool {
	return id != nil && info.TypeOf(id) != nil && code.IsContext(info.TypeOf(id))
}

// ends reports whether a selector of a scope ends it, even if it is not called at once, as
// in t.Cleanup(s.Close).
func ends(sel inspector.Cursor) bool {
	switch sel.Node().(*ast.SelectorExpr).Sel.Name {
	case "Close", "Run", "Cancel", "CancelAs", "Shutdown":
		return true
	}
	return false
}

// keeps reports whether the function with the argument at cur may close it. A function with
// a context.Context parameter may not.
func keeps(info *types.Info, cur inspector.Cursor) bool {
	call := cur.Parent().Node().(*ast.CallExpr)
	if tv := info.Types[call.Fun]; tv.IsType() {
		return !code.IsContext(tv.Type)
	}
	sig, ok := info.TypeOf(call.Fun).(*types.Signature)
	if !ok {
		return true
	}
	params, i := sig.Params(), cur.ParentEdgeIndex()
	if sig.Variadic() && i >= params.Len()-1 {
		s, ok := params.At(params.Len() - 1).Type().(*types.Slice)
		return !ok || !code.IsContext(s.Elem())
	}
	return i >= params.Len() || !code.IsContext(params.At(i).Type())
}

// leak looks for a path from the definition of a scope to a return without an identifier in
// isEnd, and returns the position of the return.
func leak(graph *cfg.CFG, def ast.Node, isEnd map[*ast.Ident]bool) token.Pos {
	if graph == nil {
		return token.NoPos
	}
	passes := func(nodes []ast.Node) (found bool) {
		for _, n := range nodes {
			ast.Inspect(n, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && isEnd[id] {
					found = true
				}
				return !found
			})
		}
		return found
	}
	var start *cfg.Block
	var rest []ast.Node
	for _, b := range graph.Blocks {
		for i, n := range b.Nodes {
			if n == def {
				start, rest = b, b.Nodes[i+1:]
			}
		}
	}
	if start == nil || passes(rest) {
		return token.NoPos
	}
	seen := make(map[*cfg.Block]bool)
	var search func(b *cfg.Block, nodes []ast.Node) token.Pos
	search = func(b *cfg.Block, nodes []ast.Node) token.Pos {
		if passes(nodes) {
			return token.NoPos
		}
		if r := b.Return(); r != nil {
			return r.Pos()
		}
		for _, next := range b.Succs {
			if !seen[next] {
				seen[next] = true
				if pos := search(next, next.Nodes); pos.IsValid() {
					return pos
				}
			}
		}
		return token.NoPos
	}
	return search(start, rest)
}
