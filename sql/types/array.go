package types

import (
	"encoding/binary"
	"math"
)

// The bytes of an array value, all numbers little-endian:
//
//	0  count   uint32  number of elements
//	4  lower   int32   subscript of the first element, 1 unless said otherwise
//	8  flags   uint8   bit 0: a null bitmap follows
//	9  bitmap  (count+7)/8 bytes if flagged, bit i set: element i is NULL
//	   fixed   count × width: bool 1, int and float 8, numeric, interval, uuid 16,
//	           byte strings 4 (the end of the element's bytes in tail)
//	   tail    bytes of strings and of big numeric coefficients
//
// A NULL has zero bytes as its fixed part. The encoding of a value is unique, so
// arrays are identical exactly when their bytes are.
const arrayHeader = 9

// arrayWidth is the size of an element's fixed part.
func arrayWidth(c Class) int {
	switch c {
	case ClassBool:
		return 1
	case ClassInt, ClassFloat:
		return 8
	case ClassBytes:
		return 4
	}
	return 16
}

// Array reads an array value in place. It is valid as long as the bytes it was made
// from.
type Array struct {
	elem   Type
	n      int
	lower  int32
	nulls  string // bitmap, empty for none
	fixed  string
	tail   string
	class  Class
	stride int
}

// ReadArray opens the bytes of an array of type t; false if they are no such array.
func ReadArray(t Type, s string) (Array, bool) {
	if len(s) < arrayHeader {
		return Array{}, false
	}
	a := Array{elem: t.ElemType(), n: int(le32(s, 0)), lower: int32(le32(s, 4))}
	a.class = a.elem.Class()
	a.stride = arrayWidth(a.class)
	rest := s[arrayHeader:]
	if s[8]&1 != 0 {
		k := (a.n + 7) / 8
		if len(rest) < k {
			return Array{}, false
		}
		a.nulls, rest = rest[:k], rest[k:]
	}
	if a.n > len(rest)/a.stride {
		return Array{}, false
	}
	a.fixed, a.tail = rest[:a.n*a.stride], rest[a.n*a.stride:]
	return a, true
}

func le32(s string, i int) uint32 {
	_ = s[i+3]
	return uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16 | uint32(s[i+3])<<24
}

func le64(s string, i int) uint64 { return uint64(le32(s, i)) | uint64(le32(s, i+4))<<32 }

// Len returns the number of elements.
func (a *Array) Len() int { return a.n }

// Lower returns the subscript of the first element.
func (a *Array) Lower() int { return int(a.lower) }

// Elem returns the element type.
func (a *Array) Elem() Type { return a.elem }

// Null reports whether element i is NULL.
func (a *Array) Null(i int) bool { return a.nulls != "" && a.nulls[i>>3]&(1<<(i&7)) != 0 }

// HasNulls reports whether any element is NULL.
func (a *Array) HasNulls() bool { return a.nulls != "" }

// Bool returns element i of a ClassBool array.
func (a *Array) Bool(i int) bool { return a.fixed[i] != 0 }

// Int returns element i of a ClassInt array.
func (a *Array) Int(i int) int64 { return int64(le64(a.fixed, i*8)) }

// Float returns element i of a ClassFloat array.
func (a *Array) Float(i int) float64 { return math.Float64frombits(le64(a.fixed, i*8)) }

// Str returns element i of a ClassBytes array, not copied.
func (a *Array) Str(i int) string {
	lo, hi := uint32(0), le32(a.fixed, i*4)
	if i > 0 {
		lo = le32(a.fixed, i*4-4)
	}
	if lo > hi || int(hi) > len(a.tail) {
		return ""
	}
	return a.tail[lo:hi]
}

// Dec returns element i of a numeric array.
func (a *Array) Dec(i int) Dec {
	n := Num{Coef: int64(le64(a.fixed, i*16)), Scale: int32(le32(a.fixed, i*16+8)), Form: NumForm(a.fixed[i*16+12])}
	if uint32(n.Scale) > ScaleMax {
		return DecNaN // no such value was ever written
	}
	if n.Form != NumBig {
		return Dec{N: n}
	}
	off, l := n.BigSpan()
	if uint64(off)+uint64(l) > uint64(len(a.tail)) || l < 2 {
		return DecNaN
	}
	return Dec{N: n, Big: []byte(a.tail[off : off+l])}
}

// Interval returns element i of an interval array.
func (a *Array) Interval(i int) Interval {
	return Interval{int64(le64(a.fixed, i*16)), int32(le32(a.fixed, i*16+8)), int32(le32(a.fixed, i*16+12))}
}

// UUID returns element i of a uuid array.
func (a *Array) UUID(i int) (u [16]byte) {
	copy(u[:], a.fixed[i*16:])
	return u
}

// Datum returns element i; strings are parts of the array's bytes.
func (a *Array) Datum(i int) Datum {
	if a.Null(i) {
		return NullDatum
	}
	switch a.class {
	case ClassBool:
		return Datum{I: int64(a.fixed[i])}
	case ClassInt:
		return Datum{I: a.Int(i)}
	case ClassFloat:
		return Datum{F: a.Float(i)}
	case ClassNumeric:
		return a.Dec(i).Datum()
	case ClassInterval:
		return Datum{V: a.Interval(i)}
	case ClassUUID:
		return Datum{U: a.UUID(i)}
	}
	return Datum{S: a.Str(i)}
}

