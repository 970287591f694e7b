package types

import (
	"fmt"
	"strconv"
	"strings"

	"streamdb/sql/sqlerr"
)

// Interval field masks as in an interval typmod's range.
const (
	FieldMonth  = 1 << 1
	FieldYear   = 1 << 2
	FieldDay    = 1 << 3
	FieldHour   = 1 << 10
	FieldMinute = 1 << 11
	FieldSecond = 1 << 12
	fieldsFull  = 0x7fff
	precFull    = 0xffff
)

// charLenMax is the largest n of varchar(n) and char(n).
const charLenMax = 10485760

// MakeTypmod builds the modifier of a type from the numbers in its parentheses, as
// PostgreSQL's typmodin functions do. No numbers give -1. Of an interval they are
// the field mask and, if present, the precision, as the grammar delivers them.
func MakeTypmod(k Kind, args []int32) (int32, error) {
	if len(args) == 0 {
		return -1, nil
	}
	switch k {
	case KindVarchar, KindBPChar:
		return charTypmod(k, args)
	case KindNumeric:
		return numericMakeTypmod(args)
	case KindTime, KindTimestamp, KindTimestampTZ:
		return timeTypmod(k, args)
	case KindInterval:
		return intervalTypmod(args)
	}
	return 0, sqlerr.New(sqlerr.SyntaxError, "type modifier is not allowed for type \"%s\"", Of(k).TypName())
}

func errTypmod(format string, args ...any) error {
	return sqlerr.New(sqlerr.InvalidParameterValue, format, args...)
}

func charTypmod(k Kind, args []int32) (int32, error) {
	name := "varchar"
	if k == KindBPChar {
		name = "char"
	}
	switch {
	case len(args) != 1:
		return 0, errTypmod("invalid type modifier")
	case args[0] < 1:
		return 0, errTypmod("length for type %s must be at least 1", name)
	case args[0] > charLenMax:
		return 0, errTypmod("length for type %s cannot exceed %d", name, charLenMax)
	}
	return args[0] + 4, nil
}

func numericMakeTypmod(args []int32) (int32, error) {
	if len(args) > 2 {
		return 0, errTypmod("invalid NUMERIC type modifier")
	}
	p, s := args[0], int32(0)
	if p < 1 || p > 1000 {
		return 0, errTypmod("NUMERIC precision %d must be between 1 and 1000", p)
	}
	if len(args) == 2 {
		s = args[1]
		if s < -1000 || s > 1000 {
			return 0, errTypmod("NUMERIC scale %d must be between -1000 and 1000", s)
		}
	}
	return (p<<16 | s&0x7ff) + 4, nil
}

func timeTypmod(k Kind, args []int32) (int32, error) {
	if len(args) != 1 {
		return 0, errTypmod("invalid type modifier")
	}
	if args[0] < 0 {
		name := map[Kind]string{KindTime: "TIME(%d)", KindTimestamp: "TIMESTAMP(%d)", KindTimestampTZ: "TIMESTAMP(%d) WITH TIME ZONE"}[k]
		return 0, errTypmod(name+" precision must not be negative", args[0])
	}
	return min(args[0], 6), nil
}

func intervalTypmod(args []int32) (int32, error) {
	if len(args) > 2 {
		return 0, errTypmod("invalid INTERVAL type modifier")
	}
	if _, ok := intervalFields[args[0]]; !ok {
		return 0, errTypmod("invalid INTERVAL type modifier")
	}
	if len(args) == 1 {
		if args[0] == fieldsFull {
			return -1, nil
		}
		return args[0]<<16 | precFull, nil
	}
	if args[1] < 0 {
		return 0, errTypmod("INTERVAL(%d) precision must not be negative", args[1])
	}
	return args[0]<<16 | min(args[1], 6), nil
}

// intervalFields names the field masks an interval type may have.
var intervalFields = map[int32]string{
	FieldYear:                          " year",
	FieldMonth:                         " month",
	FieldDay:                           " day",
	FieldHour:                          " hour",
	FieldMinute:                        " minute",
	FieldSecond:                        " second",
	FieldYear | FieldMonth:             " year to month",
	FieldDay | FieldHour:               " day to hour",
	FieldDay | FieldHour | FieldMinute: " day to minute",
	FieldDay | FieldHour | FieldMinute | FieldSecond: " day to second",
	FieldHour | FieldMinute:                          " hour to minute",
	FieldHour | FieldMinute | FieldSecond:            " hour to second",
	FieldMinute | FieldSecond:                        " minute to second",
	fieldsFull:                                       "",
}

