package chunk

import (
	"encoding/binary"
	"math/bits"

	"streamdb/sql/types"
)

// A prefix is 64 bits of a row's leading key columns that sort as the rows do: if
// prefix(a) < prefix(b) then a < b. Equal prefixes say nothing, unless the plan is
// exact. Columns are laid side by side from the most significant bit down, each with
// one bit for NULL in front, until the bits are used up:
//
//	key (int4, text):  | null 1 | int4 32 | null 1 | first 30 bits of text |
//
// A first key column that is a whole word (int8, timestamp) keeps 63 of its bits,
// and all 64 when its key says NotNull, which saves the NULL bit. The layout follows from the schema and the keys alone, so that prefixes of
// different runs of one relation can be compared.

type prefixField struct {
	col        int
	bits       uint // value bits kept, without the NULL bit
	width      uint // value bits the type has; bits < width loses the low ones
	flip       uint64
	nullsFirst bool
	notNull    bool // no NULL bit
}

type prefixPlan struct {
	fields []prefixField
	// exact: equal prefixes mean equal keys.
	exact bool
}

// prefixWidth returns how many bits order the values of t, and whether they decide.
// 0 means that t's values have no such bits.
func prefixWidth(t types.Type) (width uint, exact bool) {
	switch t.Kind {
	case types.KindBool:
		return 1, true
	case types.KindInt2:
		return 16, true
	case types.KindInt4, types.KindDate:
		return 32, true
	case types.KindArray, types.KindInt2Vector, types.KindOIDVector, types.KindJSONB, types.KindRecord:
		return 0, false
	}
	switch t.Class() {
	case types.ClassInt:
		return 64, true
	case types.ClassFloat:
		return 64, true
	}
	return 64, false
}

func planPrefix(s Schema, keys []SortKey) prefixPlan {
	p := prefixPlan{exact: true}
	left := uint(64)
	for _, k := range keys {
		width, exact := prefixWidth(s[k.Col])
		nullBits := uint(1)
		if k.NotNull {
			nullBits = 0
		}
		if left <= nullBits || width == 0 {
			p.exact = false
			break
		}
		f := prefixField{col: k.Col, width: width, bits: min(width, left-nullBits), nullsFirst: k.NullsFirst, notNull: k.NotNull}
		if k.Desc {
			f.flip = 1<<f.bits - 1
		}
		p.fields = append(p.fields, f)
		left -= f.bits + nullBits
		if f.bits < width || !exact {
			p.exact = false
			break
		}
	}
	return p
}

// Prefixes writes the prefixes of rows [0, n) to out[:n].
func (c *Comparator) Prefixes(cols []*Column, n int, out []uint64) {
	out = out[:n]
	clear(out)
	shift := uint(64)
	for _, f := range c.prefix.fields {
		shift -= f.bits
		if !f.notNull {
			shift--
		}
		f.add(cols[f.col], out, shift)
	}
}

// IntPrefix is how the prefix of a row follows from one integer without NULLs: where it is
// known, prefixes need not be stored beside the integers.
type IntPrefix struct {
	Col      int
	drop     uint
	flip, or uint64
}

// At returns the prefix of a row with the value v.
func (p *IntPrefix) At(v int64) uint64 { return (uint64(v)^1<<63)>>p.drop ^ p.flip | p.or }

// IntPrefix returns false where the prefix is made of anything but one integer of 64 bits.
func (c *Comparator) IntPrefix() (IntPrefix, bool) {
	if len(c.prefix.fields) != 1 {
		return IntPrefix{}, false
	}
	f := c.prefix.fields[0]
	if c.schema[f.col].Class() != types.ClassInt || f.width != 64 || f.bits < 63 {
		return IntPrefix{}, false
	}
	p := IntPrefix{Col: f.col, drop: f.width - f.bits, flip: f.flip}
	if f.nullsFirst && !f.notNull {
		p.or = 1 << 63
	}
	return p, true
}

// PrefixExact reports that rows of equal prefix always compare as equal.
func (c *Comparator) PrefixExact() bool { return c.prefix.exact }

