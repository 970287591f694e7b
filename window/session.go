package window

import "math"

// Session is windows of activity: a session begins with a time that no earlier one
// precedes by less than Gap, and ends Gap after its last time. Like other windows it is
// half-open: a time exactly Gap after another begins a session of its own.
//
//	gap 3, times 0 2 4   9      sessions [0,7) [9,12)
type Session struct{ Gap int64 }

// Joins reports whether time t belongs to the session of an earlier time prev, t >= prev.
func (s Session) Joins(prev, t int64) bool { return t < s.End(prev) }

// End returns the end of a session whose last time is t.
func (s Session) End(t int64) int64 {
	if t > math.MaxInt64-s.Gap {
		return math.MaxInt64
	}
	return t + s.Gap
}

// Bounds appends to dst the session of each of times, which ascend.
func (s Session) Bounds(times []int64, dst []Bounds) []Bounds {
	for lo := 0; lo < len(times); {
		hi := lo + 1
		for hi < len(times) && s.Joins(times[hi-1], times[hi]) {
			hi++
		}
		b := Bounds{times[lo], s.End(times[hi-1])}
		for ; lo < hi; lo++ {
			dst = append(dst, b)
		}
	}
	return dst
}

// Mark returns the watermark of session ends where that of times is wm: a session that
// ends at wm or before is closed, since no later time can join it.
func (s Session) Mark(wm int64) int64 {
	if wm == math.MaxInt64 {
		return wm
	}
	return wm + 1
}
