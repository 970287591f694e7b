package expr

import (
	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// Fold computes what does not depend on the input: immutable functions over
// constants, AND and OR with a deciding constant, CASE and COALESCE whose arm is
// known. What fails stays as it is, so that only rows which get there fail.
func Fold(e *Expr) *Expr { return fold(e, nil, functions.Immutable) }

// FoldStable also computes stable functions, with ctx's settings and time: for a
// statement that runs once, never for a plan in the log.
func FoldStable(e *Expr, ctx *Ctx) *Expr { return fold(e, ctx, functions.Stable) }

func fold(e *Expr, ctx *Ctx, upTo functions.Volatility) *Expr {
	return Rewrite(e, func(x *Expr) *Expr {
		switch x.Op {
		case OpAnd:
			return foldLogic(x, 0)
		case OpOr:
			return foldLogic(x, 1)
		case OpCase:
			return foldCase(x)
		case OpCoalesce:
			return foldCoalesce(x)
		case OpColumn, OpConst, OpParam, OpRow:
			return x
		}
		for _, a := range x.Args {
			if !a.IsConst() {
				return x
			}
		}
		if x.Fn != "" {
			f := functions.ByID(x.Fn)
			if f == nil || f.Kind != functions.Scalar || f.Volatility > upTo {
				return x
			}
		}
		return compute(x, ctx)
	})
}

// compute evaluates a constant expression; on an error it returns x itself.
func compute(x *Expr, ctx *Ctx) *Expr {
	p, err := Compile(x)
	if err != nil {
		return x
	}
	if ctx == nil {
		ctx = new(Ctx)
	}
	v := p.Eval(ctx, &chunk.Chunk{Rows: 1})
	if len(v.Errs) > 0 {
		return x
	}
	c := Const(x.Type, v.Datum(0))
	c.Pos = x.Pos
	return c
}

// foldLogic folds AND (dominant 0) and OR (dominant 1).
func foldLogic(x *Expr, dominant int64) *Expr {
	var args []*Expr
	for _, a := range x.Args {
		if a.Op == x.Op {
			args = append(args, a.Args...)
			continue
		}
		if a.IsConst() && !a.Val.Null {
			if a.Val.I == dominant {
				return BoolConst(dominant == 1)
			}
			continue
		}
		args = append(args, a)
	}
	switch {
	case len(args) == 0:
		return BoolConst(dominant == 0)
	case len(args) == 1:
		return args[0]
	case len(args) == len(x.Args):
		return x
	}
	y := *x
	y.Args = args
	return &y
}

// foldCase drops arms that cannot be taken and cuts behind one that always is.
func foldCase(x *Expr) *Expr {
	var args []*Expr
	k := 0
	for ; k+1 < len(x.Args); k += 2 {
		when := x.Args[k]
		if !when.IsConst() {
			args = append(args, when, x.Args[k+1])
			continue
		}
		if !when.Val.Null && when.Val.I == 1 {
			break
		}
	}
	var other *Expr
	switch {
	case k+1 < len(x.Args):
		other = x.Args[k+1]
	case k < len(x.Args):
		other = x.Args[k]
	default:
		other = Null(x.Type)
	}
	if len(args) == 0 {
		return other
	}
	if len(args)+1 == len(x.Args) {
		return x
	}
	y := *x
	y.Args = append(args, other)
	return &y
}

func foldCoalesce(x *Expr) *Expr {
	var args []*Expr
	for _, a := range x.Args {
		if a.IsConst() && a.Val.Null {
			continue
		}
		args = append(args, a)
		if a.IsConst() {
			break
		}
	}
	switch {
	case len(args) == 0:
		return Null(x.Type)
	case len(args) == 1:
		return args[0]
	case len(args) == len(x.Args):
		return x
	}
	y := *x
	y.Args = args
	return &y
}

// IsVolatile reports whether e holds a volatile call.
func IsVolatile(e *Expr) bool { return isVolatile(e) }

// IsStable reports whether e's value depends on nothing but its input, the settings
// and the statement's time.
func IsStable(e *Expr) bool { return !isVolatile(e) }

var _ = types.Bool
