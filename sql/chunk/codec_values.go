package chunk

import (
	"bytes"
	"encoding/binary"
	"math"

	"streamdb/sql/types"
)

// The modes of the other classes.
const (
	boolsPacked = 0
	boolsFalse  = 1
	boolsTrue   = 2

	floatsRaw      = 0
	floatsConstant = 1
	floatsSingle   = 2 // exactly float32
	floatsIntegral = 3 // whole numbers, as integers

	numsPlain   = 0 // one scale, inline coefficients
	numsGeneral = 1

	bytesPlain      = 0
	bytesConstant   = 1
	bytesDictionary = 2

	valuesOnly = 0 // intervals and uuids have one mode
)

// dictionaryRowsMin is the number of rows below which no dictionary is tried.
const dictionaryRowsMin = 16

// appendValues appends the values of c, which has no NULLs that count.
func appendValues(dst []byte, c *Column) ([]byte, byte) {
	switch c.Type.Class() {
	case types.ClassBool:
		return appendBools(dst, c.Bools)
	case types.ClassInt:
		return appendNumbers(dst, c.Ints)
	case types.ClassFloat:
		return appendFloats(dst, c.Floats)
	case types.ClassNumeric:
		return appendNums(dst, c)
	case types.ClassInterval:
		return appendIntervals(dst, c.Ivls), valuesOnly
	case types.ClassUUID:
		for i := range c.UUIDs {
			dst = append(dst, c.UUIDs[i][:]...)
		}
		return dst, valuesOnly
	}
	return appendStrings(dst, c)
}

// values reads n values of class c.Type into c.
func (r *reader) values(c *Column, mode byte, n int) {
	switch c.Type.Class() {
	case types.ClassBool:
		c.Bools = r.bools(mode, n)
	case types.ClassInt:
		c.Ints = r.numbers(mode, n)
	case types.ClassFloat:
		c.Floats = r.floats(mode, n)
	case types.ClassNumeric:
		r.nums(c, mode, n)
	case types.ClassInterval:
		r.intervals(c, n)
	case types.ClassUUID:
		raw := r.bytes(16 * n)
		if raw == nil {
			return
		}
		c.UUIDs = make([][16]byte, n)
		for i := range c.UUIDs {
			copy(c.UUIDs[i][:], raw[16*i:])
		}
	default:
		r.strings(c, mode, n)
	}
}

func appendBools(dst []byte, v []bool) ([]byte, byte) {
	trues := 0
	for _, x := range v {
		trues += int(b2u(x))
	}
	switch trues {
	case 0:
		return dst, boolsFalse
	case len(v):
		return dst, boolsTrue
	}
	p := packer{dst: dst, width: 1}
	for _, x := range v {
		p.put(b2u(x))
	}
	return p.finish(), boolsPacked
}

func (r *reader) bools(mode byte, n int) []bool {
	var raw []byte
	switch mode {
	case boolsPacked:
		if raw = r.bytes((n + 7) / 8); raw == nil {
			return nil
		}
	case boolsFalse, boolsTrue:
	default:
		r.fail("boolean mode")
		return nil
	}
	out := make([]bool, n)
	for i := range out {
		out[i] = mode == boolsTrue || (raw != nil && raw[i>>3]>>(i&7)&1 != 0)
	}
	return out
}

func appendFloats(dst []byte, v []float64) ([]byte, byte) {
	constant, single, integral := true, true, true
	for _, f := range v {
		bits := math.Float64bits(f)
		constant = constant && bits == math.Float64bits(v[0])
		single = single && math.Float64bits(float64(float32(f))) == bits
		integral = integral && f == math.Trunc(f) && math.Abs(f) < 1<<53 && bits != 1<<63
	}
	switch {
	case integral:
		ints := make([]int64, len(v))
		for i, f := range v {
			ints[i] = int64(f)
		}
		return appendInts(dst, ints), floatsIntegral
	case constant:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v[0])), floatsConstant
	case single:
		for _, f := range v {
			dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(f)))
		}
		return dst, floatsSingle
	}
	for _, f := range v {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
	}
	return dst, floatsRaw
}

