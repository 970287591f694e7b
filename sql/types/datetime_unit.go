package types

import (
	"strings"
	"time"

	"streamdb/sql/sqlerr"
)

// Unit is a field of extract, date_part and date_trunc.
type Unit uint8

// The units.
const (
	UnitNone Unit = iota
	UnitMicroseconds
	UnitMilliseconds
	UnitSecond
	UnitMinute
	UnitHour
	UnitDay
	UnitWeek
	UnitMonth
	UnitQuarter
	UnitYear
	UnitDecade
	UnitCentury
	UnitMillennium
	UnitISOYear
	UnitDOW
	UnitISODOW
	UnitDOY
	UnitEpoch
	UnitJulian
	UnitTimezone
	UnitTimezoneHour
	UnitTimezoneMinute
)

var unitNames = func() map[string]Unit {
	m := map[string]Unit{}
	for u, names := range map[Unit]string{
		UnitMicroseconds: "us usec usecs useconds microsecond microseconds microsecon", UnitMilliseconds: "ms msec msecs mseconds millisecond milliseconds millisecon",
		UnitSecond: "s sec secs second seconds", UnitMinute: "m min mins minute minutes", UnitHour: "h hr hrs hour hours",
		UnitDay: "d day days", UnitWeek: "w week weeks", UnitMonth: "mon mons month months", UnitQuarter: "qtr quarter",
		UnitYear: "y yr yrs year years", UnitDecade: "dec decs decade decades", UnitCentury: "c cent century centuries",
		UnitMillennium: "mil mils millennium millennia", UnitISOYear: "isoyear", UnitDOW: "dow", UnitISODOW: "isodow", UnitDOY: "doy",
		UnitEpoch: "epoch", UnitJulian: "j jd julian", UnitTimezone: "timezone", UnitTimezoneHour: "timezone_hour timezone_h",
		UnitTimezoneMinute: "timezone_minute timezone_m",
	} {
		for _, n := range strings.Fields(names) {
			m[n] = u
		}
	}
	return m
}()

// ParseUnit finds a unit by name, in any case.
func ParseUnit(name string) (Unit, bool) {
	u, ok := unitNames[strings.ToLower(name)]
	return u, ok
}

// UnitError is raised for a name no unit has.
func UnitError(name string, t Type) error {
	return sqlerr.New(sqlerr.InvalidParameterValue, "unit \"%s\" not recognized for type %s", strings.ToLower(name), t.SQLName())
}

// UnitUnsupported is raised for a unit the type does not have.
func UnitUnsupported(name string, t Type) error {
	return sqlerr.New(sqlerr.FeatureNotSupported, "unit \"%s\" not supported for type %s", strings.ToLower(name), t.SQLName())
}

// String names the unit.
func (u Unit) String() string {
	names := [...]string{"", "microseconds", "milliseconds", "second", "minute", "hour", "day", "week", "month", "quarter", "year",
		"decade", "century", "millennium", "isoyear", "dow", "isodow", "doy", "epoch", "julian", "timezone", "timezone_hour", "timezone_minute"}
	return names[u]
}

// fixedUnit returns the width of the units that have one.
func fixedUnit(u Unit) int64 {
	switch u {
	case UnitMicroseconds:
		return 1
	case UnitMilliseconds:
		return 1000
	case UnitSecond:
		return MicrosPerSecond
	case UnitMinute:
		return MicrosPerMinute
	case UnitHour:
		return MicrosPerHour
	case UnitDay:
		return MicrosPerDay
	case UnitWeek:
		return 7 * MicrosPerDay
	}
	return 0
}

// weekOrigin is a Monday: 2000-01-03.
const weekOrigin = 2 * MicrosPerDay

// TruncTimestamp cuts a timestamp to a unit; false if the unit cannot be cut to.
func TruncTimestamp(u Unit, us int64) (int64, bool) {
	if IsInfTimestamp(us) {
		return us, true
	}
	if w := fixedUnit(u); w != 0 {
		if u == UnitWeek {
			return floorDiv64(us-weekOrigin, w)*w + weekOrigin, true
		}
		return floorDiv64(us, w) * w, true
	}
	days, _ := SplitTimestamp(us)
	y, m, _ := CivilFromDays(days)
	switch u {
	case UnitMonth:
	case UnitQuarter:
		m = (m-1)/3*3 + 1
	case UnitYear:
		m = 1
	case UnitDecade:
		m = 1
		if y > 0 {
			y = y / 10 * 10
		} else {
			y = -((8 - (y - 1)) / 10) * 10
		}
	case UnitCentury:
		m = 1
		if y > 0 {
			y = (y+99)/100*100 - 99
		} else {
			y = -((99-(y-1))/100)*100 + 1
		}
	case UnitMillennium:
		m = 1
		if y > 0 {
			y = (y+999)/1000*1000 - 999
		} else {
			y = -((999-(y-1))/1000)*1000 + 1
		}
	default:
		return 0, false
	}
	return DaysFromCivil(y, m, 1) * MicrosPerDay, true
}

// TruncTimestampTZ cuts an instant to a unit in the calendar of loc.
func TruncTimestampTZ(u Unit, us int64, loc *time.Location) (int64, bool) {
	if loc == nil || loc == time.UTC || IsInfTimestamp(us) || u == UnitMicroseconds || u == UnitMilliseconds || u == UnitSecond {
		return TruncTimestamp(u, us)
	}
	local := UTCToLocal(us, loc)
	r, ok := TruncTimestamp(u, local)
	if u == UnitMinute || u == UnitHour { // the offset in force stays
		return us - (local - r), ok
	}
	return LocalToUTC(r, loc), ok
}

// TruncInterval cuts an interval to a unit; false if the unit cannot be cut to.
func TruncInterval(u Unit, v Interval) (Interval, bool) {
	cutMonths := func(n int32) Interval { return Interval{Months: v.Months / n * n} }
	switch u {
	case UnitMicroseconds, UnitMilliseconds, UnitSecond, UnitMinute, UnitHour:
		w := fixedUnit(u)
		v.Micros = v.Micros / w * w
		return v, true
	case UnitDay:
		v.Micros = 0
		return v, true
	case UnitMonth:
		return cutMonths(1), true
	case UnitQuarter:
		return cutMonths(3), true
	case UnitYear:
		return cutMonths(12), true
	case UnitDecade:
		return cutMonths(120), true
	case UnitCentury:
		return cutMonths(1200), true
	case UnitMillennium:
		return cutMonths(12000), true
	}
	return Interval{}, false
}
