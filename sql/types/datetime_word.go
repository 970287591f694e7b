package types

import (
	"strings"

	"streamdb/sql/sqlerr"
)

// word reads a piece made of letters.
func (p *dtParser) word(t string) error {
	d, ok := dateWords[truncWord(t)]
	if !ok {
		return p.zoneWord(t)
	}
	switch d.kind {
	case wordMonth:
		if p.mask&hasMonth != 0 && !p.textMonth && p.mask&hasDay == 0 && p.month >= 1 && p.month <= 31 {
			p.day = p.month
			p.mask = p.mask&^hasMonth | hasDay
		}
		p.month, p.textMonth = d.val, true
		return p.set(hasMonth)
	case wordWeekday:
		return p.set(hasWeekday)
	case wordAMPM:
		if p.ampm != 0 {
			return p.bad()
		}
		p.ampm = 1 + int(d.val)
	case wordBC:
		p.bc = d.val == 1
	case wordUnit:
		if p.pending != 0 {
			return p.bad()
		}
		if d.val == unitJulian || p.mask&hasDate == 0 || p.mask&hasTime == 0 {
			p.pending = d.val
			return nil
		}
		return p.bad()
	case wordISOTime:
		if p.mask&hasDate != hasDate && p.typ != "time" {
			return p.bad()
		}
		p.pending = -1
	case wordDST:
		p.off += 3600
	case wordIgnore:
	case wordAllballs:
		p.us, p.off = 0, 0
		return p.set(hasTime | hasZone)
	default:
		return p.specialWord(d.kind)
	}
	return nil
}

func (p *dtParser) specialWord(k wordKind) error {
	p.special = k
	now := UTCToLocal(p.st.Now, p.st.zone())
	switch k {
	case wordNow:
		p.base = p.st.Now
		return p.set(hasDate | hasTime | hasZone | hasSpecial)
	case wordToday, wordYesterday, wordTomorrow:
		shift := map[wordKind]int64{wordToday: 0, wordYesterday: -1, wordTomorrow: 1}[k]
		days, _ := SplitTimestamp(now)
		p.year, p.month, p.day = CivilFromDays(days + shift)
		return p.set(hasDate)
	}
	return p.set(hasDate | hasTime | hasZone | hasSpecial)
}

// zoneWord reads a word that is no date word: a zone's abbreviation or name.
func (p *dtParser) zoneWord(t string) error {
	if m, ok := zoneAbbrevs[t]; ok {
		p.off = int64(m) * 60
		return p.set(hasZone)
	}
	if strings.IndexByte("+-", t[0]) >= 0 {
		return p.bad()
	}
	loc, err := LoadZone(t)
	if err != nil {
		return p.bad()
	}
	p.loc = loc
	return p.set(hasZone)
}

// finish applies AM/PM, BC, two-digit years, and checks the date.
func (p *dtParser) finish() error {
	if p.mask&hasSpecial != 0 {
		return nil
	}
	if p.ampm != 0 {
		h := p.us / MicrosPerHour
		switch {
		case h > 12 || p.mask&hasTime == 0:
			return p.overflow()
		case p.ampm == 1 && h == 12:
			p.us -= 12 * MicrosPerHour
		case p.ampm == 2 && h != 12:
			p.us += 12 * MicrosPerHour
		}
	}
	if p.mask&hasYear != 0 {
		switch {
		case p.bc:
			if p.year <= 0 {
				return p.overflow()
			}
			p.year = 1 - p.year
		case p.twoDigits && p.year < 70:
			p.year += 2000
		case p.twoDigits && p.year < 100:
			p.year += 1900
		case p.year <= 0 && p.mask&hasDate == hasDate && p.special == wordNone && !p.julianYear():
			return p.overflow()
		}
	}
	if p.mask&hasMonth != 0 && (p.month < 1 || p.month > 12) {
		return p.mdOverflow()
	}
	if p.mask&hasDay != 0 {
		if p.day < 1 || p.day > 31 {
			return p.mdOverflow()
		}
		if p.mask&hasDate == hasDate && p.day > daysInMonth(p.year, p.month) {
			return p.overflow()
		}
	}
	return nil
}

// julianYear reports that the year came from a Julian day and may lie before Christ.
func (p *dtParser) julianYear() bool { return strings.ContainsAny(p.in, "jJ") }

