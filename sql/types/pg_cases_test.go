package types

import (
	"fmt"
	"math"
	"math/rand"
	"strings"
)

// pgCase is an expression in SQL and the same computed by this package.
type pgCase struct {
	sql string
	got func() (string, error)
}

func quoteSQL(s string) string {
	return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`).Replace(s) + "'"
}

// pgNumbers are operands of numeric functions.
func pgNumbers() []string {
	ns := []string{"0", "1", "-1", "2", "10", "0.5", "-0.5", "1.00", "3", "7", "0.1", "0.01", "1.5", "2.5", "-2.5", "99.99", "100", "12345.678",
		"0.00001", "1e-20", "9999", "10000", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "123456789012345678901234567890.123",
		"NaN", "Infinity", "-Infinity", "0.9", "1.1", "0.99999", "1.00001", "1000000", "3.14159265358979", "0.000", "1e30", "2147483648"}
	r := rand.New(rand.NewSource(1))
	for range 10 {
		digits := r.Intn(25) + 1
		s := ""
		for range digits {
			s += string(rune('0' + r.Intn(10)))
		}
		k := r.Intn(digits + 1)
		ns = append(ns, "1"+s[:k]+"."+s[k:]+"1")
	}
	return ns
}

func decCase(sql string, f func() (Dec, error)) pgCase {
	return pgCase{sql, func() (string, error) {
		d, err := f()
		return d.String(), err
	}}
}

func numericCases() (cs []pgCase) {
	ns := pgNumbers()
	lit := func(s string) string { return "'" + s + "'::numeric" }
	dec := func(s string) Dec { d, _ := ParseDec(s); return d }
	for i, a := range ns {
		cs = append(cs, decCase(lit(a), func() (Dec, error) { return ParseDec(a) }))
		for name, f := range map[string]func(Dec) (Dec, error){
			"sqrt": SqrtDec, "exp": ExpDec, "ln": LnDec, "log": Log10Dec, "ceil": CeilDec, "floor": FloorDec,
			"trim_scale": func(d Dec) (Dec, error) { return NormalizeDec(d), nil },
			"abs":        func(d Dec) (Dec, error) { return AbsDec(d), nil },
			"-":          func(d Dec) (Dec, error) { return NegDec(d), nil },
		} {
			cs = append(cs, decCase(name+"("+lit(a)+")", func() (Dec, error) { return f(dec(a)) }))
		}
		for _, s := range []int32{-3, -1, 0, 1, 2, 5} {
			cs = append(cs, decCase(fmt.Sprintf("round(%s, %d)", lit(a), s), func() (Dec, error) { return RoundDec(dec(a), s) }),
				decCase(fmt.Sprintf("trunc(%s, %d)", lit(a), s), func() (Dec, error) { return TruncDec(dec(a), s) }))
		}
		for _, ps := range [][2]int32{{5, 2}, {3, 3}, {3, -2}, {30, 10}} {
			mod, _ := MakeTypmod(KindNumeric, ps[:])
			cs = append(cs, decCase(fmt.Sprintf("%s::numeric(%d,%d)", lit(a), ps[0], ps[1]), func() (Dec, error) { return CoerceDec(dec(a), mod) }))
		}
		for name, f := range map[string]func(Dec) (int64, error){"int2": DecToInt2, "int4": DecToInt4, "int8": DecToInt8} {
			cs = append(cs, pgCase{lit(a) + "::" + name, func() (string, error) { v, err := f(dec(a)); return fmt.Sprint(v), err }})
		}
		cs = append(cs, pgCase{lit(a) + "::float8", func() (string, error) {
			f, err := DecToFloat8(dec(a))
			return string(AppendFloat8(nil, f, 1)), err
		}}, pgCase{lit(a) + "::float4", func() (string, error) {
			f, err := DecToFloat4(dec(a))
			return string(AppendFloat4(nil, f, 1)), err
		}})
		for j, b := range ns {
			if i > 6 && j > 6 && (3*i+7*j)%6 != 0 {
				continue // a sample of the pairs
			}
			for op, f := range map[string]func(a, b Dec) (Dec, error){"+": AddDec, "-": SubDec, "*": MulDec, "/": DivDec, "%": ModDec} {
				cs = append(cs, decCase(lit(a)+" "+op+" "+lit(b), func() (Dec, error) { return f(dec(a), dec(b)) }))
			}
			cs = append(cs, pgCase{"sign(case when " + lit(a) + " < " + lit(b) + " then -1 when " + lit(a) + " > " + lit(b) + " then 1 else 0 end)",
				func() (string, error) { return fmt.Sprint(CmpDec(dec(a), dec(b))), nil }})
			if len(b) < 6 || b == "Infinity" || b == "-Infinity" {
				cs = append(cs, decCase("power("+lit(a)+", "+lit(b)+")", func() (Dec, error) { return PowerDec(dec(a), dec(b)) }),
					decCase("div("+lit(a)+", "+lit(b)+")", func() (Dec, error) { return DivTruncDec(dec(a), dec(b)) }),
					decCase("log("+lit(b)+", "+lit(a)+")", func() (Dec, error) { return LogDec(dec(b), dec(a)) }))
			}
		}
	}
	for _, f := range []float64{0, 1, 0.1, 1.0 / 3, 1e20, 1e-10, 123456.789, math.NaN(), math.Inf(1), 3.5e15, 2.5, 3.5, -2.5} {
		s := string(AppendFloat8(nil, f, 1))
		cs = append(cs, decCase("'"+s+"'::float8::numeric", func() (Dec, error) { return DecFromFloat8(f) }),
			decCase("'"+s+"'::float8::float4::numeric", func() (Dec, error) { return DecFromFloat4(float64(float32(f))) }),
			pgCase{"'" + s + "'::float8::int4", func() (string, error) { v, err := FloatToInt(f, KindInt4); return fmt.Sprint(v), err }})
	}
	return cs
}

// pgInputs are text inputs by type.
var pgInputs = map[string][]string{
	"boolean":          {"t", "tr", "TRUE", "y", "no", "on", "of", "off", "o", "1", "0", " yes ", "", "maybe"},
	"smallint":         {"1", "32767", "32768", "-32768", " 5", "5 ", "", "+", "1.5", "0x1", "abc", "--5", "+7"},
	"integer":          {"2147483647", "2147483648", "99999999999999999999", "1e3", "١"},
	"bigint":           {"9223372036854775807", "9223372036854775808", "-9223372036854775808", "x"},
	"oid":              {"1", "4294967295", "4294967296", "-1", "x"},
	"real":             {"1", "1.1", "1e38", "1e39", "1e-46", "NaN", "inf", "-Infinity", "3.4028235e38", "123456789", "1e6", "999999", "0.0001", "0.00001"},
	"double precision": {"0", "-0", "1e308", "1e309", "1e-400", ".5", "5.", "1e15", "123456789012345", "1234567890123456", "1e14", "0.0001", "0.00001", "x", "", "1_0", "infinity", "nan", " 7 ", "1e", "0x1p3", "1d"},
	"numeric":          {"1e5", "1.50e1", "-1.5e-3", ".5", "5.", ".", "", "1e", "+1", "nan", "NaN", "inf", "+inf", "-infinity", "infinit", "1 2", "1e400", "1.e5", "--1", "1,5", "  12  ", "0x5", "00012.50", "1e-16383", "-nan", "1e2147483648", "e5"},
	"uuid":             {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}", "a0eebc999c0b4ef8bb6d6bb9bd380a11", "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", "x", "", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
	"bytea":            {`\xdeadBEEF`, `\x de ad`, `\xabc`, `\xzz`, `abc`, `a\\b`, `a\001b`, `a\b`, `\777`, ""},
	`"char"`:           {"a", "", "abc", `\377`},
	"name":             {"abc", strings.Repeat("x", 70), strings.Repeat("ä", 40)},
	"jsonb": {`1`, `-0`, `1.50`, `1e5`, `1E-2`, `"a\u00e9\n"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\u0000"`, `"\x"`, `"\u12"`, `{"b":1,"a":2,"aa":3,"b":4}`, `[]`, `{}`, `[ 1 , 2 ]`,
		`{"a":}`, `{"a" 1}`, `{a:1}`, `[1,]`, `[1 2]`, ``, ` `, `tru`, `true`, `nul`, `{"a":1}}`, `"abc`, `01`, `1.`, `-`, `[`, `{`, `{"a"`, `{"a":1,}`, `.5`, "\"a\tb\"", `"\/\b\f"`, `{"a":{"b":[1,{"c":null}]}}`, `"\u001f\u007f"`, `1a`, `+1`, `'a'`},
	"json":      {`{"b":1, "a" : 2}`, `[1,`, `x`},
	"integer[]": {"{1,2,3}", "{}", " { 1 , 2 } ", "{1,NULL,null}", "[2:3]={1,2}", "[0:2]={1,2}", "{1,2", "1,2", "{1,,2}", "{1,2}x", `{"1",2}`, "{a}", "{1 2}", ""},
	"text[]":    {`{a,"b c",NULL,"NULL",""}`, `{a\,b,"c\"d"}`, `{a b}`, `{ a , b }`, `{"a"b}`, `{"a}`, `{a"b"}`},
	"date": {"2024-02-29", "2023-02-29", "20240105", "240105", "Jan 5 2024", "5 January 2024", "January 5, 2024", "1/8/1999", "1/18/1999", "18/1/1999", "99-01-08", "1999-Jan-08", "Jan-08-1999", "08-Jan-1999", "08-Jan-99",
		"J2451187", "infinity", "-infinity", "epoch", "0044-03-15 BC", "Mon Jan 5 2024", "2024.005", "1999.008", "2024-13-01", "2024-00-10", "x", "", "2024", "2024-01", "2024-1-5", "5874897-12-31", "5874898-01-01", "4714-11-24 BC", "4714-11-23 BC",
		"01/02/03", "2024-01-05 10:00", "20240105T101112", "January", "y2024m01d05", "0000-01-01", "2024/01/05", "2024 Jan 5", "Jan 5", "1 2 3", "Feb 30 2024"},
	"time": {"04:05:06.789", "04:05", "040506", "04:05 AM", "04:05 PM", "12:00 am", "12:00 pm", "13:00 PM", "24:00:00", "24:00:01", "23:59:60", "25:00", "04:05:06-08:00", "allballs", "x", "", "10:61", "2003-04-12 04:05:06", "04:05:06.1234567", "0405", "T040506", "4:5"},
	"timestamp": {"2024-01-05 10:11:12.123456", "2024-01-05T10:11:12Z", "2024-01-05 10:11:12+05:30", "2024-01-05", "2024-01-05 24:00:00", "2024-01-05 23:59:60", "Jan 5 10:11:12 2024", "Fri Jan 05 10:11:12 2024 PST", "20240105T101112.5", "20240105 1011",
		"infinity", "epoch", "294276-12-31 23:59:59.999999", "294277-01-01", "4714-11-24 00:00:00 BC", "4714-11-23 23:59:59 BC", "2024-01-05 10", "2024-01-05 10:11:12 America/New_York", "2024-02-30", "2024-01-05 10:11:12.9999999", "2024-01-05 1:2:3 pm",
		"x", "2024-01-05 x", "10:11:12", "2024-01-05 10:11:12 foo", "2024-01-05 10:11:12 10:11", "2024-01-05 10:11 am pm", "2024-01-05 AD", "1997-02-10 17:32:01 -0800", "19970210 173201 -0800", "1997.041 17:32:01", "97FEB10 5:32:01PM UTC", "Feb 10 17:32:01 1997 MST", "2024-01-05 10:11:12,5"},
	"timestamptz": {"2024-01-05 10:11:12", "2024-07-05 10:11:12", "2024-01-05 10:11:12 PST", "2024-07-05 10:11:12 America/New_York", "2024-03-10 02:30:00 America/New_York", "2024-11-03 01:30:00 America/New_York", "2024-01-05 10:11:12+05:30", "2024-01-05 10:11:12-0330",
		"2024-01-05T10:11:12.5Z", "1883-01-01 00:00 America/New_York", "2024-01-05 10:11:12 zulu", "2024-01-05 10:11:12 EST5EDT", "2024-01-05 10:11:12 Nowhere/City", "2024-01-05 10:11:12+16", "2024-01-05 10:11:12 UTC+3", "2024-01-05 10:11:12+1", "infinity", "2024-01-05 10:11:12 BC", "2024-01-05 10:11:12 CEST", "2024-01-05 10:11:12 +5"},
	"interval": {"1 day", "1 day 02:03:04", "1-2", "-1-2", "1 2:03", "P1Y2M3DT4H5M6S", "P0001-02-03T04:05:06", "P1.5Y", "PT1.5H", "1.5 days", "1.5 months", "1.5 years", "1 week 2 days", "-1 day 2 hours", "1 day ago", "@ 1 hour 2 mins ago", "1 decade", "2 centuries", "1 mil",
		"5", "5.5", "1:2", "1:2:3.5", "04:05:06.7891234", "100:00:00", "1 year 2 mons -3 days", "-00:00:01", "1 ms", "1.5 ms", "3 us", "1 hour 1 hour", "x", "", "day", "1 fortnight", "2147483647 months", "2147483648 months", "178956970 years", "178956971 years", "1 day 25:61:00", "0.1 sec", "1e3 days", "P", "PT", "P1", "1.2.3 days",
		"0", "10 quarter", "1 y 1 m", "1 mon 1 min", "-1.5 months", "0.5 weeks", "P1W", "1h30m", "3 4:05:06", "1-2 3 4:05:06", "+1 day", "- 1 day", "1 day -1:02", "9223372036854775807 us", "10000000 hours"},
}

func inputCases() (cs []pgCase) {
	ny, _ := LoadZone("America/New_York")
	st := &Settings{TimeZone: ny}
	for name, ins := range pgInputs {
		t, err := ParseTypeName(name)
		if err != nil {
			panic(err)
		}
		for _, in := range ins {
			cs = append(cs, pgCase{"textout(" + quoteSQL(in) + ", '" + name + "')", func() (string, error) {
				d, err := ParseText(t, in, st)
				if err != nil {
					return "", err
				}
				return string(AppendText(nil, t, d, st)), nil
			}})
		}
	}
	return cs
}
