package types

import (
	"math"
	"time"

	"streamdb/sql/sqlerr"
)

// addMonths shifts a local timestamp by months; a day beyond the month's end
// becomes its last day.
func addMonths(us, months int64) int64 {
	days, t := SplitTimestamp(us)
	y, m, d := CivilFromDays(days)
	m += months
	y, m = y+floorDiv64(m-1, 12), m-1-floorDiv64(m-1, 12)*12+1
	d = min(d, daysInMonth(y, m))
	return DaysFromCivil(y, m, d)*MicrosPerDay + t
}

// AddTimestamp returns a timestamp plus an interval: months first, then days, then
// time.
func AddTimestamp(us int64, v Interval) (int64, error) {
	if IsInfTimestamp(us) {
		return us, nil
	}
	if v.Months != 0 {
		if us = addMonths(us, int64(v.Months)); !ValidTimestamp(us) {
			return 0, errTimestampRange()
		}
	}
	if v.Days != 0 {
		d, ok := mul64(int64(v.Days), MicrosPerDay)
		if us, ok = addOK(us, d, ok); !ok || !ValidTimestamp(us) {
			return 0, errTimestampRange()
		}
	}
	us, ok := add64(us, v.Micros)
	if !ok || !ValidTimestamp(us) {
		return 0, errTimestampRange()
	}
	return us, nil
}

func addOK(a, b int64, ok bool) (int64, bool) {
	s, ok2 := add64(a, b)
	return s, ok && ok2
}

// AddTimestampTZ adds an interval to an instant; months and days count in the
// calendar of loc.
func AddTimestampTZ(us int64, v Interval, loc *time.Location) (int64, error) {
	if IsInfTimestamp(us) {
		return us, nil
	}
	if v.Months != 0 || v.Days != 0 {
		local, err := AddTimestamp(UTCToLocal(us, loc), Interval{Months: v.Months, Days: v.Days})
		if err != nil {
			return 0, err
		}
		us = LocalToUTC(local, loc)
	}
	return AddTimestamp(us, Interval{Micros: v.Micros})
}

// SubTimestamp returns a - b in days and time.
func SubTimestamp(a, b int64) (Interval, error) {
	if IsInfTimestamp(a) || IsInfTimestamp(b) {
		return Interval{}, sqlerr.New(sqlerr.DatetimeFieldOverflow, "cannot subtract infinite timestamps")
	}
	d := a - b
	if (a^b)&(a^d) < 0 {
		return Interval{}, errIntervalRange()
	}
	return JustifyHours(Interval{Micros: d})
}

// AddDate returns a date plus days.
func AddDate(d, n int64) (int64, error) {
	if IsInfDate(d) {
		return d, nil
	}
	if d += n; !ValidDate(d) {
		return 0, errDateRange()
	}
	return d, nil
}

// SubDate returns the days from b to a.
func SubDate(a, b int64) (int64, error) {
	if IsInfDate(a) || IsInfDate(b) {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "cannot subtract infinite dates")
	}
	return a - b, nil
}

// AddTime returns a time of day plus the time part of an interval, around the clock.
func AddTime(t int64, v Interval) int64 {
	r := (t + v.Micros%MicrosPerDay) % MicrosPerDay
	if r < 0 {
		r += MicrosPerDay
	}
	return r
}

// IntervalToTime returns the time part of v within its day.
func IntervalToTime(v Interval) int64 { return AddTime(0, v) }

// Age returns a - b in years, months, days and time, as age() does.
func Age(a, b int64) (Interval, error) {
	if IsInfTimestamp(a) || IsInfTimestamp(b) {
		return Interval{}, errTimestampRange()
	}
	neg := a < b
	if neg {
		a, b = b, a
	}
	da, ta := SplitTimestamp(a)
	db, tb := SplitTimestamp(b)
	ya, ma, dda := CivilFromDays(da)
	yb, mb, ddb := CivilFromDays(db)
	t, d, m := ta-tb, dda-ddb, (ya-yb)*12+ma-mb
	if t < 0 {
		t += MicrosPerDay
		d--
	}
	for d < 0 { // days of the month the earlier date lies in
		d += daysInMonth(yb, mb)
		m--
	}
	v := Interval{t, int32(d), int32(m)}
	if neg {
		v = Interval{-t, int32(-d), int32(-m)}
	}
	return v, nil
}

// AgeTZ is Age between instants, in the calendar of loc.
func AgeTZ(a, b int64, loc *time.Location) (Interval, error) {
	return Age(UTCToLocal(a, loc), UTCToLocal(b, loc))
}

