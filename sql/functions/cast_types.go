package functions

import (
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// castEntriesByType is the casts of everything but plain numbers.
func castEntriesByType() []castEntry {
	es := []castEntry{
		{"bpchar", "text", Implicit, unpad}, {"bpchar", "varchar", Implicit, unpad}, {"text", "bpchar", Implicit, nil},
		{"varchar", "bpchar", Implicit, nil}, {"name", "text", Implicit, nil}, {"name", "varchar", Assignment, nil},
		{"name", "bpchar", Assignment, nil}, {"text", "name", Implicit, toName}, {"varchar", "name", Implicit, toName},
		{"bpchar", "name", Implicit, toName},
		{"qchar", "text", Implicit, qcharText}, {"text", "qchar", Assignment, textQChar}, {"varchar", "qchar", Assignment, textQChar},
		{"bpchar", "qchar", Assignment, textQChar}, {"qchar", "varchar", Assignment, qcharText}, {"qchar", "bpchar", Assignment, qcharText},
		{"qchar", "int4", Explicit, qcharInt}, {"int4", "qchar", Explicit, intQChar},
		{"bool", "text", Assignment, boolText}, {"bool", "varchar", Assignment, boolText}, {"bool", "bpchar", Assignment, boolText},
		{"numeric", "int2", Assignment, decToInt(types.DecToInt2)}, {"numeric", "int4", Assignment, decToInt(types.DecToInt4)},
		{"numeric", "int8", Assignment, decToInt(types.DecToInt8)},
		{"numeric", "float4", Implicit, decToFloat(types.DecToFloat4)}, {"numeric", "float8", Implicit, decToFloat(types.DecToFloat8)},
		{"float4", "numeric", Assignment, floatToDec(types.DecFromFloat4)}, {"float8", "numeric", Assignment, floatToDec(types.DecFromFloat8)},
		{"date", "timestamp", Implicit, int1Fn(types.DateToTimestamp)}, {"date", "timestamptz", Implicit, dateToTZ},
		{"timestamp", "date", Assignment, plainInt(types.TimestampToDate)}, {"timestamp", "time", Assignment, timeOf},
		{"timestamp", "timestamptz", Implicit, tsToTZ}, {"timestamptz", "timestamp", Assignment, tzToTS},
		{"timestamptz", "date", Assignment, tzToDate}, {"timestamptz", "time", Assignment, timeOf},
		{"time", "interval", Implicit, timeToInterval}, {"interval", "time", Assignment, intervalToTime},
		{"json", "jsonb", Assignment, parseInto}, {"jsonb", "json", Assignment, nil},
	}
	for _, i := range []string{"int2", "int4", "int8"} {
		es = append(es, castEntry{i, "numeric", Implicit, intToDec})
	}
	for _, t := range []string{"bool", "int2", "int4", "int8", "float4", "float8", "numeric"} {
		es = append(es, castEntry{"jsonb", t, Explicit, jsonToScalar})
	}
	return append(es, oidCasts()...)
}

// oidCasts is the casts among oid and its alias types.
func oidCasts() []castEntry {
	var es []castEntry
	for _, o := range []string{"oid", "regclass", "regtype", "regproc", "regnamespace", "regrole"} {
		es = append(es, castEntry{"int2", o, Implicit, wrapOID}, castEntry{"int4", o, Implicit, wrapOID}, castEntry{"int8", o, Implicit, toOID},
			castEntry{o, "int4", Assignment, oidToInt4}, castEntry{o, "int8", Assignment, nil})
		if o != "oid" {
			es = append(es, castEntry{"oid", o, Implicit, nil}, castEntry{o, "oid", Implicit, nil})
		}
	}
	return append(es, castEntry{"text", "regclass", Implicit, parseInto}, castEntry{"varchar", "regclass", Implicit, parseInto})
}

// unpad cuts the blanks of char(n).
func unpad(c *Call) {
	a := c.Args[0]
	n := len(a.Views)
	for i := range c.N {
		v := a.Views[min(i, n-1)]
		for v.Len > 0 && a.Bytes[v.Off+v.Len-1] == ' ' {
			v.Len--
		}
		c.Out.Views[i] = v
	}
	c.Out.Bytes = a.Bytes[:len(a.Bytes):len(a.Bytes)]
}

func toName(c *Call) {
	a := c.strs(0)
	padded := c.Args[0].Type.Kind == types.KindBPChar
	for i := range c.N {
		s := types.BytesString(a.at(i))
		if padded {
			s = types.TrimBPChar(s)
		}
		c.setString(i, types.TruncName(s))
	}
}

func qcharText(c *Call) {
	a := c.strs(0)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) { return types.AppendQChar(dst, string(a.at(i))), nil })
}

func textQChar(c *Call) {
	a := c.strs(0)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) { return append(dst, types.ParseQChar(string(a.at(i)))...), nil })
}

