package functions

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

func formatFuncs() []*Function {
	fs := []*Function{
		scalar("to_char", "timestamp,text->text", toCharTime), scalar("to_char", "timestamptz,text->text", toCharTime).stable(),
		scalar("to_char", "interval,text->text", toCharInterval),
		scalar("to_date", "text,text->date", toDate), scalar("to_timestamp", "text,text->timestamptz", toTimestamp).stable(),
		scalar("to_number", "text,text->numeric", toNumber),
	}
	for _, t := range []string{"int4", "int8", "numeric", "float4", "float8"} {
		fs = append(fs, scalar("to_char", t+",text->text", toCharNumber))
	}
	return fs
}

// dtToken is one piece of a date format: a field with its modifiers, or plain text.
type dtToken struct {
	field string // in upper case; empty for text
	text  string // the field as spelled, or the text
	fm    bool   // FM: no padding
	th    string // ordinal suffix: th, TH or none
}

// dtFields lists the fields, longer ones before their prefixes.
var dtFields = []string{"A.D.", "A.M.", "B.C.", "P.M.", "MONTH", "SSSSS", "Y,YYY", "HH12", "HH24", "IDDD", "IYYY", "SSSS", "YYYY", "DAY", "DDD",
	"FF1", "FF2", "FF3", "FF4", "FF5", "FF6", "IYY", "MON", "TZH", "TZM", "YYY", "AD", "AM", "BC", "CC", "DD", "DY", "HH", "ID", "IW", "IY",
	"MI", "MM", "MS", "OF", "PM", "RM", "SS", "TZ", "US", "WW", "YY", "D", "I", "J", "Q", "W", "Y"}

// parseDTFormat takes a date format apart.
func parseDTFormat(f string) []dtToken {
	var toks []dtToken
	fm, tm := false, false
	for f != "" {
		up := strings.ToUpper(f[:min(len(f), 6)])
		switch {
		case f[0] == '"':
			end, text := quotedText(f)
			toks = append(toks, dtToken{text: text})
			f = f[end:]
			continue
		case f[0] == '\\' && len(f) > 1:
			toks = append(toks, dtToken{text: f[1:2]})
			f = f[2:]
			continue
		case strings.HasPrefix(up, "FM"):
			fm, f = true, f[2:]
			continue
		case strings.HasPrefix(up, "FX"):
			f = f[2:]
			continue
		case strings.HasPrefix(up, "TM"): // names in the language of the locale, which is C: not padded
			tm, f = true, f[2:]
			continue
		}
		field := matchField(up)
		if field == "" {
			toks = append(toks, dtToken{text: f[:1]})
			f = f[1:]
			continue
		}
		name := strings.EqualFold(field, "MONTH") || strings.EqualFold(field, "DAY")
		t := dtToken{field: field, text: f[:len(field)], fm: fm || tm && name}
		f, fm, tm = f[len(field):], false, false
		if len(f) >= 2 && strings.EqualFold(f[:2], "th") {
			t.th, f = f[:2], f[2:]
		}
		toks = append(toks, t)
	}
	return toks
}

func matchField(up string) string {
	for _, name := range dtFields {
		if strings.HasPrefix(up, name) {
			return name
		}
	}
	return ""
}

func quotedText(f string) (end int, text string) {
	var b strings.Builder
	i := 1
	for ; i < len(f) && f[i] != '"'; i++ {
		if f[i] == '\\' && i+1 < len(f) {
			i++
		}
		b.WriteByte(f[i])
	}
	return min(i+1, len(f)), b.String()
}

// formatCache keeps the parsed format of a place of call.
type formatCache struct {
	src   string
	valid bool
	toks  []dtToken
}

func (c *Call) dtFormat(f []byte) []dtToken {
	st, _ := c.State.(*formatCache)
	if st == nil {
		st = new(formatCache)
		c.State = st
	}
	if !st.valid || st.src != string(f) {
		*st = formatCache{src: string(f), valid: true, toks: parseDTFormat(string(f))}
	}
	return st.toks
}

