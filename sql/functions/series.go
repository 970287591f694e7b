package functions

import (
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// seriesMax is how many rows one call of generate_series makes per input row; what
// is beyond does not fit the memory of a statement.
const seriesMax = 50_000_000

func seriesFuncs() []*Function {
	var fs []*Function
	for _, t := range []string{"int4", "int8"} {
		fs = append(fs, set("generate_series", t+","+t+"->"+t, seriesInts), set("generate_series", t+","+t+","+t+"->"+t, seriesInts))
	}
	return append(fs,
		set("generate_series", "numeric,numeric->numeric", seriesNums), set("generate_series", "numeric,numeric,numeric->numeric", seriesNums),
		set("generate_series", "timestamp,timestamp,interval->timestamp", seriesTimes),
		set("generate_series", "timestamptz,timestamptz,interval->timestamptz", seriesTimes).stable())
}

var (
	errStepZero         = sqlerr.New(sqlerr.InvalidParameterValue, "step size cannot equal zero")
	errSeriesLong error = sqlerr.New(sqlerr.ProgramLimitExceeded, "generate_series would give more than %d rows", seriesMax)
)

func seriesInts(c *Call, counts []int32) {
	lo, hi, step := c.ints(0), c.ints(1), c.optInt(2, 1)
	for i := range c.N {
		if c.Skipped(i) {
			continue
		}
		v, end, by := lo.at(i), hi.at(i), step(i)
		if by == 0 {
			c.Fail(i, errStepZero)
			continue
		}
		if (by > 0 && v > end) || (by < 0 && v < end) {
			continue
		}
		dist, width := uint64(end)-uint64(v), uint64(by)
		if by < 0 {
			dist, width = uint64(v)-uint64(end), uint64(-by)
		}
		n := dist/width + 1
		if n > seriesMax {
			c.Fail(i, errSeriesLong)
			continue
		}
		for k := range n {
			c.Out.Ints = append(c.Out.Ints, v+int64(k)*by)
		}
		counts[i] = int32(n)
	}
}

func seriesNums(c *Call, counts []int32) {
	lo, hi := c.nums(0), c.nums(1)
	for i := range c.N {
		if c.Skipped(i) {
			continue
		}
		step := types.DecInt(1)
		if len(c.Args) > 2 {
			step = c.nums(2).dec(i)
		}
		n, err := c.seriesNum(lo.dec(i), hi.dec(i), step)
		if err != nil {
			c.Out.Nums = c.Out.Nums[:len(c.Out.Nums)-n]
			c.Fail(i, err)
			continue
		}
		counts[i] = int32(n)
	}
}

func (c *Call) seriesNum(v, end, step types.Dec) (n int, err error) {
	for _, a := range []struct {
		d    types.Dec
		what string
	}{{v, "start value"}, {end, "stop value"}, {step, "step size"}} {
		if a.d.N.Form == types.NumNaN {
			return 0, sqlerr.New(sqlerr.InvalidParameterValue, "%s cannot be NaN", a.what)
		}
		if a.d.N.IsSpecial() {
			return 0, sqlerr.New(sqlerr.InvalidParameterValue, "%s cannot be infinity", a.what)
		}
	}
	if step.Sign() == 0 {
		return 0, errStepZero
	}
	for ; types.CmpDec(v, end)*step.Sign() <= 0; n++ {
		if n == seriesMax {
			return n, errSeriesLong
		}
		var m types.Num
		m, c.Out.Bytes = v.Put(c.Out.Bytes)
		c.Out.Nums = append(c.Out.Nums, m)
		if v, err = types.AddDec(v, step); err != nil {
			return n + 1, err
		}
	}
	return n, nil
}

func seriesTimes(c *Call, counts []int32) {
	lo, hi, step := c.ints(0), c.ints(1), c.ivls(2)
	loc := c.zone()
	if c.Out.Type.Kind != types.KindTimestampTZ {
		loc = nil
	}
	for i := range c.N {
		if c.Skipped(i) {
			continue
		}
		v, end, by := lo.at(i), hi.at(i), step.at(i)
		sign := types.CmpInterval(by, types.Interval{})
		if sign == 0 {
			c.Fail(i, errStepZero)
			continue
		}
		if types.IsInfTimestamp(v) || types.IsInfTimestamp(end) && (end > v) == (sign > 0) {
			c.Fail(i, errSeriesLong)
			continue
		}
		n := int32(0)
		var err error
		for compareInt(v, end)*sign <= 0 {
			if n == seriesMax {
				err = errSeriesLong
				break
			}
			c.Out.Ints = append(c.Out.Ints, v)
			n++
			if v, err = addInterval(v, by, false, loc); err != nil {
				break
			}
		}
		if err != nil {
			c.Out.Ints = c.Out.Ints[:len(c.Out.Ints)-int(n)]
			c.Fail(i, err)
			continue
		}
		counts[i] = n
	}
}
