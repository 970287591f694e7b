package types

import (
	"math"
	"time"
)

// ExtractResult tells how an extraction went.
type ExtractResult uint8

// The results of extraction.
const (
	ExtractOK          ExtractResult = iota
	ExtractNull                      // an infinite value has no such field
	ExtractUnsupported               // the type has no such field
)

// isoWeek returns the ISO 8601 year and week of a date.
func isoWeek(days int64) (year, week int64) {
	thursday := days - (dayOfWeek(days)+6)%7 + 3
	year, _, _ = CivilFromDays(thursday)
	return year, (thursday-DaysFromCivil(year, 1, 1))/7 + 1
}

// eraYear turns an astronomical year into one without zero.
func eraYear(y int64) int64 {
	if y > 0 {
		return y
	}
	return y - 1
}

// extractDays returns the fields that depend on the date alone.
func extractDays(u Unit, days int64) (int64, bool) {
	y, m, d := CivilFromDays(days)
	switch u {
	case UnitDay:
		return d, true
	case UnitMonth:
		return m, true
	case UnitQuarter:
		return (m-1)/3 + 1, true
	case UnitWeek:
		_, w := isoWeek(days)
		return w, true
	case UnitYear:
		return eraYear(y), true
	case UnitISOYear:
		iy, _ := isoWeek(days)
		return eraYear(iy), true
	case UnitDecade:
		if y >= 0 {
			return y / 10, true
		}
		return -((8 - (y - 1)) / 10), true
	case UnitCentury:
		if y > 0 {
			return (y + 99) / 100, true
		}
		return -((99 - (y - 1)) / 100), true
	case UnitMillennium:
		if y > 0 {
			return (y + 999) / 1000, true
		}
		return -((999 - (y - 1)) / 1000), true
	case UnitDOW:
		return dayOfWeek(days), true
	case UnitISODOW:
		return (dayOfWeek(days)+6)%7 + 1, true
	case UnitDOY:
		return days - DaysFromCivil(y, 1, 1) + 1, true
	}
	return 0, false
}

// extractClock returns the fields that depend on the time of day alone.
func extractClock(u Unit, us int64) (Num, bool) {
	switch u {
	case UnitMicroseconds:
		return Num{Coef: us % MicrosPerMinute}, true
	case UnitMilliseconds:
		return Num{Coef: us % MicrosPerMinute, Scale: 3}, true
	case UnitSecond:
		return Num{Coef: us % MicrosPerMinute, Scale: 6}, true
	case UnitMinute:
		return Num{Coef: us / MicrosPerMinute % 60}, true
	case UnitHour:
		return Num{Coef: us / MicrosPerHour}, true
	}
	return Num{}, false
}

// infField returns what fields that grow without bound give for an infinite value.
func infField(u Unit, positive bool) (Num, ExtractResult) {
	switch u {
	case UnitYear, UnitISOYear, UnitDecade, UnitCentury, UnitMillennium, UnitJulian, UnitEpoch:
		if positive {
			return Num{Form: NumPosInf}, ExtractOK
		}
		return Num{Form: NumNegInf}, ExtractOK
	}
	return Num{}, ExtractNull
}

// ExtractTimestamp returns a field of a timestamp without time zone. The result is
// inline, except that of julian, for which ExtractJulian is asked. The epoch of
// years beyond 292277 has one digit less.
func ExtractTimestamp(u Unit, us int64) (Num, ExtractResult) {
	switch {
	case u == UnitNone:
		return Num{}, ExtractUnsupported
	case IsInfTimestamp(us):
		return infField(u, us > 0)
	case u >= UnitTimezone:
		return Num{}, ExtractUnsupported
	case u == UnitEpoch:
		if us > math.MaxInt64+unixEpochMicros { // beyond the year 292277
			return Num{Coef: us/10 - unixEpochMicros/10, Scale: 5}, ExtractOK
		}
		return Num{Coef: us - unixEpochMicros, Scale: 6}, ExtractOK
	}
	days, t := SplitTimestamp(us)
	if n, ok := extractClock(u, t); ok {
		return n, ExtractOK
	}
	if v, ok := extractDays(u, days); ok {
		return Num{Coef: v}, ExtractOK
	}
	return ExtractJulian(us).N, ExtractOK
}

