package wire

import (
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// textOther encodes the types whose text form depends on settings or is involved.
func (e *cells) textOther(c *chunk.Column, lo, hi int, st *types.Settings) {
	switch c.Type.Kind {
	case types.KindFloat8:
		digits := st.FloatDigits + 1
		fill(e, c.Floats[lo:hi], func(b []byte, v float64) []byte { return types.AppendFloat8(b, v, digits) })
	case types.KindFloat4:
		digits := st.FloatDigits + 1
		fill(e, c.Floats[lo:hi], func(b []byte, v float64) []byte { return types.AppendFloat4(b, v, digits) })
	case types.KindNumeric:
		fill(e, c.Nums[lo:hi], func(b []byte, v types.Num) []byte {
			if v.Form == types.NumBig {
				return types.AppendNum(b, v, c.NumBytes(v))
			}
			return types.AppendNum(b, v, nil)
		})
	case types.KindTimestamp:
		fill(e, c.Ints[lo:hi], func(b []byte, v int64) []byte { return types.AppendTimestamp(b, v, st) })
	case types.KindTimestampTZ:
		fill(e, c.Ints[lo:hi], func(b []byte, v int64) []byte { return types.AppendTimestampTZ(b, v, st) })
	case types.KindInterval:
		fill(e, c.Ivls[lo:hi], func(b []byte, v types.Interval) []byte { return types.AppendInterval(b, v, st) })
	case types.KindUUID:
		fill(e, c.UUIDs[lo:hi], types.AppendUUID)
	default:
		if c.Type.Class() == types.ClassInt {
			kind := c.Type.Kind
			fill(e, c.Ints[lo:hi], func(b []byte, v int64) []byte { return types.AppendIntKind(b, kind, v, st) })
			return
		}
		e.varlen(c, lo, hi, func(b []byte, v string) []byte { return types.AppendVarlen(b, c.Type, v, st) })
	}
}

// varlen encodes byte strings that are not sent as they are. NULL slots hold
// anything, so they are passed over.
func (e *cells) varlen(c *chunk.Column, lo, hi int, f func([]byte, string) []byte) {
	data, ends := e.data, e.ends
	for i := lo; i < hi; i++ {
		if !c.Nulls.Get(i) {
			data = f(data, types.BytesString(c.StringAt(i)))
		}
		ends = append(ends, len(data))
	}
	e.data, e.ends = data, ends
}
