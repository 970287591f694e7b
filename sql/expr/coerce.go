package expr

import (
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// Coerce returns e cast to type to, its modifier included, in a context. A literal of
// unknown type is read by the type's input function at once, so that a bad literal is
// noticed when the statement is planned; ctx gives the settings for that and may be nil.
func Coerce(e *Expr, to types.Type, how functions.CastContext, ctx *Ctx) (*Expr, error) {
	if e.Type.Kind == types.KindUnknown {
		return coerceUnknown(e, to, how, ctx)
	}
	id, ok := functions.FindCast(e.Type, to, how)
	if !ok {
		return nil, cannotCast(e, to, how)
	}
	mod := functions.TypmodCast(to, how)
	if id == "" && (mod == "" || e.Type.Typmod == to.Typmod) {
		if e.Type == to || to.Typmod >= 0 {
			return e, nil
		}
		return retype(e, to), nil
	}
	if id != "" {
		t := to
		if mod != "" {
			t = to.Base()
		}
		e = Call(id, t, e.Pos, e)
	}
	if mod != "" {
		e = Call(mod, to, e.Pos, e)
	}
	return e, nil
}

// retype drops a modifier.
func retype(e *Expr, to types.Type) *Expr {
	n := *e
	n.Type = to
	return &n
}

// Call returns a call of the function with an id.
func Call(id string, ret types.Type, pos int, args ...*Expr) *Expr {
	return &Expr{Op: OpCall, Fn: id, Type: ret, Args: args, Pos: pos}
}

func coerceUnknown(e *Expr, to types.Type, how functions.CastContext, ctx *Ctx) (*Expr, error) {
	if to.Kind == types.KindUnknown {
		return e, nil
	}
	if !e.IsConst() {
		if e.Op == OpParam {
			return retype(e, to), nil
		}
		return Call("cast_text_in", to, e.Pos, retype(e, types.Text)), nil
	}
	if e.Val.Null {
		n := Null(to)
		n.Pos = e.Pos
		return n, nil
	}
	st := types.DefaultSettings
	if ctx != nil && ctx.Settings != nil {
		st = ctx.Settings
	}
	d, err := parseLiteral(e.Val.S, to, how, st)
	if err != nil {
		own := *sqlerr.As(err) // the error may be shared
		return nil, own.At(e.Pos)
	}
	n := Const(to, d)
	n.Pos = e.Pos
	return n, nil
}

// parseLiteral reads a literal; an explicit cast cuts text that is too long.
func parseLiteral(s string, to types.Type, how functions.CastContext, st *types.Settings) (types.Datum, error) {
	if how == functions.Explicit && (to.Kind == types.KindVarchar || to.Kind == types.KindBPChar) {
		r, err := types.CoerceString(to, s, true)
		return types.Datum{S: r}, err
	}
	return types.ParseText(to, s, st)
}

func cannotCast(e *Expr, to types.Type, how functions.CastContext) error {
	if how == functions.Explicit {
		return sqlerr.New(sqlerr.CannotCoerce, "cannot cast type %s to %s", functions.TypeName(e.Type), functions.TypeName(to)).At(e.Pos)
	}
	return sqlerr.New(sqlerr.DatatypeMismatch, "cannot convert type %s to %s", functions.TypeName(e.Type), functions.TypeName(to)).At(e.Pos)
}
