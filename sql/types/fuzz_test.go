package types

import (
	"bytes"
	"math"
	"math/big"
	"testing"
)

// sampleValues returns values of many types in text form.
func sampleValues(t testing.TB) (ts []Type, ds []Datum) {
	for _, c := range []struct {
		t  Type
		in []string
	}{
		{Bool, []string{"t", "f"}},
		{Int4, []string{"0", "1", "-1", "2147483647"}},
		{Int8, []string{"-9223372036854775808", "9223372036854775807", "5"}},
		{Float8, []string{"0", "-0", "NaN", "inf", "-inf", "1.5", "-1e300"}},
		{Numeric, []string{"0", "1.10", "1.1", "-1.1", "99999999999999999999", "-99999999999999999999.5", "NaN", "inf", "-inf", "0.00001", "1e20", "123456789012345678.9"}},
		{Text, []string{"", "a", "ab", "b", "\x01"}},
		{BPChar, []string{"a", "a  ", "b"}},
		{Date, []string{"2024-01-01", "infinity", "-infinity", "0001-01-01 BC"}},
		{IntervalT, []string{"1 month", "30 days", "720:00:00", "-1 day", "1 month -1 day", "0"}},
		{UUID, []string{"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "00000000-0000-0000-0000-000000000000"}},
		{JSONB, []string{"1", "1.0", "[]", "{}", "[1,2]", `{"a":1}`, `"x"`, "null", "true", "false", `[null]`, `{"b":[1.50,"\u0001"]}`, "-5"}},
		{ArrayOf(Text), []string{"{}", "{a}", "{a,NULL}", "{NULL}", "{a,b}", `{""}`}},
		{ArrayOf(Numeric), []string{"{1.0,2}", "{1,2.00}", "{123456789012345678901234567890}"}},
	} {
		for _, s := range c.in {
			d, err := ParseText(c.t, s, nil)
			if err != nil {
				t.Fatal(err)
			}
			ts, ds = append(ts, c.t), append(ds, d)
		}
	}
	return ts, ds
}

// TestKeysFollowCompare checks that keys order and equal as values do, that they
// read back in normal form, and that the binary format is faithful.
func TestKeysFollowCompare(t *testing.T) {
	ts, ds := sampleValues(t)
	for i := range ds {
		for _, desc := range []bool{false, true} {
			key := AppendKey(nil, ts[i], ds[i], desc, false)
			back, rest, err := DecodeKey(ts[i], append(key, 7), desc, false)
			want := string(AppendText(nil, ts[i], Normalize(ts[i], ds[i]), nil))
			if err != nil || len(rest) != 1 || string(AppendText(nil, ts[i], back, nil)) != want {
				t.Errorf("%v %s: decoded %s, %v", ts[i], want, AppendText(nil, ts[i], back, nil), err)
			}
			for j := range ds {
				if ts[i] != ts[j] {
					continue
				}
				c := CompareNulls(ts[i], ds[i], ds[j], desc, false)
				if k := bytes.Compare(key, AppendKey(nil, ts[j], ds[j], desc, false)); k != c {
					t.Errorf("%v: %s against %s: key order %d, compare %d", ts[i], AppendText(nil, ts[i], ds[i], nil), AppendText(nil, ts[j], ds[j], nil), k, c)
				}
				if same := Normalize(ts[i], ds[i]) == Normalize(ts[j], ds[j]); same != (c == 0) && ts[i].Class() != ClassFloat {
					t.Errorf("%v: %s against %s: normal forms equal %v, compare %d", ts[i], AppendText(nil, ts[i], ds[i], nil), AppendText(nil, ts[j], ds[j], nil), same, c)
				}
			}
		}
		bin := AppendBinary(nil, ts[i], ds[i])
		back, err := ParseBinary(ts[i], bin)
		if err != nil || string(AppendText(nil, ts[i], back, nil)) != string(AppendText(nil, ts[i], ds[i], nil)) {
			t.Errorf("%v %s: binary reads back as %s, %v", ts[i], AppendText(nil, ts[i], ds[i], nil), AppendText(nil, ts[i], back, nil), err)
		}
	}
}

// kindsFuzzed are the types whose readers the fuzz targets choose from.
var kindsFuzzed = []Type{Bool, Int2, Int4, Int8, Float4, Float8, Numeric, {Kind: KindNumeric, Typmod: 5<<16 | 2 + 4}, Text, Varchar,
	{Kind: KindBPChar, Typmod: 9}, Bytea, Date, Time, Timestamp, TimestampTZ, IntervalT, UUID, JSONB, JSON, OID, Name, QChar,
	RegType, ArrayOf(Text), ArrayOf(Numeric), ArrayOf(Timestamp), Of(KindInt2Vector)}

// FuzzParseText checks that what is read is written in a form that reads back alike.
func FuzzParseText(f *testing.F) {
	for i, s := range []string{"t", "1", "-5", "1e3", "{1,2}", `{"a": [1, "\ud83d\ude00"]}`, "2024-01-01 10:00 PST", "1 day 2:03", "P1Y", `\x00ff`} {
		f.Add(uint8(i), s)
	}
	f.Fuzz(func(t *testing.T, k uint8, s string) {
		typ := kindsFuzzed[int(k)%len(kindsFuzzed)]
		d, err := ParseText(typ, s, nil)
		if err != nil {
			return
		}
		out := AppendText(nil, typ, d, nil)
		d2, err := ParseText(typ, string(out), nil)
		if err != nil {
			t.Fatalf("%v: %q was written as %q, which does not read: %v", typ, s, out, err)
		}
		if out2 := AppendText(nil, typ, d2, nil); !bytes.Equal(out, out2) {
			t.Fatalf("%v: %q, then %q, then %q", typ, s, out, out2)
		}
		key := AppendKey(nil, typ, d, true, true)
		if _, rest, err := DecodeKey(typ, key, true, true); err != nil || len(rest) != 0 {
			t.Fatalf("%v: key of %q does not read back: %v", typ, out, err)
		}
		if b, err := ParseBinary(typ, AppendBinary(nil, typ, d)); err == nil {
			if got := AppendText(nil, typ, b, nil); !bytes.Equal(got, out) {
				t.Fatalf("%v: binary of %q reads as %q", typ, out, got)
			}
		}
	})
}

// FuzzParseBinary feeds readers of the binary format and of keys any bytes.
func FuzzParseBinary(f *testing.F) {
	ts, ds := sampleValues(f)
	for i := range ds {
		f.Add(uint8(i), AppendBinary(nil, ts[i], ds[i]))
	}
	f.Fuzz(func(t *testing.T, k uint8, b []byte) {
		typ := kindsFuzzed[int(k)%len(kindsFuzzed)]
		if d, err := ParseBinary(typ, b); err == nil {
			AppendText(nil, typ, d, nil)
		}
		if d, _, err := DecodeKey(typ, b, k&1 != 0, false); err == nil && !d.Null {
			AppendText(nil, typ, d, nil)
		}
	})
}

// FuzzJSONB feeds what reads canonical jsonb any bytes, as a damaged file might hold:
// the answer means nothing then, but there is one, and jsonb that was parsed stays as it is.
func FuzzJSONB(f *testing.F) {
	f.Add(`{"a": [1, "x\u0041"]}`, `["a"`)
	f.Add(`"`, `"\`)
	f.Fuzz(func(t *testing.T, a, b string) {
		if CompareJSONB(a, b) != -CompareJSONB(b, a) && ValidateJSON(a) == nil && ValidateJSON(b) == nil {
			t.Errorf("%q and %q have no order", a, b)
		}
		for it := IterJSON(a); it.Next(); {
			it.KeyText()
			AppendJSONText(nil, it.Value)
		}
		NormalizeJSONB(nil, a)
		JSONField(a, b)
		JSONElement(a, -1)
		v, err := ParseJSONB(nil, a)
		if err != nil {
			return
		}
		if again, err := ParseJSONB(nil, string(v)); err != nil || string(again) != string(v) {
			t.Errorf("%q is not canonical: %q, %v", v, again, err)
		}
		if CompareJSONB(string(v), string(v)) != 0 {
			t.Errorf("%q differs from itself", v)
		}
	})
}

// FuzzNumInline checks the inline fast paths against exact arithmetic.
func FuzzNumInline(f *testing.F) {
	f.Add(int64(1), uint8(0), int64(3), uint8(0))
	f.Add(int64(math.MaxInt64), uint8(3), int64(-1), uint8(18))
	f.Add(int64(math.MinInt64), uint8(0), int64(-1), uint8(0))
	f.Fuzz(func(t *testing.T, a int64, as uint8, b int64, bs uint8) {
		x, y := Num{Coef: a, Scale: int32(as % 24)}, Num{Coef: b, Scale: int32(bs % 24)}
		rat := func(n Num) *big.Rat { return new(big.Rat).SetFrac(big.NewInt(n.Coef), Pow10(n.Scale)) }
		check := func(op string, r Num, ok bool, want *big.Rat) {
			if ok && rat(r).Cmp(want) != 0 {
				t.Errorf("%v %s %v = %v", x, op, y, r)
			}
		}
		r, ok := AddNum(x, y)
		check("+", r, ok, new(big.Rat).Add(rat(x), rat(y)))
		r, ok = SubNum(x, y)
		check("-", r, ok, new(big.Rat).Sub(rat(x), rat(y)))
		r, ok = MulNum(x, y)
		check("*", r, ok, new(big.Rat).Mul(rat(x), rat(y)))
		if c, ok := CmpNum(x, y); !ok || c != rat(x).Cmp(rat(y)) {
			t.Errorf("compare %v %v = %d", x, y, c)
		}
		if r, ok := DivNum(x, y); ok {
			w1, f1 := leadInline(x)
			w2, f2 := leadInline(y)
			d, err := divTo(Dec{N: x}, Dec{N: y}, divScale(w1, f1, w2, f2, x.Scale, y.Scale), true)
			if err != nil || d.N != r {
				t.Errorf("%v / %v = %v, want %v", x, y, r, d)
			}
		}
		for s := int32(0); s < 22; s += 3 {
			if r, ok := RoundNum(x, s); ok {
				if d, err := roundBig(Dec{N: x}, s, true); err != nil || d.N != r {
					t.Errorf("round(%v, %d) = %v, want %v", x, s, r, d)
				}
			}
		}
	})
}

// TestHotPathsDoNotAllocate holds reading, writing and inline arithmetic free of
// allocations.
func TestHotPathsDoNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 256)
	allocs := testing.AllocsPerRun(100, func() {
		v, _ := ParseInt8("123456")
		buf = AppendInt(buf[:0], v)
		f, _ := ParseFloat8("1.25")
		buf = AppendFloat8(buf, f, 1)
		d, _ := ParseDec("12345.678")
		n, _ := AddNum(d.N, Num{Coef: 5, Scale: 1})
		n, _ = MulNum(n, n)
		buf = AppendNum(buf, n, nil)
		ts, _ := ParseTimestamp("2024-01-05 10:11:12.5", nil)
		buf = AppendTimestamp(buf, ts, nil)
		ts, _ = ParseTimestampTZ("2024-01-05 10:11:12.5+02", nil)
		buf = AppendTimestampTZ(buf, ts, nil)
		b, _ := ParseBool("true")
		buf = AppendBool(buf, b)
		buf = AppendKeyDec(buf, d)
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// TestZones finds zones in any case and by offset, and refuses what is none.
func TestZones(t *testing.T) {
	for name, want := range map[string]string{"america/new_york": "2024-01-01 00:00:00-05", "EUROPE/BERLIN": "2024-01-01 06:00:00+01",
		"+05:30": "2024-01-01 10:30:00+05:30", "UTC-3": "2024-01-01 08:00:00+03", "PST": "2023-12-31 21:00:00-08", "Asia/Kolkata": "2024-01-01 10:30:00+05:30"} {
		loc, err := LoadZone(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		us, _ := ParseTimestampTZ("2024-01-01 05:00+00", nil)
		if got := string(AppendTimestampTZ(nil, us, &Settings{TimeZone: loc})); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for _, name := range []string{"", "Nowhere/City", "../etc/passwd", "Local"} {
		if loc, err := LoadZone(name); err == nil {
			t.Errorf("%q is zone %v", name, loc)
		}
	}
}