func (r *reader) floats(mode byte, n int) []float64 {
	width := 8
	switch mode {
	case floatsIntegral:
		ints := r.ints(n)
		out := make([]float64, len(ints))
		for i, v := range ints {
			out[i] = float64(v)
		}
		return out
	case floatsConstant:
		raw := r.bytes(8)
		if raw == nil {
			return nil
		}
		out, f := make([]float64, n), math.Float64frombits(binary.LittleEndian.Uint64(raw))
		for i := range out {
			out[i] = f
		}
		return out
	case floatsSingle:
		width = 4
	case floatsRaw:
	default:
		r.fail("float mode")
		return nil
	}
	raw := r.bytes(width * n)
	if raw == nil {
		return nil
	}
	out := make([]float64, n)
	for i := range out {
		if width == 4 {
			out[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:])))
		} else {
			out[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
		}
	}
	return out
}

func appendNums(dst []byte, c *Column) ([]byte, byte) {
	v := c.Nums
	plain := true
	for i := range v {
		plain = plain && v[i].Form == types.NumInline && v[i].Scale == v[0].Scale
	}
	ints := make([]int64, len(v))
	if plain {
		scale := int32(0)
		for i := range v {
			ints[i], scale = v[i].Coef, v[i].Scale
		}
		dst = binary.AppendUvarint(dst, uint64(scale))
		return appendInts(dst, ints), numsPlain
	}
	for i := range v {
		ints[i] = int64(v[i].Scale)
	}
	dst = appendInts(dst, ints)
	for i := range v {
		ints[i] = int64(v[i].Form)
	}
	dst = appendInts(dst, ints)
	for i := range v {
		switch v[i].Form {
		case types.NumInline:
			ints[i] = v[i].Coef
		case types.NumBig:
			_, l := v[i].BigSpan()
			ints[i] = int64(l)
		default:
			ints[i] = 0
		}
	}
	dst = appendInts(dst, ints)
	for i := range v {
		if v[i].Form == types.NumBig {
			dst = append(dst, c.NumBytes(v[i])...)
		}
	}
	return dst, numsGeneral
}

func (r *reader) nums(c *Column, mode byte, n int) {
	switch mode {
	case numsPlain:
		scale := r.uvarint()
		coefs := r.ints(n)
		if scale > types.ScaleMax {
			r.fail("scale")
			return
		}
		c.Nums = make([]types.Num, len(coefs))
		for i, v := range coefs {
			c.Nums[i] = types.Num{Coef: v, Scale: int32(scale)}
		}
	case numsGeneral:
		r.generalNums(c, n)
	default:
		r.fail("numeric mode")
	}
}

func (r *reader) generalNums(c *Column, n int) {
	scales, forms, coefs := r.ints(n), r.ints(n), r.ints(n)
	if r.err != nil {
		return
	}
	c.Nums = make([]types.Num, n)
	for i := range c.Nums {
		if scales[i] < 0 || scales[i] > types.ScaleMax || forms[i] < 0 || forms[i] > int64(types.NumNegInf) {
			r.fail("numeric")
			return
		}
		c.Nums[i] = types.Num{Coef: coefs[i], Scale: int32(scales[i]), Form: types.NumForm(forms[i])}
		if c.Nums[i].Form != types.NumBig {
			continue
		}
		if coefs[i] < 2 || coefs[i] > math.MaxInt32 {
			r.fail("numeric length")
			return
		}
		raw := r.bytes(int(coefs[i]))
		if raw == nil {
			return
		}
		c.Nums[i] = types.MakeBig(uint32(len(c.Bytes)), uint32(len(raw)), int32(scales[i]))
		c.Bytes = append(c.Bytes, raw...)
	}
}

func appendIntervals(dst []byte, v []types.Interval) []byte {
	ints := make([]int64, len(v))
	for i := range v {
		ints[i] = v[i].Micros
	}
	dst = appendInts(dst, ints)
	for i := range v {
		ints[i] = int64(v[i].Days)
	}
	dst = appendInts(dst, ints)
	for i := range v {
		ints[i] = int64(v[i].Months)
	}
	return appendInts(dst, ints)
}

