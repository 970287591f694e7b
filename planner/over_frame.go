package planner

import (
	"math"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/ast"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// windowFrame binds the frame of a window; without a clause it reaches from the first
// row of the partition to the last peer.
func (x *exprCtx) windowFrame(s *windowSpec) error {
	b := x.b
	f := &s.frame
	f.Mode, f.Start.Kind, f.End.Kind = physical.FrameRange, physical.UnboundedPreceding, physical.CurrentRow
	d := s.def.Frame
	if d != nil {
		f.Mode = [...]physical.FrameMode{physical.FrameRange, physical.FrameRows, physical.FrameGroups}[d.Mode]
		f.Exclude = [...]physical.Exclusion{physical.ExcludeNone, physical.ExcludeCurrentRow, physical.ExcludeGroup, physical.ExcludeTies}[d.Exclude]
		f.Start.Kind, f.End.Kind = frameKinds[d.Start.Kind], frameKinds[d.End.Kind]
		if f.Mode == physical.FrameGroups && len(s.order) == 0 {
			return sqlerr.New(sqlerr.WindowingError, "GROUPS mode requires an ORDER BY clause").At(b.pos(s.def))
		}
		if err := x.frameOffsets(s, d); err != nil {
			return err
		}
	}
	if f.Mode != physical.FrameRows && !ordered(s) {
		// All rows are peers.
		if f.Start.Kind == physical.CurrentRow {
			f.Start.Kind = physical.UnboundedPreceding
		}
		if f.End.Kind == physical.CurrentRow {
			f.End.Kind = physical.UnboundedFollowing
		}
	}
	return nil
}

// ordered tells whether the order of a window tells rows apart.
func ordered(s *windowSpec) bool {
	for _, o := range s.order {
		if !o.expr.IsConst() {
			return true
		}
	}
	return false
}

// frameOffsets binds the offsets of a frame's bounds.
func (x *exprCtx) frameOffsets(s *windowSpec, d *ast.Frame) error {
	b := x.b
	if d.Start.Offset == nil && d.End.Offset == nil {
		return nil
	}
	if s.frame.Mode == physical.FrameRange && len(s.order) != 1 {
		return sqlerr.New(sqlerr.WindowingError, "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column").At(b.pos(s.def))
	}
	for _, side := range []struct {
		in   ast.FrameBound
		out  *logical.FrameBound
		name string
	}{{d.Start, &s.frame.Start, "starting"}, {d.End, &s.frame.End, "ending"}} {
		if side.in.Offset == nil {
			continue
		}
		e, err := x.frameOffset(s.frame.Mode, side.in.Offset)
		if err != nil {
			return err
		}
		if s.frame.Mode == physical.FrameRange {
			e, err = x.rangeBound(s, side.out.Kind, e, side.name)
		} else {
			e, err = b.frameCount(e, s.frame.Mode, side.name)
		}
		if err != nil {
			return err
		}
		side.out.Offset = e
	}
	return nil
}

// frameOffset binds an offset, which may not use columns.
func (x *exprCtx) frameOffset(mode physical.FrameMode, e ast.Expr) (*expr.Expr, error) {
	b := x.b
	word := map[physical.FrameMode]string{physical.FrameRows: "ROWS", physical.FrameRange: "RANGE", physical.FrameGroups: "GROUPS"}[mode]
	var column ast.Node
	ast.WalkExpr(e, func(n ast.Node) bool {
		if _, ok := n.(*ast.ColumnRef); ok && column == nil {
			column = n
		}
		return true
	})
	if column != nil {
		return nil, sqlerr.New(sqlerr.InvalidColumnReference, "argument of %s must not contain variables", word).At(b.pos(column))
	}
	o := &exprCtx{b: b, scope: &scope{}, clause: "window " + word, noSubqueries: true,
		noWindow: "window functions are not allowed in window definitions"}
	return o.bind(e)
}

// frameCount brings an offset of ROWS or GROUPS to bigint and checks it if it is known.
func (b *binder) frameCount(e *expr.Expr, mode physical.FrameMode, side string) (*expr.Expr, error) {
	word := map[physical.FrameMode]string{physical.FrameRows: "ROWS", physical.FrameGroups: "GROUPS"}[mode]
	pos := e.Pos
	if e.Type.Kind != types.KindUnknown {
		if _, ok := functions.FindCast(e.Type, types.Int8, functions.Assignment); !ok {
			return nil, sqlerr.New(sqlerr.DatatypeMismatch, "argument of %s must be type bigint, not type %s", word, functions.TypeName(e.Type)).At(pos)
		}
	}
	e, err := b.coerce(e, types.Int8, functions.Assignment)
	if err != nil {
		return nil, err
	}
	e = b.foldAll(e)
	switch {
	case !e.IsConst():
	case e.Val.Null:
		return nil, sqlerr.New(sqlerr.NullValueNotAllowed, "frame %s offset must not be null", side).At(pos)
	case e.Val.I < 0:
		return nil, sqlerr.New(sqlerr.InvalidPrecedingOrFollowingSize, "frame %s offset must not be negative", side).At(pos)
	}
	return e, nil
}

// rangeTypes gives, per kind of the ORDER BY column, the type that its frame's bounds
// are computed in and that of the offset.
func rangeTypes(k types.Kind) (key, offset types.Type, ok bool) {
	switch k {
	case types.KindInt2, types.KindInt4, types.KindInt8:
		return types.Int8, types.Int8, true
	case types.KindFloat4, types.KindFloat8:
		return types.Float8, types.Float8, true
	case types.KindNumeric:
		return types.Numeric, types.Numeric, true
	case types.KindDate, types.KindTimestamp:
		return types.Timestamp, types.IntervalT, true
	case types.KindTimestampTZ:
		return types.TimestampTZ, types.IntervalT, true
	case types.KindInterval:
		return types.IntervalT, types.IntervalT, true
	}
	return types.Type{}, types.Type{}, false
}

// rangeBound builds the least or greatest key that is within the frame of a row.
func (x *exprCtx) rangeBound(s *windowSpec, kind physical.BoundKind, offset *expr.Expr, side string) (*expr.Expr, error) {
	b := x.b
	order := s.order[0]
	pos := offset.Pos
	keyType, offsetType, ok := rangeTypes(order.expr.Type.Kind)
	if !ok {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "RANGE with offset PRECEDING/FOLLOWING is not supported for column type %s",
			functions.TypeName(order.expr.Type)).At(pos)
	}
	if offset.Type.Kind != types.KindUnknown {
		if _, ok := functions.FindCast(offset.Type, offsetType, functions.Implicit); !ok {
			return nil, sqlerr.New(sqlerr.FeatureNotSupported,
				"RANGE with offset PRECEDING/FOLLOWING is not supported for column type %s and offset type %s",
				functions.TypeName(order.expr.Type), functions.TypeName(offset.Type)).
				WithHint("Cast the offset value to an appropriate type.").At(pos)
		}
	}
	offset, err := b.coerce(offset, offsetType, functions.Implicit)
	if err != nil {
		return nil, err
	}
	offset = b.foldAll(offset)
	if err := b.checkDistance(offset, side, pos); err != nil {
		return nil, err
	}
	key, err := b.coerce(order.expr, keyType, functions.Implicit)
	if err != nil {
		return nil, err
	}
	s.frame.Key = key
	op := "+"
	if (kind == physical.OffsetPreceding) != order.desc {
		op = "-"
	}
	if keyType.Kind != types.KindInt8 {
		return b.call(op, pos, key, offset)
	}
	return b.saturating(op, key, offset, pos)
}

