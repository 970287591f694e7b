package types

import (
	"strings"
	"time"

	"streamdb/sql/sqlerr"
)

// Bits of what a date/time value has given so far.
const (
	hasYear = 1 << iota
	hasMonth
	hasDay
	hasTime
	hasZone
	hasWeekday
	hasSpecial
	hasDate = hasYear | hasMonth | hasDay
)

// dtParser collects the fields of one value.
type dtParser struct {
	st   *Settings
	typ  string // type name for messages
	in   string // the whole input, for messages
	mask int

	year, month, day int64
	us               int64 // time of day
	off              int64 // seconds east of UTC, with hasZone
	loc              *time.Location

	twoDigits, textMonth, bc bool
	ampm                     int   // 0 none, 1 am, 2 pm
	pending                  int64 // unit named before its number; -1 for "t"
	special                  wordKind
	base                     int64 // local day of now, today…
}

func (p *dtParser) bad() error {
	return sqlerr.New(sqlerr.InvalidDatetimeFormat, "invalid input syntax for type %s: \"%s\"", p.typ, p.in)
}

func (p *dtParser) overflow() error {
	return sqlerr.New(sqlerr.DatetimeFieldOverflow, "date/time field value out of range: \"%s\"", p.in)
}

// mdOverflow is overflow with the hint that month and day may be swapped.
func (p *dtParser) mdOverflow() error {
	return sqlerr.New(sqlerr.DatetimeFieldOverflow, "date/time field value out of range: \"%s\"", p.in).
		WithHint("Perhaps you need a different \"datestyle\" setting.")
}

func (p *dtParser) badZone() error {
	return sqlerr.New(sqlerr.InvalidTimeZoneDisplacement, "time zone displacement out of range: \"%s\"", p.in)
}

// set marks fields as given; a field given twice is a format error.
func (p *dtParser) set(bits int) error {
	if p.mask&bits != 0 {
		return p.bad()
	}
	p.mask |= bits
	return nil
}

// parse reads all fields of p.in.
func (p *dtParser) parse() error {
	toks, ok := splitDateTime(p.in)
	if !ok || len(toks) == 0 {
		return p.bad()
	}
	for i := range toks {
		if err := p.token(toks, i); err != nil {
			return err
		}
	}
	if p.pending != 0 && p.pending != -1 {
		return p.bad()
	}
	return p.finish()
}

func (p *dtParser) token(toks []dtToken, i int) error {
	t := toks[i].text
	switch toks[i].kind {
	case fieldDate:
		return p.dateToken(t)
	case fieldTime:
		if p.pending == -1 {
			p.pending = 0
		}
		return p.clock(t)
	case fieldZone:
		off, ok := parseOffset(t)
		if !ok {
			if strings.ContainsAny(t[1:], ".-") || strings.Count(t, ":") > 2 {
				return p.bad()
			}
			return p.badZone()
		}
		if p.mask&hasZone != 0 && p.loc == nil && p.off == 0 {
			p.mask &^= hasZone // "UTC+3"-like input
		}
		p.off = off
		return p.set(hasZone)
	case fieldNumber:
		return p.number(t)
	}
	return p.word(t)
}

// dateToken reads a piece with date punctuation: a date, a zone name, or a time run
// together with its offset.
func (p *dtParser) dateToken(t string) error {
	if p.mask&(hasMonth|hasDay) != hasMonth|hasDay && p.pending == 0 {
		if isAlpha(t[0]) && !isDateWord(t[:span(t, isAlpha)]) {
			return p.zoneName(t)
		}
		return p.date(t)
	}
	if !isDigit(t[0]) && p.pending == 0 {
		return p.zoneName(t)
	}
	i := strings.IndexByte(t, '-')
	if i < 0 || p.mask&hasTime != 0 {
		return p.bad()
	}
	off, ok := parseOffset(t[i:])
	if !ok {
		return p.badZone()
	}
	p.pending, p.off = 0, off
	if err := p.set(hasZone); err != nil {
		return err
	}
	return p.concatenated(t[:i])
}

func (p *dtParser) zoneName(t string) error {
	loc, err := LoadZone(t)
	if err != nil {
		return err
	}
	p.loc = loc
	return p.set(hasZone)
}

