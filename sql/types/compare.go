package types

import (
	"math"
	"strings"
)

// CompareFloat orders floats as SQL does: NaN is the largest and equal to itself,
// −0 equals 0.
func CompareFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return 0
	case a != a && b != b:
		return 0
	case a != a:
		return 1
	}
	return -1
}

// Compare orders two values of type t that are not NULL in SQL's order: -1, 0, +1.
// Text is ordered by its bytes (collation C).
func Compare(t Type, a, b Datum) int {
	switch t.Class() {
	case ClassBool, ClassInt:
		return cmpOrdered(a.I, b.I)
	case ClassFloat:
		return CompareFloat(a.F, b.F)
	case ClassNumeric:
		return CmpDec(a.Dec(), b.Dec())
	case ClassInterval:
		return CmpInterval(a.V, b.V)
	case ClassUUID:
		return strings.Compare(string(a.U[:]), string(b.U[:]))
	}
	return CompareVarlen(t, a.S, b.S)
}

// CompareVarlen orders two values of a type of ClassBytes.
func CompareVarlen(t Type, a, b string) int {
	switch t.Kind {
	case KindBPChar:
		return strings.Compare(TrimBPChar(a), TrimBPChar(b))
	case KindJSONB:
		return CompareJSONB(a, b)
	case KindArray, KindInt2Vector, KindOIDVector:
		return compareArrays(t, a, b)
	}
	return strings.Compare(a, b)
}

// PlainBytes reports whether values of t, of ClassBytes, compare and equal by their
// bytes alone, so that kernels may skip CompareVarlen and NormalizeVarlen.
func (t Type) PlainBytes() bool {
	switch t.Kind {
	case KindBPChar, KindJSONB, KindArray, KindInt2Vector, KindOIDVector:
		return false
	}
	return true
}

// compareArrays goes element by element, NULL last; then the shorter is less, then
// the one with the smaller lower bound.
func compareArrays(t Type, s, u string) int {
	a, ok1 := ReadArray(t, s)
	b, ok2 := ReadArray(t, u)
	if !ok1 || !ok2 {
		return strings.Compare(s, u)
	}
	for i := range min(a.n, b.n) {
		an, bn := a.Null(i), b.Null(i)
		switch {
		case an && bn:
			continue
		case an:
			return 1
		case bn:
			return -1
		}
		if c := Compare(a.elem, a.Datum(i), b.Datum(i)); c != 0 {
			return c
		}
	}
	if c := cmpOrdered(a.n, b.n); c != 0 {
		return c
	}
	return cmpOrdered(a.lower, b.lower)
}

// CompareNulls orders two values of which either may be NULL.
func CompareNulls(t Type, a, b Datum, desc, nullsFirst bool) int {
	if a.Null || b.Null {
		switch {
		case a.Null && b.Null:
			return 0
		case a.Null == nullsFirst:
			return -1
		}
		return 1
	}
	c := Compare(t, a, b)
	if desc {
		return -c
	}
	return c
}

// NormalizeFloat turns −0 into 0 and every NaN into one.
func NormalizeFloat(f float64) float64 {
	if f == 0 {
		return 0
	}
	if f != f {
		return math.NaN()
	}
	return f
}

// Normalize returns the form in which values of t that SQL holds equal are
// identical: what GROUP BY, DISTINCT, joins and unique keys go by.
func Normalize(t Type, d Datum) Datum {
	if d.Null {
		return d
	}
	switch t.Class() {
	case ClassFloat:
		d.F = NormalizeFloat(d.F)
	case ClassNumeric:
		return NormalizeDec(d.Dec()).Datum()
	case ClassInterval:
		d.V = NormalizeInterval(d.V)
	case ClassBytes:
		if !t.PlainBytes() {
			d.S = string(NormalizeVarlen(nil, t, d.S))
		}
	}
	return d
}

// NormalizeVarlen appends the normal form of a value of a type of ClassBytes.
func NormalizeVarlen(dst []byte, t Type, s string) []byte {
	switch t.Kind {
	case KindBPChar:
		return append(dst, TrimBPChar(s)...)
	case KindJSONB:
		return NormalizeJSONB(dst, s)
	case KindArray:
		switch elem := t.ElemType(); elem.Class() {
		case ClassBool, ClassInt, ClassUUID:
		case ClassBytes:
			if !elem.PlainBytes() {
				return normalizeArray(dst, t, s)
			}
		default:
			return normalizeArray(dst, t, s)
		}
	}
	return append(dst, s...)
}

func normalizeArray(dst []byte, t Type, s string) []byte {
	a, ok := ReadArray(t, s)
	if !ok {
		return append(dst, s...)
	}
	b := NewArrayBuilder(t)
	b.SetLower(a.lower)
	for i := range a.n {
		b.Add(Normalize(a.elem, a.Datum(i)))
	}
	return b.AppendTo(dst)
}
