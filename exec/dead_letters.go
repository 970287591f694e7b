package exec

import (
	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// DeadLetterSchema is the columns of a dataflow's dead letters: the node of the plan,
// SQLSTATE, message, and the row as an array of the columns' text.
var DeadLetterSchema = chunk.Schema{types.Int4, types.Text, types.Text, types.ArrayOf(types.Text)}

// DeadLetterNames names the columns of DeadLetterSchema.
var DeadLetterNames = []string{"node", "sqlstate", "message", "row"}

// deadLetters collects the rows whose needed expressions are errors, with their
// weights: a retraction of such a row takes its dead letter back.
type deadLetters struct {
	// strict, for statements at the prompt, keeps the first error instead of rows.
	strict bool
	err    error
	rows   *chunk.Chunk
}

func newDeadLetters(strict bool) *deadLetters { return &deadLetters{strict: strict} }

func (d *deadLetters) add(node int, c *chunk.Chunk, i int, err error) {
	if d.err == nil {
		d.err = err
	}
	if d.strict {
		return
	}
	if d.rows == nil {
		d.rows = chunk.New(DeadLetterSchema, 1)
		d.rows.Weights = []int64{}
	}
	e := sqlerr.As(err)
	d.rows.Cols[0].AppendDatum(types.Datum{I: int64(node)})
	d.rows.Cols[1].AppendString(e.Code)
	d.rows.Cols[2].AppendString(e.Message)
	d.rows.Cols[3].AppendString(rowText(c, i))
	d.rows.Weights = append(d.rows.Weights, c.Weight(i))
	d.rows.Rows++
}

// take returns the dead letters collected since the last call, nil if there are none.
func (d *deadLetters) take() *chunk.Chunk {
	r := d.rows
	d.rows, d.err = nil, nil
	return r
}

// rowText returns row i of c as an array of texts; columns that were not computed are NULL.
func rowText(c *chunk.Chunk, i int) string {
	elems := make([]types.Datum, len(c.Cols))
	for k, col := range c.Cols {
		if col == nil || col.IsNull(i) || col.ErrAt(i) != nil {
			elems[k] = types.NullDatum
			continue
		}
		elems[k] = types.Datum{S: string(types.AppendText(nil, col.Type, col.Datum(i), types.DefaultSettings))}
	}
	return types.MakeArray(types.ArrayOf(types.Text), elems).S
}
