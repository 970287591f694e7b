package exec

import (
	"math"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// joinLead drops pairs that are behind, see physical.JoinLead: it remembers per row of one
// side the best value of the other side's rows that it was paired with. Values are looked
// at when rows of that other side come; pairs that come of a row of the first side all
// leave. What is remembered is not saved: a row starts anew and lets more pairs pass.
//
//	rows ─ best           5          9     price of the best bid so far
//	bids of an auction    3  7 …           3 goes no further, 7 is the best from now on
type joinLead struct {
	spec *physical.JoinLead
	flip int64 // of minima: ^v falls as v rises
	best []int64
	// early says that the residual cannot fail: pairs that are behind need not be tested.
	early bool
}

func newJoinLead(s *physical.Join, l, r *physical.Node) *joinLead {
	if s.Lead == nil || !l.AppendOnly || !r.AppendOnly {
		return nil
	}
	lead := &joinLead{spec: s.Lead, early: neverFails(s.Residual)}
	if !s.Lead.Max {
		lead.flip = -1
	}
	return lead
}

// neverFails reports whether an expression compares columns and constants, and nothing else.
func neverFails(e *expr.Expr) bool {
	if e == nil {
		return true
	}
	switch e.Op {
	case expr.OpColumn, expr.OpConst:
		return true
	case expr.OpAnd, expr.OpOr, expr.OpNot:
	case expr.OpCall:
		f := functions.ByID(e.Fn)
		if f == nil || len(e.Args) != 2 {
			return false
		}
		switch f.Name {
		case "<", "<=", "=", ">=", ">", "<>":
		default:
			return false
		}
		for _, a := range e.Args {
			if a.Op != expr.OpColumn && a.Op != expr.OpConst || a.Type.Class() != types.ClassInt {
				return false
			}
		}
	default:
		return false
	}
	for _, a := range e.Args {
		if !neverFails(a) {
			return false
		}
	}
	return true
}

// enter notes that rows have come to the side whose rows lead.
func (l *joinLead) enter(rows *chunk.KeyTable, slots []int32) {
	for len(l.best) < rows.Slots() {
		l.best = append(l.best, math.MinInt64)
	}
	for _, r := range slots {
		l.best[r] = math.MinInt64
	}
}

// values returns the column of c whose values lead, nil if rows of port have none.
func (l *joinLead) values(port int, c *chunk.Chunk) *chunk.Column {
	if l == nil || port == l.spec.Side {
		return nil
	}
	return c.Cols[l.spec.Value]
}

// behind reports whether row i of values has been overtaken among the pairs of stored row r.
func (l *joinLead) behind(values *chunk.Column, i int, r int32) bool {
	return values.Ints[i]^l.flip < l.best[r] && !values.Nulls.Get(i)
}

// choose keeps those of the pending pairs, which have passed the residual, that may lead.
// A pair without a value always may.
func (j *join) choose(values *chunk.Column) {
	l := j.lead
	for k, p := range j.probe {
		if v := values.Ints[p] ^ l.flip; v > l.best[j.build[k]] && !values.Nulls.Get(int(p)) {
			l.best[j.build[k]] = v
		}
	}
	n := 0
	for k, p := range j.probe {
		if r := j.build[k]; !l.behind(values, int(p), r) {
			j.probe[n], j.build[n] = p, r
			n++
		}
	}
	j.probe, j.build = j.probe[:n], j.build[:n]
}

// restoredLead makes room for the rows that were loaded.
func (j *join) restoredLead() {
	if j.lead != nil {
		s := j.side[j.lead.spec.Side]
		j.lead.enter(s.rows, nil)
	}
}
