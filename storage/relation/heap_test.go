package relation

import (
	"testing"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// Chunks of any size, some of whose strings lie in a buffer of others, read back as they
// were given, in order, from memory and from a checkpoint.
func TestAppendAllHeap(t *testing.T) {
	spec := Spec{Name: "heap", AppendOnly: true, Columns: []Column{{ID: 1, Type: types.Int8}, {ID: 2, Type: types.Text}}}
	r, err := New(spec)
	if err != nil {
		t.Fatal(err)
	}
	buffer := []byte("abcdefghijklmnopqrstuvwxyz")
	var want []int64
	make1 := func(n int) *chunk.Chunk {
		c := chunk.New(chunk.Schema{types.Int8, types.Text}, n)
		c.Cols[1].Bytes = buffer
		for range n {
			v := int64(len(want))
			want = append(want, v)
			c.Cols[0].Ints = append(c.Cols[0].Ints, v)
			c.Cols[1].Views = append(c.Cols[1].Views, chunk.View{Off: uint32(v % 20), Len: uint32(v % 6)})
		}
		c.Rows = n
		return c
	}
	for e := Epoch(1); e < 40; e++ {
		var chunks []*chunk.Chunk
		for _, n := range []int{int(e), 0, 4096, 2, 2047, 2049} {
			chunks = append(chunks, make1(n))
		}
		if err := r.AppendAll(e, chunks[:1+int(e)%6]); err != nil {
			t.Fatal(err)
		}
		kept := 0
		for _, c := range chunks[:1+int(e)%6] {
			kept += c.Rows
		}
		dropped := 0
		for _, c := range chunks[1+int(e)%6:] {
			dropped += c.Rows
		}
		want = want[:len(want)-dropped]
		r.Publish(e)
	}
	at := 0
	err = r.Newest().Scan(Scan{Unordered: true}).Each(func(c *chunk.Chunk) error {
		for i := range c.Rows {
			v := c.Cols[0].Ints[i]
			if text := string(c.Cols[1].StringAt(i)); v != want[at] || text != string(buffer[v%20:v%20+v%6]) {
				t.Fatalf("row %d is %d %q", at, v, text)
			}
			at++
		}
		return nil
	})
	if err != nil || at != len(want) || r.Newest().Rows() != int64(len(want)) {
		t.Errorf("%d rows of %d: %v", at, len(want), err)
	}
}