// ArrayBuilder makes array values; it can be used again after Reset.
type ArrayBuilder struct {
	class Class
	n     int
	lower int32
	nulls []byte // nil until the first NULL
	fixed []byte
	tail  []byte
}

// NewArrayBuilder returns a builder for the array or vector type t.
func NewArrayBuilder(t Type) *ArrayBuilder {
	b := new(ArrayBuilder)
	b.init(t)
	return b
}

// init empties the builder and sets it to the array or vector type t.
func (b *ArrayBuilder) init(t Type) {
	b.class = t.ElemType().Class()
	b.Reset()
	b.lower = 1
	if t.Kind == KindInt2Vector || t.Kind == KindOIDVector {
		b.lower = 0
	}
}

// Reset empties the builder and keeps its buffers.
func (b *ArrayBuilder) Reset() {
	b.n, b.nulls, b.fixed, b.tail = 0, nil, b.fixed[:0], b.tail[:0]
}

// SetLower sets the subscript of the first element.
func (b *ArrayBuilder) SetLower(lower int32) { b.lower = lower }

// Len returns the number of elements added.
func (b *ArrayBuilder) Len() int { return b.n }

func (b *ArrayBuilder) next() {
	b.n++
	if b.nulls != nil && len(b.nulls)*8 < b.n {
		b.nulls = append(b.nulls, 0)
	}
}

// AddNull adds a NULL.
func (b *ArrayBuilder) AddNull() {
	if b.nulls == nil {
		b.nulls = make([]byte, (b.n+7)/8)
	}
	b.next()
	b.nulls[(b.n-1)>>3] |= 1 << ((b.n - 1) & 7)
	if b.class == ClassBytes {
		b.fixed = binary.LittleEndian.AppendUint32(b.fixed, uint32(len(b.tail)))
		return
	}
	var zero [16]byte
	b.fixed = append(b.fixed, zero[:arrayWidth(b.class)]...)
}

// AddBool adds an element of a ClassBool array.
func (b *ArrayBuilder) AddBool(v bool) {
	b.next()
	c := byte(0)
	if v {
		c = 1
	}
	b.fixed = append(b.fixed, c)
}

// AddInt adds an element of a ClassInt array.
func (b *ArrayBuilder) AddInt(v int64) {
	b.next()
	b.fixed = binary.LittleEndian.AppendUint64(b.fixed, uint64(v))
}

// AddFloat adds an element of a ClassFloat array.
func (b *ArrayBuilder) AddFloat(v float64) { b.AddInt(int64(math.Float64bits(v))) }

// AddBytes adds an element of a ClassBytes array.
func (b *ArrayBuilder) AddBytes(v []byte) { b.AddString(BytesString(v)) }

// AddString adds an element of a ClassBytes array.
func (b *ArrayBuilder) AddString(v string) {
	b.next()
	b.tail = append(b.tail, v...)
	b.fixed = binary.LittleEndian.AppendUint32(b.fixed, uint32(len(b.tail)))
}

// AddDec adds an element of a numeric array.
func (b *ArrayBuilder) AddDec(d Dec) {
	b.next()
	var n Num
	n, b.tail = d.Put(b.tail)
	b.fixed = binary.LittleEndian.AppendUint64(b.fixed, uint64(n.Coef))
	b.fixed = binary.LittleEndian.AppendUint32(b.fixed, uint32(n.Scale))
	b.fixed = append(b.fixed, byte(n.Form), 0, 0, 0)
}

// AddInterval adds an element of an interval array.
func (b *ArrayBuilder) AddInterval(v Interval) {
	b.next()
	b.fixed = binary.LittleEndian.AppendUint64(b.fixed, uint64(v.Micros))
	b.fixed = binary.LittleEndian.AppendUint32(b.fixed, uint32(v.Days))
	b.fixed = binary.LittleEndian.AppendUint32(b.fixed, uint32(v.Months))
}

// AddUUID adds an element of a uuid array.
func (b *ArrayBuilder) AddUUID(u [16]byte) {
	b.next()
	b.fixed = append(b.fixed, u[:]...)
}

// Add adds an element of any class.
func (b *ArrayBuilder) Add(d Datum) {
	if d.Null {
		b.AddNull()
		return
	}
	switch b.class {
	case ClassBool:
		b.AddBool(d.I != 0)
	case ClassInt:
		b.AddInt(d.I)
	case ClassFloat:
		b.AddFloat(d.F)
	case ClassNumeric:
		b.AddDec(d.Dec())
	case ClassInterval:
		b.AddInterval(d.V)
	case ClassUUID:
		b.AddUUID(d.U)
	default:
		b.AddString(d.S)
	}
}

// AppendTo appends the array's bytes. An empty array has lower bound 1.
func (b *ArrayBuilder) AppendTo(dst []byte) []byte {
	lower, flags := b.lower, byte(0)
	if b.nulls != nil {
		flags = 1
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(b.n))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(lower))
	dst = append(dst, flags)
	dst = append(dst, b.nulls...)
	dst = append(dst, b.fixed...)
	return append(dst, b.tail...)
}

// MakeArray returns the array of type t with the given elements.
func MakeArray(t Type, elems []Datum) Datum {
	b := NewArrayBuilder(t)
	for _, e := range elems {
		b.Add(e)
	}
	return Datum{S: string(b.AppendTo(nil))}
}
