package code

import (
	"go/ast"
	"go/types"
	"strings"

	"golang.org/x/tools/go/types/typeutil"
)

const (
	grove = "github.com/grove-go/grove/"

	// Nursery, Cancel and Channel are the paths of the library's packages.
	Nursery = grove + "nursery"
	Cancel  = grove + "cancel"
	Channel = grove + "channel"

	// Errgroup is the path of the package that the flag errgroup adds.
	Errgroup = "golang.org/x/sync/errgroup"
)

// Name returns the short name of the called function or method, such as nursery.Run,
// Nursery.Go or errgroup.Group.Go. It returns "" if neither Grove nor errgroup declares it.
func Name(info *types.Info, call *ast.CallExpr) string {
	fn := typeutil.StaticCallee(info, call)
	if fn == nil || fn.Pkg() == nil {
		return ""
	}
	prefix := ""
	switch fn.Pkg().Path() {
	case Nursery, Cancel, Channel:
	case Errgroup:
		prefix = "errgroup."
	default:
		return ""
	}
	recv := fn.Signature().Recv()
	if recv == nil {
		return fn.Pkg().Name() + "." + fn.Name()
	}
	named, ok := deref(recv.Type()).(*types.Named)
	if !ok {
		return ""
	}
	return prefix + named.Obj().Name() + "." + fn.Name()
}

// OfErrgroup reports whether name, from [Name], belongs to errgroup.
func OfErrgroup(name string) bool { return strings.HasPrefix(name, "errgroup.") }

// Context returns the context argument of a call that runs its function arguments, or nil:
// the first argument, if its parameter is a context.
func Context(info *types.Info, call *ast.CallExpr) ast.Expr {
	sig, ok := types.Unalias(typeOf(info, call.Fun)).(*types.Signature)
	if !ok || sig.Params().Len() == 0 || len(call.Args) == 0 || !IsContext(sig.Params().At(0).Type()) {
		return nil
	}
	return ast.Unparen(call.Args[0])
}

// Tasks returns the function literals among the arguments of call with a context as their
// first parameter.
func Tasks(info *types.Info, call *ast.CallExpr) (tasks []*ast.FuncLit) {
	for _, arg := range call.Args {
		if lit, ok := ast.Unparen(arg).(*ast.FuncLit); ok {
			if sig, ok := typeOf(info, lit).(*types.Signature); ok && sig.Params().Len() > 0 && IsContext(sig.Params().At(0).Type()) {
				tasks = append(tasks, lit)
			}
		}
	}
	return tasks
}

// Param returns the first named parameter of a function with a type that is accepts, or
// nil.
func Param(info *types.Info, fn *ast.FuncType, is func(types.Type) bool) *types.Var {
	for _, field := range fn.Params.List {
		for _, id := range field.Names {
			if v, ok := info.Defs[id].(*types.Var); ok && is(v.Type()) {
				return v
			}
		}
	}
	return nil
}

// Var returns the variable that an expression names, or nil.
func Var(info *types.Info, e ast.Expr) *types.Var {
	id, ok := ast.Unparen(e).(*ast.Ident)
	if !ok {
		return nil
	}
	v, _ := info.ObjectOf(id).(*types.Var)
	return v
}

// Root returns the variable at the root of an expression like v.f[i].g, or nil.
func Root(info *types.Info, e ast.Expr) *types.Var {
	for {
		switch x := ast.Unparen(e).(type) {
		case *ast.SelectorExpr:
			if v, ok := info.Uses[x.Sel].(*types.Var); ok && !v.IsField() {
				return v // of another package
			}
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		default:
			return Var(info, e)
		}
	}
}

// Global reports whether v is a variable of a package.
func Global(v *types.Var) bool { return v.Pkg() != nil && v.Parent() == v.Pkg().Scope() }

// IsContext reports whether t is context.Context.
func IsContext(t types.Type) bool { return isNamed(t, "context", "Context") }

// IsScope reports whether t is *cancel.Scope.
func IsScope(t types.Type) bool { return isPointer(t, Cancel, "Scope") }

// IsNursery reports whether t is *nursery.Nursery.
func IsNursery(t types.Type) bool { return isPointer(t, Nursery, "Nursery") }

// IsErrgroup reports whether t is errgroup.Group, or a pointer to it.
func IsErrgroup(t types.Type) bool { return isNamed(deref(t), Errgroup, "Group") }

func isPointer(t types.Type, path, name string) bool {
	p, ok := types.Unalias(t).(*types.Pointer)
	return ok && isNamed(p.Elem(), path, name)
}

func isNamed(t types.Type, path, name string) bool {
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Name() == name && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == path
}

func deref(t types.Type) types.Type {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		return types.Unalias(p.Elem())
	}
	return types.Unalias(t)
}

// typeOf returns the type of an expression, which is invalid where the code has errors.
func typeOf(info *types.Info, e ast.Expr) types.Type {
	if t := info.TypeOf(e); t != nil {
		return t
	}
	return types.Typ[types.Invalid]
}