// clockParts is a moment (or an interval) as to_char sees it.
type clockParts struct {
	year, month, day int64
	hour, min, sec   int64
	us               int64
	days             int64 // since 2000-01-01; for weekdays and the like
	zone             string
	offset           int64 // seconds east
	interval         bool
}

var monthNames = []string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
var dayNames = []string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
var romanMonths = []string{"I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"}

func toCharTime(c *Call) {
	a, f := c.ints(0), c.strs(1)
	tz := c.Args[0].Type.Kind == types.KindTimestampTZ
	z := c.zone()
	daily := f.mask == 0 && !tz && c.N > 0 && datesOnly(c.dtFormat(f.at(0)))
	// last is the day of the text at [off, end) of the output, if the format shows no more than days.
	last, off, end := int64(math.MinInt64), 0, 0
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		ts := a.at(i)
		if types.IsInfTimestamp(ts) || len(f.at(i)) == 0 {
			c.SetNull(i)
			return dst, nil
		}
		if daily {
			d, _ := types.SplitTimestamp(ts)
			if int64(d) == last {
				return append(dst, dst[off:end]...), nil
			}
			p := partsOf(ts)
			last, off = int64(d), len(dst)
			dst = appendDT(dst, c.dtFormat(f.at(i)), &p)
			end = len(dst)
			return dst, nil
		}
		var p clockParts
		if tz {
			p = partsIn(ts, z)
		} else {
			p = partsOf(ts)
		}
		return appendDT(dst, c.dtFormat(f.at(i)), &p), nil
	})
}

// datesOnly reports whether a format shows the same for all moments of a day.
func datesOnly(toks []dtToken) bool {
	for _, t := range toks {
		switch t.field {
		case "", "YYYY", "YYY", "YY", "Y", "Y,YYY", "IYYY", "IYY", "IY", "I", "MONTH", "MON", "MM", "RM", "DAY", "DY", "DDD", "IDDD", "DD", "D", "ID",
			"WW", "IW", "W", "CC", "J", "Q", "AD", "BC", "A.D.", "B.C.":
		default:
			return false
		}
	}
	return true
}

func partsOf(ts int64) clockParts {
	d, t := types.SplitTimestamp(ts)
	y, m, day := types.CivilFromDays(d)
	s := t / 1e6
	return clockParts{year: y, month: m, day: day, hour: s / 3600, min: s / 60 % 60, sec: s % 60, us: t % 1e6, days: d}
}

func partsIn(ts int64, z *time.Location) clockParts {
	p := partsOf(types.UTCToLocal(ts, z))
	name, off := types.GoTime(ts).In(z).Zone()
	p.zone, p.offset = name, int64(off)
	return p
}

func toCharInterval(c *Call) {
	a, f := c.ivls(0), c.strs(1)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		if len(f.at(i)) == 0 {
			c.SetNull(i)
			return dst, nil
		}
		v := a.at(i)
		s := v.Micros / 1e6
		p := clockParts{year: int64(v.Months / 12), month: int64(v.Months % 12), day: int64(v.Days), hour: s / 3600, min: s / 60 % 60,
			sec: s % 60, us: v.Micros % 1e6, interval: true}
		toks := c.dtFormat(f.at(i))
		for _, t := range toks {
			switch t.field {
			case "A.D.", "B.C.", "AD", "BC", "MONTH", "MON", "DAY", "DY", "D", "ID", "TZ", "TZH", "TZM", "OF":
				return nil, errIntervalFormat
			}
		}
		return appendDT(dst, toks, &p), nil
	})
}

var errIntervalFormat = sqlerr.New(sqlerr.InvalidDatetimeFormat, "invalid format specification for an interval value").
	WithHint("Intervals are not tied to specific calendar dates.")

func appendDT(dst []byte, toks []dtToken, p *clockParts) []byte {
	for _, t := range toks {
		if t.field == "" {
			dst = append(dst, t.text...)
			continue
		}
		at := len(dst)
		dst = p.appendField(dst, t)
		if t.th != "" {
			dst = appendOrdinal(dst, dst[at:], t.th)
		}
	}
	return dst
}

