package functions

import (
	"math"

	"streamdb/sql/types"
)

// CastContext says how a cast came about; each allows what the ones before it allow.
type CastContext uint8

// The contexts: silently in an expression; when a value is stored; written out.
const (
	Implicit CastContext = iota
	Assignment
	Explicit
)

// The hidden functions that casts share.
const (
	relabelID   = "cast_relabel" // same values, other type
	textOutID   = "cast_text_out"
	textInID    = "cast_text_in"
	arrayCastID = "cast_array"
)

// castEntry is one line of PostgreSQL's pg_cast. A nil kernel is a relabelling.
type castEntry struct {
	from, to string
	context  CastContext
	kernel   Kernel
}

type castKey struct{ from, to types.Kind }

type castValue struct {
	context CastContext
	fn      string
}

var castIndex = func() map[castKey]castValue {
	m := map[castKey]castValue{}
	for _, e := range castEntries() {
		v := castValue{context: e.context, fn: relabelID}
		if e.kernel != nil {
			v.fn = "cast_" + e.from + "_" + e.to
		}
		m[castKey{mustType(e.from).Kind, mustType(e.to).Kind}] = v
	}
	return m
}()

// FindCast finds the function that turns from into to in a context. The id is empty
// where nothing needs doing (same type; modifiers do not count, see TypmodCast).
// types.Unknown counts as text for from: its literals are read by the type's input.
func FindCast(from, to types.Type, ctx CastContext) (id string, ok bool) {
	if sameBase(from, to) {
		return "", true
	}
	if from.Kind == types.KindUnknown {
		return textInID, true
	}
	if from.IsArray() && from.Kind != types.KindArray && to.Kind == types.KindArray && to.Elem == from.ElemType().Kind {
		return relabelID, true // int2vector, oidvector: arrays that count from 0
	}
	if from.Kind == types.KindArray && to.Kind == types.KindArray {
		if _, ok := FindCast(types.Of(from.Elem), types.Of(to.Elem), ctx); ok {
			if ctx == Explicit {
				return arrayCastID + "_explicit", true
			}
			return arrayCastID, true
		}
		return "", false
	}
	if v, found := castIndex[castKey{from.Kind, to.Kind}]; found && v.context <= ctx {
		return v.fn, true
	}
	if from.Kind == types.KindVoid || to.Kind == types.KindVoid || isPseudo(to.Kind) {
		return "", false
	}
	if category(to) == 'S' && ctx >= Assignment {
		return textOutID, true
	}
	if category(from) == 'S' && ctx >= Explicit {
		return textInID, true
	}
	return "", false
}

// TypmodCast finds the function that makes a value of to's kind obey to's modifier
// (varchar(3), numeric(5,2), timestamp(0)): the id is empty where to has none. Text
// cut off is an error unless the cast is explicit.
func TypmodCast(to types.Type, ctx CastContext) (id string) {
	if to.Typmod < 0 {
		return ""
	}
	switch to.Kind {
	case types.KindVarchar, types.KindBPChar:
		if ctx == Explicit {
			return "typmod_" + shortName(base(to)) + "_explicit"
		}
		return "typmod_" + shortName(base(to))
	case types.KindNumeric, types.KindTime, types.KindTimestamp, types.KindTimestampTZ, types.KindInterval:
		return "typmod_" + shortName(base(to))
	}
	return ""
}

func castFuncs() []*Function {
	fs := []*Function{
		{ID: relabelID, Name: relabelID, Args: []types.Type{Any}, Ret: Any, Strict: true, Relabel: true, Hidden: true, Kernel: relabel},
	}
	for _, e := range castEntries() {
		if e.kernel != nil {
			f := scalar("cast_"+e.from+"_"+e.to, e.from+"->"+e.to, e.kernel).withID("cast_" + e.from + "_" + e.to).hidden()
			if e.from == "timestamptz" || e.to == "timestamptz" {
				f.stable() // they read TimeZone
			}
			fs = append(fs, f)
		}
	}
	return append(fs, sharedCasts()...)
}

// castEntries lists the casts in PostgreSQL's order of contexts.
func castEntries() []castEntry {
	es := []castEntry{
		{"int2", "int4", Implicit, nil}, {"int2", "int8", Implicit, nil}, {"int4", "int8", Implicit, nil},
		{"int4", "int2", Assignment, narrowInt}, {"int8", "int2", Assignment, narrowInt}, {"int8", "int4", Assignment, narrowInt},
		{"float4", "float8", Implicit, nil}, {"float8", "float4", Assignment, float8to4},
		{"int4", "bool", Explicit, intToBool}, {"bool", "int4", Explicit, boolToInt},
		{"varchar", "text", Implicit, nil}, {"text", "varchar", Implicit, nil},
	}
	for _, i := range []string{"int2", "int4", "int8"} {
		for _, f := range []string{"float4", "float8"} {
			es = append(es, castEntry{i, f, Implicit, intToFloat}, castEntry{f, i, Assignment, floatToInt})
		}
	}
	return append(es, castEntriesByType()...)
}

// relabel stands in the table for what Call.Run does itself.
func relabel(*Call) {}

func narrowInt(c *Call) {
	a, out := c.ints(0), c.Out.Ints
	shift, bad := smallShift(c.Out.Type.Kind), int64(0)
	for i := range out {
		v := a.at(i)
		out[i], bad = v, leaves(bad, v, shift)
	}
	if bad != 0 {
		rangeCheck(c)
	}
}

func float8to4(c *Call) {
	a, out := c.floats(0), c.Out.Floats
	for i := range out {
		out[i] = a.at(i)
	}
	roundFloat4(c, never)
}

func intToFloat(c *Call) {
	a, out := c.ints(0), c.Out.Floats
	single := c.Out.Type.Kind == types.KindFloat4
	for i := range out {
		out[i] = float64(a.at(i))
	}
	if single {
		for i := range out {
			out[i] = float64(float32(a.at(i)))
		}
	}
}

// floatToInt rounds to the nearest, halves to even.
func floatToInt(c *Call) {
	a, out := c.floats(0), c.Out.Ints
	k := c.Out.Type.Kind
	lo, hi := -9223372036854775808.0, 9223372036854775808.0
	switch k {
	case types.KindInt2:
		lo, hi = -32768, 32768
	case types.KindInt4:
		lo, hi = -2147483648, 2147483648
	}
	for i := range out {
		v := math.RoundToEven(a.at(i))
		if !(v >= lo && v < hi) {
			c.Fail(i, intRangeErr(k))
			continue
		}
		out[i] = int64(v)
	}
}

func intToBool(c *Call) {
	a, out := c.ints(0), c.Out.Bools
	for i := range out {
		out[i] = a.at(i) != 0
	}
}

func boolToInt(c *Call) {
	a, out := c.bools(0), c.Out.Ints
	for i := range out {
		out[i] = int64(boolInt(a.at(i)))
	}
}
