package types

import (
	"math"
	"math/bits"

	"streamdb/sql/sqlerr"
)

func errIntervalRange() error {
	return sqlerr.New(sqlerr.DatetimeFieldOverflow, "interval out of range")
}

// CoerceInterval keeps only the fields of an interval typmod and rounds to its
// precision.
func CoerceInterval(v Interval, typmod int32) (Interval, error) {
	if typmod < 0 {
		return v, nil
	}
	cut := func(unit int64) { v.Micros = v.Micros / unit * unit }
	switch typmod >> 16 & fieldsFull {
	case FieldYear:
		v = Interval{Months: v.Months / 12 * 12}
	case FieldMonth, FieldYear | FieldMonth:
		v = Interval{Months: v.Months}
	case FieldDay:
		v.Micros = 0
	case FieldHour, FieldDay | FieldHour:
		cut(MicrosPerHour)
	case FieldMinute, FieldDay | FieldHour | FieldMinute, FieldHour | FieldMinute:
		cut(MicrosPerMinute)
	}
	if p := typmod & precFull; p != precFull && p < 6 {
		if abs64(v.Micros) > math.MaxInt64-MicrosPerSecond {
			return Interval{}, errIntervalRange()
		}
		v.Micros = roundMicros(v.Micros, p)
	}
	return v, nil
}

// span128 returns the normalised length of v in microseconds as a 128-bit number:
// months of 30 days, days of 24 hours.
func (v Interval) span128() (hi int64, lo uint64) {
	days := int64(v.Months)*30 + int64(v.Days)
	uh, ul := bits.Mul64(abs64(days), MicrosPerDay)
	if days < 0 {
		ul = -ul
		uh = ^uh
		if ul == 0 {
			uh++
		}
	}
	lo, c := bits.Add64(ul, uint64(v.Micros), 0)
	h, _ := bits.Add64(uh, uint64(v.Micros>>63), c)
	return int64(h), lo
}

// CmpInterval compares by normalised length: -1, 0 or +1.
func CmpInterval(a, b Interval) int {
	ah, al := a.span128()
	bh, bl := b.span128()
	if ah != bh {
		return cmpOrdered(ah, bh)
	}
	return cmpOrdered(al, bl)
}

// NormalizeInterval returns the form in which intervals equal in SQL are identical:
// time below a day, days below a month, all of one sign.
func NormalizeInterval(v Interval) Interval {
	hi, lo := v.span128()
	neg := hi < 0
	uh := uint64(hi)
	if neg {
		lo = -lo
		uh = ^uh
		if lo == 0 {
			uh++
		}
	}
	days, us := bits.Div64(uh, lo, MicrosPerDay)
	r := Interval{Micros: int64(us), Days: int32(days % 30)}
	months := days / 30
	if months > math.MaxInt32 { // months stay, the rest goes to days
		r.Days = int32(min(days-math.MaxInt32*30, math.MaxInt32))
		months = math.MaxInt32
	}
	r.Months = int32(months)
	if neg {
		r = Interval{-r.Micros, -r.Days, -r.Months}
	}
	return r
}

func add32(a, b int32) (int32, bool) {
	s := int64(a) + int64(b)
	return int32(s), s == int64(int32(s))
}

// AddInterval returns a + b.
func AddInterval(a, b Interval) (Interval, error) {
	m, ok1 := add32(a.Months, b.Months)
	d, ok2 := add32(a.Days, b.Days)
	us, ok3 := add64(a.Micros, b.Micros)
	if !ok1 || !ok2 || !ok3 {
		return Interval{}, errIntervalRange()
	}
	return Interval{us, d, m}, nil
}

// NegInterval returns -v.
func NegInterval(v Interval) (Interval, error) {
	if v.Micros == math.MinInt64 || v.Days == math.MinInt32 || v.Months == math.MinInt32 {
		return Interval{}, errIntervalRange()
	}
	return Interval{-v.Micros, -v.Days, -v.Months}, nil
}

