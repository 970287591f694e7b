package rule

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
)

// IsProctime tells whether e is a call of PROCTIME().
func IsProctime(e *expr.Expr) bool { return e.Op == expr.OpCall && e.Fn == "proctime" }

// CallsProctime tells whether e calls PROCTIME().
func CallsProctime(e *expr.Expr) bool {
	found := false
	expr.Walk(e, func(x *expr.Expr) bool {
		found = found || IsProctime(x)
		return !found
	})
	return found
}

// Stamps tells whether a projection gives times of arrival to rows that may be taken back:
// then all that tells its input's rows apart must stay.
func Stamps(n *logical.Project) bool {
	return slices.ContainsFunc(n.Exprs, CallsProctime) && !appendOnly(n.Input)
}

// appendOnly tells whether no row of n is ever taken back, as far as is easily seen.
func appendOnly(n logical.Node) bool {
	switch n := n.(type) {
	case *logical.Scan:
		switch d := n.Rel; {
		case d == nil:
			return false
		case d.Table != nil:
			return d.Table.AppendOnly || d.Kind == catalog.KindSource
		case d.MatView != nil:
			return d.MatView.Query.AppendOnly
		}
		return false
	case *logical.Filter:
		return appendOnly(n.Input) && !readsClock(n.Pred)
	case *logical.Project:
		return appendOnly(n.Input)
	case *logical.HopWindow:
		return appendOnly(n.Input)
	}
	return false
}
