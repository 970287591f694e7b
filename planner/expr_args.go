package planner

import (
	"strings"

	"streamdb/sql/ast"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// arguments binds a call's arguments, bringing named ones to their places and taking a VARIADIC array apart.
func (x *exprCtx) arguments(name string, e *ast.FuncCall) ([]*expr.Expr, error) {
	for _, a := range e.Args {
		if _, named := a.(*ast.NamedArg); named {
			return x.namedArguments(name, e)
		}
	}
	args, err := x.callArgs(name, e.Args)
	if err != nil || !e.Variadic {
		return args, err
	}
	return x.b.spread(args, x.b.pos(e))
}

// namedArguments binds f(a, b => c).
func (x *exprCtx) namedArguments(name string, e *ast.FuncCall) ([]*expr.Expr, error) {
	b := x.b
	var positional, named []*expr.Expr
	var names []string
	for _, a := range e.Args {
		n, ok := a.(*ast.NamedArg)
		if !ok {
			if len(named) > 0 {
				return nil, sqlerr.New(sqlerr.SyntaxError, "positional argument cannot follow named argument").At(b.pos(a))
			}
			v, err := x.bind(a)
			if err != nil {
				return nil, err
			}
			positional = append(positional, v)
			continue
		}
		for _, have := range names {
			if have == n.Name {
				return nil, sqlerr.New(sqlerr.SyntaxError, "argument name %q used more than once", n.Name).At(b.pos(n))
			}
		}
		v, err := x.bind(n.Arg)
		if err != nil {
			return nil, err
		}
		names, named = append(names, n.Name), append(named, v)
	}
	at, gaps, ok := functions.ArgPositions(name, len(positional), names)
	if !ok {
		return nil, noNamedFunction(name, positional, names, named).At(b.pos(e))
	}
	out := append(positional, make([]*expr.Expr, len(named)+len(gaps))...)
	for i, v := range named {
		out[at[i]] = v
	}
	for i, t := range gaps {
		out[i] = expr.Const(t, types.Datum{})
	}
	return out, nil
}

func noNamedFunction(name string, positional []*expr.Expr, names []string, named []*expr.Expr) *sqlerr.Error {
	var list []string
	for _, v := range positional {
		list = append(list, functions.TypeName(v.Type))
	}
	for i, v := range named {
		list = append(list, names[i]+" => "+functions.TypeName(v.Type))
	}
	return sqlerr.New(sqlerr.UndefinedFunction, "function %s(%s) does not exist", name, strings.Join(list, ", ")).
		WithHint("No function matches the given name and argument types. You might need to add explicit type casts.")
}
