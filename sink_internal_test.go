package streamdb

import (
	"testing"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// A row that one epoch inserts and deletes is not written at all: its deletion would
// come first.
func TestTidy(t *testing.T) {
	c := chunk.New(chunk.Schema{types.Int8}, 4)
	for _, v := range []int64{7, 5, 7, 5} {
		c.Cols[0].AppendDatum(types.Datum{I: v})
	}
	c.Rows, c.Weights = 4, []int64{1, 1, -1, 1}
	if got := tidy(c); got.Rows != 1 || got.Cols[0].Ints[0] != 5 || got.Weight(0) != 2 {
		t.Errorf("got %d rows %v", got.Rows, got.Cols[0].Ints)
	}
	c.Weights = nil
	if got := tidy(c); got != c {
		t.Error("insertions alone are copied")
	}
}
