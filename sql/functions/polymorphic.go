package functions

import (
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

func isPseudo(k types.Kind) bool { return k >= Any.Kind && k <= AnyCompatibleNonArray.Kind }

// isArrayPattern reports whether a pseudo-type stands for an array.
func isArrayPattern(k types.Kind) bool { return k == AnyArray.Kind || k == AnyCompatibleArray.Kind }

// isCompatible reports whether a pseudo-type is of the anycompatible family, whose
// members are brought to a common type instead of having to be the same.
func isCompatible(k types.Kind) bool {
	return k == AnyCompatible.Kind || k == AnyCompatibleArray.Kind || k == AnyCompatibleNonArray.Kind
}

// unify replaces the pseudo-types of a candidate's arguments by the types that the
// actual arguments give them.
func unify(pattern, args []types.Type) ([]types.Type, error) {
	out := make([]types.Type, len(pattern))
	elem, common, err := familyTypes(pattern, args)
	if err != nil {
		return nil, err
	}
	for i, p := range pattern {
		switch {
		case p.Kind == Any.Kind:
			out[i] = args[i]
			if args[i].Kind == types.KindUnknown {
				out[i] = types.Text
			}
		case !isPseudo(p.Kind):
			out[i] = p
		case isCompatible(p.Kind):
			out[i] = asPattern(p.Kind, common)
		default:
			out[i] = asPattern(p.Kind, elem)
		}
	}
	return out, nil
}

func asPattern(k types.Kind, elem types.Type) types.Type {
	if isArrayPattern(k) {
		return types.ArrayOf(elem)
	}
	return elem
}

// familyTypes finds the element type of the anyelement family and the common element
// type of the anycompatible family.
func familyTypes(pattern, args []types.Type) (elem, common types.Type, err error) {
	var compat []types.Type
	hasElem, hasCompat, nonArray := false, false, false
	for i, p := range pattern {
		if !isPseudo(p.Kind) || p.Kind == Any.Kind {
			continue
		}
		a := base(args[i])
		nonArray = nonArray || p.Kind == AnyNonArray.Kind || p.Kind == AnyCompatibleNonArray.Kind
		if isCompatible(p.Kind) {
			hasCompat = true
		} else {
			hasElem = true
		}
		if a.Kind == types.KindUnknown {
			if !isCompatible(p.Kind) {
				continue
			}
		} else if isArrayPattern(p.Kind) {
			if !isArrayType(a) {
				return elem, common, sqlerr.New(sqlerr.DatatypeMismatch, "argument declared %s is not an array but type %s", TypeName(p), TypeName(a))
			}
			a = base(a.ElemType())
		}
		if isCompatible(p.Kind) {
			if a.Kind != types.KindUnknown || !isArrayPattern(p.Kind) {
				compat = append(compat, a)
			}
			continue
		}
		if elem.Kind != types.KindInvalid && !sameBase(elem, a) {
			return elem, common, sqlerr.New(sqlerr.DatatypeMismatch, "arguments declared \"%s\" are not all alike", TypeName(p)).
				WithDetail("%s versus %s", TypeName(elem), TypeName(a))
		}
		elem = a
	}
	if hasElem && elem.Kind == types.KindInvalid {
		return elem, common, sqlerr.New(sqlerr.DatatypeMismatch, "could not determine polymorphic type because input has type unknown")
	}
	if hasCompat {
		common, err = CommonType("", compat...)
	}
	if err == nil && nonArray && (elem.Kind == types.KindArray || common.Kind == types.KindArray) {
		err = sqlerr.New(sqlerr.DatatypeMismatch, "type matched to anynonarray is an array type: %s", TypeName(elem))
	}
	return elem, common, err
}

// polymorphicResult replaces a pseudo-type result by what the arguments fixed.
func polymorphicResult(ret types.Type, pattern, actual []types.Type) (types.Type, error) {
	for i, p := range pattern {
		if !isPseudo(p.Kind) || p.Kind == Any.Kind || isCompatible(p.Kind) != isCompatible(ret.Kind) {
			continue
		}
		elem := actual[i]
		if isArrayPattern(p.Kind) {
			elem = base(elem.ElemType())
		}
		if isArrayPattern(ret.Kind) && isArrayType(elem) {
			return ret, sqlerr.New(sqlerr.FeatureNotSupported, "arrays of more than one dimension are not supported")
		}
		return asPattern(ret.Kind, elem), nil
	}
	return ret, sqlerr.Internal("no argument fixes the result type %s", TypeName(ret))
}

// CommonType is the type that UNION, CASE, COALESCE, VALUES, IN and ARRAY bring their
// members to. what names the construct in the error ("CASE", "UNION"). Members that
// are all of one type keep its modifier if that is one.
func CommonType(what string, ts ...types.Type) (types.Type, error) {
	if len(ts) == 0 {
		return types.Text, nil
	}
	p := ts[0]
	same := true
	for _, t := range ts[1:] {
		same = same && t == p
	}
	if same && p.Kind != types.KindUnknown {
		return p, nil
	}
	for _, t := range ts[1:] {
		switch {
		case t.Kind == types.KindUnknown || sameBase(t, p):
		case p.Kind == types.KindUnknown:
			p = t
		case category(t) != category(p):
			return p, mismatch(what, p, t)
		case !isPreferred(p) && canCoerce(p, t) && !canCoerce(t, p):
			p = t
		}
	}
	if p.Kind == types.KindUnknown {
		return types.Text, nil
	}
	for _, t := range ts {
		if !canCoerce(t, p) {
			return p, sqlerr.New(sqlerr.CannotCoerce, "%s could not convert type %s to %s", what, TypeName(t), TypeName(p))
		}
		if t.Typmod != p.Typmod { // a literal without a type has no modifier either
			p = base(p)
		}
	}
	return p, nil
}

func mismatch(what string, a, b types.Type) error {
	if what == "" {
		return sqlerr.New(sqlerr.DatatypeMismatch, "arguments of anycompatible family cannot be cast to a common type")
	}
	return sqlerr.New(sqlerr.DatatypeMismatch, "%s types %s and %s cannot be matched", what, TypeName(a), TypeName(b))
}

func category(t types.Type) byte {
	switch k := t.Kind; {
	case isPseudo(k), k == types.KindVoid, k == types.KindRecord:
		return 'P'
	case k == types.KindArray, k == types.KindInt2Vector, k == types.KindOIDVector:
		return 'A'
	case k == types.KindBool:
		return 'B'
	case k >= types.KindInt2 && k <= types.KindNumeric, k == types.KindOID, k >= types.KindRegClass && k <= types.KindRegRole:
		return 'N'
	case k >= types.KindText && k <= types.KindBPChar, k == types.KindName:
		return 'S'
	case k >= types.KindDate && k <= types.KindTimestampTZ:
		return 'D'
	case k == types.KindInterval:
		return 'T'
	case k == types.KindUnknown:
		return 'X'
	case k == types.KindQChar:
		return 'Z'
	}
	return 'U'
}

func isPreferred(t types.Type) bool {
	switch t.Kind {
	case types.KindBool, types.KindOID, types.KindFloat8, types.KindText, types.KindTimestampTZ, types.KindInterval:
		return true
	}
	return false
}

// base returns t without modifiers.
func base(t types.Type) types.Type { t.Typmod = -1; return t }

// isArrayType reports whether t is laid out as an array.
func isArrayType(t types.Type) bool {
	return t.Kind == types.KindArray || t.Kind == types.KindInt2Vector || t.Kind == types.KindOIDVector
}
