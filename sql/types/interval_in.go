package types

import (
	"math"
	"math/bits"
	"strings"

	"streamdb/sql/sqlerr"
)

// ivlUnit is a unit of interval input.
type ivlUnit struct {
	// field is one of the Field masks, or 0 for units above and below them.
	field  int32
	months int64 // per unit
	days   int64
	micros int64
}

var (
	ivlSecond = ivlUnit{FieldSecond, 0, 0, MicrosPerSecond}
	ivlMinute = ivlUnit{FieldMinute, 0, 0, MicrosPerMinute}
	ivlHour   = ivlUnit{FieldHour, 0, 0, MicrosPerHour}
	ivlDay    = ivlUnit{FieldDay, 0, 1, 0}
	ivlMonth  = ivlUnit{FieldMonth, 1, 0, 0}
	ivlYear   = ivlUnit{FieldYear, 12, 0, 0}
)

// ivlUnits holds the words of PostgreSQL's deltatktbl.
var ivlUnits = func() map[string]ivlUnit {
	m := map[string]ivlUnit{}
	add := func(u ivlUnit, words string) {
		for _, w := range strings.Fields(words) {
			m[w] = u
		}
	}
	add(ivlUnit{0, 0, 0, 1}, "us usec microsecond useconds usecs microsecon")
	add(ivlUnit{0, 0, 0, 1000}, "ms msec millisecond mseconds msecs msecond millisecon")
	add(ivlSecond, "s sec second seconds secs")
	add(ivlMinute, "m min minute minutes mins")
	add(ivlHour, "h hour hours hr hrs")
	add(ivlDay, "d day days")
	add(ivlUnit{0, 0, 7, 0}, "w week weeks")
	add(ivlMonth, "mon mons month months")
	add(ivlYear, "y year years yr yrs")
	add(ivlUnit{0, 120, 0, 0}, "decade decades dec decs")
	add(ivlUnit{0, 1200, 0, 0}, "c cent centuries century")
	add(ivlUnit{0, 12000, 0, 0}, "mil mils millennia millennium")
	return m
}()

// ivlParser collects the parts of one interval.
type ivlParser struct {
	in      string
	v       Interval
	seen    map[int32]bool
	bad     bool
	over    bool // a field is beyond its range
	out     bool // the sum is beyond the type's
	ago     bool
	anyPart bool
}

func (p *ivlParser) syntaxErr() error {
	return sqlerr.New(sqlerr.InvalidDatetimeFormat, "invalid input syntax for type interval: \"%s\"", p.in)
}

func (p *ivlParser) rangeErr() error {
	return sqlerr.New(sqlerr.IntervalFieldOverflow, "interval field value out of range: \"%s\"", p.in)
}

// add adds whole.frac units; frac is micro-units (millionths), of the sign of whole.
func (p *ivlParser) add(whole, frac int64, u ivlUnit) {
	p.anyPart = true
	months, ok1 := mul64(whole, u.months)
	days, ok2 := mul64(whole, u.days)
	micros, ok3 := mul64(whole, u.micros)
	if !ok1 || !ok2 || !ok3 {
		p.over = true
		return
	}
	if frac != 0 {
		months, days, micros = addFraction(months, days, micros, frac, u)
	}
	months += int64(p.v.Months)
	days += int64(p.v.Days)
	us, ok := add64(p.v.Micros, micros)
	if u.months >= 12 && whole == int64(int32(whole)) && months != int64(int32(months)) {
		p.out = true
		return
	}
	if !ok || months != int64(int32(months)) || days != int64(int32(days)) {
		p.over = true
		return
	}
	p.v = Interval{Months: int32(months), Days: int32(days), Micros: us}
}

// addFraction spreads a fraction of a unit: of years and more to months, of months
// to days of a 30-day month and on to time, of weeks and days to days and time.
func addFraction(months, days, micros, frac int64, u ivlUnit) (int64, int64, int64) {
	const unit = 1_000_000
	switch {
	case u.months >= 12:
		months += int64(math.RoundToEven(float64(frac) * float64(u.months) / unit))
	case u.months > 0 || u.days > 0:
		n := frac * (u.months*30 + u.days) // millionths of a day
		days += n / unit
		micros += n % unit * (MicrosPerDay / unit)
	default:
		hi, lo := bits.Mul64(abs64(frac), uint64(u.micros))
		q, r := bits.Div64(hi, lo, unit)
		if r >= unit/2 {
			q++
		}
		if frac < 0 {
			micros -= int64(q)
		} else {
			micros += int64(q)
		}
	}
	return months, days, micros
}

