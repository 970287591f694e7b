package types

import "testing"

// TestTextRoundTrip reads values and writes them again.
func TestTextRoundTrip(t *testing.T) {
	for _, c := range []struct {
		typ      Type
		in, want string
	}{
		{Int4, " 42 ", "42"}, {Int8, "-9223372036854775808", "-9223372036854775808"}, {Bool, "yes", "t"},
		{Float8, "1e15", "1e+15"}, {Float8, "0.1", "0.1"}, {Float8, "1e-5", "1e-05"}, {Float8, "100000000000000", "100000000000000"},
		{Float4, "1234567", "1.234567e+06"}, {Float8, "-inf", "-Infinity"},
		{Numeric, "1e5", "100000"}, {Numeric, ".5", "0.5"}, {Numeric, "12345678901234567890.123", "12345678901234567890.123"},
		{Numeric, "-0.00000000000000000001", "-0.00000000000000000001"}, {Numeric, "-inf", "-Infinity"},
		{Type{Kind: KindNumeric, Typmod: 5<<16 | 2 + 4}, "1.005", "1.01"},
		{Timestamp, "2024-02-29 12:34:56.789", "2024-02-29 12:34:56.789"}, {Timestamp, "Jan 5 2024 3:04 pm", "2024-01-05 15:04:00"},
		{TimestampTZ, "2024-01-01 00:00:00+02", "2023-12-31 22:00:00+00"}, {Date, "1/8/1999", "1999-01-08"}, {Date, "0044-03-15 BC", "0044-03-15 BC"},
		{Time, "04:05 PM", "16:05:00"}, {IntervalT, "1 day 02:03:04", "1 day 02:03:04"}, {IntervalT, "1-2", "1 year 2 mons"},
		{IntervalT, "P1Y2M3DT4H5M6.7S", "1 year 2 mons 3 days 04:05:06.7"}, {IntervalT, "-1 year -2 mons +3 days", "-1 years -2 mons +3 days"},
		{UUID, "{A0EEBC99-9C0B4EF8BB6D6BB9BD380A11}", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		{JSONB, `{"bb":1, "a":[1.50,{"x":null}], "a": 2e2}`, `{"a": 200, "bb": 1}`}, {JSONB, `"\u00e9\n"`, "\"é\\n\""},
		{ArrayOf(Text), `{a,"b c",NULL,"",  d\"x }`, `{a,"b c",NULL,"","d\"x"}`}, {ArrayOf(Int4), "[0:1]={1,2}", "[0:1]={1,2}"},
		{Bytea, `\xDEad`, `\xdead`}, {Type{Kind: KindBPChar, Typmod: 9}, "ab", "ab   "},
	} {
		d, err := ParseText(c.typ, c.in, nil)
		if err != nil {
			t.Errorf("%v %q: %v", c.typ, c.in, err)
			continue
		}
		if got := string(AppendText(nil, c.typ, d, nil)); got != c.want {
			t.Errorf("%v %q: got %q, want %q", c.typ, c.in, got, c.want)
		}
	}
}
