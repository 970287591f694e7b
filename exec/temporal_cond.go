package exec

import (
	"fmt"
	"math"
	"time"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/types"
	"streamdb/window"
)

// temporalCond is the running form of a physical.TemporalCond.
type temporalCond struct {
	compare window.Compare
	clock   window.Clock
	zone    *time.Location // of the session that made the plan
	instant bool           // the clock's value is an instant, not a wall clock

	bound     *expr.Program
	boundType types.Kind
	span      *expr.Program // nil for none
	spanDays  bool          // it is a number of days, not an interval
	spanMinus bool
	args      []clockArg

	// the columns of the rows that were evaluated last, and their bounds
	vals   []*chunk.Column
	bounds []int64
}

// clockArg is what a step adds to the clock, if that is not constant.
type clockArg struct {
	step  int
	prog  *expr.Program
	days  bool
	minus bool
}

var compares = map[string]window.Compare{"<": window.Less, "<=": window.LessEqual, ">": window.Greater, ">=": window.GreaterEqual}

func newTemporalCond(n *physical.TemporalCond, ctx *expr.Ctx) (*temporalCond, error) {
	c := &temporalCond{boundType: n.Bound.Type.Kind, spanMinus: n.SpanMinus, instant: true}
	if ctx != nil && ctx.Settings != nil {
		c.zone = ctx.Settings.TimeZone
	}
	var ok bool
	if c.compare, ok = compares[n.Compare]; !ok {
		return nil, fmt.Errorf("plan compares a clock by %q", n.Compare)
	}
	var err error
	if c.bound, err = expr.Compile(n.Bound); err != nil {
		return nil, err
	}
	if n.Span != nil {
		c.spanDays = n.Span.Type.Kind != types.KindInterval
		if c.span, err = expr.Compile(n.Span); err != nil {
			return nil, err
		}
	}
	for i := range n.Steps {
		if err := c.addStep(&n.Steps[i]); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// clockSteps tells what becomes of each step, and whether an instant comes out.
var clockSteps = map[physical.ClockOp]struct {
	step    window.ClockStep
	instant bool
}{
	physical.ClockLocal: {window.ClockLocal, false}, physical.ClockInstant: {window.ClockInstant, true},
	physical.ClockDate: {window.ClockDate, false}, physical.ClockAdd: {window.ClockAdd, false},
	physical.ClockAddInstant: {window.ClockAddInstant, true}, physical.ClockTrunc: {window.ClockTrunc, false},
	physical.ClockTruncInstant: {window.ClockTruncInstant, true},
}

func (c *temporalCond) addStep(s *physical.ClockStep) error {
	k, ok := clockSteps[s.Op]
	if !ok {
		return fmt.Errorf("plan has a clock with step %q", s.Op)
	}
	op := window.ClockOp{Step: k.step, Zone: c.zone}
	c.instant = k.instant
	if s.Zone != "" {
		z, err := types.LoadZone(s.Zone)
		if err != nil {
			return err
		}
		op.Zone = z
	}
	if s.Unit != "" {
		if op.Unit, ok = types.ParseUnit(s.Unit); !ok {
			return fmt.Errorf("plan cuts a clock to unit %q", s.Unit)
		}
	}
	add := types.Interval{}
	if s.Arg != nil {
		days := s.Arg.Type.Kind != types.KindInterval
		if s.Arg.IsConst() {
			if !s.Arg.Val.Null {
				add = stepOf(s.Arg.Val.V, s.Arg.Val.I, days, s.Minus)
			}
		}
		if !s.Arg.IsConst() || s.Arg.Val.Null {
			p, err := expr.Compile(s.Arg)
			if err != nil {
				return err
			}
			c.args = append(c.args, clockArg{step: len(c.clock.Steps), prog: p, days: days, minus: s.Minus})
		}
	}
	c.clock.Steps, c.clock.Add = append(c.clock.Steps, op), append(c.clock.Add, add)
	return nil
}

// stepOf is what a step adds: an interval or days, negated if minus.
func stepOf(v types.Interval, n int64, days, minus bool) types.Interval {
	if days {
		v = types.Interval{Days: int32(max(min(n, math.MaxInt32), -math.MaxInt32))}
	}
	if minus {
		return types.Interval{Months: -v.Months, Days: -v.Days, Micros: -v.Micros}
	}
	return v
}

// eval evaluates what depends on the rows of in.
func (c *temporalCond) eval(ctx *expr.Ctx, in *chunk.Chunk) {
	c.vals = append(c.vals[:0], c.bound.Eval(ctx, in))
	if c.span != nil {
		c.vals = append(c.vals, c.span.Eval(ctx, in))
	}
	for i := range c.args {
		c.vals = append(c.vals, c.args[i].prog.Eval(ctx, in))
	}
}

// cols returns the columns that eval has made; a row with a NULL or error in one of them
// cannot be judged.
func (c *temporalCond) cols() []*chunk.Column { return c.vals }

// judge enters the condition's verdict on n rows at a time. They have no NULLs and errors.
func (c *temporalCond) judge(j *temporalJudge, n int, now int64) {
	c.makeBounds(n)
	if len(c.args) == 0 {
		if shift, ok := c.clock.Shift(); ok {
			c.judgeShifted(j, n, shift)
			return
		}
	}
	args := c.vals[len(c.vals)-len(c.args):]
	for i := range n {
		for k := range c.args {
			a, col := &c.args[k], args[k]
			if a.days {
				c.clock.Add[a.step] = stepOf(types.Interval{}, col.Ints[i], true, a.minus)
			} else {
				c.clock.Add[a.step] = stepOf(col.Ivls[i], 0, false, a.minus)
			}
		}
		if len(c.args) > 0 {
			if shift, ok := c.clock.Shift(); ok {
				j.span[i] = j.span[i].within(c.compare, lessOf(c.bounds[i], shift))
				continue
			}
		}
		holds, change := c.clock.Holds(now, c.compare, c.bounds[i])
		if holds {
			j.ends[i] = min(j.ends[i], change)
		} else {
			j.blocked[i] = max(j.blocked[i], change)
		}
	}
}

// judgeShifted is the usual case: the clock is the time and a distance.
func (c *temporalCond) judgeShifted(j *temporalJudge, n int, shift int64) {
	span, bounds := j.span[:n], c.bounds[:n]
	for i, b := range bounds {
		span[i] = span[i].within(c.compare, lessOf(b, shift))
	}
}

// within narrows v by a comparison of the time with at.
func (v validity) within(cmp window.Compare, at int64) validity {
	if (cmp == window.LessEqual || cmp == window.Greater) && !types.IsInfTimestamp(at) {
		at++ // now <= at is now < at+1, now > at is now >= at+1
	}
	if cmp == window.Less || cmp == window.LessEqual {
		v.until = min(v.until, at)
	} else {
		v.from = max(v.from, at)
	}
	return v
}

// lessOf is b - d for a time b, infinite ones staying so; out of range it is infinite.
func lessOf(b, d int64) int64 {
	if types.IsInfTimestamp(b) {
		return b
	}
	r := b - d
	if (b^d)&(b^r) < 0 {
		if b < 0 {
			return math.MinInt64
		}
		return math.MaxInt64
	}
	return r
}

// makeBounds brings the bounds of n rows to the clock's µs, with their spans.
func (c *temporalCond) makeBounds(n int) {
	if cap(c.bounds) < n {
		c.bounds = make([]int64, max(n, chunk.RowsMax))
	}
	c.bounds = c.bounds[:n]
	copy(c.bounds, c.vals[0].Ints[:n])
	if c.boundType == types.KindDate {
		for i, d := range c.bounds {
			c.bounds[i] = midnight(d)
		}
	}
	if c.instant && c.boundType != types.KindTimestampTZ && c.zone != nil && c.zone != time.UTC {
		for i, b := range c.bounds {
			c.bounds[i] = types.LocalToUTC(b, c.zone)
		}
	}
	if c.span == nil {
		return
	}
	col := c.vals[1]
	for i, b := range c.bounds {
		var d int64
		if c.spanDays {
			d = midnight(col.Ints[i])
		} else {
			d = lengthOf(col.Ivls[i])
		}
		if !c.spanMinus {
			d = -d
		}
		c.bounds[i] = lessOf(b, d)
	}
}

// midnight is the time of a date, or days as µs; out of range it is infinite.
func midnight(days int64) int64 {
	const most = math.MaxInt64 / types.MicrosPerDay
	switch {
	case days > most:
		return math.MaxInt64
	case days < -most:
		return math.MinInt64
	}
	return days * types.MicrosPerDay
}

// lengthOf is the length by which intervals are compared: months of 30 days, days of 24
// hours; as far as it fits.
func lengthOf(v types.Interval) int64 {
	d := midnight(int64(v.Months)*30 + int64(v.Days))
	r := d + v.Micros
	switch {
	case d > 0 && v.Micros > 0 && r < 0:
		return math.MaxInt64
	case d < 0 && v.Micros < 0 && r >= 0:
		return -math.MaxInt64
	}
	return max(r, -math.MaxInt64)
}
