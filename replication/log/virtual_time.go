package log

import (
	"sync/atomic"
	"time"
)

// VirtualTime is a TimeSource that stands still until it is moved: for tests of what time
// does. Its wall clock and its monotonic one move together.
type VirtualTime struct {
	start int64
	at    atomic.Int64 // µs since 2000-01-01 UTC
}

// NewVirtualTime starts at a time, µs since 2000-01-01 UTC.
func NewVirtualTime(start int64) *VirtualTime {
	v := &VirtualTime{start: start}
	v.at.Store(start)
	return v
}

// Micros is the time, µs since 2000-01-01 UTC.
func (v *VirtualTime) Micros() int64 { return v.at.Load() }

// Advance moves the time on to a later one and reports whether it is one: time never goes
// back.
func (v *VirtualTime) Advance(to int64) bool {
	for {
		at := v.at.Load()
		if to < at {
			return false
		}
		if v.at.CompareAndSwap(at, to) {
			return true
		}
	}
}

// Wall implements TimeSource.
func (v *VirtualTime) Wall() time.Time { return TimeOf(v.at.Load()) }

// Monotonic implements TimeSource.
func (v *VirtualTime) Monotonic() time.Duration {
	return time.Duration(v.at.Load()-v.start) * time.Microsecond
}
