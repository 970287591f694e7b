package types

var (
	monthNames = [...]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}
	dayNames   = [...]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}
)

// append2 writes v, 0 <= v < 100, with two digits.
func append2(dst []byte, v int64) []byte { return append(dst, byte('0'+v/10), byte('0'+v%10)) }

// appendYear writes a year of the common era with at least four digits.
func appendYear(dst []byte, y int64) []byte {
	if y < 10000 {
		return append2(append2(dst, y/100), y%100)
	}
	return AppendInt(dst, y)
}

// AppendDate writes a date in the style of st.
func AppendDate(dst []byte, days int64, st *Settings) []byte {
	switch days {
	case DateInf:
		return append(dst, "infinity"...)
	case DateNegInf:
		return append(dst, "-infinity"...)
	}
	y, m, d := CivilFromDays(days)
	bc := y <= 0
	if bc {
		y = 1 - y
	}
	dst = appendYMD(dst, y, m, d, st.orDefault())
	if bc {
		dst = append(dst, " BC"...)
	}
	return dst
}

func appendYMD(dst []byte, y, m, d int64, st *Settings) []byte {
	sep := byte('-')
	switch st.DateStyle {
	case DateISO:
		dst = append(append2(append(appendYear(dst, y), '-'), m), '-')
		return append2(dst, d)
	case DateSQL:
		sep = '/'
	case DateGerman:
		dst = append(append2(append(append2(dst, d), '.'), m), '.')
		return appendYear(dst, y)
	}
	if st.DateOrder == OrderDMY {
		m, d = d, m
	}
	dst = append(append2(append(append2(dst, m), sep), d), sep)
	return appendYear(dst, y)
}

// AppendTime writes a time of day.
func AppendTime(dst []byte, us int64) []byte {
	h := us / MicrosPerHour
	us -= h * MicrosPerHour
	m := us / MicrosPerMinute
	us -= m * MicrosPerMinute
	dst = append(append2(append(append2(dst, h), ':'), m), ':')
	dst = append2(dst, us/MicrosPerSecond)
	return appendFraction(dst, us%MicrosPerSecond)
}

// appendFraction writes microseconds behind a point, without trailing zeros.
func appendFraction(dst []byte, us int64) []byte {
	if us == 0 {
		return dst
	}
	var b [7]byte
	b[0] = '.'
	for i := 6; i > 0; i-- {
		b[i] = byte('0' + us%10)
		us /= 10
	}
	n := 7
	for b[n-1] == '0' {
		n--
	}
	return append(dst, b[:n]...)
}

// AppendTimestamp writes a timestamp without time zone in the style of st.
func AppendTimestamp(dst []byte, us int64, st *Settings) []byte {
	if IsInfTimestamp(us) {
		return appendInf(dst, us)
	}
	return appendDateTime(dst, us, st.orDefault(), "", noZone)
}

// AppendTimestampTZ writes an instant as wall clock of st's zone, with its offset.
func AppendTimestampTZ(dst []byte, us int64, st *Settings) []byte {
	if IsInfTimestamp(us) {
		return appendInf(dst, us)
	}
	st = st.orDefault()
	abbrev, off := zoneOffset(st.zone(), us)
	return appendDateTime(dst, us+off*MicrosPerSecond, st, abbrev, off)
}

func appendInf(dst []byte, us int64) []byte {
	if us == TimestampInf {
		return append(dst, "infinity"...)
	}
	return append(dst, "-infinity"...)
}

// noZone stands for the offset of a timestamp that has none.
const noZone = -1 << 40

func appendDateTime(dst []byte, local int64, st *Settings, abbrev string, off int64) []byte {
	days, us := SplitTimestamp(local)
	y, m, d := CivilFromDays(days)
	bc := y <= 0
	if bc {
		y = 1 - y
	}
	switch st.DateStyle {
	case DatePostgres:
		dst = appendPostgres(dst, days, us, st)
		dst = appendYear(append(dst, ' '), y)
	default:
		dst = appendYMD(dst, y, m, d, st)
		dst = AppendTime(append(dst, ' '), us)
	}
	if off != noZone {
		dst = appendZone(dst, st, abbrev, off)
	}
	if bc {
		dst = append(dst, " BC"...)
	}
	return dst
}

// appendPostgres writes day name, day, month and time: all but the year.
func appendPostgres(dst []byte, days, us int64, st *Settings) []byte {
	_, m, d := CivilFromDays(days)
	dst = append(append(dst, dayNames[dayOfWeek(days)]...), ' ')
	if st.DateOrder == OrderDMY {
		dst = append(append(append2(dst, d), ' '), monthNames[m-1]...)
	} else {
		dst = append2(append(append(dst, monthNames[m-1]...), ' '), d)
	}
	return AppendTime(append(dst, ' '), us)
}

// dayOfWeek returns 0 for Sunday.
func dayOfWeek(days int64) int64 {
	w := (days + 6) % 7 // 2000-01-01 was a Saturday
	if w < 0 {
		w += 7
	}
	return w
}

func appendZone(dst []byte, st *Settings, abbrev string, off int64) []byte {
	if st.DateStyle == DateISO {
		return appendOffset(dst, off)
	}
	if abbrev != "" && abbrev[0] != '+' && abbrev[0] != '-' {
		return append(append(dst, ' '), abbrev...)
	}
	if st.DateStyle == DatePostgres {
		dst = append(dst, ' ')
	}
	return appendOffset(dst, off)
}

// appendOffset writes seconds east of UTC as ±hh[:mm[:ss]].
func appendOffset(dst []byte, off int64) []byte {
	sign := byte('+')
	if off < 0 {
		sign, off = '-', -off
	}
	dst = append2(append(dst, sign), off/3600)
	if off%3600 != 0 {
		dst = append2(append(dst, ':'), off/60%60)
		if off%60 != 0 {
			dst = append2(append(dst, ':'), off%60)
		}
	}
	return dst
}
