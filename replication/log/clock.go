package log

import (
	"sync"
	"time"
)

// Microseconds of 2000-01-01 UTC since the Unix epoch: where our time begins.
const epoch2000 = 946684800 * int64(time.Second/time.Microsecond)

// TimeSource is where a Clock looks. Tests give their own.
type TimeSource interface {
	// Wall is the wall clock. It may step.
	Wall() time.Time
	// Monotonic is the time since some fixed moment. It never goes back.
	Monotonic() time.Duration
}

// SystemTime is the machine's clock.
func SystemTime() TimeSource { return &systemTime{start: time.Now()} }

type systemTime struct{ start time.Time }

func (s *systemTime) Wall() time.Time          { return time.Now().Round(0) }
func (s *systemTime) Monotonic() time.Duration { return time.Since(s.start) }

// slewDivisor bounds how fast the clock follows a stepped wall clock: by one part in this many, so that a step of an
// hour is worked off in 20 hours. Windows by processing time stretch by at most 5 %; with the 0.05 % of adjtime a wrong
// hour would stay for months.
const slewDivisor = 20

// Clock gives the times of log entries on the node that leads: strictly rising, near the wall clock, never stepping.
//
// At takeover it starts at max(last entry's time, wall clock) and from there on adds the monotonic clock. When the
// wall clock steps later, the difference is worked off gradually (see slewDivisor):
//
//	wall       12:00:00 … 12:00:10 | stepped to 13:00:10 … 13:00:30
//	this clock 12:00:00 … 12:00:10 |            12:00:10 … 12:00:31
//
// A clock is used by one leader for one term.
type Clock struct {
	src TimeSource

	mu       sync.Mutex
	current  int64         // µs since 2000-01-01, before strictness is enforced. Guarded by mu.
	lastMono time.Duration // Monotonic reading at which current was right. Guarded by mu.
	slewable int64         // µs gone by that slewing has not used yet. Invariant: < slewDivisor when unlocked.
	issued   int64         // Greatest time given out. Guarded by mu.
}

// NewClock starts a clock above last, the time of the last entry (0 if there is none).
func NewClock(src TimeSource, last int64) *Clock {
	c := &Clock{src: src, lastMono: src.Monotonic(), issued: last}
	c.current = max(last, MicrosOf(src.Wall()))
	return c
}

// Next returns a time above every time it returned before.
func (c *Clock) Next() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.issued = max(c.issued+1, c.advanceLocked())
	return c.issued
}

// Observe tells of a time that another clock has issued: what this one issues and shows is not below it.
func (c *Clock) Observe(t int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.issued = max(c.issued, t)
}

// Now reads the clock without issuing the time. The next issued time is above it or equal to it.
func (c *Clock) Now() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(c.issued, c.advanceLocked())
}

// advanceLocked moves current by what the monotonic clock says, and towards the wall clock by a slewDivisor-th of it.
func (c *Clock) advanceLocked() int64 {
	mono := c.src.Monotonic()
	elapsed := int64((mono - c.lastMono) / time.Microsecond)
	if elapsed <= 0 {
		return c.current
	}
	// Whole microseconds only, so that rounding does not eat time when called often.
	c.lastMono += time.Duration(elapsed) * time.Microsecond
	c.current += elapsed
	c.slewable += elapsed
	limit := c.slewable / slewDivisor
	c.slewable %= slewDivisor
	c.current += min(max(MicrosOf(c.src.Wall())-c.current, -limit), limit)
	return c.current
}

// MicrosOf converts to microseconds since 2000-01-01 UTC.
func MicrosOf(t time.Time) int64 { return t.UnixMicro() - epoch2000 }

// TimeOf converts from microseconds since 2000-01-01 UTC.
func TimeOf(micros int64) time.Time { return time.UnixMicro(micros + epoch2000).UTC() }
