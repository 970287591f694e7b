package planner

import (
	"streamdb/planner/physical"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/window"
)

// emitEvery reads the interval of EMIT EVERY: months, or what has a length.
func (b *binder) emitEvery(e *ast.Emit) (catalog.Emit, error) {
	const what = "the interval of EMIT EVERY"
	x := &exprCtx{b: b, scope: &scope{}, clause: what, noSubqueries: true}
	v, err := x.bind(e.Every)
	if err == nil {
		v, err = b.coerce(v, types.IntervalT, 0)
	}
	if err != nil {
		return catalog.Emit{}, err
	}
	if v = b.foldAll(v); !v.IsConst() || v.Val.Null {
		return catalog.Emit{}, sqlerr.New(sqlerr.InvalidParameterValue, "%s must be a constant interval", what).At(b.pos(e.Every))
	}
	iv := v.Val.V
	us, ok := iv.Micros, iv.Days > -100_000_000 && iv.Days < 100_000_000 // 270,000 years
	us += int64(iv.Days) * 24 * 3600 * 1_000_000
	switch {
	case !ok || us < 0 || iv.Months < 0 || us == 0 && iv.Months == 0:
		return catalog.Emit{}, sqlerr.New(sqlerr.InvalidParameterValue, "%s must be positive", what).At(b.pos(e.Every))
	case us != 0 && iv.Months != 0:
		return catalog.Emit{}, sqlerr.New(sqlerr.FeatureNotSupported, "%s must not mix months with days or time", what).
			WithHint("Months and years go by the calendar, days and time by their length.").At(b.pos(e.Every))
	}
	return catalog.Emit{Policy: catalog.EmitEvery, Every: us, EveryMonths: iv.Months}, nil
}

// withholding puts EMIT EVERY on top of a plan.
func (b *binder) withholding(plan *physical.Plan, emit catalog.Emit) *physical.Plan {
	root := len(plan.Nodes) - 1
	n := plan.Nodes[root]
	plan.Nodes = append(plan.Nodes, physical.Node{Kind: physical.KindEmitEvery, Inputs: []int{root}, Schema: n.Schema, Names: n.Names,
		EmitEvery: &physical.EmitEvery{Every: window.Every{Months: emit.EveryMonths, Micros: emit.Every}}})
	annotate(b.cat, plan)
	return plan
}
