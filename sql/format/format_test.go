package format

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

var testSpec = Spec{
	Schema:   chunk.Schema{types.Int4, types.Text, types.Numeric, types.Timestamp, types.JSONB, types.ArrayOf(types.Int4), types.Bool},
	Columns:  []string{"a", "b", "c", "d", "e", "f", "g"},
	Relation: "t",
}

// decode feeds in pieces of n bytes and gives the rows as CSV, the bad lines, and
// the error with its context.
func decode(d Decoder, spec Spec, in string, n int) (string, string) {
	var out []byte
	var bad strings.Builder
	opt := DefaultCopy(true)
	opt.Null = "NULL"
	enc := NewCopyEncoder(spec, opt)
	take := func() {
		c, bl := d.Take()
		if c != nil {
			out, _, _ = enc.AppendChunk(out, c, nil)
		}
		for _, b := range bl {
			fmt.Fprintf(&bad, "%d: %v\n", b.Line, b.Err)
		}
	}
	for in != "" {
		k := min(n, len(in))
		if err := d.Feed([]byte(in[:k])); err != nil {
			return string(out), describe(err)
		}
		take()
		in = in[k:]
	}
	if err := d.Finish(); err != nil {
		return string(out), describe(err)
	}
	take()
	return string(out), bad.String()
}

func describe(err error) string {
	e := sqlerr.As(err)
	return fmt.Sprintf("%s %s | %s", e.Code, e.Message, e.Where)
}

func TestCopyDecode(t *testing.T) {
	text, csv := DefaultCopy(false), DefaultCopy(true)
	two := Spec{Schema: chunk.Schema{types.Int4, types.Text}, Columns: []string{"a", "b"}, Relation: "t"}
	head := csv
	head.Header = HeaderMatch
	forced := csv
	forced.ForceNull, forced.ForceNotNull = []bool{true, false}, []bool{false, true}
	backslash := csv
	backslash.Escape, backslash.Delimiter, backslash.Null = '\\', ';', "NULL"
	for _, c := range []struct {
		opt      CopyOptions
		in       string
		rows, er string
	}{
		{text, "1\tx\n2\t\\N\n", "1,x\n2,NULL\n", ""},
		{text, "1\ta\\tb\\nc\\\\\\x41\\101\\q\n", "1,\"a\tb\nc\\AAq\"\n", ""},
		{text, "1\ta\\\nb\n", "1,\"a\nb\"\n", ""},
		{text, "1\tx\r\n2\ty\r\n", "1,x\n2,y\n", ""},
		{text, "1\tx\n\\.\n2\ty\n", "1,x\n", ""},
		{text, "1\tx\n2\n", "", "22P04 missing data for column \"b\" | COPY t, line 2: \"2\""},
		{text, "1\tx\ty\n", "", "22P04 extra data after last expected column | COPY t, line 1: \"1\tx\ty\""},
		{text, "1\tx\nz\ty\n", "", "22P02 invalid input syntax for type integer: \"z\" | COPY t, line 2, column a: \"z\""},
		{text, "1\tx\ry\n2\ta\n", "", "22P04 literal newline found in data | COPY t, line 2"},
		{text, "1\tx\n1\tx\ry\n", "", "22P04 literal carriage return found in data | COPY t, line 2"},
		{text, "1\t\xff\n", "", "22021 invalid byte sequence for encoding \"UTF8\": 0xff | COPY t, line 1: \"1\t\xff\""},
		{csv, "1,x\n2,\n3,\"\"\n", "1,x\n2,NULL\n3,\n", ""},
		{csv, "1,\"a\nb\"\"c\"d\n", "1,\"a\nb\"\"cd\"\n", ""},
		{csv, "1,\"a\n", "", "22P04 unterminated CSV quoted field | COPY t, line 1: \"1,\"a\n\""},
		{head, "a,b\n1,x\n", "1,x\n", ""},
		{head, "a,c\n1,x\n", "", "22P04 column name mismatch in header line field 2: got \"c\", expected \"b\" | COPY t, line 1: \"a,c\""},
		{forced, "\"\",\n", "NULL,\n", ""},
		{backslash, "1;\"a\\\"b\\\\;\"\n2;NULL\n", "1,\"a\"\"b\\;\"\n2,NULL\n", ""},
	} {
		for _, n := range []int{1, 3, 1000} {
			rows, er := decode(NewCopyDecoder(two, c.opt), two, c.in, n)
			if er != c.er || rows != c.rows && er == "" {
				t.Errorf("%q in pieces of %d:\n got %q %s\nwant %q %s", c.in, n, rows, er, c.rows, c.er)
			}
		}
	}
}

