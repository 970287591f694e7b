package functions

import "streamdb/sql/sqlerr"

// checkFuncs is what plans call to raise an error that SQL asks for.
func checkFuncs() []*Function {
	f := scalar("check_one_row", "int8->bool", checkOneRow).hidden()
	f.Description = "true for at most one row of a scalar subquery, else the error 21000"
	v := agg("single_value", "single_value", "anyelement->anyelement", AggAnyValue).hidden()
	v.Description = "the value of a scalar subquery's only row; of several, any"
	return []*Function{f, v}
}

// checkOneRow is true where the number of rows is at most one.
func checkOneRow(c *Call) {
	a, out := c.ints(0), c.Out.Bools
	for i := range out {
		if out[i] = a.at(i) <= 1; !out[i] {
			c.Fail(i, errMoreThanOneRow)
		}
	}
}

var errMoreThanOneRow = sqlerr.New(sqlerr.CardinalityViolation, "more than one row returned by a subquery used as an expression")