// checkDistance refuses a NULL or negative offset of RANGE.
func (b *binder) checkDistance(e *expr.Expr, side string, pos int) error {
	if !e.IsConst() {
		return nil
	}
	if e.Val.Null {
		return sqlerr.New(sqlerr.NullValueNotAllowed, "frame %s offset must not be null", side).At(pos)
	}
	less, err := b.call("<", pos, e, expr.Const(e.Type, types.Datum{}))
	if err != nil {
		return err
	}
	if logical.IsTrue(less) {
		return sqlerr.New(sqlerr.InvalidPrecedingOrFollowingSize, "invalid preceding or following size in window function").At(pos)
	}
	return nil
}

// saturating builds key + offset or key - offset over bigint that stops at the ends of
// its range: what would lie beyond takes in everything.
func (b *binder) saturating(op string, key, offset *expr.Expr, pos int) (*expr.Expr, error) {
	inverse, end, pick := "+", int64(math.MinInt64), expr.OpGreatest
	if op == "+" {
		inverse, end, pick = "-", math.MaxInt64, expr.OpLeast
	}
	last, err := b.call(inverse, pos, expr.Const(types.Int8, types.Datum{I: end}), offset)
	if err != nil {
		return nil, err
	}
	// GREATEST ignores NULLs; a NULL key keeps its row among its peers.
	capped := b.fold(&expr.Expr{Op: pick, Type: types.Int8, Args: []*expr.Expr{key, last}, Pos: pos})
	return b.call(op, pos, capped, offset)
}
