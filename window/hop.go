package window

// UnixEpoch is 1970-01-01 in microseconds since 2000-01-01: windows are aligned to it.
const UnixEpoch = -946684800 * 1_000_000

// Hop is a hopping window: windows of Size start every Slide, at Offset. A tumbling
// window has Slide == Size. All are microseconds.
//
//	Slide 2, Size 6, time 5:      [0,6) [2,8) [4,10)
type Hop struct{ Slide, Size, Offset int64 }

// LastStart returns the start of the latest window that starts at or before t.
func (h Hop) LastStart(t int64) int64 {
	origin := int64(UnixEpoch) + h.Offset
	d := (t - origin) % h.Slide
	if d < 0 {
		d += h.Slide
	}
	return t - d
}

// FirstStart returns the start of the earliest window that holds t or, where windows
// leave gaps (Size < Slide) and none does, of the next one.
func (h Hop) FirstStart(t int64) int64 {
	// The earliest start s on the grid with s + Size > t.
	return h.LastStart(t-h.Size) + h.Slide
}

// Windows returns the number of windows that hold a time, at most.
func (h Hop) Windows() int64 { return (h.Size + h.Slide - 1) / h.Slide }

// Pane returns the width of the widest panes of which every window is made: the
// greatest common divisor of Slide and Size.
func (h Hop) Pane() int64 {
	return gcd(h.Slide, h.Size)
}
