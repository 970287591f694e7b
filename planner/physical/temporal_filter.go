package physical

import "streamdb/sql/expr"

// KindTemporalFilter is the kind of TemporalFilter.
const KindTemporalFilter Kind = "TemporalFilter"

// TemporalFilter keeps the rows that stand in all of Conds with the log's clock, now:
// they come and go as time passes. A row for which a side is NULL never stands in it.
type TemporalFilter struct {
	Conds []TemporalCond `json:"conds"`
}

// TemporalCond compares what Steps make of the clock with a bound of the row.
type TemporalCond struct {
	// Steps are applied one after the other to the timestamptz now.
	Steps []ClockStep `json:"steps,omitempty"`
	// Compare is one of <, <=, >, >=: clock Compare bound.
	Compare string `json:"compare"`
	// Bound is a timestamptz where the steps lead to one, else a timestamp or date.
	Bound *expr.Expr `json:"bound"`
	// Span, an interval (of 30-day months and 24-hour days) or a number of days, is added
	// to the bound, or subtracted: now() - ts < Span is now() < ts + Span, by the length
	// of the span and not by the calendar.
	Span      *expr.Expr `json:"span,omitempty"`
	SpanMinus bool       `json:"span_minus,omitempty"`
}

// ClockOp says what a ClockStep does.
type ClockOp string

// The steps of a clock.
const (
	// ClockLocal makes a timestamp of a timestamptz, in Zone or, if that is empty, the
	// plan's TimeZone; ClockInstant goes back.
	ClockLocal   ClockOp = "local"
	ClockInstant ClockOp = "instant"
	// ClockDate cuts a timestamp to its date.
	ClockDate ClockOp = "date"
	// ClockAdd adds Arg, an interval or a number of days, to a timestamp or date,
	// ClockAddInstant to a timestamptz, in the plan's TimeZone.
	ClockAdd        ClockOp = "add"
	ClockAddInstant ClockOp = "add_instant"
	// ClockTrunc cuts a timestamp to Unit, ClockTruncInstant a timestamptz in Zone or the
	// plan's TimeZone.
	ClockTrunc        ClockOp = "trunc"
	ClockTruncInstant ClockOp = "trunc_instant"
)

// ClockStep is one step of what is done to the clock before it is compared.
type ClockStep struct {
	Op ClockOp `json:"op"`
	// Arg is an expression over the row; Minus subtracts it.
	Arg   *expr.Expr `json:"arg,omitempty"`
	Minus bool       `json:"minus,omitempty"`
	Zone  string     `json:"zone,omitempty"`
	Unit  string     `json:"unit,omitempty"`
}

// AppendsOnly tells whether rows that have come to stand in the conditions stay there.
func (t *TemporalFilter) AppendsOnly() bool {
	for i := range t.Conds {
		c := &t.Conds[i]
		if c.Compare == "<" || c.Compare == "<=" {
			return false
		}
		for _, s := range c.Steps {
			// A clock that falls back lets rows go again.
			if s.Op != ClockAddInstant || !timeOnly(s.Arg) {
				return false
			}
		}
	}
	return true
}

// Expires tells whether no row comes to stand in the conditions later than at its arrival.
func (t *TemporalFilter) Expires() bool {
	for i := range t.Conds {
		c := &t.Conds[i]
		if c.Compare == ">" || c.Compare == ">=" {
			return false
		}
		for _, s := range c.Steps {
			if s.Op != ClockAddInstant || !timeOnly(s.Arg) {
				return false
			}
		}
	}
	return true
}

// timeOnly tells whether e is a constant interval without months and days.
func timeOnly(e *expr.Expr) bool {
	return e != nil && e.IsConst() && !e.Val.Null && e.Val.V.Months == 0 && e.Val.V.Days == 0
}

// mapExprs gives a copy with f applied to each expression.
func (t *TemporalFilter) mapExprs(f func(*expr.Expr) *expr.Expr) *TemporalFilter {
	one := func(e *expr.Expr) *expr.Expr {
		if e == nil {
			return nil
		}
		return f(e)
	}
	r := &TemporalFilter{Conds: append([]TemporalCond(nil), t.Conds...)}
	for i := range r.Conds {
		c := &r.Conds[i]
		c.Bound, c.Span = one(c.Bound), one(c.Span)
		c.Steps = append([]ClockStep(nil), c.Steps...)
		for k := range c.Steps {
			c.Steps[k].Arg = one(c.Steps[k].Arg)
		}
	}
	return r
}
