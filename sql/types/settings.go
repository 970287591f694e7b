package types

import (
	"strings"
	"time"

	"streamdb/sql/sqlerr"
)

// DateStyle is how dates and timestamps are written.
type DateStyle uint8

// The date styles.
const (
	DateISO DateStyle = iota
	DateSQL
	DatePostgres
	DateGerman
)

// DateOrder is the order of day, month and year in ambiguous input.
type DateOrder uint8

// The date orders.
const (
	OrderMDY DateOrder = iota
	OrderDMY
	OrderYMD
)

// IntervalStyle is how intervals are written.
type IntervalStyle uint8

// The interval styles.
const (
	IntervalPostgres IntervalStyle = iota
	IntervalPostgresVerbose
	IntervalSQLStandard
	IntervalISO8601
)

// Settings are the session settings that the text forms of values depend on. The
// zero value is usable and means UTC, ISO, MDY, postgres, hex and shortest floats.
// A Settings that has been handed on is immutable.
type Settings struct {
	TimeZone      *time.Location // nil means UTC
	DateStyle     DateStyle
	DateOrder     DateOrder
	IntervalStyle IntervalStyle
	// FloatDigits is extra_float_digits minus its default 1, so that 0 means shortest.
	FloatDigits int
	// ByteaEscape selects the escape format instead of hex.
	ByteaEscape bool
	// Now is what 'now', 'today' and their like mean: microseconds since 2000-01-01
	// UTC, the start of the transaction.
	Now int64
	// Reg resolves names of OID alias types; nil writes and reads numbers only,
	// except regtype, which always knows the built-in types.
	Reg RegResolver
}

// RegResolver knows the objects behind regclass, regproc, regnamespace and regrole.
type RegResolver interface {
	// RegName returns what is shown for an oid of a kind; false shows the number.
	RegName(k Kind, oid uint32) (string, bool)
	// RegOID resolves a name, or returns the error PostgreSQL raises.
	RegOID(k Kind, name string) (uint32, error)
}

// DefaultSettings are the defaults: UTC, ISO, MDY, postgres intervals.
var DefaultSettings = &Settings{}

func (s *Settings) zone() *time.Location {
	if s == nil || s.TimeZone == nil {
		return time.UTC
	}
	return s.TimeZone
}

func (s *Settings) orDefault() *Settings {
	if s == nil {
		return DefaultSettings
	}
	return s
}

func (s *Settings) extraFloatDigits() int { return s.FloatDigits + 1 }

// ParseDateStyle reads a value of the DateStyle setting, such as "ISO, DMY",
// changing only what it names.
func ParseDateStyle(v string, style DateStyle, order DateOrder) (DateStyle, DateOrder, error) {
	for _, w := range strings.Split(v, ",") {
		switch w = strings.ToLower(strings.TrimSpace(w)); {
		case w == "iso":
			style = DateISO
		case w == "sql":
			style = DateSQL
		case strings.HasPrefix(w, "postgres"):
			style = DatePostgres
		case w == "german":
			style, order = DateGerman, OrderDMY
		case w == "mdy" || w == "us" || strings.HasPrefix(w, "noneuro"):
			order = OrderMDY
		case w == "dmy" || strings.HasPrefix(w, "euro"):
			order = OrderDMY
		case w == "ymd":
			order = OrderYMD
		case w == "default":
			style, order = DateISO, OrderMDY
		default:
			return 0, 0, sqlerr.New(sqlerr.InvalidParameterValue, "invalid value for parameter \"DateStyle\": \"%s\"", v).
				WithDetail("Unrecognized key word: \"%s\".", w)
		}
	}
	return style, order, nil
}

// String names the style and order as SHOW datestyle does.
func (d DateStyle) String() string { return [...]string{"ISO", "SQL", "Postgres", "German"}[d] }

// String names the order as SHOW datestyle does.
func (o DateOrder) String() string { return [...]string{"MDY", "DMY", "YMD"}[o] }

// ParseIntervalStyle reads a value of the IntervalStyle setting.
func ParseIntervalStyle(v string) (IntervalStyle, error) {
	switch strings.ToLower(v) {
	case "postgres":
		return IntervalPostgres, nil
	case "postgres_verbose":
		return IntervalPostgresVerbose, nil
	case "sql_standard":
		return IntervalSQLStandard, nil
	case "iso_8601":
		return IntervalISO8601, nil
	}
	return 0, sqlerr.New(sqlerr.InvalidParameterValue, "invalid value for parameter \"IntervalStyle\": \"%s\"", v).
		WithHint("Available values: postgres, postgres_verbose, sql_standard, iso_8601.")
}

// String names the style as SHOW intervalstyle does.
func (s IntervalStyle) String() string {
	return [...]string{"postgres", "postgres_verbose", "sql_standard", "iso_8601"}[s]
}
