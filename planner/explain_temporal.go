package planner

import (
	"strings"

	"streamdb/planner/physical"
)

// temporalText writes the conditions of a temporal filter: the clock's side first.
func temporalText(t *physical.TemporalFilter, in []string) string {
	var conds []string
	for i := range t.Conds {
		c := &t.Conds[i]
		s := "now"
		for _, k := range c.Steps {
			switch k.Op {
			case physical.ClockAdd, physical.ClockAddInstant:
				s += map[bool]string{false: " + ", true: " - "}[k.Minus] + FormatExpr(k.Arg, in)
			default:
				s = string(k.Op) + "(" + strings.Join(nonEmpty(s, k.Unit, k.Zone), ", ") + ")"
			}
		}
		s += " " + c.Compare + " " + FormatExpr(c.Bound, in)
		if c.Span != nil {
			s += map[bool]string{false: " + ", true: " - "}[c.SpanMinus] + FormatExpr(c.Span, in)
		}
		conds = append(conds, s)
	}
	return " " + strings.Join(conds, " and ")
}

func nonEmpty(list ...string) []string {
	var out []string
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}