// ExtractJulian returns the Julian day of a finite timestamp.
func ExtractJulian(us int64) Dec {
	days, t := SplitTimestamp(us)
	frac, _ := DivDec(DecInt(t), DecInt(MicrosPerDay))
	r, _ := AddDec(DecInt(days+2451545), frac)
	return r
}

// ExtractTimestampTZ returns a field of an instant as wall clock of loc.
func ExtractTimestampTZ(u Unit, us int64, loc *time.Location) (Num, ExtractResult) {
	if u < UnitTimezone || IsInfTimestamp(us) {
		if u == UnitEpoch || IsInfTimestamp(us) {
			if u >= UnitTimezone {
				return Num{}, ExtractNull
			}
			return ExtractTimestamp(u, us)
		}
		return ExtractTimestamp(u, UTCToLocal(us, loc))
	}
	if loc == nil {
		loc = time.UTC
	}
	_, off := zoneOffset(loc, us)
	switch u {
	case UnitTimezoneHour:
		off /= 3600
	case UnitTimezoneMinute:
		off = off % 3600 / 60
	}
	return Num{Coef: off}, ExtractOK
}

// ExtractDate returns a field of a date.
func ExtractDate(u Unit, days int64) (Num, ExtractResult) {
	if u == UnitNone || u <= UnitHour || u >= UnitTimezone {
		return Num{}, ExtractUnsupported
	}
	if IsInfDate(days) {
		return infField(u, days > 0)
	}
	switch u {
	case UnitEpoch:
		return Num{Coef: (days - unixEpochDays) * 86400}, ExtractOK
	case UnitJulian:
		return Num{Coef: days + 2451545}, ExtractOK
	}
	v, _ := extractDays(u, days)
	return Num{Coef: v}, ExtractOK
}

// ExtractTime returns a field of a time of day.
func ExtractTime(u Unit, us int64) (Num, ExtractResult) {
	if u == UnitEpoch {
		return Num{Coef: us, Scale: 6}, ExtractOK
	}
	if n, ok := extractClock(u, us); ok {
		return n, ExtractOK
	}
	return Num{}, ExtractUnsupported
}

// ExtractInterval returns a field of an interval; an epoch beyond int64 microseconds
// is returned rounded to the end of the range.
func ExtractInterval(u Unit, v Interval) (Num, ExtractResult) {
	y, m := int64(v.Months/12), int64(v.Months%12)
	switch u {
	case UnitDay:
		return Num{Coef: int64(v.Days)}, ExtractOK
	case UnitMonth:
		return Num{Coef: m}, ExtractOK
	case UnitQuarter:
		return Num{Coef: m/3 + 1}, ExtractOK
	case UnitYear:
		return Num{Coef: y}, ExtractOK
	case UnitDecade:
		return Num{Coef: y / 10}, ExtractOK
	case UnitCentury:
		return Num{Coef: y / 100}, ExtractOK
	case UnitMillennium:
		return Num{Coef: y / 1000}, ExtractOK
	case UnitEpoch:
		secs := (1461*y + 120*m + 4*int64(v.Days)) * 21600
		us, ok := mul64(secs, MicrosPerSecond)
		if us, ok = addOK(us, v.Micros, ok); !ok {
			us = math.MaxInt64
			if secs < 0 {
				us = math.MinInt64
			}
		}
		return Num{Coef: us, Scale: 6}, ExtractOK
	}
	if n, ok := extractClock(u, v.Micros); ok {
		return n, ExtractOK
	}
	return Num{}, ExtractUnsupported
}
