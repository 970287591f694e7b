package planner

import (
	"slices"
	"strings"

	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// watermark adds WATERMARK FOR column AS column - interval WITH (…).
func (t *tableBuilder) watermark(w *ast.Watermark) error {
	b := t.b
	col := t.d.Column(w.Column)
	if col == nil {
		return sqlerr.New(sqlerr.UndefinedColumn, "column %q of relation %q does not exist", w.Column, t.d.Name).At(b.pos(w))
	}
	if col.Type.Kind != types.KindTimestamp && col.Type.Kind != types.KindTimestampTZ {
		return sqlerr.New(sqlerr.DatatypeMismatch, "a watermark column must be of type timestamp or timestamptz, not %s",
			functions.TypeName(col.Type)).At(b.pos(w))
	}
	if t.d.Table.WatermarkOf(col.ID) != nil {
		return sqlerr.New(sqlerr.InvalidTableDefinition, "multiple watermarks for column %q are not allowed", w.Column).At(b.pos(w))
	}
	wm := catalog.Watermark{Column: col.ID, Expr: ast.String(w.Expr), MaxDrift: catalog.MaxDriftDefault}
	var err error
	if wm.Delay, err = t.watermarkDelay(w, col.ID); err != nil {
		return err
	}
	if err := b.watermarkOptions(&wm, w.Options); err != nil {
		return err
	}
	t.d.Table.Watermarks = append(t.d.Table.Watermarks, wm)
	return nil
}

// watermarkDelay reads the expression of a watermark: the column, or the column minus a
// constant.
func (t *tableBuilder) watermarkDelay(w *ast.Watermark, column int) (int64, error) {
	b := t.b
	s, ids := t.scope()
	own := ids[slices.IndexFunc(t.d.Table.Columns, func(c catalog.Column) bool { return c.ID == column })]
	x := &exprCtx{b: b, scope: s, clause: "WATERMARK", noSubqueries: true}
	e, err := x.typed(w.Expr)
	if err != nil {
		return 0, err
	}
	delay := int64(0)
	switch {
	case e.Op == expr.OpColumn && e.Col == own:
	case e.Op == expr.OpCall && len(e.Args) == 2 && functions.ByID(e.Fn).Name == "-" && e.Args[0].Op == expr.OpColumn && e.Args[0].Col == own &&
		e.Args[1].IsConst() && e.Args[1].Type.Kind == types.KindInterval && !e.Args[1].Val.Null && e.Args[1].Val.V.Months == 0:
		v := e.Args[1].Val.V
		delay = int64(v.Days)*86400e6 + v.Micros
	default:
		return 0, sqlerr.New(sqlerr.FeatureNotSupported, "a watermark must be the column itself or the column minus a constant interval").
			WithHint("For example, WATERMARK FOR %s AS %s - INTERVAL '5 seconds'.", w.Column, w.Column).At(b.pos(w))
	}
	if delay < 0 {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "a watermark's delay must not be negative").At(b.pos(w))
	}
	return delay, nil
}

// watermarkOptions reads WITH (…) of a watermark.
func (b *binder) watermarkOptions(wm *catalog.Watermark, opts []ast.Option) error {
	for i := range opts {
		o := &opts[i]
		var to *int64
		switch o.Name {
		case "idle_timeout":
			to = &wm.IdleTimeout
		case "max_drift":
			to = &wm.MaxDrift
		default:
			return sqlerr.New(sqlerr.InvalidParameterValue, "unrecognized parameter %q", o.Name).At(b.pos(o))
		}
		if strings.EqualFold(o.Value, "none") {
			*to = 0
			continue
		}
		v, err := b.optionInterval(o)
		if err != nil {
			return err
		}
		*to = v
	}
	return nil
}

// optionInterval reads an option that is a span of time above zero, in µs.
func (b *binder) optionInterval(o *ast.Option) (int64, error) {
	v, err := types.ParseInterval(o.Value, &types.Settings{}, -1)
	if err != nil || v.Months != 0 {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "invalid value for parameter %q: %q", o.Name, o.Value).
			WithHint("It is an interval of days or less, such as '30 seconds'.").At(b.pos(o))
	}
	us := int64(v.Days)*86400e6 + v.Micros
	if us <= 0 {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "%s must be greater than zero", o.Name).At(b.pos(o))
	}
	return us, nil
}
