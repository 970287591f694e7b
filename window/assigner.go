package window

// Bounds is a window: [Start, End).
type Bounds struct{ Start, End int64 }

// Spec is a tumbling, hopping or cumulating window.
//
//	TUMBLE     slide == size                     [0,6) [6,12)
//	HOP        windows start every slide         [0,6) [2,8) [4,10)
//	CUMULATE   windows grow by slide up to size  [0,2) [0,4) [0,6)  [6,8) [6,10) [6,12)
type Spec struct {
	// Hop is the lengths in microseconds; those that Calendar gives are 0 there.
	Hop
	// Cumulate says that windows of one start grow by Slide until they are Size long.
	Cumulate bool
	// Calendar is the lengths that are days of a time zone or months, nil if none is.
	Calendar *Calendar
}

// Assigner finds the windows of times. Times are divided into panes, the widest
// stretches of which every window is made: the times of one pane lie in the same windows.
// An Assigner remembers what it found last and serves one goroutine.
type Assigner struct {
	spec Spec
	pane int64 // width of panes of fixed length

	// Of calendar windows: the units of the size, those of a cumulating window's slide, and
	// how many units a pane has.
	size, step *units
	units      int64

	// The cumulation period and the pane found last.
	period Bounds
	last   Bounds
}

// New makes the Assigner of s, whose lengths are positive and fit each other. It fails only where s names
// an unknown time zone.
func New(s Spec) (*Assigner, error) {
	a := &Assigner{spec: s, pane: s.Hop.Slide}
	c := s.Calendar
	if c == nil {
		if !s.Cumulate {
			a.pane = s.Hop.Pane()
		}
		return a, nil
	}
	loc, err := c.zone()
	if err != nil {
		return nil, err
	}
	days := &units{shift: s.Offset, loc: loc}
	a.size = days
	if c.SizeMonths > 0 {
		a.size = &units{months: true, shift: s.Offset + c.OffsetDays*microsPerDay, loc: loc}
	}
	if s.Cumulate {
		switch {
		case c.SlideMonths > 0:
			a.step = a.size
		case c.SlideDays > 0:
			// The days of a month that begins on day 10 begin as it does.
			a.step = days
		}
		return a, nil
	}
	a.units = gcd(max(c.SizeMonths, c.SizeDays), max(c.SlideMonths, c.SlideDays))
	return a, nil
}

// Plain reports whether all windows are those of Hop: of fixed length and hopping.
func (a *Assigner) Plain() bool { return a.spec.Calendar == nil && !a.spec.Cumulate }

// Hop returns the fixed lengths.
func (a *Assigner) Hop() Hop { return a.spec.Hop }

// Pane returns the start of the pane that holds t.
func (a *Assigner) Pane(t int64) int64 {
	if t >= a.last.Start && t < a.last.End {
		return a.last.Start
	}
	switch {
	case a.spec.Cumulate:
		a.last = a.cumulatePane(t)
	case a.size != nil:
		i := alignDown(a.size.index(t), a.units, a.offsetUnits())
		a.last = Bounds{a.size.at(i), a.size.at(i + a.units)}
	default:
		s := Hop{Slide: a.pane, Size: a.pane, Offset: a.spec.Offset}.LastStart(t)
		a.last = Bounds{s, s + a.pane}
	}
	return a.last.Start
}

// Windows appends to dst the windows that hold time t, by ascending start and end.
func (a *Assigner) Windows(t int64, dst []Bounds) []Bounds {
	switch {
	case a.spec.Cumulate:
		return a.cumulated(t, dst)
	case a.size != nil:
		return a.calendarWindows(t, dst)
	}
	h := a.spec.Hop
	for s := h.FirstStart(t); s <= t; s += h.Slide {
		dst = append(dst, Bounds{s, s + h.Size})
	}
	return dst
}

// First returns the earliest start and the earliest end of all windows that hold t or a
// later time.
func (a *Assigner) First(t int64) Bounds {
	if a.spec.Cumulate {
		p := a.cumulatePane(t)
		return Bounds{a.period.Start, p.End}
	}
	if a.size == nil {
		s := a.spec.FirstStart(t)
		return Bounds{s, s + a.spec.Size}
	}
	c := a.spec.Calendar
	slide, size := max(c.SlideMonths, c.SlideDays), max(c.SizeMonths, c.SizeDays)
	i := a.size.index(t)
	s := alignDown(i-size, slide, a.offsetUnits()) + slide
	return Bounds{a.size.at(s), a.size.at(s + size)}
}

// offsetUnits is the units by which calendar windows are shifted from the common
// alignment.
func (a *Assigner) offsetUnits() int64 {
	if a.size.months {
		return a.spec.Calendar.OffsetMonths
	}
	return a.spec.Calendar.OffsetDays
}

// alignDown returns the greatest multiple of n, shifted by offset, up to i.
func alignDown(i, n, offset int64) int64 { return floorDiv(i-offset, n)*n + offset }

// calendarWindows appends the hopping windows of t.
func (a *Assigner) calendarWindows(t int64, dst []Bounds) []Bounds {
	c := a.spec.Calendar
	slide, size := max(c.SlideMonths, c.SlideDays), max(c.SizeMonths, c.SizeDays)
	i := a.size.index(t)
	for s := alignDown(i-size, slide, a.offsetUnits()) + slide; s <= i; s += slide {
		dst = append(dst, Bounds{a.size.at(s), a.size.at(s + size)})
	}
	return dst
}

// cumulatePeriod finds the longest window that holds t and keeps it in period.
func (a *Assigner) cumulatePeriod(t int64) {
	if t >= a.period.Start && t < a.period.End {
		return
	}
	if a.size == nil {
		s := Hop{Slide: a.spec.Size, Size: a.spec.Size, Offset: a.spec.Offset}.LastStart(t)
		a.period = Bounds{s, s + a.spec.Size}
		return
	}
	n := max(a.spec.Calendar.SizeMonths, a.spec.Calendar.SizeDays)
	i := alignDown(a.size.index(t), n, a.offsetUnits())
	a.period = Bounds{a.size.at(i), a.size.at(i + n)}
}

// cumulatePane returns the step of the period that holds t.
func (a *Assigner) cumulatePane(t int64) Bounds {
	a.cumulatePeriod(t)
	if a.step == nil {
		s := t - (t-a.period.Start)%a.spec.Slide
		return Bounds{s, min(s+a.spec.Slide, a.period.End)}
	}
	n := a.stepUnits()
	first := a.step.index(a.period.Start)
	i := first + floorDiv(a.step.index(t)-first, n)*n
	return Bounds{a.step.at(i), min(a.step.at(i+n), a.period.End)}
}

func (a *Assigner) stepUnits() int64 {
	return max(a.spec.Calendar.SlideMonths, a.spec.Calendar.SlideDays)
}

// cumulated appends the growing windows of t's period that hold t.
func (a *Assigner) cumulated(t int64, dst []Bounds) []Bounds {
	p := a.cumulatePane(t)
	start, last := a.period.Start, a.period.End
	if a.step == nil {
		for end := p.Start + a.spec.Slide; end < last; end += a.spec.Slide {
			dst = append(dst, Bounds{start, end})
		}
		return append(dst, Bounds{start, last})
	}
	n := a.stepUnits()
	for i := a.step.index(p.Start) + n; ; i += n {
		end := a.step.at(i)
		if end >= last {
			return append(dst, Bounds{start, last})
		}
		dst = append(dst, Bounds{start, end})
	}
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
