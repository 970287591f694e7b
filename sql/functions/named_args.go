package functions

import (
	"slices"

	"streamdb/sql/types"
)

// namedArgs is the names of the arguments of functions that are called by them, all but the last few of which must be
// given; fill, where it is set, is what an argument left out in between has.
type namedArgs struct {
	names []string
	fill  []types.Type // the types of zeros; nil: nothing may be left out but at the end
}

var argNames = func() map[string]namedArgs {
	ints := []types.Type{types.Int4, types.Int4, types.Int4, types.Int4, types.Int4, types.Int4, types.Float8}
	m := map[string]namedArgs{
		"make_interval":    {[]string{"years", "months", "weeks", "days", "hours", "mins", "secs"}, ints},
		"make_date":        {names: []string{"year", "month", "day"}},
		"make_time":        {names: []string{"hour", "min", "sec"}},
		"make_timestamp":   {names: []string{"year", "month", "mday", "hour", "min", "sec"}},
		"make_timestamptz": {names: []string{"year", "month", "mday", "hour", "min", "sec", "timezone"}},
		"jsonb_set":        {names: []string{"jsonb_in", "path", "replacement", "create_if_missing"}},
		"jsonb_set_lax":    {names: []string{"jsonb_in", "path", "replacement", "create_if_missing", "null_value_treatment"}},
		"jsonb_insert":     {names: []string{"jsonb_in", "path", "replacement", "insert_after"}},
		"parse_ident":      {names: []string{"str", "strict"}},
		"regexp_like":      {names: []string{"string", "pattern", "flags"}},
		"regexp_count":     {names: []string{"string", "pattern", "start", "flags"}},
		"regexp_instr":     {names: []string{"string", "pattern", "start", "N", "endoption", "flags", "subexpr"}},
		"regexp_substr":    {names: []string{"string", "pattern", "start", "N", "flags", "subexpr"}},
	}
	return m
}()

// ArgPositions tells at which positions a call with positional arguments and then named ones has the latter, and of what
// types the zeros are that stand in the gaps, by position. It reports false if no function is called that way.
func ArgPositions(name string, positional int, named []string) (at []int, gaps map[int]types.Type, ok bool) {
	f := argNames[name]
	last := positional - 1
	for _, n := range named {
		i := slices.Index(f.names, n)
		if i < positional {
			return nil, nil, false
		}
		at, last = append(at, i), max(last, i)
	}
	gaps = map[int]types.Type{}
	for i := positional; i <= last; i++ {
		if slices.Contains(at, i) {
			continue
		}
		if f.fill == nil {
			return nil, nil, false
		}
		gaps[i] = f.fill[i]
	}
	return at, gaps, true
}