// ParseInterval reads an interval; typmod (-1 for none) says what a number without
// unit means and which fields are kept.
func ParseInterval(s string, st *Settings, typmod int32) (Interval, error) {
	p := &ivlParser{in: s, seen: map[int32]bool{}}
	t := trimSpaces(s)
	if strings.HasPrefix(t, "P") || strings.HasPrefix(t, "p") {
		if !p.iso(t[1:]) && !p.over {
			return Interval{}, p.syntaxErr()
		}
	} else {
		p.words(t, st.orDefault(), typmod)
	}
	switch {
	case p.bad:
		return Interval{}, p.syntaxErr()
	case p.over:
		return Interval{}, p.rangeErr()
	case p.out:
		return Interval{}, errIntervalRange()
	case !p.anyPart:
		return Interval{}, p.syntaxErr()
	}
	if p.ago {
		if p.v.Micros == math.MinInt64 || p.v.Days == math.MinInt32 || p.v.Months == math.MinInt32 {
			return Interval{}, p.rangeErr()
		}
		p.v = Interval{-p.v.Micros, -p.v.Days, -p.v.Months}
	}
	return CoerceInterval(p.v, typmod)
}

// ivlTok is a number, a clock or a word of interval input.
type ivlTok struct {
	kind byte // 'n' number, 'c' clock h:m[:s], 'y' years-months, 'w' word
	text string
}

// words reads the traditional and SQL-standard forms. Numbers take the unit behind
// them; a number without one takes the field that is left, from the right.
func (p *ivlParser) words(t string, st *Settings, typmod int32) {
	toks, ok := splitInterval(t)
	if !ok || len(toks) == 0 {
		p.bad = true
		return
	}
	p.leadingSign(toks, st)
	var unit *ivlUnit
	if f := lastField(typmod); f.field != 0 {
		unit = &f
	}
	explicit := false
	for i := len(toks) - 1; i >= 0 && !p.bad && !p.over; i-- {
		tok := toks[i]
		switch tok.kind {
		case 'w':
			if tok.text == "ago" {
				p.ago = true
				continue
			}
			u, ok := ivlUnits[truncWord(tok.text)]
			if !ok {
				p.bad = true
				return
			}
			unit, explicit = &u, true
		case 'c':
			p.clockTok(tok.text, typmod)
			unit, explicit = &ivlDay, false
		case 'y':
			p.yearMonth(tok.text)
			unit, explicit = nil, false
		case 'n':
			if unit == nil {
				unit = &ivlSecond
			}
			p.numberTok(tok.text, *unit)
			unit, explicit = nextLeft(unit), false
		}
	}
	if explicit {
		p.bad = true // a unit without number
	}
}

// nextLeft is the unit of a bare number left of one of unit u: days stand left of hours, and left of all others the
// same unit again, which numberTok refuses.
func nextLeft(u *ivlUnit) *ivlUnit {
	if u.field == FieldHour {
		return &ivlDay
	}
	return u
}

// once is the key under which a unit counts as given: its field, and for units without one a negative number.
func (u ivlUnit) once() int32 {
	if u.field != 0 {
		return u.field
	}
	return -int32(u.months + u.days + u.micros)
}

// leadingSign gives a SQL-standard value's leading minus to all its parts, under
// IntervalStyle sql_standard and if no other part has a sign.
func (p *ivlParser) leadingSign(toks []ivlTok, st *Settings) {
	if st.IntervalStyle != IntervalSQLStandard || toks[0].text[0] != '-' {
		return
	}
	for _, t := range toks[1:] {
		if t.text[0] == '-' || t.text[0] == '+' {
			return
		}
	}
	for i := range toks[1:] {
		if t := &toks[i+1]; t.kind != 'w' {
			t.text = "-" + t.text
		}
	}
}

// lastField is the unit of a bare number under a typmod: its least field.
func lastField(typmod int32) ivlUnit {
	if typmod < 0 {
		return ivlSecond
	}
	m := typmod >> 16 & fieldsFull
	switch {
	case m == fieldsFull || m&FieldSecond != 0:
		return ivlSecond
	case m&FieldMinute != 0:
		return ivlMinute
	case m&FieldHour != 0:
		return ivlHour
	case m&FieldDay != 0:
		return ivlDay
	case m&FieldMonth != 0:
		return ivlMonth
	case m&FieldYear != 0:
		return ivlYear
	}
	return ivlSecond
}

