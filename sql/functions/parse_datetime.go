package functions

import (
	"strconv"
	"strings"

	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// dtScan reads a text by a date format, as to_date and to_timestamp do.
type dtScan struct {
	s    string // what is left
	full string
	got  map[string]int64
	zone *int64 // seconds east
}

func toDate(c *Call) {
	a, f := c.strs(0), c.strs(1)
	each(c, c.Out.Ints, func(i int) (int64, error) {
		sc := dtScan{s: string(a.at(i)), full: string(a.at(i)), got: map[string]int64{}}
		if err := sc.run(c.dtFormat(f.at(i))); err != nil {
			return 0, err
		}
		return sc.days()
	})
}

func toTimestamp(c *Call) {
	a, f := c.strs(0), c.strs(1)
	z := c.zone()
	each(c, c.Out.Ints, func(i int) (int64, error) {
		sc := dtScan{s: string(a.at(i)), full: string(a.at(i)), got: map[string]int64{}}
		if err := sc.run(c.dtFormat(f.at(i))); err != nil {
			return 0, err
		}
		ts, err := sc.moment()
		if err != nil {
			return 0, err
		}
		if sc.zone != nil {
			return ts - *sc.zone*1e6, nil
		}
		return types.TimestampToTZ(ts, z)
	})
}

func (sc *dtScan) run(toks []dtToken) error {
	for k, t := range toks {
		if t.field == "" {
			sc.skipText(t.text)
			continue
		}
		sc.s = strings.TrimLeft(sc.s, " ")
		if sc.s == "" {
			return nil
		}
		next := k+1 >= len(toks) || !startsNumber(toks[k+1])
		if err := sc.field(t, next); err != nil {
			return err
		}
		if t.th != "" && len(sc.s) >= 2 {
			sc.s = sc.s[2:]
		}
	}
	return nil
}

// startsNumber reports whether a token's text begins with a digit.
func startsNumber(t dtToken) bool {
	switch t.field {
	case "", "MONTH", "MON", "DAY", "DY", "AM", "PM", "A.M.", "P.M.", "AD", "BC", "A.D.", "B.C.", "RM", "TZ":
		return len(t.text) == 1 && t.field == "" && t.text[0] >= '0' && t.text[0] <= '9'
	}
	return true
}

// skipText passes over plain text of the format: separators match separators, with
// any blanks around, other characters one character each.
func (sc *dtScan) skipText(text string) {
	for range len(text) {
		if text[0] == ' ' || !isAlnum(rune(text[0])) {
			sc.s = strings.TrimLeft(sc.s, " ")
			if sc.s != "" && !isAlnum(rune(sc.s[0])) && sc.s[0] < 0x80 && (sc.s[0] != '-' && sc.s[0] != '+' || text[0] != ' ') {
				sc.s = sc.s[1:]
			}
			continue
		}
		if sc.s != "" {
			sc.s = sc.s[1:]
		}
	}
}

// fieldWidths is the number of digits of the numeric fields.
var fieldWidths = map[string]int{"HH": 2, "HH12": 2, "HH24": 2, "MI": 2, "SS": 2, "MS": 3, "US": 6, "FF1": 1, "FF2": 2, "FF3": 3, "FF4": 4,
	"FF5": 5, "FF6": 6, "SSSS": 5, "SSSSS": 5, "MM": 2, "DD": 2, "DDD": 3, "IDDD": 3, "D": 1, "ID": 1, "WW": 2, "IW": 2, "W": 1, "Q": 1,
	"J": 7, "CC": 2, "YYYY": 4, "YYY": 3, "YY": 2, "Y": 1, "IYYY": 4, "IYY": 3, "IY": 2, "I": 1, "TZM": 2}

func (sc *dtScan) invalid(t dtToken, detail string) error {
	w := t.text
	n := fieldWidths[t.field]
	if n == 0 || n > len(sc.s) {
		n = len(sc.s)
	}
	e := sqlerr.New(sqlerr.InvalidDatetimeFormat, "invalid value \"%s\" for \"%s\"", sc.s[:n], w)
	if detail != "" {
		e = e.WithDetail("%s", detail)
	}
	return e
}

func (sc *dtScan) field(t dtToken, open bool) error {
	switch t.field {
	case "MONTH", "MON":
		return sc.name(t, monthNames, "MM", 1)
	case "DAY", "DY":
		return sc.name(t, dayNames, "DOWNAME", 0)
	case "RM":
		for m := 11; m >= 0; m-- {
			if n := len(romanMonths[m]); len(sc.s) >= n && strings.EqualFold(sc.s[:n], romanMonths[m]) {
				sc.got["MM"], sc.s = int64(m+1), sc.s[n:]
				return nil
			}
		}
		return sc.invalid(t, "The given value did not match any of the allowed values for this field.")
	case "AM", "PM", "A.M.", "P.M.":
		return sc.flag(t, "PM", []string{"am", "pm", "a.m.", "p.m."})
	case "AD", "BC", "A.D.", "B.C.":
		return sc.flag(t, "BC", []string{"ad", "bc", "a.d.", "b.c."})
	case "TZ", "TZH", "OF":
		return sc.timeZone(t)
	case "Y,YYY":
		head, rest, ok := strings.Cut(sc.s, ",")
		n, err := strconv.ParseInt(head, 10, 32)
		if !ok || err != nil || len(rest) < 3 {
			return sqlerr.New(sqlerr.InvalidDatetimeFormat, "invalid input string for \"Y,YYY\"")
		}
		m, _ := strconv.ParseInt(rest[:3], 10, 32)
		sc.got["YYYY"], sc.s = n*1000+m, rest[3:]
		return nil
	}
	return sc.number(t, open)
}

func (sc *dtScan) name(t dtToken, names []string, key string, base int64) error {
	for k, full := range names {
		for _, n := range []string{full, full[:3]} {
			if (len(n) > 3) != (len(t.field) > 3 || t.field == "DAY") && len(full) > 3 {
				continue
			}
			if len(sc.s) >= len(n) && strings.EqualFold(sc.s[:len(n)], n) {
				sc.got[key], sc.s = int64(k)+base, sc.s[len(n):]
				return nil
			}
		}
	}
	return sc.invalid(t, "The given value did not match any of the allowed values for this field.")
}

func (sc *dtScan) flag(t dtToken, key string, words []string) error {
	for k, w := range words {
		if len(sc.s) >= len(w) && strings.EqualFold(sc.s[:len(w)], w) && (len(w) == 4) == (len(t.field) == 4) {
			sc.got[key], sc.s = int64(k%2), sc.s[len(w):]
			return nil
		}
	}
	return sc.invalid(t, "The given value did not match any of the allowed values for this field.")
}

func (sc *dtScan) timeZone(t dtToken) error {
	if t.field == "TZ" {
		return sqlerr.New(sqlerr.FeatureNotSupported, "formatting field \"%s\" is only supported in to_char", t.text)
	}
	if t.field == "OF" {
		return sqlerr.New(sqlerr.FeatureNotSupported, "formatting field \"%s\" is only supported in to_char", t.text)
	}
	sign := int64(1)
	if sc.s[0] == '+' || sc.s[0] == '-' {
		if sc.s[0] == '-' {
			sign = -1
		}
		sc.s = sc.s[1:]
	}
	n := digitsAt(sc.s, 2)
	v, err := strconv.ParseInt(sc.s[:n], 10, 32)
	if err != nil {
		return sc.invalid(t, "Value must be an integer.")
	}
	v *= sign * 3600
	sc.zone, sc.s = &v, sc.s[n:]
	return nil
}

func digitsAt(s string, most int) int {
	n := 0
	for n < len(s) && n < most && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

func (sc *dtScan) number(t dtToken, open bool) error {
	width := fieldWidths[t.field]
	most := width
	if (open || t.fm) && !strings.HasPrefix(t.field, "FF") && t.field != "MS" && t.field != "US" {
		most = 20
	}
	sign := 0
	if sc.s[0] == '-' || sc.s[0] == '+' {
		sign = 1
	}
	n := sign + digitsAt(sc.s[sign:], most)
	v, err := strconv.ParseInt(sc.s[:n], 10, 64)
	if err != nil {
		return sc.invalid(t, "Value must be an integer.")
	}
	if v > 1<<31-1 || v < -1<<31 {
		return sqlerr.New(sqlerr.DatetimeFieldOverflow, "value for \"%s\" in source string is out of range", t.text).
			WithDetail("Value must be in the range -2147483648 to 2147483647.")
	}
	digits := n - sign
	sc.s = sc.s[n:]
	sc.store(t, v, digits)
	return nil
}

func (sc *dtScan) store(t dtToken, v int64, digits int) {
	switch t.field {
	case "HH", "HH12":
		sc.got["HH12"] = v
	case "YYY", "YY", "Y":
		sc.got["YYYY"] = nearYear(v, digits)
	case "IYY", "IY", "I":
		sc.got["IYYY"] = nearYear(v, digits)
	case "MS", "US", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6":
		for ; digits < 6; digits++ {
			v *= 10
		}
		sc.got["US"] += v
	case "TZM":
		if sc.zone != nil {
			if *sc.zone < 0 {
				v = -v
			}
			*sc.zone += v * 60
		}
	case "SSSSS":
		sc.got["SSSS"] = v
	default:
		sc.got[t.field] = v
	}
}

// nearYear completes a short year towards 2020.
func nearYear(v int64, digits int) int64 {
	switch {
	case digits > 3:
		return v
	case v < 70:
		return v + 2000
	case v < 100:
		return v + 1900
	case v < 520:
		return v + 2000
	case v < 1000:
		return v + 1000
	}
	return v
}

func (sc *dtScan) overflow() error {
	return sqlerr.New(sqlerr.DatetimeFieldOverflow, "date/time field value out of range: \"%s\"", sc.full)
}

// days is the date that was read, as days since 2000-01-01.
func (sc *dtScan) days() (int64, error) {
	g := sc.got
	if j, ok := g["J"]; ok {
		return j - 2451545, nil
	}
	if iy, ok := g["IYYY"]; ok {
		return isoDate(iy, g), nil
	}
	year, ok := g["YYYY"]
	if cc, has := g["CC"]; has {
		if ok {
			year = (cc-1)*100 + year%100
		} else {
			year, ok = (cc-1)*100+1, true
		}
	}
	if !ok {
		year = 0
	}
	if g["BC"] == 1 && year > 0 {
		year = 1 - year
	} else if year < 0 {
		year++
	} else if !ok {
		year = 0
	}
	month, day := int64(1), int64(1)
	if q, ok := g["Q"]; ok && g["MM"] == 0 {
		_ = q // PostgreSQL ignores the quarter too
	}
	if m, ok := g["MM"]; ok {
		month = m
	}
	if d, ok := g["DD"]; ok {
		day = d
	}
	if ddd, ok := g["DDD"]; ok {
		if ddd < 1 || ddd > 366 {
			return 0, sc.overflow()
		}
		return types.DaysFromCivil(year, 1, 1) + ddd - 1, nil
	}
	if ww, ok := g["WW"]; ok {
		return types.DaysFromCivil(year, 1, 1) + (ww-1)*7, nil
	}
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return 0, sc.overflow()
	}
	d := types.DaysFromCivil(year, month, day)
	if _, m, _ := types.CivilFromDays(d); m != month {
		return 0, sc.overflow()
	}
	return d, nil
}

// isoDate is the date of an ISO year, week and day.
func isoDate(year int64, g map[string]int64) int64 {
	jan4 := types.DaysFromCivil(year, 1, 4)
	n, _ := types.ExtractDate(types.UnitISODOW, jan4)
	monday := jan4 - (n.Coef - 1)
	if ddd, ok := g["IDDD"]; ok {
		return monday + ddd - 1
	}
	week, day := g["IW"], g["ID"]
	return monday + (max(week, 1)-1)*7 + max(day, 1) - 1
}

func (sc *dtScan) moment() (int64, error) {
	d, err := sc.days()
	if err != nil {
		return 0, err
	}
	g := sc.got
	hour := g["HH24"]
	if h, ok := g["HH12"]; ok {
		if _, has := g["PM"]; has && (h < 1 || h > 12) {
			return 0, sqlerr.New(sqlerr.InvalidDatetimeFormat, "hour \"%d\" is invalid for the 12-hour clock", h).
				WithHint("Use the 24-hour clock, or give an hour between 1 and 12.")
		}
		hour = h
		if _, has := g["PM"]; has {
			hour = h%12 + 12*g["PM"]
		}
	}
	minute, sec := g["MI"], g["SS"]
	if s, ok := g["SSSS"]; ok {
		hour, minute, sec = s/3600, s/60%60, s%60
	}
	if hour < 0 || hour > 24 || minute < 0 || minute > 59 || sec < 0 || sec > 60 || g["US"] > 999999 {
		return 0, sc.overflow()
	}
	us := ((hour*60+minute)*60+sec)*1e6 + g["US"]
	ts, err := types.DateToTimestamp(d)
	if err != nil {
		return 0, err
	}
	return types.AddTimestamp(ts, types.Interval{Micros: us})
}