// DateBin returns the start of the bin of width stride, counted from origin, in
// which ts lies.
func DateBin(stride Interval, ts, origin int64) (int64, error) {
	switch {
	case IsInfTimestamp(ts):
		return ts, nil
	case IsInfTimestamp(origin):
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "origin out of range")
	case stride.Months != 0:
		return 0, sqlerr.New(sqlerr.FeatureNotSupported, "timestamps cannot be binned into intervals containing months or years")
	}
	d, ok := mul64(int64(stride.Days), MicrosPerDay)
	us, ok := addOK(d, stride.Micros, ok)
	if !ok {
		return 0, errIntervalRange()
	}
	if us <= 0 {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "stride must be greater than zero")
	}
	diff := ts - origin
	if (ts^origin)&(ts^diff) < 0 {
		return 0, errIntervalRange()
	}
	r := diff - diff%us
	if diff%us < 0 {
		r -= us
	}
	if r += origin; !ValidTimestamp(r) {
		return 0, errTimestampRange()
	}
	return r, nil
}

// MakeDate builds a date; a negative year is before Christ.
func MakeDate(year, month, day int64) (int64, error) {
	y := year
	if y < 0 {
		y++
	}
	if year == 0 || month < 1 || month > 12 || day < 1 || day > 31 || y > 6000000 || y < -5000 || day > daysInMonth(y, month) {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "date field value out of range: %d-%02d-%02d", year, month, day)
	}
	d := DaysFromCivil(y, month, day)
	if !ValidDate(d) {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "date out of range: %d-%02d-%02d", year, month, day)
	}
	return d, nil
}

// MakeTime builds a time of day.
func MakeTime(hour, minute int64, sec float64) (int64, error) {
	us := math.RoundToEven(sec * MicrosPerSecond)
	total := hour*MicrosPerHour + minute*MicrosPerMinute + int64(us)
	if math.IsNaN(sec) || hour < 0 || hour > 24 || minute < 0 || minute > 59 || us < 0 || us > 60*MicrosPerSecond || total > MicrosPerDay {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "time field value out of range: %d:%02d:%s", hour, minute, secText(sec))
	}
	return total, nil
}

func secText(sec float64) string {
	if sec < 10 {
		return "0" + string(AppendFloat8(nil, sec, 0))
	}
	return string(AppendFloat8(nil, sec, 0))
}

// MakeTimestamp builds a timestamp; a negative year is before Christ.
func MakeTimestamp(year, month, day, hour, minute int64, sec float64) (int64, error) {
	d, err := MakeDate(year, month, day)
	if err != nil {
		return 0, err
	}
	t, err := MakeTime(hour, minute, sec)
	if err != nil {
		return 0, err
	}
	us := d*MicrosPerDay + t
	if d > timestampEnd/MicrosPerDay || !ValidTimestamp(us) {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "timestamp out of range: %d-%02d-%02d %d:%02d:%s", year, month, day, hour, minute, secText(sec))
	}
	return us, nil
}

// IntervalParts are the arguments of make_interval.
type IntervalParts struct {
	Years, Months, Weeks, Days, Hours, Mins int64
	Secs                                    float64
}

// MakeInterval builds an interval from its parts.
func MakeInterval(p IntervalParts) (Interval, error) {
	m, d := p.Years*12+p.Months, p.Weeks*7+p.Days
	clock, secs := p.Hours*MicrosPerHour+p.Mins*MicrosPerMinute, math.RoundToEven(p.Secs*MicrosPerSecond)
	if m != int64(int32(m)) || d != int64(int32(d)) || !(math.Abs(float64(clock)+secs) < math.MaxInt64) {
		return Interval{}, errIntervalRange()
	}
	return Interval{clock + int64(secs), int32(d), int32(m)}, nil
}

// TimestampFromEpoch converts seconds since 1970, as to_timestamp(double) does.
func TimestampFromEpoch(sec float64) (int64, error) {
	switch {
	case math.IsInf(sec, 1):
		return TimestampInf, nil
	case math.IsInf(sec, -1):
		return TimestampNegInf, nil
	case math.IsNaN(sec):
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "timestamp cannot be NaN")
	}
	us := math.RoundToEven((sec - 946684800) * MicrosPerSecond)
	if !(us >= timestampMin && us < timestampEnd) {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "timestamp out of range: \"%s\"", string(AppendFloat8(nil, sec, 0)))
	}
	return int64(us), nil
}

// ZoneInterval reads the interval of AT TIME ZONE as seconds east of UTC.
func ZoneInterval(v Interval) (int64, error) {
	if v.Months != 0 || v.Days != 0 {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "interval time zone \"%s\" must not include months or days",
			string(AppendInterval(nil, v, nil)))
	}
	return v.Micros / MicrosPerSecond, nil
}
