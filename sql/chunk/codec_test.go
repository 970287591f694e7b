package chunk

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"streamdb/sql/types"
)

func roundTrip(t *testing.T, c *Chunk) []byte {
	t.Helper()
	b, err := AppendChunk([]byte("head"), c)
	if err != nil {
		t.Fatal(err)
	}
	got, rest, err := DecodeChunk(append(b, "tail"...)[4:])
	if err != nil {
		t.Fatal(err)
	}
	if string(rest) != "tail" || got.Rows != c.Rows || len(got.Cols) != len(c.Cols) {
		t.Fatalf("rest %q, %d rows of %d columns", rest, got.Rows, len(got.Cols))
	}
	for i := range c.Rows {
		if rowText(got, i) != rowText(c, i) || got.Weight(i) != c.Weight(i) {
			t.Fatalf("row %d: %s, want %s", i, rowText(got, i), rowText(c, i))
		}
	}
	for i := range c.Cols {
		if got.Cols[i].Type != c.Cols[i].Type || got.Cols[i].Len() != c.Rows {
			t.Fatalf("column %d: type %v, %d rows", i, got.Cols[i].Type, got.Cols[i].Len())
		}
	}
	return b[4:]
}

func TestCodecRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for round := range 300 {
		s := Schema{testTypes[round%len(testTypes)], testTypes[r.IntN(len(testTypes))], {Kind: types.KindVarchar, Typmod: 24}, types.ArrayOf(types.Int4)}
		c := randomChunk(r, s, []int{0, 1, 2, 7, 64, 65, 500}[r.IntN(7)])
		if r.IntN(2) == 0 {
			c.Weights = nil
		}
		for _, col := range c.Cols {
			if r.IntN(2) == 0 {
				col.Nulls = nil
			}
		}
		roundTrip(t, c)
	}
}

func TestCodecIntegers(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for width := range 65 {
		for _, n := range []int{1, 3, 8, 100} {
			c := New(Schema{types.Int8}, n)
			mask := uint64(math.MaxUint64)
			if width < 64 {
				mask = 1<<width - 1
			}
			sum := int64(0)
			for range n {
				v := int64(r.Uint64() & mask)
				if sum += v; n%2 == 0 {
					v = sum // a rising, possibly wrapping sequence
				}
				c.Cols[0].Ints = append(c.Cols[0].Ints, v)
			}
			c.Rows = n
			roundTrip(t, c)
		}
	}
	for _, v := range [][]int64{{math.MinInt64, math.MaxInt64, 0, -1}, {5, 5, 5}, {1, 2, 3, 4, 5, 6}} {
		c := &Chunk{Rows: len(v), Cols: []*Column{{Type: types.Int8, Ints: v}}}
		roundTrip(t, c)
	}
}

func TestCodecSize(t *testing.T) {
	one := New(Schema{types.Int8, types.Text}, 1)
	one.Cols[0].Ints = append(one.Cols[0].Ints, 7)
	one.Cols[1].AppendString("abc")
	one.Rows = 1
	if b := roundTrip(t, one); len(b) != 4+3+6 {
		t.Errorf("one row takes %d bytes: %x", len(b), b)
	}
	many := New(Schema{types.Timestamp, types.Text}, 1000)
	for i := range 1000 {
		many.Cols[0].Ints = append(many.Cols[0].Ints, 7e14+int64(i)*1000)
		many.Cols[1].AppendString(fmt.Sprintf("channel-%d", i%4))
	}
	many.Rows = 1000
	if b := roundTrip(t, many); len(b) > 330 {
		t.Errorf("1000 regular rows take %d bytes", len(b))
	}
}

func TestCodecRefusesErrors(t *testing.T) {
	c := New(Schema{types.Int8}, 1)
	c.Cols[0].AppendError(errors.New("division by zero"))
	c.Rows = 1
	if _, err := AppendChunk(nil, c); err == nil {
		t.Fatal("a chunk with an error was encoded")
	}
}

func FuzzDecodeChunk(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, t := range testTypes {
		b, _ := AppendChunk(nil, randomChunk(r, Schema{t, types.Text}, 40))
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if r := (reader{b: b}); true {
			r.byte()
			r.byte()
			if r.uvarint() > 1<<14 {
				return // memory follows the stated rows, which CellsMax bounds
			}
		}
		c, _, err := DecodeChunk(b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("error without its mark: %v", err)
			}
			return
		}
		e, err := AppendChunk(nil, c)
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := DecodeChunk(e)
		if err != nil {
			t.Fatal(err)
		}
		e2, _ := AppendChunk(nil, again)
		if !bytes.Equal(e, e2) {
			t.Fatal("encoding is not stable")
		}
		h := make([]uint64, c.Rows)
		HashRows(c.Cols, c.Rows, h)
		Consolidate(c)
	})
}

func BenchmarkCodec(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 4096} {
		c := randomChunk(r, Schema{types.Int8, types.Timestamp, types.Text, types.Numeric}, n)
		for _, col := range c.Cols {
			col.Nulls = nil
		}
		for i := range c.Cols[3].Nums {
			c.Cols[3].Nums[i] = types.Num{Coef: int64(i), Scale: 2}
		}
		c.Weights = nil
		enc, _ := AppendChunk(nil, c)
		b.Run(fmt.Sprintf("encode/rows=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			var dst []byte
			for b.Loop() {
				dst, _ = AppendChunk(dst[:0], c)
			}
			b.ReportMetric(float64(len(enc))/float64(n), "B/row")
		})
		b.Run(fmt.Sprintf("decode/rows=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := DecodeChunk(enc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
