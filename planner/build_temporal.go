package planner

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// filter builds a filter. Of a maintained query's conditions those that compare the
// clock become a TemporalFilter, above the others: it need not keep what they drop.
func (p *builder) filter(n *logical.Filter, need logical.ColSet) *built {
	in := p.build(n.Input, need.Union(logical.Refs(n.Pred)))
	pred := n.Pred
	var conds []physical.TemporalCond
	if p.b.maintained && clockIn(pred) != nil {
		var rest []*expr.Expr
		for _, c := range logical.Conjuncts(pred) {
			if t := temporalConds(c); t != nil {
				conds = append(conds, t...)
			} else {
				rest = append(rest, c)
			}
		}
		pred = logical.And(rest...)
	}
	if pred != nil {
		in = p.add(physical.Node{Kind: physical.KindFilter, Inputs: []int{in.idx},
			Filter: &physical.Filter{Pred: p.local(pred, in.cols)}}, in.cols, in.dist)
	}
	if len(conds) == 0 {
		return in
	}
	for i := range conds {
		c := &conds[i]
		c.Bound, c.Span = p.local(c.Bound, in.cols), p.local(c.Span, in.cols)
		for k := range c.Steps {
			c.Steps[k].Arg = p.local(c.Steps[k].Arg, in.cols)
		}
	}
	return p.add(physical.Node{Kind: physical.KindTemporalFilter, Inputs: []int{in.idx},
		TemporalFilter: &physical.TemporalFilter{Conds: conds}}, in.cols, in.dist)
}

// clockNames are the functions whose value is the time, in a maintained query that of
// the log.
var clockNames = []string{"now", "transaction_timestamp", "current_timestamp", "statement_timestamp", "localtimestamp", "current_date"}

// isClock tells whether f is a function whose value is the time.
func isClock(f *functions.Function) bool {
	return len(f.Args) == 0 && slices.Contains(clockNames, f.Name)
}

// clockIn finds a call of a clock in e, nil if there is none.
func clockIn(e *expr.Expr) *expr.Expr {
	var found *expr.Expr
	expr.Walk(e, func(x *expr.Expr) bool {
		if f := functionOf(x); found == nil && f != nil && isClock(f) {
			found = x
		}
		return found == nil
	})
	return found
}

// noClock refuses a clock that is left in a maintained plan: one that is not compared with
// the row in a condition of its own.
func noClock(plan *physical.Plan) error {
	var found *expr.Expr
	physical.MapExprs(plan, func(e *expr.Expr) *expr.Expr {
		if found == nil {
			found = clockIn(e)
		}
		return e
	})
	if found == nil {
		return nil
	}
	return sqlerr.New(sqlerr.FeatureNotSupported, "function %s() is not supported here in a maintained query", functionOf(found).Name).
		WithDetail("Its value changes without any change of the data.").
		WithHint("Compare it with the row's columns in a condition of its own in WHERE or HAVING: ts > now() - interval '1 hour' AND …, " +
			"coalesce(valid_to, 'infinity') > now().").At(found.Pos)
}

func functionOf(e *expr.Expr) *functions.Function {
	if e == nil || e.Op != expr.OpCall {
		return nil
	}
	return functions.ByID(e.Fn)
}

// opposite is the comparison that holds where this one does not.
var opposite = map[string]string{"<": ">=", "<=": ">", ">": "<=", ">=": "<"}

// temporalConds takes a comparison of the clock with the row apart; nil if it is none.
func temporalConds(e *expr.Expr) []physical.TemporalCond {
	negated := e.Op == expr.OpNot
	if negated {
		e = e.Args[0]
	}
	f := functionOf(e)
	if f == nil || len(e.Args) != 2 || swapped[f.Name] == "" || logical.IsVolatile(e) {
		return nil
	}
	op := f.Name
	if negated {
		if op = opposite[op]; op == "" {
			return nil
		}
	}
	clock, bound := e.Args[0], e.Args[1]
	if clockIn(bound) != nil {
		clock, bound, op = bound, clock, swapped[op]
	}
	if clockIn(clock) == nil || clockIn(bound) != nil {
		return nil
	}
	c := physical.TemporalCond{Bound: bound}
	if d := functionOf(clock); d != nil && d.Name == "-" && len(clock.Args) == 2 && isMoment(clock.Args[0].Type) && isMoment(clock.Args[1].Type) {
		// now() - ts < span is now() < ts + span, ts - now() < span is now() > ts - span.
		c.Span, c.Bound, clock = bound, clock.Args[1], clock.Args[0]
		if clockIn(c.Bound) != nil {
			clock, c.Bound, op, c.SpanMinus = c.Bound, clock, swapped[op], true
		}
		if clockIn(c.Bound) != nil || c.Span.Type.Kind != types.KindInterval && c.Span.Type.Class() != types.ClassInt {
			return nil
		}
	}
	steps, t, ok := clockSteps(clock)
	if !ok || !isMoment(c.Bound.Type) {
		return nil
	}
	if t != types.KindTimestampTZ && c.Bound.Type.Kind == types.KindTimestampTZ {
		steps = append(steps, physical.ClockStep{Op: physical.ClockInstant})
	}
	c.Steps = steps
	if op == "=" {
		low, high := c, c
		low.Compare, high.Compare = "<=", ">="
		high.Steps = slices.Clone(steps)
		return []physical.TemporalCond{low, high}
	}
	c.Compare = op
	return []physical.TemporalCond{c}
}

