package wire

import (
	"io"
	"testing"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// wide has n rows of an integer, a text and a boolean column.
func wide(n int) *chunk.Chunk {
	c := chunk.New(chunk.Schema{types.Int8, types.Text, types.Bool}, n)
	for i := range n {
		c.Cols[0].Ints = append(c.Cols[0].Ints, int64(i)*1_000_003)
		c.Cols[1].AppendString("some text of a row")
		c.Cols[2].Bools = append(c.Cols[2].Bools, i%2 == 0)
	}
	c.Rows = n
	return c
}

// TestEncodingAllocatesNothing holds the speed rule: no allocation per row.
func TestEncodingAllocatesNothing(t *testing.T) {
	c := wide(1000)
	var o output
	o.init(io.Discard, 64<<10)
	var e rowEncoder
	for _, formats := range [][]int16{nil, {1}} {
		got := testing.AllocsPerRun(20, func() {
			if _, n, err := e.write(&o, c, formats, nil, rowPos{}, -1); err != nil || n != 1000 {
				t.Fatal(n, err)
			}
		})
		if got > 1 {
			t.Errorf("formats %v: %v allocations for 1000 rows", formats, got)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	for name, formats := range map[string][]int16{"text": nil, "binary": {1}} {
		b.Run("format="+name+",rows=4096", func(b *testing.B) {
			c := wide(4096)
			var o output
			o.init(io.Discard, 64<<10)
			var e rowEncoder
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := e.write(&o, c, formats, nil, rowPos{}, -1); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/row")
		})
	}
}
