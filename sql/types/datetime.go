package types

import (
	"math"
	"time"

	"streamdb/sql/sqlerr"
)

// The units of times, in microseconds.
const (
	MicrosPerSecond = 1_000_000
	MicrosPerMinute = 60 * MicrosPerSecond
	MicrosPerHour   = 60 * MicrosPerMinute
	MicrosPerDay    = 24 * MicrosPerHour
)

// The infinite dates and timestamps are the ends of their ranges, as on the wire.
const (
	TimestampInf    = math.MaxInt64
	TimestampNegInf = math.MinInt64
	DateInf         = math.MaxInt32
	DateNegInf      = math.MinInt32
)

// Ranges of the finite values, as in PostgreSQL: 4713 BC on.
const (
	dateMin         = -2451545             // 4714-11-24 BC
	dateEnd         = 2147483494 - 2451545 // one past the last date
	timestampMin    = -211813488000000000  // 4714-11-24 00:00:00 BC
	timestampEnd    = 9223371331200000000  // 294277-01-01 00:00:00
	unixEpochDays   = -10957               // 1970-01-01 as days since 2000-01-01
	unixEpochMicros = unixEpochDays * MicrosPerDay
)

// ValidTimestamp reports whether a finite timestamp lies in the range of the type.
func ValidTimestamp(us int64) bool { return us >= timestampMin && us < timestampEnd }

// ValidDate reports whether a finite date lies in the range of the type.
func ValidDate(days int64) bool { return days >= dateMin && days < dateEnd }

// IsInfTimestamp reports whether us is infinity or -infinity.
func IsInfTimestamp(us int64) bool { return us == TimestampInf || us == TimestampNegInf }

// IsInfDate reports whether days is infinity or -infinity.
func IsInfDate(days int64) bool { return days == DateInf || days == DateNegInf }

func errTimestampRange() error {
	return sqlerr.New(sqlerr.DatetimeFieldOverflow, "timestamp out of range")
}

func errDateRange() error { return sqlerr.New(sqlerr.DatetimeFieldOverflow, "date out of range") }

// DaysFromCivil returns days since 2000-01-01 of a proleptic Gregorian date with
// astronomical year (0 is 1 BC). Months beyond 1..12 carry into the year.
func DaysFromCivil(year, month, day int64) int64 {
	if month < 1 || month > 12 {
		m := month - 1
		year += floorDiv64(m, 12)
		month = m - floorDiv64(m, 12)*12 + 1
	}
	if month <= 2 {
		year--
		month += 12
	}
	era := floorDiv64(year, 400)
	yoe := year - era*400
	doy := (153*(month-3)+2)/5 + day - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 730425
}

// CivilFromDays is the inverse of DaysFromCivil.
func CivilFromDays(days int64) (year, month, day int64) {
	z := days + 730425
	era := floorDiv64(z, 146097)
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = doy - (153*mp+2)/5 + 1
	month = mp + 3
	year = yoe + era*400
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, day
}

