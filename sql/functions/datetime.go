package functions

import (
	"time"

	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// datetimeOps is the operators on dates, times and intervals.
func datetimeOps() []*Function {
	return []*Function{
		scalar("+", "date,int4->date", dateAddInt(0, 1, 1)), scalar("+", "int4,date->date", dateAddInt(1, 0, 1)),
		scalar("-", "date,int4->date", dateAddInt(0, 1, -1)),
		scalar("-", "date,date->int4", int2Fn(types.SubDate)),
		scalar("+", "date,interval->timestamp", dateInterval(0, 1, false)), scalar("+", "interval,date->timestamp", dateInterval(1, 0, false)),
		scalar("-", "date,interval->timestamp", dateInterval(0, 1, true)),
		scalar("+", "date,time->timestamp", dateTime(0, 1)), scalar("+", "time,date->timestamp", dateTime(1, 0)),
		scalar("+", "timestamp,interval->timestamp", tsInterval(0, 1, false)), scalar("+", "interval,timestamp->timestamp", tsInterval(1, 0, false)),
		scalar("-", "timestamp,interval->timestamp", tsInterval(0, 1, true)),
		scalar("+", "timestamptz,interval->timestamptz", tsInterval(0, 1, false)).stable(),
		scalar("+", "interval,timestamptz->timestamptz", tsInterval(1, 0, false)).stable(),
		scalar("-", "timestamptz,interval->timestamptz", tsInterval(0, 1, true)).stable(),
		scalar("-", "timestamp,timestamp->interval", ivlOfInts(types.SubTimestamp)),
		scalar("-", "timestamptz,timestamptz->interval", ivlOfInts(types.SubTimestamp)),
		scalar("+", "time,interval->time", timeInterval(0, 1, false)), scalar("+", "interval,time->time", timeInterval(1, 0, false)),
		scalar("-", "time,interval->time", timeInterval(0, 1, true)),
		scalar("-", "time,time->interval", ivlOfInts(func(a, b int64) (types.Interval, error) { return types.Interval{Micros: a - b}, nil })),
		scalar("+", "interval,interval->interval", ivl2Fn(types.AddInterval)), scalar("-", "interval,interval->interval", ivl2Fn(types.SubInterval)),
		scalar("-", "interval->interval", ivlFn(types.NegInterval)),
		scalar("*", "interval,float8->interval", ivlFloat(0, 1, types.MulInterval)),
		scalar("*", "float8,interval->interval", ivlFloat(1, 0, types.MulInterval)),
		scalar("/", "interval,float8->interval", ivlFloat(0, 1, types.DivInterval)),
	}
}

// zone returns the session's time zone.
func (c *Call) zone() *time.Location {
	if z := c.settings().TimeZone; z != nil {
		return z
	}
	return time.UTC
}

func (c *Call) ivls(arg int) vec[types.Interval] { return newVec(c.Args[arg].Ivls) }

// int2Fn makes a kernel of two arguments and a result of class Int.
func int2Fn(f func(a, b int64) (int64, error)) Kernel {
	return func(c *Call) {
		a, b := c.ints(0), c.ints(1)
		each(c, c.Out.Ints, func(i int) (int64, error) { return f(a.at(i), b.at(i)) })
	}
}

func dateAddInt(date, n int, sign int64) Kernel {
	return func(c *Call) {
		a, b := c.ints(date), c.ints(n)
		each(c, c.Out.Ints, func(i int) (int64, error) { return types.AddDate(a.at(i), sign*b.at(i)) })
	}
}

func dateInterval(date, ivl int, neg bool) Kernel {
	return func(c *Call) {
		a, b := c.ints(date), c.ivls(ivl)
		each(c, c.Out.Ints, func(i int) (int64, error) {
			ts, err := types.DateToTimestamp(a.at(i))
			if err != nil {
				return 0, err
			}
			return addInterval(ts, b.at(i), neg, nil)
		})
	}
}

// addInterval adds to a timestamp, or to an instant if loc is given.
func addInterval(ts int64, v types.Interval, neg bool, loc *time.Location) (int64, error) {
	if neg {
		var err error
		if v, err = types.NegInterval(v); err != nil {
			return 0, err
		}
	}
	if loc != nil {
		return types.AddTimestampTZ(ts, v, loc)
	}
	return types.AddTimestamp(ts, v)
}

func dateTime(date, tm int) Kernel {
	return func(c *Call) {
		a, b := c.ints(date), c.ints(tm)
		each(c, c.Out.Ints, func(i int) (int64, error) {
			ts, err := types.DateToTimestamp(a.at(i))
			if err != nil || types.IsInfTimestamp(ts) {
				return ts, err
			}
			return types.AddTimestamp(ts, types.Interval{Micros: b.at(i)})
		})
	}
}

func tsInterval(ts, ivl int, neg bool) Kernel {
	return func(c *Call) {
		a, b, out := c.ints(ts), c.ivls(ivl), c.Out.Ints
		var loc *time.Location
		if c.Out.Type.Kind == types.KindTimestampTZ {
			loc = c.zone()
		}
		if len(b.s) == 1 && b.s[0].Months == 0 && b.s[0].Days == 0 {
			addMicros(c, a, b.s[0], neg, out)
			return
		}
		each(c, out, func(i int) (int64, error) { return addInterval(a.at(i), b.at(i), neg, loc) })
	}
}

// addMicros is the usual case of a constant interval without months and days.
func addMicros(c *Call, a vec[int64], v types.Interval, neg bool, out []int64) {
	d := v.Micros
	if neg {
		d = -d
	}
	for i := range out {
		x := a.at(i)
		r := x + d
		if (x^r)&(d^r) < 0 || !types.ValidTimestamp(r) || !types.ValidTimestamp(x) {
			if c.Skip.Get(i) {
				continue
			}
			var err error
			if r, err = addInterval(x, v, neg, nil); err != nil {
				c.Fail(i, err)
			}
		}
		out[i] = r
	}
}

func timeInterval(tm, ivl int, neg bool) Kernel {
	return func(c *Call) {
		a, b := c.ints(tm), c.ivls(ivl)
		each(c, c.Out.Ints, func(i int) (int64, error) {
			v := b.at(i)
			if neg {
				v.Micros = -v.Micros
			}
			return types.AddTime(a.at(i), v), nil
		})
	}
}

func ivlOfInts(f func(a, b int64) (types.Interval, error)) Kernel {
	return func(c *Call) {
		a, b := c.ints(0), c.ints(1)
		each(c, c.Out.Ivls, func(i int) (types.Interval, error) { return f(a.at(i), b.at(i)) })
	}
}

func ivlFn(f func(types.Interval) (types.Interval, error)) Kernel {
	return func(c *Call) {
		a := c.ivls(0)
		each(c, c.Out.Ivls, func(i int) (types.Interval, error) { return f(a.at(i)) })
	}
}

func ivl2Fn(f func(a, b types.Interval) (types.Interval, error)) Kernel {
	return func(c *Call) {
		a, b := c.ivls(0), c.ivls(1)
		each(c, c.Out.Ivls, func(i int) (types.Interval, error) { return f(a.at(i), b.at(i)) })
	}
}

func ivlFloat(ivl, num int, f func(types.Interval, float64) (types.Interval, error)) Kernel {
	return func(c *Call) {
		a, b := c.ivls(ivl), c.floats(num)
		each(c, c.Out.Ivls, func(i int) (types.Interval, error) { return f(a.at(i), b.at(i)) })
	}
}

// datetimeFuncs is the functions on dates, times and intervals, but for formatting.
func datetimeFuncs() []*Function {
	fs := append(datetimeOps(), clockFuncs()...)
	fs = append(fs, extractFuncs()...)
	for _, t := range []string{"timestamp", "timestamptz"} {
		sig2 := t + "," + t + "->interval"
		f2, f1 := scalar("age", sig2, ageOf), scalar("age", t+"->interval", ageOf).stable()
		f3 := scalar("date_bin", "interval,"+t+","+t+"->"+t, dateBin)
		fs = append(fs, f2, f1, f3)
		for _, z := range []string{"text", "interval"} {
			to := "timestamptz"
			if t == to {
				to = "timestamp"
			}
			fs = append(fs, scalar("timezone", z+","+t+"->"+to, timezoneFn))
		}
	}
	for _, t := range []string{"date", "timestamp", "timestamptz"} {
		fs = append(fs, scalar("isfinite", t+"->bool", isFinite))
	}
	fs = append(fs, scalar("isfinite", "interval->bool", func(c *Call) {
		for i := range c.Out.Bools {
			c.Out.Bools[i] = true
		}
	}))
	fs = append(fs, makeFuncs()...)
	fs = append(fs, overlapsFuncs()...)
	return append(fs,
		scalar("justify_hours", "interval->interval", ivlFn(types.JustifyHours)),
		scalar("justify_days", "interval->interval", ivlFn(types.JustifyDays)),
		scalar("justify_interval", "interval->interval", ivlFn(types.JustifyInterval)))
}

// clockFuncs read the statement's time from the context.
func clockFuncs() []*Function {
	now := func(f func(c *Call) int64) Kernel {
		return func(c *Call) {
			v := f(c)
			for i := range c.Out.Ints {
				c.Out.Ints[i] = v
			}
		}
	}
	tx := now(func(c *Call) int64 { return c.Now })
	local := func(c *Call) int64 { return types.UTCToLocal(c.Now, c.zone()) }
	return []*Function{
		scalar("now", "->timestamptz", tx).stable(), scalar("transaction_timestamp", "->timestamptz", tx).stable(),
		scalar("current_timestamp", "->timestamptz", tx).stable(),
		scalar("statement_timestamp", "->timestamptz", now(func(c *Call) int64 { return max(c.Statement, c.Now) })).stable(),
		scalar("clock_timestamp", "->timestamptz", now(func(c *Call) int64 {
			if c.Clock == nil {
				return c.Now
			}
			return c.Clock()
		})).volatile(),
		scalar("proctime", "->timestamptz", tx).withID("proctime").volatile(),
		scalar("timeofday", "->text", timeOfDay).volatile(),
		scalar("current_date", "->date", now(func(c *Call) int64 { d, _ := types.SplitTimestamp(local(c)); return d })).stable(),
		scalar("localtimestamp", "->timestamp", now(local)).stable(),
		scalar("localtime", "->time", now(func(c *Call) int64 { _, t := types.SplitTimestamp(local(c)); return t })).stable(),
	}
}

func ageOf(c *Call) {
	a := c.ints(0)
	tz := c.Args[0].Type.Kind == types.KindTimestampTZ
	b := a
	today := int64(0)
	if len(c.Args) > 1 {
		b = c.ints(1)
	} else {
		d, _ := types.SplitTimestamp(types.UTCToLocal(c.Now, c.zone()))
		today, _ = types.DateToTimestamp(d)
		if tz {
			today = types.LocalToUTC(today, c.zone())
		}
	}
	each(c, c.Out.Ivls, func(i int) (types.Interval, error) {
		x, y := a.at(i), b.at(i)
		if len(c.Args) == 1 {
			x, y = today, x
		}
		if tz {
			return types.AgeTZ(x, y, c.zone())
		}
		return types.Age(x, y)
	})
}

func dateBin(c *Call) {
	s, a, o := c.ivls(0), c.ints(1), c.ints(2)
	each(c, c.Out.Ints, func(i int) (int64, error) { return types.DateBin(s.at(i), a.at(i), o.at(i)) })
}

// timezoneFn is AT TIME ZONE: a wall clock becomes an instant, an instant a wall clock.
func timezoneFn(c *Call) {
	a := c.ints(1)
	toLocal := c.Args[1].Type.Kind == types.KindTimestampTZ
	zone := func(i int) (*time.Location, error) { return zoneOfInterval(c.ivls(0).at(i)) }
	if c.Args[0].Type.Class() == types.ClassBytes {
		z := c.strs(0)
		zone = func(i int) (*time.Location, error) { return loadZone(string(z.at(i))) }
		if len(z.views) == 1 {
			loc, err := loadZone(string(z.at(0)))
			zone = func(int) (*time.Location, error) { return loc, err }
		}
	}
	each(c, c.Out.Ints, func(i int) (int64, error) {
		loc, err := zone(i)
		if err != nil {
			return 0, err
		}
		if toLocal {
			return types.TimestampFromTZ(a.at(i), loc)
		}
		return types.TimestampToTZ(a.at(i), loc)
	})
}

// loadZone reads a zone of AT TIME ZONE, where a bare offset counts hours west.
func loadZone(name string) (*time.Location, error) {
	if name != "" && (name[0] == '+' || name[0] == '-' || name[0] >= '0' && name[0] <= '9') {
		name = "UTC" + name
	}
	return types.LoadZone(name)
}

func zoneOfInterval(v types.Interval) (*time.Location, error) {
	s, err := types.ZoneInterval(v)
	if err != nil {
		return nil, err
	}
	return time.FixedZone("", int(s)), nil
}

func isFinite(c *Call) {
	a, out := c.ints(0), c.Out.Bools
	date := c.Args[0].Type.Kind == types.KindDate
	for i := range out {
		if date {
			out[i] = !types.IsInfDate(a.at(i))
		} else {
			out[i] = !types.IsInfTimestamp(a.at(i))
		}
	}
}

func makeFuncs() []*Function {
	return []*Function{
		scalar("make_date", "int4,int4,int4->date", func(c *Call) {
			y, m, d := c.ints(0), c.ints(1), c.ints(2)
			each(c, c.Out.Ints, func(i int) (int64, error) { return types.MakeDate(y.at(i), m.at(i), d.at(i)) })
		}),
		scalar("make_time", "int4,int4,float8->time", func(c *Call) {
			h, m, s := c.ints(0), c.ints(1), c.floats(2)
			each(c, c.Out.Ints, func(i int) (int64, error) { return types.MakeTime(h.at(i), m.at(i), s.at(i)) })
		}),
		scalar("make_timestamp", "int4,int4,int4,int4,int4,float8->timestamp", makeTimestamp),
		scalar("make_timestamptz", "int4,int4,int4,int4,int4,float8->timestamptz", makeTimestamp).stable(),
		scalar("make_timestamptz", "int4,int4,int4,int4,int4,float8,text->timestamptz", makeTimestamp).stable(),
		scalar("make_interval", "int4,int4,int4,int4,int4,int4,float8->interval", makeInterval).defaults(7),
		scalar("to_timestamp", "float8->timestamptz", func(c *Call) {
			a := c.floats(0)
			each(c, c.Out.Ints, func(i int) (int64, error) { return types.TimestampFromEpoch(a.at(i)) })
		}),
	}
}

func makeTimestamp(c *Call) {
	y, mo, d, h, mi, s := c.ints(0), c.ints(1), c.ints(2), c.ints(3), c.ints(4), c.floats(5)
	each(c, c.Out.Ints, func(i int) (int64, error) {
		ts, err := types.MakeTimestamp(y.at(i), mo.at(i), d.at(i), h.at(i), mi.at(i), s.at(i))
		if err != nil || c.Out.Type.Kind == types.KindTimestamp {
			return ts, err
		}
		loc := c.zone()
		if len(c.Args) > 6 {
			if loc, err = types.LoadZone(string(c.strs(6).at(i))); err != nil {
				return 0, err
			}
		}
		return types.TimestampToTZ(ts, loc)
	})
}

// epochUnix is 2000-01-01 UTC in microseconds since 1970.
const epochUnix = 946684800 * 1_000_000

// timeOfDay shows the wall clock as in Tue Nov 24 12:21:56.123456 2026 UTC.
func timeOfDay(c *Call) {
	c.eachBytes(func(_ int, dst []byte) ([]byte, error) {
		now := c.Now
		if c.Clock != nil {
			now = c.Clock()
		}
		return time.UnixMicro(now+epochUnix).In(c.zone()).AppendFormat(dst, "Mon Jan 02 15:04:05.000000 2006 MST"), nil
	})
}

func makeInterval(c *Call) {
	var part [6]func(int) int64
	for k := range part {
		part[k] = c.optInt(k, 0)
	}
	secs := func(int) float64 { return 0 }
	if len(c.Args) > 6 {
		secs = c.floats(6).at
	}
	each(c, c.Out.Ivls, func(i int) (types.Interval, error) {
		return types.MakeInterval(types.IntervalParts{Years: part[0](i), Months: part[1](i), Weeks: part[2](i), Days: part[3](i), Hours: part[4](i), Mins: part[5](i), Secs: secs(i)})
	})
}

func overlapsFuncs() []*Function {
	var fs []*Function
	for _, t := range []string{"time", "timestamp", "timestamptz"} {
		for _, e1 := range []string{t, "interval"} {
			for _, e2 := range []string{t, "interval"} {
				f := scalar("overlaps", t+","+e1+","+t+","+e2+"->bool", overlaps).nonStrict()
				if t == "timestamptz" && (e1 != t || e2 != t) {
					f = f.stable()
				}
				fs = append(fs, f)
			}
		}
	}
	return fs
}

// span is one side of OVERLAPS; a missing end leaves only what is known.
type span struct {
	lo, hi         int64
	loNull, hiNull bool
}

// spanAt reads a side of OVERLAPS and orders its ends, as PostgreSQL does: a NULL
// end goes last.
func (c *Call) spanAt(arg, i int) (s span, err error) {
	s.loNull, s.hiNull = c.isNull(arg, i), c.isNull(arg+1, i)
	s.lo = c.ints(arg).at(i)
	if c.Args[arg+1].Type.Kind != types.KindInterval {
		s.hi = c.ints(arg + 1).at(i)
	} else if s.hiNull = s.hiNull || s.loNull; !s.hiNull {
		v := c.ivls(arg + 1).at(i)
		switch c.Args[arg].Type.Kind {
		case types.KindTime:
			s.hi = types.AddTime(s.lo, v)
		case types.KindTimestampTZ:
			s.hi, err = types.AddTimestampTZ(s.lo, v, c.zone())
		default:
			s.hi, err = types.AddTimestamp(s.lo, v)
		}
	}
	if s.loNull || (!s.hiNull && s.lo > s.hi) {
		s.lo, s.hi, s.loNull, s.hiNull = s.hi, s.lo, s.hiNull, s.loNull
	}
	return s, err
}

func overlaps(c *Call) {
	for i := range c.N {
		if c.Skipped(i) {
			continue
		}
		a, err := c.spanAt(0, i)
		if err == nil {
			var b span
			if b, err = c.spanAt(2, i); err == nil {
				if v, null := spansOverlap(a, b); null {
					c.SetNull(i)
				} else {
					c.Out.Bools[i] = v
				}
				continue
			}
		}
		c.Fail(i, err)
	}
}

func spansOverlap(a, b span) (v, null bool) {
	if a.loNull || b.loNull {
		return false, true
	}
	if a.lo < b.lo {
		a, b = b, a
	}
	switch {
	case a.lo == b.lo:
		return true, a.hiNull || b.hiNull
	case b.hiNull:
		return false, true
	case a.lo < b.hi:
		return true, false
	}
	return false, a.hiNull
}

var _ = sqlerr.New