// date reads the parts of one date piece, such as 2024-01-05, 5/1/2024, Jan-5-2024.
func (p *dtParser) date(t string) error {
	var parts []string
	for t != "" {
		n := span(t, isDigit)
		if n == 0 {
			n = span(t, isAlpha)
		}
		if n == 0 {
			t = t[1:]
			continue
		}
		parts, t = append(parts, t[:n]), t[n:]
	}
	if len(parts) > 3 {
		return p.bad()
	}
	for i, w := range parts { // a month written as a word is known at once
		if isAlpha(w[0]) {
			d, ok := dateWords[truncWord(w)]
			if !ok || d.kind != wordMonth {
				return p.bad()
			}
			if err := p.set(hasMonth); err != nil {
				return err
			}
			p.month, p.textMonth = d.val, true
			parts[i] = ""
		}
	}
	for _, w := range parts {
		if w != "" {
			if err := p.numberInDate(w); err != nil {
				return err
			}
		}
	}
	if p.mask&hasDate != hasDate {
		return p.bad()
	}
	return nil
}

// number reads a bare number: concatenated digits, or a part of a date.
func (p *dtParser) number(t string) error {
	if p.pending != 0 {
		return p.labelled(t)
	}
	dot := strings.IndexByte(t, '.')
	switch {
	case p.typ == "time" && p.mask&(hasDate|hasTime) == 0 && len(t) >= 4:
		return p.runClock(t)
	case p.typ == "time" && p.mask&hasDate == 0:
		return p.bad() // a lone number is no time, and a date does not stand with one
	case dot >= 0 && p.mask&hasDate == 0:
		return p.date(t)
	case dot > 2:
		return p.concatenated(t)
	case len(t) >= 6 && (p.mask&hasDate == 0 || p.mask&hasTime == 0):
		return p.concatenated(t)
	case dot >= 0:
		return p.bad()
	}
	return p.numberInDate(t)
}

// labelled reads a number whose meaning the word before it gave.
func (p *dtParser) labelled(t string) error {
	unit := p.pending
	p.pending = 0
	if unit == -1 {
		return p.runClock(t)
	}
	if unit == unitJulian {
		whole, frac, _ := strings.Cut(t, ".")
		v := atoi(whole)
		if v < 0 {
			return p.overflow()
		}
		p.year, p.month, p.day = CivilFromDays(v - 2451545)
		if frac != "" {
			us, ok := fraction(frac)
			if !ok {
				return p.bad()
			}
			p.us = us * 86400
			p.mask |= hasTime
		}
		return p.set(hasDate)
	}
	v := atoi(t)
	if v < 0 {
		return p.bad()
	}
	switch unit {
	case unitYear:
		p.year = v
		return p.set(hasYear)
	case unitMonth:
		p.month = v
		return p.set(hasMonth)
	case unitDay:
		p.day = v
		return p.set(hasDay)
	case unitHour:
		p.us += v * MicrosPerHour
	case unitMinute:
		p.us += v * MicrosPerMinute
	case unitSecond:
		p.us += v * MicrosPerSecond
	}
	p.mask |= hasTime
	return nil
}

// fraction reads digits behind a point as microseconds, rounded.
func fraction(f string) (int64, bool) {
	us := int64(0)
	for i := range len(f) {
		if !isDigit(f[i]) {
			return 0, false
		}
		if i < 6 {
			us = us*10 + int64(f[i]-'0')
		}
	}
	for i := len(f); i < 6; i++ {
		us *= 10
	}
	if len(f) > 6 && f[6] >= '5' {
		us++
	}
	return us, true
}

// runClock reads digits run together as a time.
func (p *dtParser) runClock(t string) error {
	if !strings.Contains(t, ".") {
		t += "."
	}
	return p.concatenated(t)
}