func floorDiv64(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// SplitTimestamp cuts a finite timestamp into days since 2000-01-01 and the
// microsecond of the day.
func SplitTimestamp(us int64) (days, micros int64) {
	days = floorDiv64(us, MicrosPerDay)
	return days, us - days*MicrosPerDay
}

func isLeap(y int64) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

func daysInMonth(y, m int64) int64 {
	switch m {
	case 2:
		if isLeap(y) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// zoneOffset returns the seconds east of UTC in force in loc at a UTC instant, and
// the zone's abbreviation then.
func zoneOffset(loc *time.Location, utc int64) (abbrev string, seconds int64) {
	if loc == time.UTC {
		return "UTC", 0
	}
	name, off := time.Unix(floorDiv64(utc, MicrosPerSecond)-unixEpochDays*86400, 0).In(loc).Zone()
	return name, int64(off)
}

// UTCToLocal shifts a finite timestamptz to the wall clock of loc.
func UTCToLocal(us int64, loc *time.Location) int64 {
	if loc == nil || loc == time.UTC || IsInfTimestamp(us) {
		return us
	}
	_, off := zoneOffset(loc, us)
	return us + off*MicrosPerSecond
}

// LocalToUTC finds the instant at which the wall clock of loc shows a finite
// timestamp. As in PostgreSQL a time skipped by a transition is read with the offset
// before it, a time that occurs twice with the offset after it.
func LocalToUTC(us int64, loc *time.Location) int64 {
	if loc == nil || loc == time.UTC || IsInfTimestamp(us) {
		return us
	}
	_, before := zoneOffset(loc, us-MicrosPerDay)
	_, after := zoneOffset(loc, us+MicrosPerDay)
	u1, u2 := us-before*MicrosPerSecond, us-after*MicrosPerSecond
	if before == after {
		return u1
	}
	_, o1 := zoneOffset(loc, u1)
	_, o2 := zoneOffset(loc, u2)
	if o2 == after {
		return u2
	}
	if o1 == before || o1 == after {
		return u1
	}
	return u1
}

// DateToTimestamp widens a date to the timestamp of its midnight.
func DateToTimestamp(days int64) (int64, error) {
	switch {
	case days == DateInf:
		return TimestampInf, nil
	case days == DateNegInf:
		return TimestampNegInf, nil
	case days >= timestampEnd/MicrosPerDay:
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "date out of range for timestamp")
	}
	return days * MicrosPerDay, nil
}

// DateToTimestampTZ returns the instant of a date's midnight in loc.
func DateToTimestampTZ(days int64, loc *time.Location) (int64, error) {
	us, err := DateToTimestamp(days)
	if err != nil || IsInfTimestamp(us) {
		return us, err
	}
	if us = LocalToUTC(us, loc); !ValidTimestamp(us) {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "date out of range for timestamp")
	}
	return us, nil
}

// TimestampToDate cuts a timestamp to its date.
func TimestampToDate(us int64) int64 {
	switch us {
	case TimestampInf:
		return DateInf
	case TimestampNegInf:
		return DateNegInf
	}
	return floorDiv64(us, MicrosPerDay)
}

// TimestampToTime cuts a finite timestamp to its time of day.
func TimestampToTime(us int64) int64 {
	_, t := SplitTimestamp(us)
	return t
}

// TimestampToTZ reads a timestamp as wall clock of loc.
func TimestampToTZ(us int64, loc *time.Location) (int64, error) {
	if IsInfTimestamp(us) {
		return us, nil
	}
	if us = LocalToUTC(us, loc); !ValidTimestamp(us) {
		return 0, errTimestampRange()
	}
	return us, nil
}

// TimestampFromTZ shows an instant as wall clock of loc.
func TimestampFromTZ(us int64, loc *time.Location) (int64, error) {
	if IsInfTimestamp(us) {
		return us, nil
	}
	if us = UTCToLocal(us, loc); !ValidTimestamp(us) {
		return 0, errTimestampRange()
	}
	return us, nil
}

// roundMicros rounds to p digits behind the second, half away from zero.
func roundMicros(us int64, p int32) int64 {
	if p < 0 || p >= 6 {
		return us
	}
	unit := pow10[6-p]
	half := unit / 2
	if us < 0 {
		return -((-us + half) / unit * unit)
	}
	return (us + half) / unit * unit
}

// CoerceTimestamp rounds to the precision of a timestamp(p) typmod.
func CoerceTimestamp(us int64, typmod int32) (int64, error) {
	if typmod < 0 || typmod >= 6 || IsInfTimestamp(us) {
		return us, nil
	}
	if us = roundMicros(us, typmod); !ValidTimestamp(us) {
		return 0, errTimestampRange()
	}
	return us, nil
}

// CoerceTime rounds to the precision of a time(p) typmod.
func CoerceTime(us int64, typmod int32) int64 { return roundMicros(us, typmod) }

// TimeFromGo converts Go's time, rounding down to microseconds.
func TimeFromGo(t time.Time) int64 { return t.UnixMicro() + unixEpochMicros }

// GoTime converts a finite timestamp or timestamptz to Go's time in UTC.
func GoTime(us int64) time.Time { return time.UnixMicro(us - unixEpochMicros).UTC() }
