package types

// Num is a numeric value as columns hold it: 16 bytes without pointers.
//
// In the finite inline form the value is Coef × 10^-Scale. In the big form the
// coefficient does not fit int64: Coef packs the position of its bytes in the
// column's byte buffer (offset<<32 | length, see BigSpan), a sign byte (0 or 1)
// followed by the big-endian magnitude. Scale is PostgreSQL's display scale and is
// part of the value's identity (1.0 and 1.00 are equal but not identical).
//
// Invariant: a coefficient that fits int64 is always inline.
type Num struct {
	Coef  int64
	Scale int32
	Form  NumForm
}

// NumForm tells how a Num is to be read.
type NumForm uint8

// The forms of a numeric. Their order is PostgreSQL's sort order of the special
// values around the finite ones only after NumRank.
const (
	NumInline NumForm = iota
	NumBig
	NumNaN
	NumPosInf
	NumNegInf
)

// BigSpan returns where a big coefficient's bytes lie in its column's buffer.
func (n Num) BigSpan() (off, length uint32) { return uint32(uint64(n.Coef) >> 32), uint32(n.Coef) }

// MakeBig returns the Num of scale whose coefficient lies at [off, off+length) of
// the column's buffer.
func MakeBig(off, length uint32, scale int32) Num {
	return Num{Coef: int64(uint64(off)<<32 | uint64(length)), Scale: scale, Form: NumBig}
}

// Interval is PostgreSQL's interval: the three parts are independent and all belong
// to its identity; comparison normalises with 30-day months and 24-hour days.
type Interval struct {
	Micros int64
	Days   int32
	Months int32
}

// Datum is one value outside a column: a literal, a parameter, a key of a point
// read, a row on its way to text. It is not used on data paths. Which field counts
// follows from the Class of the type it goes with.
type Datum struct {
	Null bool
	I    int64    // ClassInt; ClassBool as 0 or 1
	F    float64  // ClassFloat
	N    Num      // ClassNumeric, inline or special; a big coefficient is in S (sign byte and magnitude) with N.Form NumBig
	V    Interval // ClassInterval
	U    [16]byte // ClassUUID
	S    string   // ClassBytes
}

// NullDatum is the NULL of any type.
var NullDatum = Datum{Null: true}