// TestCopyAsPostgreSQL compares with what PostgreSQL 15 made of COPY t(a int, b text)
// FROM: testdata/copy_pg15.jsonl has an object a line with the options, the data,
// the rows as CSV with NULL for nulls, or "code message | context".
func TestCopyAsPostgreSQL(t *testing.T) {
	in, err := os.ReadFile("testdata/copy_pg15.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	spec := Spec{Schema: chunk.Schema{types.Int4, types.Text}, Columns: []string{"a", "b"}, Relation: "t"}
	for _, l := range strings.Split(strings.TrimSpace(string(in)), "\n") {
		var c struct{ Options, Data, Rows, Error string }
		if err := json.Unmarshal([]byte(l), &c); err != nil {
			t.Fatal(err)
		}
		opt := DefaultCopy(strings.HasPrefix(c.Options, "csv"))
		switch strings.TrimPrefix(c.Options, "csv, ") {
		case "header":
			opt.Header = HeaderTrue
		case "header match":
			opt.Header = HeaderMatch
		case "null 'x'":
			opt.Null = "x"
		case "delimiter '|'":
			opt.Delimiter = '|'
		case "escape '\\'":
			opt.Escape = '\\'
		case "quote ''''":
			opt.Quote, opt.Escape = '\'', '\''
		case "force_null (b)":
			opt.ForceNull = []bool{false, true}
		case "force_not_null (b)":
			opt.ForceNotNull = []bool{false, true}
		}
		for _, n := range []int{1, 1000} {
			rows, er := decode(NewCopyDecoder(spec, opt), spec, c.Data, n)
			if er != c.Error || er == "" && rows != c.Rows {
				t.Errorf("%s %q in pieces of %d:\n got %q %s\nwant %q %s", c.Options, c.Data, n, rows, er, c.Rows, c.Error)
			}
		}
	}
}

func TestRoundTrip(t *testing.T) {
	in := `{"a":1,"b":"x,\"y\"\n\\z","c":12.50,"d":"2024-01-05 10:00:00","e":{"k":[1,"ü"]},"f":[1,null,3],"g":true}
{"b":null,"zz":{"q":1},"a":-5, "g":false , "c":123456789012345678901234567890.5}

{"a":"7"}
`
	want := "1,\"x,\"\"y\"\"\n\\z\",12.50,2024-01-05 10:00:00,\"{\"\"k\"\": [1, \"\"ü\"\"]}\",\"{1,NULL,3}\",t\n" +
		"-5,NULL,123456789012345678901234567890.5,NULL,NULL,NULL,f\n7,NULL,NULL,NULL,NULL,NULL,NULL\n"
	for _, n := range []int{1, 7, 10000} {
		if got, bad := decode(NewJSONDecoder(testSpec), testSpec, in, n); got != want || bad != "" {
			t.Errorf("got %q %s\nwant %q", got, bad, want)
		}
	}
	d := NewJSONDecoder(testSpec)
	if err := d.Feed([]byte(in)); err != nil {
		t.Fatal(err)
	}
	c, _ := d.Take()
	for _, csv := range []bool{false, true} {
		opt := DefaultCopy(csv)
		out, ends, err := NewCopyEncoder(testSpec, opt).AppendChunk(nil, c, nil)
		if err != nil || len(ends) != c.Rows || ends[2] != len(out) {
			t.Fatal(err, ends)
		}
		if got, bad := decode(NewCopyDecoder(testSpec, opt), testSpec, string(out), 5); got != want || bad != "" {
			t.Errorf("csv=%v: %q became %q %s", csv, out, got, bad)
		}
	}
	out, _, err := NewJSONEncoder(testSpec).AppendChunk(nil, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, bad := decode(NewJSONDecoder(testSpec), testSpec, string(out), 1000); got != want || bad != "" {
		t.Errorf("json: %s became %q %s", out, got, bad)
	}
}

func TestLenient(t *testing.T) {
	spec := Spec{Schema: chunk.Schema{types.Int4, types.Text}, Columns: []string{"a", "b"}, Relation: "t", Lenient: true}
	rows, bad := decode(NewJSONDecoder(spec), spec, "{\"a\":1}\n{\"a\":\"x\"}\n{\"a\":\n[1]\n{\"a\":2,\"b\":\"y\"}\n{\"a\":3}}\n\xff\n", 1000)
	if rows != "1,NULL\n2,y\n" || strings.Count(bad, "\n") != 5 {
		t.Errorf("json: %q\n%s", rows, bad)
	}
	rows, bad = decode(NewCopyDecoder(spec, DefaultCopy(true)), spec, "1,a\nx,b\n2\n3,c,d\n4,e\n", 1000)
	if rows != "1,a\n4,e\n" || strings.Count(bad, "\n") != 3 {
		t.Errorf("csv: %q\n%s", rows, bad)
	}
}

// fuzzPieces checks that the size of the pieces makes no difference, and that what
// was read and written reads alike.
func fuzzPieces(t *testing.T, make func(Spec) Decoder, in string, n uint8) {
	for _, lenient := range []bool{false, true} {
		spec := testSpec
		spec.Lenient = lenient
		rows, er := decode(make(spec), spec, in, 1<<20)
		rows2, er2 := decode(make(spec), spec, in, int(n%9)+1)
		if er != er2 || rows != rows2 && (er == "" || lenient) {
			t.Fatalf("%q whole: %q %s\nin pieces of %d: %q %s", in, rows, er, n%9+1, rows2, er2)
		}
		opt := DefaultCopy(true)
		opt.Null = "NULL"
		if rows3, er3 := decode(NewCopyDecoder(testSpec, opt), testSpec, rows, 1000); rows3 != rows {
			t.Fatalf("%q was read as %q, which reads as %q %s", in, rows, rows3, er3)
		}
	}
}

func FuzzCopyText(f *testing.F) {
	f.Add("1\tx\t2.5\t2024-01-01\t{}\t{1}\tt\n\\.\n", uint8(1))
	f.Add("1\\\n\t\\x4\r\n", uint8(2))
	f.Fuzz(func(t *testing.T, in string, n uint8) {
		fuzzPieces(t, func(s Spec) Decoder { return NewCopyDecoder(s, DefaultCopy(false)) }, in, n)
	})
}

func FuzzCopyCSV(f *testing.F) {
	f.Add("1,\"x\n\"\"\",2.5,2024-01-01,{},{1},t\n", uint8(1))
	f.Add("a,b\r1", uint8(2))
	f.Fuzz(func(t *testing.T, in string, n uint8) {
		fuzzPieces(t, func(s Spec) Decoder { return NewCopyDecoder(s, DefaultCopy(true)) }, in, n)
	})
}

func FuzzJSONLines(f *testing.F) {
	f.Add(`{"a":1,"b":"x\u00e9","e":[{}],"f":[1,null]}`+"\n{}", uint8(1))
	f.Fuzz(func(t *testing.T, in string, n uint8) {
		fuzzPieces(t, func(s Spec) Decoder { return NewJSONDecoder(s) }, in, n)
	})
}

func BenchmarkCopyText(b *testing.B) {
	line := "12345\tsome text here\t12.50\t2024-01-05 10:00:00\t{\"a\": 1}\t{1,2,3}\tt\n"
	in := []byte(strings.Repeat(line, 1000))
	benchDecode(b, in, func() Decoder { return NewCopyDecoder(testSpec, DefaultCopy(false)) })
}

func BenchmarkJSONLines(b *testing.B) {
	line := `{"a":12345,"b":"some text here","c":12.50,"d":"2024-01-05 10:00:00","e":null,"f":null,"g":true}` + "\n"
	in := []byte(strings.Repeat(line, 1000))
	benchDecode(b, in, func() Decoder { return NewJSONDecoder(testSpec) })
}

func benchDecode(b *testing.B, in []byte, mk func() Decoder) {
	d := mk()
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Feed(in); err != nil {
			b.Fatal(err)
		}
		d.Take()
	}
}