// SubInterval returns a - b.
func SubInterval(a, b Interval) (Interval, error) {
	n, err := NegInterval(b)
	if err != nil {
		return Interval{}, err
	}
	return AddInterval(a, n)
}

// MulInterval returns v × f; fractions of months go to days, of days to time.
func MulInterval(v Interval, f float64) (Interval, error) {
	return scaleInterval(float64(v.Months)*f, float64(v.Days)*f, float64(v.Micros)*f)
}

// DivInterval returns v / f.
func DivInterval(v Interval, f float64) (Interval, error) {
	if f == 0 {
		return Interval{}, errDivZero()
	}
	return scaleInterval(float64(v.Months)/f, float64(v.Days)/f, float64(v.Micros)/f)
}

// roundSub is PostgreSQL's TSROUND: six digits behind the point.
func roundSub(f float64) float64 { return math.RoundToEven(f*1e6) / 1e6 }

// scaleInterval spreads the fractions of scaled months and days.
func scaleInterval(months, days, micros float64) (Interval, error) {
	if math.IsNaN(months) || math.Abs(months) > math.MaxInt32 || math.IsNaN(days) || math.Abs(days) > math.MaxInt32 {
		return Interval{}, errIntervalRange()
	}
	r := Interval{Months: int32(months), Days: int32(days)}
	monthDays := roundSub((months - float64(r.Months)) * 30)
	secs := (days - float64(r.Days) + monthDays - math.Trunc(monthDays)) * 86400
	secs = roundSub(secs)
	if math.Abs(secs) >= 86400 {
		r.Days += int32(secs / 86400)
		secs -= float64(int64(secs/86400)) * 86400
	}
	d, ok := add32(r.Days, int32(monthDays))
	us := math.RoundToEven(micros + secs*1e6)
	if !ok || !(us >= math.MinInt64 && us < math.MaxInt64) {
		return Interval{}, errIntervalRange()
	}
	r.Days, r.Micros = d, int64(us)
	return r, nil
}

// JustifyHours moves whole 24-hour days from the time part to days.
func JustifyHours(v Interval) (Interval, error) {
	d := v.Micros / MicrosPerDay
	v.Micros -= d * MicrosPerDay
	days := int64(v.Days) + d
	if v.Days = int32(days); days != int64(v.Days) {
		return Interval{}, errIntervalRange()
	}
	switch {
	case v.Days > 0 && v.Micros < 0:
		v.Micros += MicrosPerDay
		v.Days--
	case v.Days < 0 && v.Micros > 0:
		v.Micros -= MicrosPerDay
		v.Days++
	}
	return v, nil
}

// JustifyDays moves whole 30-day months from days to months.
func JustifyDays(v Interval) (Interval, error) {
	m, ok := add32(v.Months, v.Days/30)
	if !ok {
		return Interval{}, errIntervalRange()
	}
	v.Months, v.Days = m, v.Days%30
	switch {
	case v.Months > 0 && v.Days < 0:
		v.Days += 30
		v.Months--
	case v.Months < 0 && v.Days > 0:
		v.Days -= 30
		v.Months++
	}
	return v, nil
}

// JustifyInterval does both and gives all parts one sign.
func JustifyInterval(v Interval) (Interval, error) {
	d := v.Micros / MicrosPerDay
	us := v.Micros - d*MicrosPerDay
	days := int64(v.Days) + d
	months := int64(v.Months) + days/30
	days %= 30
	if months > 0 && (days < 0 || (days == 0 && us < 0)) {
		days += 30
		months--
	} else if months < 0 && (days > 0 || (days == 0 && us > 0)) {
		days -= 30
		months++
	}
	if days > 0 && us < 0 {
		us += MicrosPerDay
		days--
	} else if days < 0 && us > 0 {
		us -= MicrosPerDay
		days++
	}
	if months != int64(int32(months)) {
		return Interval{}, errIntervalRange()
	}
	return Interval{us, int32(days), int32(months)}, nil
}
