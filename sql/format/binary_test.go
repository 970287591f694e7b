package format

import (
	"strings"
	"testing"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// toBinary reads text COPY data and writes it as binary.
func toBinary(t testing.TB, in string) string {
	t.Helper()
	d := NewCopyDecoder(testSpec, DefaultCopy(false))
	if err := d.Feed([]byte(in)); err != nil {
		t.Fatal(err)
	}
	if err := d.Finish(); err != nil {
		t.Fatal(err)
	}
	c, _ := d.Take()
	e := NewBinaryEncoder(testSpec)
	out, ends, err := e.AppendChunk(e.AppendHeader(nil), c, nil)
	if err != nil || len(ends) != c.Rows || ends[len(ends)-1] != len(out) {
		t.Fatal(err, ends)
	}
	return string(e.AppendTrailer(out))
}

const binarySample = "1\tx\t2.5\t2024-01-01\t{\"a\": 1}\t{1,NULL}\tt\n" +
	"\\N\t\\N\t\\N\t\\N\t\\N\t\\N\t\\N\n" +
	"-7\t\t-12345678901234567890123456789012345.678\tinfinity\tnull\t{}\tf\n"

func TestBinaryRoundTrip(t *testing.T) {
	bin := toBinary(t, binarySample)
	want, _ := decode(NewCopyDecoder(testSpec, DefaultCopy(false)), testSpec, binarySample, 1000)
	for _, n := range []int{1, 3, 19, 1000} {
		got, msg := decode(NewBinaryDecoder(testSpec), testSpec, bin, n)
		if got != want || msg != "" {
			t.Errorf("in pieces of %d: got\n%s%s\nwant\n%s", n, got, msg, want)
		}
	}
}

// TestBinaryFormat holds the bytes, which others write and read.
func TestBinaryFormat(t *testing.T) {
	spec := Spec{Schema: chunk.Schema{types.Int4, types.Text}, Columns: []string{"a", "b"}, Relation: "t"}
	in := binaryHeader + "\x00\x02\x00\x00\x00\x04\x00\x00\x00\x05\x00\x00\x00\x02hi" + "\x00\x02\xff\xff\xff\xff\x00\x00\x00\x00" + "\xff\xff"
	if got, msg := decode(NewBinaryDecoder(spec), spec, in, 1000); got != "5,hi\nNULL,\n" || msg != "" {
		t.Errorf("got %q %s", got, msg)
	}
}

func TestBinaryErrors(t *testing.T) {
	spec := Spec{Schema: chunk.Schema{types.Int4, types.Text}, Columns: []string{"a", "b"}, Relation: "t"}
	row := "\x00\x02\x00\x00\x00\x04\x00\x00\x00\x05\x00\x00\x00\x02hi"
	for _, c := range []struct{ in, want string }{
		{"", "22P04 COPY file signature not recognized | "},
		{"1\t2\n3\t4\n5\t6\n7\t8\n9\t10\n", "22P04 COPY file signature not recognized | "},
		{binaryHeader[:11] + "\x00\x01\x00\x00\x00\x00\x00\x00", "22P04 invalid COPY file header (WITH OIDS) | "},
		{binaryHeader[:11] + "\x00\x00\x00\x00\xff\x00\x00\x00", "22P04 invalid COPY file header (missing length) | "},
		{binaryHeader + row + "\x00\x03", "22P04 row field count is 3, expected 2 | COPY t, line 2"},
		{binaryHeader + "\x00\x02\x00\x00\x00\x03abc\xff\xff\xff\xff", "08P01 insufficient data left in message | COPY t, line 1, column a"},
		{binaryHeader + "\x00\x02\xff\xff\xff\xfe", "22P04 invalid field size | COPY t, line 1, column a"},
		{binaryHeader + row[:9], "22P04 unexpected EOF in COPY data | COPY t, line 0"},
		{binaryHeader + row + "\xff\xffx", "22P04 received copy data after EOF marker | COPY t, line 1"},
		{binaryHeader + strings.Replace(row, "hi", "\xffi", 1), "22021 invalid byte sequence for encoding \"UTF8\": 0xff | COPY t, line 1, column b"},
	} {
		for _, n := range []int{1, 1000} {
			if _, msg := decode(NewBinaryDecoder(spec), spec, c.in, n); msg != c.want {
				t.Errorf("%q in pieces of %d: got %s, want %s", c.in, n, msg, c.want)
			}
		}
	}
}

func FuzzCopyBinary(f *testing.F) {
	f.Add(toBinary(f, binarySample), uint8(1))
	f.Add(binaryHeader+"\x00\x07", uint8(2))
	f.Fuzz(func(t *testing.T, in string, n uint8) {
		rows, er := decode(NewBinaryDecoder(testSpec), testSpec, in, 1<<20)
		rows2, er2 := decode(NewBinaryDecoder(testSpec), testSpec, in, int(n%9)+1)
		if er != er2 || er == "" && rows != rows2 {
			t.Fatalf("%q whole: %q %s\nin pieces of %d: %q %s", in, rows, er, n%9+1, rows2, er2)
		}
	})
}