func qcharInt(c *Call) {
	a := c.strs(0)
	for i := range c.Out.Ints {
		if s := a.at(i); len(s) > 0 {
			c.Out.Ints[i] = int64(int8(s[0]))
		}
	}
}

func intQChar(c *Call) {
	a := c.ints(0)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		v := a.at(i)
		if v < -128 || v > 127 {
			return nil, errQChar
		}
		return append(dst, byte(v)), nil
	})
}

func boolText(c *Call) {
	a := c.bools(0)
	for i := range c.N {
		if a.at(i) {
			c.setString(i, "true")
		} else {
			c.setString(i, "false")
		}
	}
}

func decToInt(f func(types.Dec) (int64, error)) Kernel {
	return func(c *Call) {
		a := c.nums(0)
		each(c, c.Out.Ints, func(i int) (int64, error) { return f(a.dec(i)) })
	}
}

func decToFloat(f func(types.Dec) (float64, error)) Kernel {
	return func(c *Call) {
		a := c.nums(0)
		each(c, c.Out.Floats, func(i int) (float64, error) { return f(a.dec(i)) })
	}
}

func floatToDec(f func(float64) (types.Dec, error)) Kernel {
	return func(c *Call) {
		a := c.floats(0)
		c.eachDec(func(i int) (types.Dec, error) { return f(a.at(i)) })
	}
}

func intToDec(c *Call) {
	a, out := c.ints(0), c.Out.Nums
	for i := range out {
		out[i] = types.Num{Coef: a.at(i)}
	}
}

func int1Fn(f func(int64) (int64, error)) Kernel {
	return func(c *Call) {
		a := c.ints(0)
		each(c, c.Out.Ints, func(i int) (int64, error) { return f(a.at(i)) })
	}
}

func plainInt(f func(int64) int64) Kernel {
	return func(c *Call) {
		a := c.ints(0)
		for i := range c.Out.Ints {
			c.Out.Ints[i] = f(a.at(i))
		}
	}
}

func dateToTZ(c *Call) {
	z := c.zone()
	int1Fn(func(d int64) (int64, error) { return types.DateToTimestampTZ(d, z) })(c)
}

func tsToTZ(c *Call) {
	z := c.zone()
	int1Fn(func(v int64) (int64, error) { return types.TimestampToTZ(v, z) })(c)
}

func tzToTS(c *Call) {
	z := c.zone()
	int1Fn(func(v int64) (int64, error) { return types.TimestampFromTZ(v, z) })(c)
}

func tzToDate(c *Call) {
	z := c.zone()
	plainInt(func(v int64) int64 { return types.TimestampToDate(types.UTCToLocal(v, z)) })(c)
}

// timeOf takes the time of day; infinity has none.
func timeOf(c *Call) {
	a, out := c.ints(0), c.Out.Ints
	tz := c.Args[0].Type.Kind == types.KindTimestampTZ
	for i := range out {
		v := a.at(i)
		if types.IsInfTimestamp(v) {
			c.SetNull(i)
			continue
		}
		if tz {
			v = types.UTCToLocal(v, c.zone())
		}
		out[i] = types.TimestampToTime(v)
	}
}

func timeToInterval(c *Call) {
	a := c.ints(0)
	for i := range c.Out.Ivls {
		c.Out.Ivls[i] = types.Interval{Micros: a.at(i)}
	}
}

func intervalToTime(c *Call) {
	a := c.ivls(0)
	for i := range c.Out.Ints {
		c.Out.Ints[i] = types.IntervalToTime(a.at(i))
	}
}

func toOID(c *Call) {
	a := c.ints(0)
	each(c, c.Out.Ints, func(i int) (int64, error) {
		v := a.at(i)
		if v < 0 || v > 1<<32-1 {
			return 0, errOIDRange
		}
		return v, nil
	})
}

func wrapOID(c *Call) { plainInt(func(v int64) int64 { return int64(uint32(v)) })(c) }

func oidToInt4(c *Call) {
	a := c.ints(0)
	for i := range c.Out.Ints {
		c.Out.Ints[i] = int64(int32(a.at(i)))
	}
}

// parseInto reads text by the input function of the result type.
func parseInto(c *Call) {
	a := c.strs(0)
	t, st := c.Out.Type, c.settings()
	text := func(i int) string { return string(a.at(i)) }
	switch t.Class() {
	case types.ClassBytes:
		c.eachBytes(func(i int, dst []byte) ([]byte, error) { return types.ParseVarlen(dst, t, text(i), st) })
	case types.ClassInt:
		each(c, c.Out.Ints, func(i int) (int64, error) { return types.ParseIntKind(t, text(i), st) })
	case types.ClassNumeric:
		c.eachDec(func(i int) (types.Dec, error) { return types.ParseNumeric(text(i), t.Typmod) })
	case types.ClassFloat:
		each(c, c.Out.Floats, func(i int) (float64, error) { return types.ParseFloatKind(t.Kind, text(i)) })
	case types.ClassBool:
		each(c, c.Out.Bools, func(i int) (bool, error) { return types.ParseBool(text(i)) })
	case types.ClassInterval:
		each(c, c.Out.Ivls, func(i int) (types.Interval, error) { return types.ParseInterval(text(i), st, t.Typmod) })
	case types.ClassUUID:
		each(c, c.Out.UUIDs, func(i int) ([16]byte, error) { return types.ParseUUID(text(i)) })
	}
}

