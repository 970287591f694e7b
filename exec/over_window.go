package exec

import (
	"streamdb/planner/physical"
	"streamdb/sql/sqlerr"
)

func newOverWindow(n, in *physical.Node) (Operator, error) {
	return nil, sqlerr.Unsupported("a window function in a maintained query", 0)
}