// KeyPrefixes is for searching by the first k keys alone: it writes the least and the
// greatest prefix that rows with the key values of row i can have to lo[i] and hi[i].
// Columns that are not among those keys are not touched.
func (c *Comparator) KeyPrefixes(k int, cols []*Column, n int, lo, hi []uint64) {
	lo, hi = lo[:n], hi[:n]
	clear(lo)
	shift := uint(64)
	for _, f := range c.prefix.fields[:min(k, len(c.prefix.fields))] {
		shift -= f.bits
		if !f.notNull {
			shift--
		}
		f.add(cols[f.col], lo, shift)
	}
	rest := uint64(1)<<shift - 1
	for i := range hi {
		hi[i] = lo[i] | rest
	}
}

// add lays the field of every row at bit position shift.
func (f prefixField) add(c *Column, out []uint64, shift uint) {
	drop := f.width - f.bits
	nullBit, valueBit := uint64(1), uint64(0)
	if f.nullsFirst {
		nullBit, valueBit = 0, 1
	}
	value := valueBit << (f.bits + shift)
	if f.notNull {
		value = 0
	}
	flip := f.flip
	if c.Type.Class() == types.ClassInt {
		v := c.Ints[:len(out)]
		bias := uint64(1) << (f.width - 1)
		mask := uint64(1)<<f.bits - 1
		for i := range out {
			out[i] |= value | (((uint64(v[i])+bias)>>drop&mask)^flip)<<shift
		}
	} else {
		var buf [256]uint64
		for lo := 0; lo < len(out); lo += len(buf) {
			hi := min(lo+len(buf), len(out))
			keyBits(c, lo, hi, buf[:])
			for i := lo; i < hi; i++ {
				out[i] |= value | (buf[i-lo]>>drop^flip)<<shift
			}
		}
	}
	if f.notNull || (c.Nulls == nil && c.Errs == nil) {
		return
	}
	clearMask := uint64(1)<<(f.bits+1) - 1
	if f.bits == 63 {
		clearMask = ^uint64(0)
	}
	for w, word := range c.Nulls {
		for ; word != 0; word &= word - 1 {
			if i := w<<6 + bits.TrailingZeros64(word); i < len(out) {
				out[i] = out[i]&^(clearMask<<shift) | nullBit<<(f.bits+shift)
			}
		}
	}
	for _, e := range c.Errs {
		if e.Row < len(out) {
			out[e.Row] = out[e.Row]&^(clearMask<<shift) | nullBit<<(f.bits+shift)
		}
	}
}

// keyBits writes the order bits of rows [lo, hi) to out, in the low width bits.
func keyBits(c *Column, lo, hi int, out []uint64) {
	switch c.Type.Class() {
	case types.ClassBool:
		for i := lo; i < hi; i++ {
			out[i-lo] = b2u(c.Bools[i])
		}
	case types.ClassFloat:
		for i := lo; i < hi; i++ {
			out[i-lo] = floatKey(c.Floats[i])
		}
	case types.ClassNumeric:
		var x prefixMath
		for i := lo; i < hi; i++ {
			if v := c.Nums[i]; v.Form != types.NumBig || !c.Nulls.Get(i) {
				out[i-lo] = x.prefix(c, v)
			}
		}
	case types.ClassInterval:
		for i := lo; i < hi; i++ {
			h, l := intervalSpan(c.Ivls[i])
			out[i-lo] = (uint64(h)<<54 | l>>10) ^ 1<<63
		}
	case types.ClassUUID:
		for i := lo; i < hi; i++ {
			out[i-lo] = binary.BigEndian.Uint64(c.UUIDs[i][:8])
		}
	default:
		trim := c.Type.Kind == types.KindBPChar
		for i := lo; i < hi; i++ {
			v := c.Views[i]
			b := c.Bytes[v.Off : v.Off+v.Len]
			if trim {
				b = trimPad(b)
			}
			out[i-lo] = bytesPrefix(b)
		}
	}
}

// bytesPrefix returns the first eight bytes of b, padded with zeros.
func bytesPrefix(b []byte) uint64 {
	if len(b) >= 8 {
		return binary.BigEndian.Uint64(b)
	}
	var u uint64
	for i, x := range b {
		u |= uint64(x) << (56 - 8*i)
	}
	return u
}
