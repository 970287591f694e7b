package file

import (
	"streamdb/sql/chunk"
	"streamdb/sql/format"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// BadNames are the columns of the lines that could not be read.
var BadNames = []string{"line", "sqlstate", "message", "text"}

// BadSchema is the types of BadNames: the line's number in its file, from 1; what is
// wrong with it; the line, cut at 1 KiB.
func BadSchema() chunk.Schema { return chunk.Schema{types.Int8, types.Text, types.Text, types.Text} }

// badChunk turns bad lines into rows; base is the number of lines before the decoder's
// first.
func badChunk(lines []format.BadLine, base int64) *chunk.Chunk {
	if len(lines) == 0 {
		return nil
	}
	c := chunk.New(BadSchema(), len(lines))
	for i := range lines {
		e := sqlerr.As(lines[i].Err)
		c.Cols[0].Ints = append(c.Cols[0].Ints, base+lines[i].Line)
		c.Cols[1].AppendString(e.Code)
		c.Cols[2].AppendString(e.Message)
		c.Cols[3].AppendString(lines[i].Text)
	}
	c.Rows = len(lines)
	return c
}