// parseDateTime reads a date with optional time; special tells now, epoch, infinity.
func parseDateTime(s, typ string, st *Settings) (*dtParser, error) {
	p := &dtParser{st: st.orDefault(), typ: typ, in: s}
	if err := p.parse(); err != nil {
		return nil, err
	}
	if p.mask&hasDate != hasDate {
		return nil, p.bad()
	}
	return p, nil
}

// specialTimestamp returns the instant of now, epoch or an infinity.
func (p *dtParser) specialTimestamp() int64 {
	switch p.special {
	case wordNow:
		return p.base
	case wordEpoch:
		return unixEpochMicros
	case wordNegInf:
		return TimestampNegInf
	}
	return TimestampInf
}

func (p *dtParser) timestampRange() error {
	return sqlerr.New(sqlerr.DatetimeFieldOverflow, "timestamp out of range: \"%s\"", p.in)
}

// ParseTimestamp reads a timestamp without time zone; a zone in the input is ignored.
func ParseTimestamp(s string, st *Settings) (int64, error) {
	if local, _, _, ok := parseISO(s); ok {
		return local, nil
	}
	p, err := parseDateTime(s, "timestamp", st)
	if err != nil {
		return 0, err
	}
	if p.mask&hasSpecial != 0 {
		us := p.specialTimestamp()
		if p.special == wordNow {
			us = UTCToLocal(us, p.st.zone())
		}
		return us, nil
	}
	return p.local()
}

// local returns the wall clock read.
func (p *dtParser) local() (int64, error) {
	if p.year > 300000 || p.year < -5000 {
		return 0, p.timestampRange()
	}
	us := DaysFromCivil(p.year, p.month, p.day)*MicrosPerDay + p.us
	if !ValidTimestamp(us) {
		return 0, p.timestampRange()
	}
	return us, nil
}

// ParseTimestampTZ reads a timestamp with time zone; without a zone in the input it
// is wall clock of st's zone.
func ParseTimestampTZ(s string, st *Settings) (int64, error) {
	if local, off, zoned, ok := parseISO(s); ok {
		if zoned {
			return local - off*MicrosPerSecond, nil
		}
		return LocalToUTC(local, st.zone()), nil
	}
	p, err := parseDateTime(s, "timestamp with time zone", st)
	if err != nil {
		return 0, err
	}
	if p.mask&hasSpecial != 0 {
		return p.specialTimestamp(), nil
	}
	us, err := p.local()
	if err != nil {
		return 0, err
	}
	switch {
	case p.mask&hasZone == 0:
		us = LocalToUTC(us, p.st.zone())
	case p.loc != nil:
		us = LocalToUTC(us, p.loc)
	default:
		us -= p.off * MicrosPerSecond
	}
	if !ValidTimestamp(us) {
		return 0, p.timestampRange()
	}
	return us, nil
}

// ParseDate reads a date; a time in the input is checked and dropped.
func ParseDate(s string, st *Settings) (int64, error) {
	if local, _, _, ok := parseISO(s); ok {
		return floorDiv64(local, MicrosPerDay), nil
	}
	p, err := parseDateTime(s, "date", st)
	if err != nil {
		return 0, err
	}
	if p.mask&hasSpecial != 0 {
		us := p.specialTimestamp()
		if p.special == wordNow {
			us = UTCToLocal(us, p.st.zone())
		}
		return TimestampToDate(us), nil
	}
	days := int64(dateEnd)
	if p.year < 6000000 && p.year > -5000 {
		days = DaysFromCivil(p.year, p.month, p.day)
	}
	if !ValidDate(days) {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "date out of range: \"%s\"", s)
	}
	return days, nil
}

// ParseTime reads a time of day; a date and a zone in the input are dropped.
func ParseTime(s string, st *Settings) (int64, error) {
	if us, rest, ok := parseClock(s); ok && rest == "" {
		return us, nil
	}
	p := &dtParser{st: st.orDefault(), typ: "time", in: s}
	if err := p.parse(); err != nil {
		return 0, err
	}
	if p.special == wordNow {
		return TimestampToTime(UTCToLocal(p.base, p.st.zone())), nil
	}
	if p.mask&hasSpecial != 0 {
		return 0, p.bad()
	}
	if p.mask&hasTime == 0 {
		return 0, p.bad()
	}
	return p.us, nil
}
