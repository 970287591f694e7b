package types

import (
	"streamdb/sql/sqlerr"
)

// AppendText writes a value that is not NULL in PostgreSQL's text format. A column
// encoder switches on the kind once and calls the typed functions itself.
func AppendText(dst []byte, t Type, d Datum, st *Settings) []byte {
	st = st.orDefault()
	switch t.Class() {
	case ClassBool:
		return AppendBool(dst, d.I != 0)
	case ClassInt:
		return AppendIntKind(dst, t.Kind, d.I, st)
	case ClassFloat:
		if t.Kind == KindFloat4 {
			return AppendFloat4(dst, d.F, st.extraFloatDigits())
		}
		return AppendFloat8(dst, d.F, st.extraFloatDigits())
	case ClassNumeric:
		return AppendNum(dst, d.N, stringBytes(d.S))
	case ClassInterval:
		return AppendInterval(dst, d.V, st)
	case ClassUUID:
		return AppendUUID(dst, d.U)
	}
	return AppendVarlen(dst, t, d.S, st)
}

// AppendIntKind writes a value of any kind of ClassInt.
func AppendIntKind(dst []byte, k Kind, v int64, st *Settings) []byte {
	switch k {
	case KindDate:
		return AppendDate(dst, v, st)
	case KindTime:
		return AppendTime(dst, v)
	case KindTimestamp:
		return AppendTimestamp(dst, v, st)
	case KindTimestampTZ:
		return AppendTimestampTZ(dst, v, st)
	case KindRegClass, KindRegType, KindRegProc, KindRegNS, KindRegRole:
		return appendReg(dst, k, v, st.orDefault())
	}
	return AppendInt(dst, v)
}

func appendReg(dst []byte, k Kind, v int64, st *Settings) []byte {
	if v == 0 {
		return append(dst, '-')
	}
	if st.Reg != nil {
		if name, ok := st.Reg.RegName(k, uint32(v)); ok {
			return append(dst, name...)
		}
	}
	if k == KindRegType {
		if t, ok := FromOID(uint32(v)); ok {
			return append(dst, t.SQLName()...)
		}
	}
	return AppendInt(dst, v)
}

// AppendVarlen writes a value of any kind of ClassBytes.
func AppendVarlen(dst []byte, t Type, s string, st *Settings) []byte {
	switch t.Kind {
	case KindBytea:
		return AppendBytea(dst, s, st.orDefault().ByteaEscape)
	case KindQChar:
		return AppendQChar(dst, s)
	case KindArray, KindInt2Vector, KindOIDVector:
		return AppendArrayText(dst, t, s, st)
	}
	return append(dst, s...)
}

// ParseText reads a value in PostgreSQL's text format and applies t's modifiers as
// an assignment does. The result keeps no part of s.
func ParseText(t Type, s string, st *Settings) (Datum, error) {
	st = st.orDefault()
	switch t.Class() {
	case ClassBool:
		v, err := ParseBool(s)
		if v {
			return Datum{I: 1}, err
		}
		return Datum{}, err
	case ClassInt:
		v, err := ParseIntKind(t, s, st)
		return Datum{I: v}, err
	case ClassFloat:
		v, err := ParseFloatKind(t.Kind, s)
		return Datum{F: v}, err
	case ClassNumeric:
		v, err := ParseNumeric(s, t.Typmod)
		return v.Datum(), err
	case ClassInterval:
		v, err := ParseInterval(s, st, t.Typmod)
		return Datum{V: v}, err
	case ClassUUID:
		v, err := ParseUUID(s)
		return Datum{U: v}, err
	}
	b, err := ParseVarlen(nil, t, s, st)
	return Datum{S: string(b)}, err
}

// ParseNumeric reads a numeric and applies a typmod.
func ParseNumeric(s string, typmod int32) (Dec, error) {
	d, err := ParseDec(s)
	if err != nil || typmod < 4 {
		return d, err
	}
	return CoerceDec(d, typmod)
}

// ParseFloatKind reads a real or double precision value.
func ParseFloatKind(k Kind, s string) (float64, error) {
	if k == KindFloat4 {
		return ParseFloat4(s)
	}
	return ParseFloat8(s)
}

// ParseIntKind reads a value of any kind of ClassInt.
func ParseIntKind(t Type, s string, st *Settings) (int64, error) {
	switch t.Kind {
	case KindInt2:
		return ParseInt2(s)
	case KindInt4:
		return ParseInt4(s)
	case KindInt8:
		return ParseInt8(s)
	case KindDate:
		return ParseDate(s, st)
	case KindTime:
		v, err := ParseTime(s, st)
		return CoerceTime(v, t.Typmod), err
	case KindTimestamp, KindTimestampTZ:
		v, err := parseTimestampKind(t.Kind, s, st)
		if err != nil || t.Typmod < 0 {
			return v, err
		}
		return CoerceTimestamp(v, t.Typmod)
	case KindOID, KindXID:
		return ParseOID(s)
	}
	return parseReg(t.Kind, s, st.orDefault())
}

func parseTimestampKind(k Kind, s string, st *Settings) (int64, error) {
	if k == KindTimestamp {
		return ParseTimestamp(s, st)
	}
	return ParseTimestampTZ(s, st)
}

func parseReg(k Kind, s string, st *Settings) (int64, error) {
	if s == "-" {
		return 0, nil
	}
	if s != "" && spanDigits(s) == len(s) {
		return ParseOID(s)
	}
	if k == KindRegType {
		if t, err := ParseTypeName(s); err == nil {
			return int64(t.OID()), nil
		} else if st.Reg == nil {
			return 0, err
		}
	}
	if st.Reg == nil {
		return 0, sqlerr.Unsupported("a name as input of type "+Of(k).TypName(), -1)
	}
	oid, err := st.Reg.RegOID(k, s)
	return int64(oid), err
}

// ParseVarlen appends the stored form of a value of any kind of ClassBytes.
func ParseVarlen(dst []byte, t Type, s string, st *Settings) ([]byte, error) {
	switch t.Kind {
	case KindBytea:
		return ParseBytea(dst, s)
	case KindJSONB:
		return ParseJSONB(dst, s)
	case KindJSON:
		if err := ValidateJSON(s); err != nil {
			return nil, err
		}
		return append(dst, s...), nil
	case KindQChar:
		return append(dst, ParseQChar(s)...), nil
	case KindArray, KindInt2Vector, KindOIDVector:
		return ParseArrayText(dst, t, s, st)
	case KindRecord, KindVoid:
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "input of anonymous composite types is not implemented")
	}
	r, err := CoerceString(t, s, false)
	return append(dst, r...), err
}

// CoerceString makes a string fit a character type: varchar(n), char(n), name.
func CoerceString(t Type, s string, explicit bool) (string, error) {
	switch t.Kind {
	case KindVarchar:
		return CoerceVarchar(s, t.Typmod, explicit)
	case KindBPChar:
		return CoerceBPChar(s, t.Typmod, explicit)
	case KindName:
		return TruncName(s), nil
	}
	return s, nil
}

// stringBytes views a string as bytes, which must not be changed.
func stringBytes(s string) []byte { return []byte(s) }
