package types

import (
	"fmt"
	"math"
	"strings"
)

func datetimeCases() (cs []pgCase) {
	ny, _ := LoadZone("America/New_York")
	st := &Settings{TimeZone: ny}
	stamps := []string{"2024-02-29 12:34:56.789", "2000-01-01 00:00:00", "1999-12-31 23:59:59.999999", "0044-03-15 10:00:00 BC", "1970-01-01", "2024-03-10 01:30:00", "2024-11-03 00:30:00", "0001-01-01", "1582-10-15 05:00", "infinity", "-infinity", "294276-12-31", "2021-01-03"}
	ivls := []string{"1 month", "-1 month", "1 day", "36 hours", "1 year 2 mons 3 days 04:05:06.7", "-1 year -2 mons +3 days", "00:00:00.000001", "0", "29 days 23:00:00", "-5 days 12:00:00", "1 mon -31 days", "2000000 days", "100 years", "1000000000 hours"}
	ts := func(s string) int64 { v, _ := ParseTimestamp(s, st); return v }
	tz := func(s string) int64 { v, _ := ParseTimestampTZ(s, st); return v }
	iv := func(s string) Interval { v, _ := ParseInterval(s, st, -1); return v }
	outTS := func(v int64, err error) (string, error) { return string(AppendTimestamp(nil, v, st)), err }
	outTZ := func(v int64, err error) (string, error) { return string(AppendTimestampTZ(nil, v, st)), err }
	outIV := func(v Interval, err error) (string, error) { return string(AppendInterval(nil, v, st)), err }
	add := func(f func() (string, error), sql string, args ...any) {
		cs = append(cs, pgCase{fmt.Sprintf(sql, args...), f})
	}
	outNum := func(n Num, r ExtractResult, t Type, unit string) (string, error) {
		switch r {
		case ExtractNull:
			return "", nil
		case ExtractUnsupported:
			return "", UnitUnsupported(unit, t)
		}
		return Dec{N: n}.String(), nil
	}
	for _, a := range stamps {
		for _, b := range ivls {
			add(func() (string, error) { return outTS(AddTimestamp(ts(a), iv(b))) }, "timestamp '%s' + interval '%s'", a, b)
			add(func() (string, error) { return outTZ(AddTimestampTZ(tz(a), iv(b), ny)) }, "timestamptz '%s' + interval '%s'", a, b)
			if !strings.Contains(b, "mon") && !strings.Contains(b, "year") {
				add(func() (string, error) { return outTS(DateBin(iv(b), ts(a), ts("2001-02-03 04:05"))) }, "date_bin('%s', timestamp '%s', timestamp '2001-02-03 04:05')", b, a)
			}
		}
		for _, b := range stamps {
			if a > "29" || b > "29" {
				continue // PostgreSQL 15 wraps around and takes infinity for a date
			}
			add(func() (string, error) { return outIV(SubTimestamp(ts(a), ts(b))) }, "timestamp '%s' - timestamp '%s'", a, b)
			add(func() (string, error) { return outIV(Age(ts(a), ts(b))) }, "age(timestamp '%s', timestamp '%s')", a, b)
		}
		for u := UnitMicroseconds; u <= UnitTimezoneMinute; u++ {
			n := u.String()
			if u == UnitEpoch && a > "29" && a < "3" {
				continue // shown with a digit less
			}
			add(func() (string, error) {
				v, r := ExtractTimestamp(u, ts(a))
				if u == UnitJulian && r == ExtractOK && !IsInfTimestamp(ts(a)) {
					return ExtractJulian(ts(a)).String(), nil
				}
				return outNum(v, r, Timestamp, n)
			}, "extract(%s from timestamp '%s')", n, a)
			if u != UnitJulian {
				add(func() (string, error) {
					v, r := ExtractTimestampTZ(u, tz(a), ny)
					return outNum(v, r, TimestampTZ, n)
				}, "extract(%s from timestamptz '%s')", n, a)
			}
			if d := ts(a); u < UnitISOYear {
				add(func() (string, error) { v, _ := TruncTimestamp(u, d); return outTS(v, nil) }, "date_trunc('%s', timestamp '%s')", n, a)
				add(func() (string, error) { v, _ := TruncTimestampTZ(u, tz(a), ny); return outTZ(v, nil) }, "date_trunc('%s', timestamptz '%s')", n, a)
			}
			add(func() (string, error) {
				v, r := ExtractDate(u, TimestampToDate(ts(a)))
				return outNum(v, r, Date, n)
			}, "extract(%s from date '%s')", n, strings.Replace(a, "294276", "29427", 1))
			cs[len(cs)-1].got = func() (string, error) {
				d, err := ParseDate(strings.Replace(a, "294276", "29427", 1), st)
				if err != nil {
					return "", err
				}
				v, r := ExtractDate(u, d)
				return outNum(v, r, Date, n)
			}
		}
		for _, style := range []struct {
			name string
			s    DateStyle
			o    DateOrder
		}{{"Postgres, MDY", DatePostgres, OrderMDY}, {"Postgres, DMY", DatePostgres, OrderDMY}, {"SQL, MDY", DateSQL, OrderMDY}, {"SQL, DMY", DateSQL, OrderDMY}, {"German", DateGerman, OrderDMY}} {
			s2 := &Settings{TimeZone: ny, DateStyle: style.s, DateOrder: style.o}
			in := tz(a)
			add(func() (string, error) {
				return string(AppendTimestampTZ(nil, in, s2)) + " / " + string(AppendTimestamp(nil, ts(a), s2)) + " / " + string(AppendDate(nil, TimestampToDate(ts(a)), s2)), nil
			}, "withstyle('datestyle', '%s', 'timestamptz ''%s''') || ' / ' || withstyle('datestyle', '%s', 'timestamp ''%s''') || ' / ' || withstyle('datestyle', '%s', '(timestamp ''%s'')::date')", style.name, a, style.name, a, style.name, a)
		}
	}
	for _, a := range ivls {
		for i, style := range []string{"postgres", "postgres_verbose", "sql_standard", "iso_8601"} {
			s2 := &Settings{IntervalStyle: IntervalStyle(i)}
			for _, b := range []string{a, "-" + strings.TrimPrefix(a, "-")} {
				v, err := ParseInterval(b, s2, -1)
				if err != nil {
					continue
				}
				add(func() (string, error) { return string(AppendInterval(nil, v, s2)), nil }, "withstyle('intervalstyle', '%s', 'interval ''%s''')", style, b)
			}
		}
		for u := UnitMicroseconds; u <= UnitMillennium; u++ {
			n := u.String()
			add(func() (string, error) { v, r := ExtractInterval(u, iv(a)); return outNum(v, r, IntervalT, n) }, "extract(%s from interval '%s')", n, a)
			if u != UnitWeek {
				add(func() (string, error) { v, _ := TruncInterval(u, iv(a)); return outIV(v, nil) }, "date_trunc('%s', interval '%s')", n, a)
			}
		}
		add(func() (string, error) {
			v, r := ExtractInterval(UnitEpoch, iv(a))
			return outNum(v, r, IntervalT, "epoch")
		}, "extract(epoch from interval '%s')", a)
		for _, f := range []float64{2, 0.5, 1.5, -1, 0.1, 1.0 / 3, 7, 1e10, math.Inf(1)} {
			s := string(AppendFloat8(nil, f, 1))
			add(func() (string, error) { return outIV(MulInterval(iv(a), f)) }, "interval '%s' * '%s'::float8", a, s)
			add(func() (string, error) { return outIV(DivInterval(iv(a), f)) }, "interval '%s' / '%s'::float8", a, s)
		}
		add(func() (string, error) { return outIV(JustifyHours(iv(a))) }, "justify_hours(interval '%s')", a)
		add(func() (string, error) { return outIV(JustifyDays(iv(a))) }, "justify_days(interval '%s')", a)
		add(func() (string, error) { return outIV(JustifyInterval(iv(a))) }, "justify_interval(interval '%s')", a)
		for _, b := range ivls {
			add(func() (string, error) { return fmt.Sprint(CmpInterval(iv(a), iv(b))), nil }, "sign(case when interval '%s' < interval '%s' then -1 when interval '%s' > interval '%s' then 1 else 0 end)", a, b, a, b)
			add(func() (string, error) { return outIV(AddInterval(iv(a), iv(b))) }, "interval '%s' + interval '%s'", a, b)
		}
		for name, mod := range map[string][]int32{"interval year": {FieldYear}, "interval day to second(2)": {FieldDay | FieldHour | FieldMinute | FieldSecond, 2}, "interval hour": {FieldHour}, "interval(3)": {fieldsFull, 3}, "interval minute to second": {FieldMinute | FieldSecond}} {
			m, _ := MakeTypmod(KindInterval, mod)
			add(func() (string, error) { return outIV(ParseInterval(a, st, m)) }, "textout('%s', '%s')", a, name)
		}
	}
	js := []string{"1", "1.0", "2", "[]", "{}", "[1,2]", "[1]", `{"a":1}`, `{"b":1}`, `{"aa":1}`, `{"a":1,"b":2}`, `"x"`, `"y"`, `""`, "null", "true", "false", "[null]", "[[]]", `[{}]`, `["a"]`, "-5", "[1.0]"}
	for _, a := range js {
		for _, b := range js {
			add(func() (string, error) {
				x, _ := ParseJSONB(nil, a)
				y, _ := ParseJSONB(nil, b)
				return fmt.Sprint(CompareJSONB(string(x), string(y))), nil
			}, "sign(jsonb_cmp('%s'::jsonb, '%s'::jsonb))", a, b)
		}
	}
	return cs
}
