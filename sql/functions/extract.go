package functions

import (
	"streamdb/sql/types"
)

func extractFuncs() []*Function {
	var fs []*Function
	for _, t := range []string{"date", "time", "timestamp", "timestamptz", "interval"} {
		e, p := scalar("extract", "text,"+t+"->numeric", extractField), scalar("date_part", "text,"+t+"->float8", extractField)
		if t == "timestamptz" {
			e, p = e.stable(), p.stable()
		}
		fs = append(fs, e, p)
	}
	return append(fs,
		scalar("date_trunc", "text,timestamp->timestamp", dateTrunc),
		scalar("date_trunc", "text,timestamptz->timestamptz", dateTrunc).stable(),
		scalar("date_trunc", "text,timestamptz,text->timestamptz", dateTrunc).stable(),
		scalar("date_trunc", "text,interval->interval", truncInterval))
}

// unitReader reads the unit argument; it looks names up only when they change.
type unitReader struct {
	s    strs
	last string
	unit types.Unit
	ok   bool
}

func (c *Call) units(arg int) unitReader { return unitReader{s: c.strs(arg)} }

func (u *unitReader) at(i int) (types.Unit, bool) {
	name := u.s.at(i)
	if u.last == "" || string(name) != u.last {
		u.last = string(name)
		u.unit, u.ok = types.ParseUnit(u.last)
	}
	return u.unit, u.ok
}

// extractField is extract (numeric) and date_part (double precision).
func extractField(c *Call) {
	u := c.units(0)
	arg := c.Args[1]
	for i := range c.N {
		if c.Skip.Get(i) {
			continue
		}
		unit, ok := u.at(i)
		if !ok {
			c.Fail(i, types.UnitError(u.last, arg.Type))
			continue
		}
		n, res := c.field(unit, i)
		switch res {
		case types.ExtractNull:
			c.SetNull(i)
		case types.ExtractUnsupported:
			c.Fail(i, types.UnitUnsupported(u.last, arg.Type))
		default:
			c.setField(i, unit, n)
		}
	}
}

func (c *Call) field(u types.Unit, i int) (types.Num, types.ExtractResult) {
	a := c.Args[1]
	j := slot(a, i)
	switch a.Type.Kind {
	case types.KindDate:
		return types.ExtractDate(u, a.Ints[j])
	case types.KindTime:
		return types.ExtractTime(u, a.Ints[j])
	case types.KindTimestamp:
		return types.ExtractTimestamp(u, a.Ints[j])
	case types.KindTimestampTZ:
		return types.ExtractTimestampTZ(u, a.Ints[j], c.zone())
	}
	return types.ExtractInterval(u, a.Ivls[j])
}

// setField stores a field; a Julian day with a time is longer than inline values.
func (c *Call) setField(i int, u types.Unit, n types.Num) {
	d := types.Dec{N: n}
	if u == types.UnitJulian && n.Form != types.NumPosInf && n.Form != types.NumNegInf {
		ts := c.Args[1].Ints[slot(c.Args[1], i)]
		switch c.Args[1].Type.Kind {
		case types.KindTimestampTZ:
			d = types.ExtractJulian(types.UTCToLocal(ts, c.zone()))
		case types.KindTimestamp:
			d = types.ExtractJulian(ts)
		}
	}
	if c.Out.Type.Kind == types.KindFloat8 {
		c.Out.Floats[i], _ = types.DecToFloat8(d)
		return
	}
	c.setDec(i, d)
}

func dateTrunc(c *Call) {
	u := c.units(0)
	a, out := c.ints(1), c.Out.Ints
	tz := c.Out.Type.Kind == types.KindTimestampTZ
	for i := range out {
		if c.Skip.Get(i) {
			continue
		}
		unit, ok := u.at(i)
		if !ok {
			c.Fail(i, types.UnitError(u.last, c.Out.Type))
			continue
		}
		v, good := a.at(i), true
		if tz {
			loc := c.zone()
			if len(c.Args) > 2 {
				var err error
				if loc, err = types.LoadZone(string(c.strs(2).at(i))); err != nil {
					c.Fail(i, err)
					continue
				}
			}
			v, good = types.TruncTimestampTZ(unit, v, loc)
		} else {
			v, good = types.TruncTimestamp(unit, v)
		}
		if !good {
			c.Fail(i, truncError(unit, u.last, c.Out.Type))
			continue
		}
		out[i] = v
	}
}

// truncError tells units that nothing is cut to from those that are no units there.
func truncError(u types.Unit, name string, t types.Type) error {
	switch u {
	case types.UnitDOW, types.UnitISODOW, types.UnitDOY, types.UnitEpoch, types.UnitISOYear, types.UnitJulian:
		return types.UnitError(name, t)
	}
	return types.UnitUnsupported(name, t)
}

func truncInterval(c *Call) {
	u := c.units(0)
	a := c.ivls(1)
	each(c, c.Out.Ivls, func(i int) (types.Interval, error) {
		unit, ok := u.at(i)
		if !ok {
			return types.Interval{}, types.UnitError(u.last, c.Out.Type)
		}
		v, ok := types.TruncInterval(unit, a.at(i))
		if !ok {
			return v, truncError(unit, u.last, c.Out.Type)
		}
		return v, nil
	})
}