// isMoment tells whether a type is a point in time.
func isMoment(t types.Type) bool {
	return t.Kind == types.KindTimestampTZ || t.Kind == types.KindTimestamp || t.Kind == types.KindDate
}

// clockSteps takes what is computed from the clock apart, and tells what type comes out.
func clockSteps(e *expr.Expr) (steps []physical.ClockStep, t types.Kind, ok bool) {
	f := functionOf(e)
	if f == nil {
		return nil, 0, false
	}
	if isClock(f) {
		switch f.Name {
		case "localtimestamp":
			return []physical.ClockStep{{Op: physical.ClockLocal}}, types.KindTimestamp, true
		case "current_date":
			return []physical.ClockStep{{Op: physical.ClockLocal}, {Op: physical.ClockDate}}, types.KindDate, true
		}
		return nil, types.KindTimestampTZ, true
	}
	at := slices.IndexFunc(e.Args, func(a *expr.Expr) bool { return clockIn(a) != nil })
	if at < 0 {
		return nil, 0, false
	}
	if steps, t, ok = clockSteps(e.Args[at]); !ok {
		return nil, 0, false
	}
	var more []physical.ClockStep
	switch {
	case castSteps[f.ID] != nil:
		more, ok = castSteps[f.ID], true
	case (f.Name == "+" || f.Name == "-" && at == 0) && len(e.Args) == 2:
		more, ok = addStep(f.Name, t, e.Args[1-at])
	case f.Name == "date_trunc":
		more, ok = truncStep(e, t)
	case f.Name == "timezone":
		more, ok = zoneStep(e, t)
	default:
		return nil, 0, false
	}
	return append(steps, more...), e.Type.Kind, ok
}

// castSteps are the casts between points in time. A date is the wall clock's midnight.
var castSteps = map[string][]physical.ClockStep{
	"cast_timestamptz_timestamp": {{Op: physical.ClockLocal}},
	"cast_timestamptz_date":      {{Op: physical.ClockLocal}, {Op: physical.ClockDate}},
	"cast_timestamp_date":        {{Op: physical.ClockDate}},
	"cast_timestamp_timestamptz": {{Op: physical.ClockInstant}},
	"cast_date_timestamptz":      {{Op: physical.ClockInstant}},
	"cast_date_timestamp":        {},
}

// addStep adds an interval or days to a clock of type t.
func addStep(op string, t types.Kind, arg *expr.Expr) ([]physical.ClockStep, bool) {
	s := physical.ClockStep{Op: physical.ClockAdd, Arg: arg, Minus: op == "-"}
	if t == types.KindTimestampTZ {
		s.Op = physical.ClockAddInstant
	}
	days := t == types.KindDate && arg.Type.Class() == types.ClassInt && !isMoment(arg.Type) && arg.Type.Kind != types.KindTime
	return []physical.ClockStep{s}, clockIn(arg) == nil && (days || arg.Type.Kind == types.KindInterval)
}

// truncStep is date_trunc('unit', clock[, 'zone']).
func truncStep(e *expr.Expr, t types.Kind) ([]physical.ClockStep, bool) {
	s := physical.ClockStep{Op: physical.ClockTrunc}
	if t == types.KindTimestampTZ {
		s.Op = physical.ClockTruncInstant
	}
	name, ok := literalText(e.Args[0])
	u, known := types.ParseUnit(name)
	if !ok || !known || u > types.UnitYear {
		return nil, false
	}
	s.Unit = u.String()
	if len(e.Args) > 2 {
		if s.Zone, ok = constZone(e.Args[2]); !ok {
			return nil, false
		}
	}
	return []physical.ClockStep{s}, true
}

// zoneStep is clock AT TIME ZONE 'zone'.
func zoneStep(e *expr.Expr, t types.Kind) ([]physical.ClockStep, bool) {
	s := physical.ClockStep{Op: physical.ClockInstant}
	if t == types.KindTimestampTZ {
		s.Op = physical.ClockLocal
	}
	var ok bool
	s.Zone, ok = constZone(e.Args[0])
	return []physical.ClockStep{s}, ok
}

func literalText(e *expr.Expr) (string, bool) {
	if !e.IsConst() || e.Val.Null || e.Type.Class() != types.ClassBytes {
		return "", false
	}
	return e.Val.S, true
}

// constZone is a constant time zone; a bare offset counts hours west, as in AT TIME ZONE.
func constZone(e *expr.Expr) (string, bool) {
	name, ok := literalText(e)
	if ok && name != "" && (name[0] == '+' || name[0] == '-' || name[0] >= '0' && name[0] <= '9') {
		name = "UTC" + name
	}
	if _, err := types.LoadZone(name); !ok || name == "" || err != nil {
		return "", false
	}
	return name, true
}
