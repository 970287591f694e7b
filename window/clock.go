package window

import (
	"math"
	"time"

	"streamdb/sql/types"
)

// ClockStep says what a step of a Clock does to the value before it.
type ClockStep uint8

// The steps. A value is an instant (µs since 2000-01-01 UTC) or a wall clock (µs since
// 2000-01-01 of some zone); a date is the wall clock's midnight.
const (
	// ClockLocal turns an instant into Zone's wall clock, ClockInstant goes back.
	ClockLocal ClockStep = iota
	ClockInstant
	// ClockDate cuts a wall clock to its day.
	ClockDate
	// ClockAdd adds the step's interval to a wall clock, ClockAddInstant to an instant,
	// whose months and days count in Zone's calendar.
	ClockAdd
	ClockAddInstant
	// ClockTrunc cuts a wall clock to Unit, ClockTruncInstant an instant in Zone.
	ClockTrunc
	ClockTruncInstant
)

// Clock computes a value from the time that it is: now() - interval '1 month' or
// date_trunc('day', localtimestamp). Add is the interval of the step of the same number.
//
// Between two breaks (a midnight where days or months count, a change of a zone's
// offset) such a value only rises; across one it may fall back: a month before March
// 30th, 23:00, is February 28th, 23:00, a month before March 31st, 1:00, is February
// 28th, 1:00.
type Clock struct {
	Steps []ClockOp
	Add   []types.Interval
}

// ClockOp is a step with what it needs.
type ClockOp struct {
	Step ClockStep
	Zone *time.Location // nil is UTC
	Unit types.Unit
}

// Compare is how a clock's value is compared with a bound: value Compare bound.
type Compare uint8

// The comparisons.
const (
	Less Compare = iota
	LessEqual
	Greater
	GreaterEqual
)

func (c Compare) holds(a, b int64) bool {
	switch c {
	case Less:
		return a < b
	case LessEqual:
		return a <= b
	case Greater:
		return a > b
	}
	return a >= b
}

// FixedZone reports whether a zone has one offset for ever.
func FixedZone(z *time.Location) bool {
	if z == nil || z == time.UTC {
		return true
	}
	start, end := time.Unix(0, 0).In(z).ZoneBounds()
	return start.IsZero() && end.IsZero()
}

// Shift returns the distance of the clock's value from the time, if it is the same at
// all times.
func (c *Clock) Shift() (int64, bool) {
	shift := int64(0)
	for i := range c.Steps {
		op, add := &c.Steps[i], types.Interval{}
		switch op.Step {
		case ClockLocal, ClockInstant:
			if !FixedZone(op.Zone) {
				return 0, false
			}
			off := types.UTCToLocal(0, op.Zone)
			if op.Step == ClockInstant {
				off = -off
			}
			add.Micros = off
		case ClockAdd, ClockAddInstant:
			add = c.Add[i]
			if add.Months != 0 || add.Days != 0 && op.Step == ClockAddInstant && !FixedZone(op.Zone) {
				return 0, false
			}
		default:
			return 0, false
		}
		shift = saturate(shift, saturate(int64(add.Days)*types.MicrosPerDay, add.Micros))
	}
	return shift, true
}

// saturate adds; what does not fit becomes infinite.
func saturate(a, b int64) int64 {
	s := a + b
	switch {
	case a > 0 && b > 0 && s < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && s >= 0:
		return math.MinInt64
	}
	return s
}

// At returns the clock's value at time n; out of range, it is infinite.
func (c *Clock) At(n int64) int64 {
	v := n
	for i := range c.Steps {
		v = c.step(i, v)
	}
	return v
}

func (c *Clock) step(i int, v int64) int64 {
	op := &c.Steps[i]
	switch op.Step {
	case ClockLocal:
		return types.UTCToLocal(v, op.Zone)
	case ClockInstant:
		return types.LocalToUTC(v, op.Zone)
	case ClockAdd:
		return added(v, c.Add[i])
	case ClockAddInstant:
		a := c.Add[i]
		if a.Months == 0 && a.Days == 0 {
			return added(v, a)
		}
		local := added(types.UTCToLocal(v, op.Zone), types.Interval{Months: a.Months, Days: a.Days})
		return added(types.LocalToUTC(local, op.Zone), types.Interval{Micros: a.Micros})
	case ClockDate:
		v, _ = types.TruncTimestamp(types.UnitDay, v)
	case ClockTrunc:
		v, _ = types.TruncTimestamp(op.Unit, v)
	case ClockTruncInstant:
		v, _ = types.TruncTimestampTZ(op.Unit, v, op.Zone)
	}
	return v
}

func added(v int64, a types.Interval) int64 {
	r, err := types.AddTimestamp(v, a)
	switch {
	case err == nil:
		return r
	case a.Months < 0 || a.Days < 0 || a.Micros < 0:
		return types.TimestampNegInf
	}
	return types.TimestampInf
}

const (
	day = types.MicrosPerDay
	// monthMean is the mean length of a month; monthsOff bounds by how much any number
	// of months differs from as many of them.
	monthMean = 2_629_746 * types.MicrosPerSecond
	monthsOff = 8 * day
	// zoneOff bounds the offset of a zone, and twice the change of one.
	zoneOff = 50 * types.MicrosPerHour
)