// splitInterval cuts interval input into numbers, clocks and words.
func splitInterval(t string) ([]ivlTok, bool) {
	var toks []ivlTok
	for t != "" {
		c := t[0]
		switch {
		case isSpace(c):
			t = t[1:]
		case isAlpha(c):
			n := span(t, isAlpha)
			toks, t = append(toks, ivlTok{'w', strings.ToLower(t[:n])}), t[n:]
		case isDigit(c) || c == '.' || c == '+' || c == '-':
			tok, n := lexIntervalNumber(t)
			if n == 0 {
				return nil, false
			}
			toks, t = append(toks, tok), t[n:]
		case isPunct(c):
			t = t[1:]
		default:
			return nil, false
		}
		if len(toks) > dtTokensMax {
			return nil, false
		}
	}
	return toks, true
}

// lexIntervalNumber reads a signed number, clock or years-months at the start of t.
func lexIntervalNumber(t string) (ivlTok, int) {
	i := 0
	sign := ""
	if t[0] == '+' || t[0] == '-' {
		sign, i = t[:1], 1
		for i < len(t) && isSpace(t[i]) {
			i++
		}
	}
	start := i
	kind := byte('n')
	for i < len(t) {
		c := t[i]
		switch {
		case isDigit(c) || c == '.':
		case c == ':':
			kind = 'c'
		case c == '-' && kind == 'n' && i > start && i+1 < len(t) && isDigit(t[i+1]):
			kind = 'y'
		case c == '-' && kind == 'y': // a date
			return ivlTok{}, 0
		default:
			if i == start {
				return ivlTok{}, 0
			}
			return ivlTok{kind, sign + t[start:i]}, i
		}
		i++
	}
	if i == start {
		return ivlTok{}, 0
	}
	return ivlTok{kind, sign + t[start:i]}, i
}

// exponentAt measures e[±]digits.
func exponentAt(t string) int {
	i := 1
	if i < len(t) && (t[i] == '+' || t[i] == '-') {
		i++
	}
	n := spanDigits(t[i:])
	if n == 0 {
		return 0
	}
	return i + n
}

// numberTok reads a number with fraction in a unit.
func (p *ivlParser) numberTok(t string, u ivlUnit) {
	if p.seen[u.once()] {
		p.bad = true
		return
	}
	p.seen[u.once()] = true
	whole, frac, ok := p.decimal(t)
	if !ok {
		return
	}
	p.add(whole, frac, u)
}

// decimal reads [sign]digits[.digits][exponent] as whole and millionths.
func (p *ivlParser) decimal(t string) (whole, frac int64, ok bool) {
	if strings.ContainsAny(t, "eE") {
		return p.scientific(t)
	}
	neg := false
	if t != "" && (t[0] == '-' || t[0] == '+') {
		neg, t = t[0] == '-', t[1:]
	}
	w, f, hasFrac := strings.Cut(t, ".")
	if w == "" && f == "" {
		p.bad = true
		return 0, 0, false
	}
	for i := range len(w) {
		d := int64(w[i] - '0')
		if whole > (math.MaxInt64-d)/10 {
			p.over = true
			return 0, 0, false
		}
		whole = whole*10 + d
	}
	if hasFrac {
		if frac, ok = fraction(f); !ok {
			p.bad = true
			return 0, 0, false
		}
	}
	if neg {
		whole, frac = -whole, -frac
	}
	return whole, frac, true
}

func (p *ivlParser) scientific(t string) (whole, frac int64, ok bool) {
	d, err := ParseDec(t)
	if err == nil {
		d, err = RoundDec(d, 6)
	}
	if err != nil || d.N.Form != NumInline {
		p.over = err == nil
		p.bad = err != nil
		return 0, 0, false
	}
	return d.N.Coef / 1_000_000, d.N.Coef % 1_000_000, true
}

// clockTok reads [sign]h:m[:s[.f]]; with a minute to second typmod h:m is m:s.
func (p *ivlParser) clockTok(t string, typmod int32) {
	neg := false
	if t[0] == '-' || t[0] == '+' {
		neg, t = t[0] == '-', t[1:]
	}
	fs := strings.Split(t, ":")
	last := fs[len(fs)-1]
	var frac int64
	if w, f, ok := strings.Cut(last, "."); ok {
		if frac, ok = fraction(f); !ok {
			p.bad = true
			return
		}
		fs[len(fs)-1] = w
		if len(fs) == 2 {
			fs = []string{"0", fs[0], w}
		}
	}
	if len(fs) == 2 && typmod >= 0 && typmod>>16&fieldsFull == FieldMinute|FieldSecond {
		fs = []string{"0", fs[0], fs[1]}
	}
	if len(fs) > 3 || p.seen[FieldHour] || p.seen[FieldMinute] || p.seen[FieldSecond] {
		p.bad = true
		return
	}
	p.seen[FieldHour], p.seen[FieldMinute], p.seen[FieldSecond] = true, true, true
	var v [3]int64
	for i, f := range fs {
		if len(f) > 15 {
			p.over = true
			return
		}
		if f == "" && i == 2 {
			continue
		}
		var ok bool
		if v[i], ok = digits(f); !ok {
			p.bad = true
			return
		}
	}
	if v[1] > 59 || v[2] > 60 || v[0] > math.MaxInt64/MicrosPerHour-1 {
		p.over = true
		return
	}
	us := v[0]*MicrosPerHour + v[1]*MicrosPerMinute + v[2]*MicrosPerSecond + frac
	if neg {
		us = -us
	}
	p.add(us, 0, ivlUnit{0, 0, 0, 1})
}