func (r *reader) intervals(c *Column, n int) {
	micros, days, months := r.ints(n), r.ints(n), r.ints(n)
	if r.err != nil {
		return
	}
	c.Ivls = make([]types.Interval, n)
	for i := range c.Ivls {
		if int64(int32(days[i])) != days[i] || int64(int32(months[i])) != months[i] {
			r.fail("interval")
			return
		}
		c.Ivls[i] = types.Interval{Micros: micros[i], Days: int32(days[i]), Months: int32(months[i])}
	}
}

func appendStrings(dst []byte, c *Column) ([]byte, byte) {
	n := len(c.Views)
	constant := n > 0
	for i := 1; i < n && constant; i++ {
		constant = bytes.Equal(c.StringAt(i), c.StringAt(0))
	}
	if constant {
		s := c.StringAt(0)
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		return append(dst, s...), bytesConstant
	}
	if n >= dictionaryRowsMin {
		if first, codes := dictionary(c); codes != nil {
			dst = binary.AppendUvarint(dst, uint64(len(first)))
			dst = appendPlain(dst, c, first)
			return appendInts(dst, codes), bytesDictionary
		}
	}
	all := make([]int32, n)
	for i := range all {
		all[i] = int32(i)
	}
	return appendPlain(dst, c, all), bytesPlain
}

// appendPlain appends the lengths and the bytes of the given rows.
func appendPlain(dst []byte, c *Column, rows []int32) []byte {
	lens := make([]int64, len(rows))
	for i, r := range rows {
		lens[i] = int64(c.Views[r].Len)
	}
	dst = appendInts(dst, lens)
	for _, r := range rows {
		dst = append(dst, c.StringAt(int(r))...)
	}
	return dst
}

// dictionary returns the rows where distinct strings come first and each row's place
// among them; nil codes when more than a quarter of the rows are distinct.
func dictionary(c *Column) (first []int32, codes []int64) {
	n := len(c.Views)
	limit := n / 4
	size := 16
	for size < 2*limit {
		size *= 2
	}
	table := make([]int32, size) // place + 1
	codes = make([]int64, n)
	for i := range n {
		s := c.StringAt(i)
		slot := int(hashBytes(hashSeed, s)) & (size - 1)
		for ; table[slot] != 0; slot = (slot + 1) & (size - 1) {
			if bytes.Equal(c.StringAt(int(first[table[slot]-1])), s) {
				break
			}
		}
		if table[slot] == 0 {
			if len(first) >= limit {
				return nil, nil
			}
			first = append(first, int32(i))
			table[slot] = int32(len(first))
		}
		codes[i] = int64(table[slot] - 1)
	}
	return first, codes
}

func (r *reader) strings(c *Column, mode byte, n int) {
	switch mode {
	case bytesConstant:
		size := r.uvarint()
		if size > uint64(len(r.b)) {
			r.fail("string length")
			return
		}
		c.Bytes = append([]byte(nil), r.bytes(int(size))...)
		c.Views = make([]View, n)
		for i := range c.Views {
			c.Views[i].Len = uint32(size)
		}
	case bytesPlain:
		c.Views, c.Bytes = r.plain(n)
	case bytesDictionary:
		size := r.uvarint()
		if size > uint64(n) {
			r.fail("dictionary size")
			return
		}
		words, bytes := r.plain(int(size))
		codes := r.ints(n)
		if r.err != nil {
			return
		}
		c.Views, c.Bytes = make([]View, n), bytes
		for i, k := range codes {
			if uint64(k) >= size {
				r.fail("dictionary code")
				return
			}
			c.Views[i] = words[k]
		}
	default:
		r.fail("string mode")
	}
}

// plain reads n lengths and the bytes they cover.
func (r *reader) plain(n int) ([]View, []byte) {
	lens := r.ints(n)
	if r.err != nil {
		return nil, nil
	}
	views, total := make([]View, n), 0
	for i, l := range lens {
		if l < 0 || l > int64(len(r.b)-total) {
			r.fail("string length")
			return nil, nil
		}
		views[i] = View{Off: uint32(total), Len: uint32(l)}
		total += int(l)
	}
	return views, append([]byte(nil), r.bytes(total)...)
}