// appendOrdinal adds st, nd, rd or th for the number in num.
func appendOrdinal(dst, num []byte, th string) []byte {
	if len(num) == 0 || num[len(num)-1] < '0' || num[len(num)-1] > '9' {
		return dst
	}
	s := "th"
	if len(num) < 2 || num[len(num)-2] != '1' {
		switch num[len(num)-1] {
		case '1':
			s = "st"
		case '2':
			s = "nd"
		case '3':
			s = "rd"
		}
	}
	if th == "TH" {
		s = strings.ToUpper(s)
	}
	return append(dst, s...)
}

// number appends v with at least width digits, unless FM.
func (t dtToken) number(dst []byte, v int64, width int) []byte {
	if t.fm {
		return strconv.AppendInt(dst, v, 10)
	}
	return appendDigits(dst, v, width)
}

// appendDigits appends v with at least width digits.
func appendDigits(dst []byte, v int64, width int) []byte {
	u := uint64(v)
	if v < 0 {
		dst, u = append(dst, '-'), -u
	}
	var b [20]byte
	digits := strconv.AppendUint(b[:0], u, 10)
	for n := len(digits); n < width; n++ {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}

// cased spells a name as the field is spelled: DAY, Day or day.
func (t dtToken) cased(dst []byte, name string, width int) []byte {
	switch {
	case t.text == strings.ToUpper(t.text):
		name = strings.ToUpper(name)
	case t.text == strings.ToLower(t.text):
		name = strings.ToLower(name)
	}
	dst = append(dst, name...)
	if !t.fm {
		for k := len(name); k < width; k++ {
			dst = append(dst, ' ')
		}
	}
	return dst
}

func half(hour int64, up bool) string {
	switch h := hour % 24; {
	case h >= 12 && up:
		return "PM"
	case h >= 12:
		return "pm"
	case up:
		return "AM"
	}
	return "am"
}

func dotted(s string) string { return s[:1] + "." + s[1:] + "." }

func (p *clockParts) appendField(dst []byte, t dtToken) []byte {
	switch t.field {
	case "HH", "HH12":
		h := p.hour % 12
		if h == 0 {
			h = 12
		}
		return t.number(dst, h, 2)
	case "HH24":
		return t.number(dst, p.hour, 2)
	case "MI":
		return t.number(dst, p.min, 2)
	case "SS":
		return t.number(dst, p.sec, 2)
	case "MS", "FF3":
		return appendDigits(dst, p.us/1000, 3)
	case "US", "FF6":
		return appendDigits(dst, p.us, 6)
	case "FF1", "FF2", "FF4", "FF5":
		n := int(t.field[2] - '0')
		return append(dst, fmt.Sprintf("%06d", p.us)[:n]...)
	case "SSSS", "SSSSS":
		return strconv.AppendInt(dst, p.hour*3600+p.min*60+p.sec, 10)
	case "AM", "PM":
		return append(dst, half(p.hour, t.text[0] < 'a')...)
	case "A.M.", "P.M.":
		return append(dst, dotted(half(p.hour, t.text[0] < 'a'))...)
	case "TZ":
		if t.text[0] >= 'a' {
			return append(dst, strings.ToLower(p.zone)...)
		}
		return append(dst, p.zone...)
	case "TZH":
		return fmt.Appendf(dst, "%c%02d", signChar(p.offset), abs64(p.offset)/3600)
	case "TZM":
		return appendDigits(dst, abs64(p.offset)/60%60, 2)
	case "OF":
		dst = fmt.Appendf(dst, "%c%02d", signChar(p.offset), abs64(p.offset)/3600)
		if m := abs64(p.offset) / 60 % 60; m != 0 {
			dst = fmt.Appendf(dst, ":%02d", m)
		}
		return dst
	}
	return p.appendDate(dst, t)
}

func signChar(v int64) byte {
	if v < 0 {
		return '-'
	}
	return '+'
}

// shown is the year without era: 44 BC is -43 inside.
func (p *clockParts) shown(y int64) int64 {
	if y <= 0 && !p.interval {
		return 1 - y
	}
	return y
}

func (p *clockParts) appendDate(dst []byte, t dtToken) []byte {
	switch t.field {
	case "AD", "BC", "A.D.", "B.C.":
		return p.appendEra(dst, t)
	case "MONTH", "MON", "RM", "MM":
		return p.appendMonth(dst, t)
	case "YYYY", "YYY", "YY", "Y", "Y,YYY", "IYYY", "IYY", "IY", "I", "CC":
		return p.appendYear(dst, t)
	case "DD":
		return t.number(dst, p.day, 2)
	case "Q":
		if p.month == 0 {
			return dst
		}
		return strconv.AppendInt(dst, (p.month-1)/3+1, 10)
	case "W":
		return strconv.AppendInt(dst, (p.day-1)/7+1, 10)
	case "DDD":
		if p.interval {
			return t.number(dst, p.year*360+p.month*30+p.day, 3)
		}
		return t.number(dst, p.field(types.UnitDOY), 3)
	case "WW":
		if p.interval {
			return t.number(dst, (p.year*360+p.month*30+p.day-1)/7+1, 2)
		}
		return t.number(dst, (p.field(types.UnitDOY)-1)/7+1, 2)
	case "J":
		if p.interval {
			return t.number(dst, p.year*360+p.month*30+p.day, 0)
		}
		return strconv.AppendInt(dst, p.days+2451545, 10)
	}
	return p.appendWeekday(dst, t)
}

func (p *clockParts) appendWeekday(dst []byte, t dtToken) []byte {
	if p.interval && (t.field == "DAY" || t.field == "DY") {
		return dst
	}
	switch t.field {
	case "DAY":
		return t.cased(dst, dayNames[p.field(types.UnitDOW)], 9)
	case "DY":
		return t.cased(dst, dayNames[p.field(types.UnitDOW)][:3], 0)
	case "D":
		return strconv.AppendInt(dst, p.field(types.UnitDOW)+1, 10)
	case "ID":
		return strconv.AppendInt(dst, p.field(types.UnitISODOW), 10)
	case "IW":
		return t.number(dst, p.field(types.UnitWeek), 2)
	case "IDDD":
		return t.number(dst, (p.field(types.UnitWeek)-1)*7+p.field(types.UnitISODOW), 3)
	}
	return dst
}

// field extracts what depends on the date alone.
func (p *clockParts) field(u types.Unit) int64 {
	n, _ := types.ExtractDate(u, p.days)
	return n.Coef
}

func (p *clockParts) appendEra(dst []byte, t dtToken) []byte {
	s := "AD"
	if p.year <= 0 {
		s = "BC"
	}
	if t.text[0] >= 'a' {
		s = strings.ToLower(s)
	}
	if len(t.field) == 4 {
		s = dotted(s)
	}
	return append(dst, s...)
}

func (p *clockParts) appendMonth(dst []byte, t dtToken) []byte {
	switch {
	case t.field == "MM":
		return t.number(dst, p.month, 2)
	case p.month == 0:
		return dst
	case t.field == "MONTH":
		return t.cased(dst, monthNames[p.month-1], 9)
	case t.field == "MON":
		return t.cased(dst, monthNames[p.month-1][:3], 0)
	}
	m := romanMonths[p.month-1]
	if t.text[0] >= 'a' {
		m = strings.ToLower(m)
	}
	if t.fm {
		return append(dst, m...)
	}
	return fmt.Appendf(dst, "%-4s", m)
}

func (p *clockParts) appendYear(dst []byte, t dtToken) []byte {
	y := p.shown(p.year)
	if t.field[0] == 'I' && !p.interval {
		n := p.field(types.UnitISOYear)
		y = max(n, -n)
	}
	switch t.field {
	case "YYYY", "IYYY":
		return t.number(dst, y, 4)
	case "YYY", "IYY":
		return t.number(dst, y%1000, 3)
	case "YY", "IY":
		return t.number(dst, y%100, 2)
	case "Y", "I":
		return strconv.AppendInt(dst, y%10, 10)
	case "Y,YYY":
		return fmt.Appendf(dst, "%d,%03d", y/1000, y%1000)
	}
	cc := p.year / 100
	if !p.interval {
		cc = p.field(types.UnitCentury)
	}
	if cc >= -99 && cc <= 99 {
		return t.number(dst, cc, 2)
	}
	return strconv.AppendInt(dst, cc, 10)
}
