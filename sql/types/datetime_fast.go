package types

// parseISO reads YYYY-MM-DD[( |T)HH:MM:SS[.ffffff][Z|±HH[[:]MM]]], the form nearly
// all input has, without allocating. zoned tells whether a zone was given. It
// reports false for everything else, also for values out of range, which the full
// parser then explains.
func parseISO(s string) (local, off int64, zoned, ok bool) {
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return 0, 0, false, false
	}
	y1, ok1 := two(s, 0)
	y2, ok2 := two(s, 2)
	m, ok3 := two(s, 5)
	d, ok4 := two(s, 8)
	y := y1*100 + y2
	if !(ok1 && ok2 && ok3 && ok4) || y == 0 || m < 1 || m > 12 || d < 1 || d > daysInMonth(y, m) {
		return 0, 0, false, false
	}
	local = DaysFromCivil(y, m, d) * MicrosPerDay
	if len(s) == 10 {
		return local, 0, false, true
	}
	if s[10] != ' ' && s[10] != 'T' {
		return 0, 0, false, false
	}
	us, rest, ok := parseClock(s[11:])
	if !ok {
		return 0, 0, false, false
	}
	if rest == "" {
		return local + us, 0, false, true
	}
	off, ok = parseOffsetFast(rest)
	return local + us, off, true, ok
}

// two reads two digits at s[i:].
func two(s string, i int) (int64, bool) {
	a, b := s[i]-'0', s[i+1]-'0'
	return int64(a)*10 + int64(b), a <= 9 && b <= 9
}

// parseClock reads HH:MM:SS[.f{1,6}] and returns what follows it.
func parseClock(s string) (us int64, rest string, ok bool) {
	if len(s) < 8 || s[2] != ':' || s[5] != ':' {
		return 0, "", false
	}
	h, ok1 := two(s, 0)
	m, ok2 := two(s, 3)
	sec, ok3 := two(s, 6)
	if !(ok1 && ok2 && ok3) || h > 23 || m > 59 || sec > 59 {
		return 0, "", false
	}
	us = h*MicrosPerHour + m*MicrosPerMinute + sec*MicrosPerSecond
	s = s[8:]
	if s == "" || s[0] != '.' {
		return us, s, true
	}
	i, f := 1, int64(0)
	for i < len(s) && s[i]-'0' <= 9 {
		f = f*10 + int64(s[i]-'0')
		i++
	}
	if i == 1 || i > 7 {
		return 0, "", false
	}
	return us + f*pow10[7-i], s[i:], true
}

// parseOffsetFast reads Z or ±HH[[:]MM], in seconds east of UTC.
func parseOffsetFast(s string) (int64, bool) {
	if s == "Z" {
		return 0, true
	}
	if len(s) < 3 || (s[0] != '+' && s[0] != '-') {
		return 0, false
	}
	h, ok := two(s, 1)
	m := int64(0)
	switch {
	case len(s) == 3:
	case len(s) == 5:
		var ok2 bool
		m, ok2 = two(s, 3)
		ok = ok && ok2
	case len(s) == 6 && s[3] == ':':
		var ok2 bool
		m, ok2 = two(s, 4)
		ok = ok && ok2
	default:
		return 0, false
	}
	if !ok || h > 15 || m > 59 {
		return 0, false
	}
	off := h*3600 + m*60
	if s[0] == '-' {
		off = -off
	}
	return off, true
}
