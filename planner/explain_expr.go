package planner

import (
	"fmt"
	"strings"

	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// call writes a call, operators between their arguments.
func call(fn string, args []*expr.Expr, in []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = FormatExpr(a, in)
	}
	f := functions.ByID(fn)
	switch {
	case f != nil && f.Operator() && len(out) == 2:
		return "(" + out[0] + " " + f.Name + " " + out[1] + ")"
	case f != nil && f.Operator() && len(out) == 1:
		return f.Name + out[0]
	case f != nil && !f.Hidden:
		fn = f.Name
	}
	return fn + "(" + strings.Join(out, ", ") + ")"
}

// FormatExpr writes an expression for people; in is the names of its input columns.
func FormatExpr(e *expr.Expr, in []string) string {
	args := func(sep string) string {
		out := make([]string, len(e.Args))
		for i, a := range e.Args {
			out[i] = FormatExpr(a, in)
		}
		return strings.Join(out, sep)
	}
	switch e.Op {
	case expr.OpColumn:
		if e.Col < len(in) && e.Col >= 0 {
			return in[e.Col]
		}
		return fmt.Sprintf("#%d", e.Col)
	case expr.OpConst:
		return constText(e)
	case expr.OpParam:
		return fmt.Sprintf("$%d", e.Col+1)
	case expr.OpCall:
		if strings.HasPrefix(e.Fn, "cast_") {
			return FormatExpr(e.Args[0], in) + "::" + e.Type.String()
		}
		return call(e.Fn, e.Args, in)
	case expr.OpAnd:
		return "(" + args(" and ") + ")"
	case expr.OpOr:
		return "(" + args(" or ") + ")"
	case expr.OpNot:
		return "not " + args("")
	case expr.OpIsNull:
		return args("") + " is null"
	case expr.OpDistinct:
		return "(" + args(" is distinct from ") + ")"
	case expr.OpIsTrue:
		return args("") + " is true"
	case expr.OpIsFalse:
		return args("") + " is false"
	case expr.OpInList:
		out := make([]string, len(e.Args)-1)
		for i, a := range e.Args[1:] {
			out[i] = FormatExpr(a, in)
		}
		return FormatExpr(e.Args[0], in) + " in (" + strings.Join(out, ", ") + ")"
	}
	return opWords[e.Op] + "(" + args(", ") + ")"
}

var opWords = map[expr.Op]string{
	expr.OpCase: "case", expr.OpCoalesce: "coalesce", expr.OpNullIf: "nullif", expr.OpArray: "array",
	expr.OpAnyArray: "any", expr.OpAllArray: "all", expr.OpGreatest: "greatest", expr.OpLeast: "least", expr.OpRow: "row",
}

func constText(e *expr.Expr) string {
	if e.Val.Null {
		return "null"
	}
	s := string(types.AppendText(nil, e.Type, *e.Val, nil))
	if e.Type.IsNumber() || e.Type.Kind == types.KindBool {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