func digits(s string) (int64, bool) {
	v := int64(0)
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
		v = v*10 + int64(s[i]-'0')
	}
	return v, s != ""
}

// yearMonth reads [sign]years-months.
func (p *ivlParser) yearMonth(t string) {
	neg := false
	if t[0] == '-' || t[0] == '+' {
		neg, t = t[0] == '-', t[1:]
	}
	ys, ms, _ := strings.Cut(t, "-")
	y, m := atoi(ys), atoi(ms)
	switch {
	case y < 0 || m < 0 || p.seen[FieldYear] || p.seen[FieldMonth]:
		p.bad = true
		return
	case m > 11:
		p.over = true
		return
	}
	p.seen[FieldYear], p.seen[FieldMonth] = true, true
	if y = y*12 + m; neg {
		y = -y
	}
	p.add(y, 0, ivlMonth)
}

// iso reads the ISO 8601 forms behind the P: 1Y2M3DT4H5M6S or 0001-02-03T04:05:06.
func (p *ivlParser) iso(t string) bool {
	inTime := false
	if t == "" {
		return false
	}
	for t != "" {
		if t[0] == 'T' || t[0] == 't' {
			if inTime {
				return false
			}
			p.anyPart = true
			inTime, t = true, t[1:]
			continue
		}
		n := 0
		if t[0] == '-' || t[0] == '+' {
			n = 1
		}
		n += span(t[n:], func(c byte) bool { return isDigit(c) || c == '.' })
		n += isoExponent(t[n:])
		if n == 0 {
			return false
		}
		num := t[:n]
		t = t[n:]
		if t == "" || t[0] == 'T' || t[0] == 't' || t[0] == '-' || t[0] == ':' {
			return p.isoAlternative(num+t, inTime)
		}
		u, ok := isoUnit(t[0], inTime)
		if !ok {
			return false
		}
		t = t[1:]
		whole, frac, ok := p.decimal(num)
		if !ok {
			return false
		}
		p.add(whole, frac, u)
	}
	return true
}

func isoExponent(t string) int {
	if t == "" || t[0]|0x20 != 'e' {
		return 0
	}
	return exponentAt(t)
}

func isoUnit(c byte, inTime bool) (ivlUnit, bool) {
	if inTime {
		switch c {
		case 'H':
			return ivlHour, true
		case 'M':
			return ivlMinute, true
		case 'S':
			return ivlSecond, true
		}
		return ivlUnit{}, false
	}
	switch c {
	case 'Y':
		return ivlYear, true
	case 'M':
		return ivlMonth, true
	case 'W':
		return ivlUnit{0, 0, 7, 0}, true
	case 'D':
		return ivlDay, true
	}
	return ivlUnit{}, false
}

// isoAlternative reads yyyy-mm-ddThh:mm:ss, any tail of which may be missing.
func (p *ivlParser) isoAlternative(t string, inTime bool) bool {
	date, clock := t, ""
	if inTime {
		date, clock = "", t
	} else if i := strings.IndexAny(t, "Tt"); i >= 0 {
		date, clock = t[:i], t[i+1:]
	}
	neg := strings.HasPrefix(date, "-")
	fields := strings.Split(strings.TrimPrefix(date, "-"), "-")
	units := []ivlUnit{ivlYear, ivlMonth, ivlDay}
	if date != "" {
		if len(fields) > 3 {
			return false
		}
		for i, f := range fields {
			whole, frac, ok := p.decimal(f)
			if !ok {
				return false
			}
			if neg && i == 0 {
				whole, frac = -whole, -frac
			}
			p.add(whole, frac, units[i])
		}
	}
	if clock == "" {
		return true
	}
	units = []ivlUnit{ivlHour, ivlMinute, ivlSecond}
	parts := strings.Split(clock, ":")
	if len(parts) > 3 {
		return false
	}
	for i, f := range parts {
		whole, frac, ok := p.decimal(f)
		if !ok {
			return false
		}
		p.add(whole, frac, units[i])
	}
	return true
}
