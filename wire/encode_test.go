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
			if _, n, err := e.write(&o, c, formats, types.DefaultSettings, rowPos{}, -1); err != nil || n != 1000 {
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
				if _, _, err := e.write(&o, c, formats, types.DefaultSettings, rowPos{}, -1); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/row")
		})
	}
}

// cell encodes one value alone.
func cell(t *testing.T, typ types.Type, d types.Datum, format int16) string {
	t.Helper()
	c := chunk.New(chunk.Schema{typ}, 1)
	c.Cols[0].AppendDatum(d)
	c.Rows = 1
	var o output
	o.init(io.Discard, 1<<20)
	var e rowEncoder
	if _, _, err := e.write(&o, c, []int16{format}, types.DefaultSettings, rowPos{}, -1); err != nil {
		t.Fatalf("%s: %v", typ.TypName(), err)
	}
	return string(o.buf[11:])
}

func TestEncodeEachType(t *testing.T) {
	parse := func(typ types.Type, s string) types.Datum {
		d, err := types.ParseText(typ, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, x := range []struct {
		typ          types.Type
		text, binary string
	}{
		{types.Bool, "t", "\x01"},
		{types.Bool, "f", "\x00"},
		{types.Int2, "-2", "\xff\xfe"},
		{types.Int4, "7", "\x00\x00\x00\x07"},
		{types.Int8, "-9223372036854775808", "\x80\x00\x00\x00\x00\x00\x00\x00"},
		{types.OID, "4294967295", "\xff\xff\xff\xff"},
		{types.Float4, "1.5", "\x3f\xc0\x00\x00"},
		{types.Float8, "-0.1", "\xbf\xb9\x99\x99\x99\x99\x99\x9a"},
		{types.Numeric, "123456789012345678901234567890.50", "\x00\x09\x00\x07\x00\x00\x00\x02\x00\x0c\x0d\x80\x1e\xd2\x04\xd2\x16\x2e\x23\x34\x0d\x80\x1e\xd2\x13\x88"},
		{types.Text, "é", "é"},
		{types.Bytea, `\x00ff`, "\x00\xff"},
		{types.Date, "2000-01-02", "\x00\x00\x00\x01"},
		{types.Time, "00:00:00.000001", "\x00\x00\x00\x00\x00\x00\x00\x01"},
		{types.Timestamp, "2000-01-01 00:00:01", "\x00\x00\x00\x00\x00\x0f\x42\x40"},
		{types.TimestampTZ, "1999-12-31 23:59:59+00", "\xff\xff\xff\xff\xff\xf0\xbd\xc0"},
		{types.IntervalT, "1 mon 2 days 00:00:01", "\x00\x00\x00\x00\x00\x0f\x42\x40\x00\x00\x00\x02\x00\x00\x00\x01"},
		{types.UUID, "00112233-4455-6677-8899-aabbccddeeff", "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"},
		{types.JSONB, `{"a": 1}`, "\x01" + `{"a": 1}`},
		{types.QChar, "r", "r"},
		{types.Name, "n", "n"},
		{types.ArrayOf(types.Int4), "{1,NULL,3}", "\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x17\x00\x00\x00\x03\x00\x00\x00\x01" +
			"\x00\x00\x00\x04\x00\x00\x00\x01\xff\xff\xff\xff\x00\x00\x00\x04\x00\x00\x00\x03"},
		{types.RegType, "integer", "\x00\x00\x00\x17"},
	} {
		d := parse(x.typ, x.text)
		if got := cell(t, x.typ, d, 0); got != x.text {
			t.Errorf("%s: got %q, want %q", x.typ.TypName(), got, x.text)
		}
		if x.binary == "" {
			continue
		}
		if got := cell(t, x.typ, d, 1); got != x.binary {
			t.Errorf("%s: got %q, want %q", x.typ.TypName(), got, x.binary)
		}
	}
}