// concatenated reads digits run together: yyyymmdd, yymmdd, hhmmss, hhmm; a
// fraction belongs to seconds.
func (p *dtParser) concatenated(t string) error {
	t, frac, hasFrac := strings.Cut(t, ".")
	for i := range len(t) {
		if !isDigit(t[i]) {
			return p.bad()
		}
	}
	us := int64(0)
	if hasFrac {
		var ok bool
		if us, ok = fraction(frac); !ok {
			return p.bad()
		}
	} else if p.mask&hasDate != hasDate && len(t) >= 6 {
		n := len(t)
		p.day, p.month, p.year = atoi(t[n-2:]), atoi(t[n-4:n-2]), atoi(t[:n-4])
		p.twoDigits = n-4 == 2
		if p.year < 0 {
			return p.overflow()
		}
		return p.set(hasDate)
	}
	switch len(t) {
	case 6:
		us += atoi(t[4:])*MicrosPerSecond + atoi(t[2:4])*MicrosPerMinute + atoi(t[:2])*MicrosPerHour
	case 4:
		us += atoi(t[2:])*MicrosPerMinute + atoi(t[:2])*MicrosPerHour
	default:
		return p.bad()
	}
	if us > MicrosPerDay {
		return p.overflow()
	}
	p.us = us
	return p.set(hasTime)
}

// numberInDate gives a number its place among year, month and day.
func (p *dtParser) numberInDate(t string) error {
	v := atoi(t)
	if v < 0 {
		return p.overflow()
	}
	if len(t) == 3 && p.mask&hasDate == hasYear && v >= 1 && v <= 366 {
		p.year, p.month, p.day = CivilFromDays(DaysFromCivil(p.year, 1, 1) + v - 1)
		return p.set(hasMonth | hasDay)
	}
	switch p.mask & hasDate {
	case 0:
		if len(t) >= 3 || p.st.DateOrder == OrderYMD {
			return p.setYear(v, t)
		}
		if p.st.DateOrder == OrderDMY {
			p.day = v
			return p.set(hasDay)
		}
		p.month = v
		return p.set(hasMonth)
	case hasYear:
		p.month = v
		return p.set(hasMonth)
	case hasMonth:
		if p.textMonth && (len(t) >= 3 || p.st.DateOrder == OrderYMD) {
			return p.setYear(v, t)
		}
		p.day = v
		return p.set(hasDay)
	case hasYear | hasMonth:
		if p.textMonth && len(t) >= 3 && p.twoDigits { // 99-Jan-2004: the first was the day
			p.day, p.year, p.twoDigits = p.year, v, false
			return p.set(hasDay)
		}
		p.day = v
		return p.set(hasDay)
	case hasDay:
		p.month = v
		return p.set(hasMonth)
	case hasMonth | hasDay:
		return p.setYear(v, t)
	}
	if p.mask&hasTime == 0 && (len(t) == 4 || len(t) == 2) && p.mask&hasDate == hasDate {
		if len(t) == 4 {
			return p.concatenated(t)
		}
	}
	return p.bad()
}

func (p *dtParser) setYear(v int64, t string) error {
	p.year, p.twoDigits = v, len(t) <= 2
	return p.set(hasYear)
}

// clock reads hh:mm[:ss[.f]].
func (p *dtParser) clock(t string) error {
	us, err := p.clockMicros(t)
	if err != nil {
		return err
	}
	p.us = us
	return p.set(hasTime)
}

func (p *dtParser) clockMicros(t string) (int64, error) {
	fs := strings.Split(t, ":")
	var frac int64
	if i := strings.IndexByte(fs[len(fs)-1], '.'); i >= 0 {
		var ok bool
		last := fs[len(fs)-1]
		if frac, ok = fraction(last[i+1:]); !ok {
			return 0, p.bad()
		}
		fs[len(fs)-1] = last[:i]
		if len(fs) == 2 { // mm:ss.f
			fs = []string{"0", fs[0], fs[1]}
		}
	}
	if len(fs) > 3 {
		return 0, p.bad()
	}
	var v [3]int64
	for i, f := range fs {
		if v[i] = atoi(f); v[i] < 0 {
			return 0, p.bad()
		}
	}
	us := v[0]*MicrosPerHour + v[1]*MicrosPerMinute + v[2]*MicrosPerSecond + frac
	if v[0] > 24 || v[1] > 59 || v[2] > 60 || us > MicrosPerDay {
		return 0, p.overflow()
	}
	return us, nil
}
