package expr

import (
	"strings"

	"streamdb/sql/types"
)

// Monotone says of an expression over one column that it never falls while the column
// rises: whatever holds "at least w" for the column holds "at least e(w)" for the
// expression, which is how watermarks go through projections. NULLs count nowhere.
//
// coarse tells that it maps a span of values to one, as date_trunc does: its values are
// windows. utc tells that the TimeZone that e was bound with is UTC; in other zones a
// local time may go back.
func Monotone(e *Expr, utc bool) (col int, coarse, ok bool) {
	if e.Op == OpColumn {
		return e.Col, false, true
	}
	if e.Op != OpCall {
		return 0, false, false
	}
	m, known := monotone[e.Fn]
	if !known || m.zoned && (!utc || m.zone > 0) && !m.inUTC(e) {
		return 0, false, false
	}
	for i, a := range e.Args {
		if i == m.arg {
			continue
		}
		if !a.IsConst() || a.Val.Null {
			return 0, false, false
		}
		if v := a.Val.V; a.Type.Kind == types.KindInterval && (v.Months != 0 || m.zoned && !utc && v.Days != 0) {
			return 0, false, false
		}
	}
	col, coarse, ok = Monotone(e.Args[m.arg], utc)
	return col, coarse || m.coarse, ok
}

// monotoneIn is where a function is monotone: in one argument, the others being constant
// and intervals among them without months.
type monotoneIn struct {
	arg    int
	coarse bool
	// zoned: in UTC only. zone is the argument that names the zone, less one, 0 for none.
	zoned bool
	zone  int
}

// inUTC reports whether the call names UTC, or depends on no zone but by days.
func (m *monotoneIn) inUTC(e *Expr) bool {
	if m.zone == 0 {
		return e.Fn == "add_timestamptz_interval" || e.Fn == "add_interval_timestamptz" || e.Fn == "sub_timestamptz_interval"
	}
	z := e.Args[m.zone-1]
	return z.IsConst() && !z.Val.Null && IsUTC(z.Val.S)
}

// IsUTC reports whether a time zone is UTC by name.
func IsUTC(zone string) bool {
	switch strings.ToUpper(zone) {
	case "UTC", "ETC/UTC", "GMT", "ETC/GMT", "ZULU", "Z":
		return true
	}
	return false
}

// monotone is the functions that are, by id.
var monotone = map[string]monotoneIn{
	"add_timestamp_interval":   {arg: 0},
	"add_interval_timestamp":   {arg: 1},
	"sub_timestamp_interval":   {arg: 0},
	"add_timestamptz_interval": {arg: 0, zoned: true},
	"add_interval_timestamptz": {arg: 1, zoned: true},
	"sub_timestamptz_interval": {arg: 0, zoned: true},

	"date_trunc_text_timestamp":                 {arg: 1, coarse: true},
	"date_trunc_text_timestamptz":               {arg: 1, coarse: true, zoned: true},
	"date_trunc_text_timestamptz_text":          {arg: 1, coarse: true, zoned: true, zone: 3},
	"date_bin_interval_timestamp_timestamp":     {arg: 1, coarse: true},
	"date_bin_interval_timestamptz_timestamptz": {arg: 1, coarse: true},

	"cast_timestamp_date":        {arg: 0, coarse: true},
	"cast_timestamptz_date":      {arg: 0, coarse: true, zoned: true},
	"cast_date_timestamp":        {arg: 0},
	"cast_date_timestamptz":      {arg: 0, zoned: true},
	"cast_timestamp_timestamptz": {arg: 0, zoned: true},
	"cast_timestamptz_timestamp": {arg: 0, zoned: true},
	"timezone_text_timestamp":    {arg: 1, zoned: true, zone: 1},
	"timezone_text_timestamptz":  {arg: 1, zoned: true, zone: 1},
}
