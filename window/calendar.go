package window

import (
	"fmt"
	"time"

	"streamdb/sql/types"
)

// Calendar is the lengths of windows that have no fixed number of microseconds: days
// where a time zone may change its clocks, months and years. Days and months begin at
// midnight of the zone, or at the window's offset from it. Of Size and Slide each is a
// number of months, of days, or (the slide of a cumulating window only) of microseconds.
//
// Days are aligned to 1970-01-01, months to January 1970: quarters and years begin where
// one expects them to.
type Calendar struct {
	SizeMonths   int64 `json:"size_months,omitempty"`
	SizeDays     int64 `json:"size_days,omitempty"`
	SlideMonths  int64 `json:"slide_months,omitempty"`
	SlideDays    int64 `json:"slide_days,omitempty"`
	OffsetMonths int64 `json:"offset_months,omitempty"`
	OffsetDays   int64 `json:"offset_days,omitempty"`
	// Zone is the time zone's name, empty for timestamps without one.
	Zone string `json:"zone,omitempty"`
}

// units is a calendar's days or months, counted from 1970 and beginning shift later
// than midnight in the zone.
type units struct {
	months bool
	shift  int64 // µs
	loc    *time.Location

	// The unit found last: most times are near each other.
	known     bool
	last      int64
	from, end int64 // its bounds
}

const microsPerDay = 86_400_000_000

// at returns the instant at which unit i begins: the first one at which the clocks of
// the zone show its beginning or, where they skip it, something later.
func (u *units) at(i int64) int64 {
	local := u.local(i)
	if u.loc == nil || u.loc == time.UTC {
		return local
	}
	before, after := local-types.UTCToLocal(local-microsPerDay, u.loc)+local-microsPerDay, local-types.UTCToLocal(local+microsPerDay, u.loc)+local+microsPerDay
	if before == after || types.UTCToLocal(before, u.loc) == local {
		return before
	}
	if types.UTCToLocal(after, u.loc) == local {
		return after
	}
	// Between them the clocks jump over it.
	lo, hi := min(before, after), max(before, after)
	for lo < hi {
		if m := lo + (hi-lo)/2; types.UTCToLocal(m, u.loc) < local {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// local returns what the clocks show when unit i begins.
func (u *units) local(i int64) int64 {
	if !u.months {
		return UnixEpoch + i*microsPerDay + u.shift
	}
	t := time.Date(1970, time.Month(1+i), 1, 0, 0, 0, 0, time.UTC)
	return UnixEpoch + t.Unix()*1_000_000 + u.shift
}

// index returns the unit that holds t: at(index) <= t < at(index + 1).
func (u *units) index(t int64) int64 {
	if u.known && t >= u.from && t < u.end {
		return u.last
	}
	i := u.near(types.UTCToLocal(t, u.loc) - u.shift - UnixEpoch)
	for u.at(i) > t {
		i--
	}
	for u.at(i+1) <= t {
		i++
	}
	u.known, u.last, u.from, u.end = true, i, u.at(i), u.at(i+1)
	return i
}

// near returns the unit of a local time, µs since 1970.
func (u *units) near(local int64) int64 {
	if !u.months {
		return floorDiv(local, microsPerDay)
	}
	t := time.Unix(floorDiv(local, 1_000_000), 0).UTC()
	return int64(t.Year()-1970)*12 + int64(t.Month()) - 1
}

// zone finds the calendar's time zone.
func (c *Calendar) zone() (*time.Location, error) {
	if c.Zone == "" {
		return time.UTC, nil
	}
	loc, err := types.LoadZone(c.Zone)
	if err != nil {
		return nil, fmt.Errorf("time zone of a window: %w", err)
	}
	return loc, nil
}