// within bounds the distance of the clock's value from the time: lo <= At(n)-n <= hi.
func (c *Clock) within() (lo, hi int64) {
	for i := range c.Steps {
		op := &c.Steps[i]
		switch op.Step {
		case ClockLocal, ClockInstant:
			lo, hi = saturate(lo, -zoneOff), saturate(hi, zoneOff)
		case ClockAdd, ClockAddInstant:
			a := c.Add[i]
			d := saturate(int64(a.Days)*day, a.Micros)
			if m := int64(a.Months); m != 0 {
				d = saturate(d, max(min(m, 1<<20), -1<<20)*monthMean)
			}
			lo, hi = saturate(lo, d), saturate(hi, d)
			if a.Months != 0 || a.Days != 0 {
				lo, hi = saturate(lo, -monthsOff), saturate(hi, monthsOff)
			}
		case ClockDate, ClockTrunc, ClockTruncInstant:
			lo = saturate(lo, -unitWidth(op)-zoneOff)
			hi = saturate(hi, zoneOff)
		}
	}
	return lo, hi
}

// unitWidth bounds how much a step cuts off.
func unitWidth(op *ClockOp) int64 {
	if op.Step == ClockDate {
		return day
	}
	switch op.Unit {
	case types.UnitWeek:
		return 7 * day
	case types.UnitMonth:
		return 31 * day
	case types.UnitQuarter:
		return 92 * day
	case types.UnitYear:
		return 366 * day
	}
	return day
}

// Never is the time of a change that does not come.
const Never = math.MaxInt64

// Holds tells whether the clock's value stands in the comparison with bound at time n,
// and the first time after n at which that changes.
func (c *Clock) Holds(n int64, cmp Compare, bound int64) (holds bool, change int64) {
	if types.IsInfTimestamp(bound) {
		return cmp.holds(0, bound), Never
	}
	holds = cmp.holds(c.At(n), bound)
	lo, hi := c.within()
	// Before bound-hi the value is below the bound, after bound-lo above it.
	last := saturate(saturate(bound, negated(lo)), 1)
	if n >= last {
		return holds, Never
	}
	for a := max(n, saturate(saturate(bound, negated(hi)), -1)); a <= last; {
		b := c.nextBreak(a)
		if cmp.holds(c.At(b-1), bound) != holds {
			return holds, c.flip(a, b-1, cmp, bound, holds)
		}
		if cmp.holds(c.At(b), bound) != holds {
			return holds, b
		}
		a = b
	}
	return holds, Never
}

// negated is -v, where that is a number.
func negated(v int64) int64 {
	if v == math.MinInt64 {
		return math.MaxInt64
	}
	return -v
}

// flip finds the first time in (a, b] at which the comparison is not as at a. Within the
// range it changes once.
func (c *Clock) flip(a, b int64, cmp Compare, bound int64, as bool) int64 {
	for b-a > 1 {
		if m := a + (b-a)/2; cmp.holds(c.At(m), bound) == as {
			a = m
		} else {
			b = m
		}
	}
	return b
}

// nextBreak returns the first time after n at which the clock's value may do anything
// but rise evenly, a day later at the latest.
func (c *Clock) nextBreak(n int64) int64 {
	next := n + day
	v := n
	// edge is the time at which the value v of a step has risen by so much.
	edge := func(by int64) {
		if by > 0 && by < next-n {
			next = n + by
		}
	}
	for i := range c.Steps {
		op := &c.Steps[i]
		if types.IsInfTimestamp(v) {
			break
		}
		flat := false
		switch op.Step {
		case ClockLocal:
			zoneEdges(v, op.Zone, edge)
		case ClockInstant:
			wallEdges(v, op.Zone, edge)
		case ClockAdd:
			if c.Add[i].Months != 0 {
				edge(toMidnight(v))
			}
		case ClockAddInstant:
			if a := c.Add[i]; a.Months != 0 || a.Days != 0 {
				zoneEdges(v, op.Zone, edge)
				local := types.UTCToLocal(v, op.Zone)
				edge(toMidnight(local))
				wallEdges(added(local, types.Interval{Months: a.Months, Days: a.Days}), op.Zone, edge)
			}
		case ClockDate, ClockTrunc:
			edge(toMidnight(v))
			flat = op.Step == ClockDate || op.Unit >= types.UnitDay
		case ClockTruncInstant:
			zoneEdges(v, op.Zone, edge)
			edge(toMidnight(types.UTCToLocal(v, op.Zone)))
			flat = op.Unit >= types.UnitDay
		}
		if flat {
			break // what follows stands still until then
		}
		v = c.step(i, v)
	}
	return next
}

func toMidnight(v int64) int64 {
	d, _ := types.TruncTimestamp(types.UnitDay, v)
	return d + day - v
}

// zoneEdges tells how far it is from instant v to the next change of the zone's offset.
func zoneEdges(v int64, z *time.Location, edge func(by int64)) {
	if z == nil || z == time.UTC {
		return
	}
	if _, end := timeOf(v, z).ZoneBounds(); !end.IsZero() {
		edge(microsOf(end) - v)
	}
}

// wallEdges tells how far it is from wall clock v to where the zone skips or repeats.
func wallEdges(v int64, z *time.Location, edge func(by int64)) {
	if z == nil || z == time.UTC || types.IsInfTimestamp(v) {
		return
	}
	start, end := timeOf(types.LocalToUTC(v, z)-day, z).ZoneBounds()
	for range 3 {
		if !start.IsZero() {
			t := microsOf(start)
			edge(types.UTCToLocal(t-1, z) + 1 - v)
			edge(types.UTCToLocal(t, z) - v)
		}
		if end.IsZero() {
			return
		}
		start, end = end.ZoneBounds()
	}
}

// unixEpoch is 1970-01-01 in seconds since 2000-01-01.
const unixEpoch = int64(UnixEpoch) / types.MicrosPerSecond

func timeOf(us int64, z *time.Location) time.Time {
	sec := us / types.MicrosPerSecond
	if us < 0 && us%types.MicrosPerSecond != 0 {
		sec--
	}
	return time.Unix(sec-unixEpoch, 0).In(z)
}

func microsOf(t time.Time) int64 { return (t.Unix() + unixEpoch) * types.MicrosPerSecond }
