package functions

import (
	"testing"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// FuzzPatterns holds that no pattern or format, however odd, breaks a kernel.
func FuzzPatterns(f *testing.F) {
	for _, p := range []string{"9,999.99", "FM0000S", "99V9", "RN", "9.99EEEE", "YYYY-MM-DD HH24:MI:SS", "Y,YYY", "FMDDth \"x", "a%_\\", "(a|b)*[^c]{2}",
		"%#\"x#\"_", "\\m\\w+\\M", "%-5$s %*2$I", "PR9", "TZH:TZM"} {
		f.Add(p, "2020-02-29 12,454.8-")
	}
	f.Fuzz(func(t *testing.T, pat, text string) {
		if len(pat) > 100 || len(text) > 100 {
			return
		}
		str := func(s string) *chunk.Column { c := chunk.NewColumn(types.Text, 1); c.AppendString(s); return c }
		num := chunk.NewColumn(types.Numeric, 1)
		num.AppendDatum(types.Datum{N: types.Num{Coef: -123456, Scale: 2}})
		ts := chunk.NewColumn(types.Timestamp, 1)
		ts.AppendDatum(types.Datum{I: 123456789012345})
		fl := chunk.NewColumn(types.Float8, 1)
		fl.AppendDatum(types.Datum{F: 1e300})
		for _, c := range []struct {
			id   string
			args []*chunk.Column
		}{
			{"to_char_numeric_text", []*chunk.Column{num, str(pat)}}, {"to_char_float8_text", []*chunk.Column{fl, str(pat)}},
			{"to_char_timestamp_text", []*chunk.Column{ts, str(pat)}}, {"to_date_text_text", []*chunk.Column{str(text), str(pat)}},
			{"to_timestamp_text_text", []*chunk.Column{str(text), str(pat)}}, {"to_number_text_text", []*chunk.Column{str(text), str(pat)}},
			{"match_text_text", []*chunk.Column{str(text), str(pat)}}, {"like_text_text", []*chunk.Column{str(text), str(pat)}},
			{"similar_to_escape_text_text", []*chunk.Column{str(pat), str("#")}}, {"format_text_any", []*chunk.Column{str(pat), num}},
			{"regexp_replace_text_text_text_text", []*chunk.Column{str(text), str(pat), str("\\1\\&"), str("g")}},
			{"regexp_split_to_array_text_text", []*chunk.Column{str(text), str(pat)}}, {"split_part_text_text_int4", []*chunk.Column{str(text), str(pat), intColumn(-2)}},
		} {
			fn := ByID(c.id)
			if fn == nil {
				t.Fatalf("no function %s", c.id)
			}
			call := Call{Ctx: new(Ctx), Fn: fn, Args: c.args, Out: new(chunk.Column)}
			call.Run(1, fn.Ret)
		}
	})
}

func intColumn(v int64) *chunk.Column {
	c := chunk.NewColumn(types.Int4, 1)
	c.AppendDatum(types.Datum{I: v})
	return c
}