// String writes the type as PostgreSQL's format_type does: numeric(10,2),
// character varying(20), integer[].
func (t Type) String() string {
	if t.Kind == KindArray {
		return t.ElemType().String() + "[]"
	}
	m := metaOf[t.Kind]
	if m == nil {
		return "???"
	}
	mod := t.Typmod
	if mod < 0 {
		if t.Kind == KindBPChar && mod == -1 {
			return "bpchar" // char without length is bpchar, not character(1)
		}
		return m.sqlName
	}
	switch t.Kind {
	case KindVarchar, KindBPChar:
		if mod > 4 {
			return fmt.Sprintf("%s(%d)", m.sqlName, mod-4)
		}
	case KindNumeric:
		p, s := numericTypmod(mod)
		return fmt.Sprintf("numeric(%d,%d)", p, s)
	case KindTime, KindTimestamp, KindTimestampTZ:
		first, rest, _ := strings.Cut(m.sqlName, " ")
		return fmt.Sprintf("%s(%d) %s", first, mod, rest)
	case KindInterval:
		s := "interval" + intervalFields[mod>>16&fieldsFull]
		if p := mod & precFull; p != precFull {
			s += "(" + strconv.Itoa(int(p)) + ")"
		}
		return s
	}
	return m.sqlName
}

// SQLName writes the type without modifiers, as error messages and casts name it.
func (t Type) SQLName() string {
	if t.Kind == KindArray {
		return Of(t.Elem).SQLName() + "[]"
	}
	if t.Kind == KindBPChar {
		return "character"
	}
	return t.Base().String()
}

// CharLen returns n of varchar(n) and char(n), -1 without one.
func (t Type) CharLen() int {
	if (t.Kind == KindVarchar || t.Kind == KindBPChar) && t.Typmod > 4 {
		return int(t.Typmod) - 4
	}
	return -1
}

// NumericPS returns precision and scale of numeric(p,s), false without them.
func (t Type) NumericPS() (precision, scale int32, ok bool) {
	if t.Kind != KindNumeric || t.Typmod < 4 {
		return 0, 0, false
	}
	precision, scale = numericTypmod(t.Typmod)
	return precision, scale, true
}

// ParseTypeName reads a type as a user writes it in text: "numeric(10,2)",
// "timestamp with time zone", "int[]", "pg_catalog.int4". Used by regtype.
func ParseTypeName(s string) (Type, error) {
	name := strings.ToLower(strings.Join(strings.Fields(s), " "))
	name = strings.TrimPrefix(name, "pg_catalog.")
	array := false
	for strings.HasSuffix(name, "[]") {
		array, name = true, strings.TrimSpace(strings.TrimSuffix(name, "[]"))
	}
	var args []int32
	if i := strings.IndexByte(name, '('); i >= 0 {
		j := strings.IndexByte(name, ')')
		if j < i {
			return Type{}, errNoType(s)
		}
		for _, a := range strings.Split(name[i+1:j], ",") {
			n, err := strconv.ParseInt(strings.TrimSpace(a), 10, 32)
			if err != nil {
				return Type{}, errNoType(s)
			}
			args = append(args, int32(n))
		}
		name = strings.TrimSpace(name[:i]) + name[j+1:]
	}
	t, ok := namedType(name)
	if !ok {
		return Type{}, errNoType(s)
	}
	if name == "char" || name == "character" {
		if args == nil {
			args = []int32{1}
		}
	}
	mod, err := typmodOfName(t.Kind, args)
	if err != nil {
		return Type{}, err
	}
	t.Typmod = mod
	if array {
		t = ArrayOf(t)
	}
	return t, nil
}

func typmodOfName(k Kind, args []int32) (int32, error) {
	if k == KindInterval && len(args) == 1 {
		args = []int32{fieldsFull, args[0]}
	}
	return MakeTypmod(k, args)
}

// namedType resolves the spelling rules that differ between SQL text and pg_type.
func namedType(name string) (Type, bool) {
	switch name {
	case "char":
		return BPChar, true
	case `"char"`:
		return QChar, true
	}
	return LookupName(strings.Trim(name, `"`))
}

func errNoType(s string) error {
	return sqlerr.New(sqlerr.UndefinedObject, "type \"%s\" does not exist", s)
}
