package types

// AppendInterval writes an interval in the style of st.
func AppendInterval(dst []byte, v Interval, st *Settings) []byte {
	switch st.orDefault().IntervalStyle {
	case IntervalISO8601:
		return appendIntervalISO(dst, v)
	case IntervalSQLStandard:
		return appendIntervalSQL(dst, v)
	case IntervalPostgresVerbose:
		return appendIntervalVerbose(dst, v)
	}
	return appendIntervalPostgres(dst, v)
}

// ivlClock is the time part of an interval, split with one sign for all parts.
type ivlClock struct {
	neg        bool
	h, m, s, f int64 // f in microseconds
}

func splitClock(us int64) ivlClock {
	u := abs64(us)
	return ivlClock{us < 0, int64(u / MicrosPerHour), int64(u / MicrosPerMinute % 60), int64(u / MicrosPerSecond % 60), int64(u % MicrosPerSecond)}
}

func (c ivlClock) append(dst []byte) []byte {
	if c.h < 10 {
		dst = append(dst, '0')
	}
	dst = append(AppendInt(dst, c.h), ':')
	dst = append(append2(dst, c.m), ':')
	return appendFraction(append2(dst, c.s), c.f)
}

// appendIntervalPostgres writes "1 year 2 mons 3 days 04:05:06".
func appendIntervalPostgres(dst []byte, v Interval) []byte {
	start, before := len(dst), false
	part := func(n int64, unit string) {
		if n == 0 {
			return
		}
		if len(dst) > start {
			dst = append(dst, ' ')
		}
		if before && n > 0 {
			dst = append(dst, '+')
		}
		dst = append(append(AppendInt(dst, n), ' '), unit...)
		if n != 1 {
			dst = append(dst, 's')
		}
		before = n < 0
	}
	part(int64(v.Months/12), "year")
	part(int64(v.Months%12), "mon")
	part(int64(v.Days), "day")
	if v.Micros != 0 || len(dst) == start {
		c := splitClock(v.Micros)
		if len(dst) > start {
			dst = append(dst, ' ')
		}
		if c.neg {
			dst = append(dst, '-')
		} else if before {
			dst = append(dst, '+')
		}
		dst = c.append(dst)
	}
	return dst
}

// appendIntervalVerbose writes "@ 1 year 2 mons 3 days 4 hours 5 mins 6 secs ago".
func appendIntervalVerbose(dst []byte, v Interval) []byte {
	dst = append(dst, '@')
	zero, ago := true, false
	part := func(n int64, unit string) {
		if n == 0 {
			return
		}
		if zero {
			ago, zero = n < 0, false
		}
		if ago {
			n = -n
		}
		dst = append(append(AppendInt(append(dst, ' '), n), ' '), unit...)
		if n != 1 {
			dst = append(dst, 's')
		}
	}
	part(int64(v.Months/12), "year")
	part(int64(v.Months%12), "mon")
	part(int64(v.Days), "day")
	part(v.Micros/MicrosPerHour, "hour")
	part(v.Micros/MicrosPerMinute%60, "min")
	if sec := v.Micros % MicrosPerMinute; sec != 0 {
		if zero {
			ago, zero = sec < 0, false
		} else if ago {
			sec = -sec
		}
		if ago && sec < 0 && v.Months == 0 && v.Days == 0 && v.Micros/MicrosPerMinute == 0 {
			sec = -sec
		}
		dst = append(dst, ' ')
		if sec < 0 {
			dst, sec = append(dst, '-'), -sec
		}
		dst = appendFraction(AppendInt(dst, sec/MicrosPerSecond), sec%MicrosPerSecond)
		dst = append(dst, " sec"...)
		if sec != MicrosPerSecond {
			dst = append(dst, 's')
		}
	}
	if zero {
		dst = append(dst, " 0"...)
	}
	if ago {
		dst = append(dst, " ago"...)
	}
	return dst
}

// appendIntervalISO writes "P1Y2M3DT4H5M6S".
func appendIntervalISO(dst []byte, v Interval) []byte {
	if v == (Interval{}) {
		return append(dst, "PT0S"...)
	}
	part := func(n int64, unit byte) {
		if n != 0 {
			dst = append(AppendInt(dst, n), unit)
		}
	}
	dst = append(dst, 'P')
	part(int64(v.Months/12), 'Y')
	part(int64(v.Months%12), 'M')
	part(int64(v.Days), 'D')
	if v.Micros != 0 {
		dst = append(dst, 'T')
	}
	part(v.Micros/MicrosPerHour, 'H')
	part(v.Micros/MicrosPerMinute%60, 'M')
	if sec := v.Micros % MicrosPerMinute; sec != 0 {
		if sec < 0 {
			dst, sec = append(dst, '-'), -sec
		}
		dst = append(appendFraction(AppendInt(dst, sec/MicrosPerSecond), sec%MicrosPerSecond), 'S')
	}
	return dst
}

// appendIntervalSQL writes the SQL standard's "1-2", "3 4:05:06", or, where the
// standard has no form, all three with signs: "+1-2 -3 +4:05:06".
func appendIntervalSQL(dst []byte, v Interval) []byte {
	neg := v.Months < 0 || v.Days < 0 || v.Micros < 0
	pos := v.Months > 0 || v.Days > 0 || v.Micros > 0
	ym, dt := v.Months != 0, v.Days != 0 || v.Micros != 0
	if neg && !(pos || (ym && dt)) {
		dst = append(dst, '-')
	}
	c := splitClock(v.Micros)
	months, days := int64(abs64(int64(v.Months))), int64(abs64(int64(v.Days)))
	clock := func() {
		dst = append(AppendInt(dst, c.h), ':')
		dst = append(append2(dst, c.m), ':')
		dst = appendFraction(append2(dst, c.s), c.f)
	}
	sign := func(n bool) {
		if n {
			dst = append(dst, '-')
		} else {
			dst = append(dst, '+')
		}
	}
	switch {
	case !neg && !pos:
		dst = append(dst, '0')
	case (neg && pos) || (ym && dt):
		sign(v.Months < 0)
		dst = append(AppendInt(dst, months/12), '-')
		dst = append(AppendInt(dst, months%12), ' ')
		sign(v.Days < 0)
		dst = append(AppendInt(dst, days), ' ')
		sign(c.neg)
		clock()
	case ym:
		dst = append(AppendInt(dst, months/12), '-')
		dst = AppendInt(dst, months%12)
	case v.Days != 0:
		dst = append(AppendInt(dst, days), ' ')
		clock()
	default:
		clock()
	}
	return dst
}
