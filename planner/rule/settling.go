package rule

import (
	"streamdb/planner/logical"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
)

// throughWindows is through for an operator that groups or numbers rows. Conditions of a
// maintained query that compare the bounds of windows with the clock stay above it where
// it forgets windows by itself once a watermark has passed them: below, every row would be
// kept until it expires and then be taken back from the operator, which could neither share panes nor count on an
// input that only grows.
func (c *Ctx) throughWindows(n logical.Node, preds []*expr.Expr, cols logical.ColSet) logical.Node {
	bounds := logical.ColSet{}
	if c.Maintained {
		bounds = settling(n.Inputs()[0])
	}
	var down, timed []*expr.Expr
	for _, p := range preds {
		if logical.Refs(p).Intersects(bounds) && readsClock(p) {
			timed = append(timed, p)
		} else {
			down = append(down, p)
		}
	}
	return logical.Where(c.through(n, down, cols), logical.And(timed...))
}

// closingJoin separates the conditions that stay above a join of windows, as they do above
// a grouping: a row that is taken back needs its partners, which could not be forgotten when their window is over.
func (c *Ctx) closingJoin(items []logical.Node, conds []*expr.Expr) (timed, rest []*expr.Expr) {
	if !c.Maintained {
		return nil, conds
	}
	joined := logical.ColSet{}
	for i, a := range items {
		for _, b := range items[i+1:] {
			left, right := settling(a), settling(b)
			for _, p := range conds {
				_, _, equal := logical.Equality(p)
				if r := logical.Refs(p); equal && r.Intersects(left) && r.Intersects(right) && r.SubsetOf(left.Union(right)) {
					joined = joined.Union(left).Union(right)
				}
			}
		}
	}
	for _, p := range conds {
		if readsClock(p) && logical.Refs(p).Intersects(joined) {
			timed = append(timed, p)
		} else {
			rest = append(rest, p)
		}
	}
	return timed, rest
}

// settling gives those columns of n that are bounds of windows over rows that are never
// taken back, with a watermark: nothing comes any more for a window that the watermark has passed.
func settling(n logical.Node) logical.ColSet {
	switch n := n.(type) {
	case *logical.HopWindow:
		if appendOnly(n.Input) && marked(n.Input, n.Time) {
			return settling(n.Input).Union(logical.SetOf(n.Windows()...))
		}
		return settling(n.Input)
	case *logical.SessionWindow:
		if appendOnly(n.Input) && marked(n.Input, n.Time) {
			return logical.SetOf(n.Start, n.End)
		}
	case *logical.Filter:
		return settling(n.Input)
	case *logical.Project:
		in, out := settling(n.Input), logical.ColSet{}
		for i, e := range n.Exprs {
			if e.Op == expr.OpColumn && logical.Refs(e).SubsetOf(in) {
				out.Add(n.Out[i])
			}
		}
		return out
	}
	return logical.ColSet{}
}

// marked tells whether a column is a relation's that has a watermark on it, as far as is easily seen.
func marked(n logical.Node, col logical.ColID) bool {
	switch n := n.(type) {
	case *logical.Scan:
		for i, id := range n.Out {
			if id == col && n.Rel != nil && !n.Late {
				return hasWatermark(n.Rel, n.ColumnIDs[i])
			}
		}
	case *logical.Filter:
		return marked(n.Input, col)
	case *logical.Project:
		for i, id := range n.Out {
			if e := n.Exprs[i]; id == col && e.Op == expr.OpColumn {
				for _, in := range n.Input.Cols() {
					if logical.Refs(e).Has(in) {
						return marked(n.Input, in)
					}
				}
			}
		}
	}
	return false
}

// hasWatermark tells whether a relation has a watermark on the column of that id.
func hasWatermark(d *catalog.Descriptor, id int) bool {
	if d.Table != nil {
		return d.Table.WatermarkOf(id) != nil
	}
	if q := d.Query(); q != nil {
		for _, at := range q.Watermarks {
			if q.Columns[at].ID == id {
				return true
			}
		}
	}
	return false
}
