package window

import "time"

// Every is the rhythm of EMIT EVERY: the multiples of an interval since 2000-01-01 UTC. One
// of its fields is positive, the other 0: months are counted by the calendar, months and
// years therefore begin on the first at midnight.
type Every struct {
	Months int32 `json:"months,omitempty"`
	Micros int64 `json:"micros,omitempty"`
}

// Period returns the number of the last multiple at or before t, µs since 2000-01-01 UTC.
func (e Every) Period(t int64) int64 {
	if e.Months == 0 {
		return floorDiv(t, e.Micros)
	}
	at := origin.Add(time.Duration(t%dayMicros)*time.Microsecond).AddDate(0, 0, int(t/dayMicros))
	return floorDiv(int64(at.Year()-origin.Year())*12+int64(at.Month()-origin.Month()), int64(e.Months))
}

// Next returns the first multiple after t.
func (e Every) Next(t int64) int64 {
	p := e.Period(t) + 1
	if e.Months == 0 {
		return p * e.Micros
	}
	at := time.Date(origin.Year(), origin.Month()+time.Month(p*int64(e.Months)), 1, 0, 0, 0, 0, time.UTC)
	return (at.Unix() - origin.Unix()) * 1_000_000
}

// Crossed reports whether a multiple lies in (prev, now]: whether an entry at now, with
// the one before it at prev, is the first at or past one.
func (e Every) Crossed(prev, now int64) bool { return e.Period(now) > e.Period(prev) }

const dayMicros = 24 * 3600 * 1_000_000

var origin = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