func appendBoolText(dst []byte, v bool) []byte {
	if v {
		return append(dst, "true"...)
	}
	return append(dst, "false"...)
}

// textOut writes a value by the output function of its type.
func textOut(c *Call) {
	name := c.Out.Type.Kind == types.KindName
	a := c.Args[0]
	isBool := a.Type.Kind == types.KindBool && !name
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		if isBool {
			return appendBoolText(dst, a.Bools[slot(a, i)]), nil
		}
		off := len(dst)
		dst = c.appendText(dst, a, i)
		if name {
			dst = dst[:off+len(types.TruncName(string(dst[off:])))]
		}
		return dst, nil
	})
}

// sharedCasts is the hidden functions that serve many type pairs: their result type
// is the call's.
func sharedCasts() []*Function {
	any1 := []types.Type{Any}
	mk := func(id string, k Kernel, v Volatility) *Function {
		return &Function{ID: id, Name: id, Args: any1, Ret: Any, Strict: true, Hidden: true, Kernel: k, Volatility: v}
	}
	fs := []*Function{
		mk(textOutID, textOut, Stable), mk(textInID, parseInto, Stable), mk(arrayCastID, castArray, Stable),
		mk(arrayCastID+"_explicit", castArrayExplicit, Stable),
		mk("typmod_numeric", coerceNumeric, Immutable), mk("typmod_interval", coerceInterval, Immutable),
		mk("typmod_time", coerceTime, Immutable), mk("typmod_timestamp", coerceTimestamp, Immutable),
		mk("typmod_timestamptz", coerceTimestamp, Immutable),
	}
	for _, t := range []string{"varchar", "bpchar"} {
		fs = append(fs, mk("typmod_"+t, coerceChars(false), Immutable), mk("typmod_"+t+"_explicit", coerceChars(true), Immutable))
	}
	return fs
}

func coerceNumeric(c *Call) {
	a, mod := c.nums(0), c.Out.Type.Typmod
	c.eachDec(func(i int) (types.Dec, error) { return types.CoerceDec(a.dec(i), mod) })
}

func coerceInterval(c *Call) {
	a, mod := c.ivls(0), c.Out.Type.Typmod
	each(c, c.Out.Ivls, func(i int) (types.Interval, error) { return types.CoerceInterval(a.at(i), mod) })
}

func coerceTime(c *Call) {
	mod := c.Out.Type.Typmod
	plainInt(func(v int64) int64 { return types.CoerceTime(v, mod) })(c)
}

func coerceTimestamp(c *Call) {
	mod := c.Out.Type.Typmod
	int1Fn(func(v int64) (int64, error) { return types.CoerceTimestamp(v, mod) })(c)
}

func coerceChars(explicit bool) Kernel {
	return func(c *Call) {
		a, t := c.strs(0), c.Out.Type
		c.eachBytes(func(i int, dst []byte) ([]byte, error) {
			s, err := types.CoerceString(t, types.BytesString(a.at(i)), explicit)
			return append(dst, s...), err
		})
	}
}

func castArray(c *Call)         { castElements(c, Assignment) }
func castArrayExplicit(c *Call) { castElements(c, Explicit) }

// castElements casts the elements of all rows in one call of the element's cast.
func castElements(c *Call, ctx CastContext) {
	flat, lens := flatten(c)
	to := c.Out.Type.ElemType()
	for _, id := range elementCasts(flat.Type, to, ctx) {
		call := Call{Ctx: c.Ctx, Fn: ByID(id), Args: []*chunk.Column{flat}, Out: new(chunk.Column)}
		t := base(to)
		if id == TypmodCast(to, ctx) || id == textInID {
			t = to
		}
		if flat.Len() == 0 {
			call.Out.Type = t
		} else {
			call.Run(flat.Len(), t)
		}
		flat = call.Out
	}
	unflatten(c, flat, lens)
}

// elementCasts lists the functions that turn an element into the target type.
func elementCasts(from, to types.Type, ctx CastContext) []string {
	var ids []string
	id, _ := FindCast(from, to, ctx)
	if id != "" {
		ids = append(ids, id)
	}
	if mod := TypmodCast(to, ctx); mod != "" {
		ids = append(ids, mod)
	}
	return ids
}
