package functions

// WindowKind is what a window function that is no aggregate computes.
type WindowKind uint8

// The window functions. WindowNone is the zero value, of functions that are none.
const (
	WindowNone WindowKind = iota
	WindowRowNumber
	WindowRank
	WindowDenseRank
	WindowPercentRank
	WindowCumeDist
	WindowNtile
	WindowLag
	WindowLead
	WindowFirstValue
	WindowLastValue
	WindowNthValue
)

// windowFunc makes a window function; its value for a row is exec's to compute.
func windowFunc(id, name, sig string, kind WindowKind, oid uint32) *Function {
	f := scalar(name, sig, nil).nonStrict().withID(id)
	f.Kind, f.Window, f.OID = Window, kind, oid
	return f
}

func windowFuncs() []*Function {
	return []*Function{
		windowFunc("row_number", "row_number", "->int8", WindowRowNumber, 3100),
		windowFunc("rank", "rank", "->int8", WindowRank, 3101),
		windowFunc("dense_rank", "dense_rank", "->int8", WindowDenseRank, 3102),
		windowFunc("percent_rank", "percent_rank", "->float8", WindowPercentRank, 3103),
		windowFunc("cume_dist", "cume_dist", "->float8", WindowCumeDist, 3104),
		windowFunc("ntile", "ntile", "int4->int4", WindowNtile, 3105),
		windowFunc("lag", "lag", "anyelement->anyelement", WindowLag, 3106),
		windowFunc("lag_offset", "lag", "anyelement,int4->anyelement", WindowLag, 3107),
		windowFunc("lag_default", "lag", "anycompatible,int4,anycompatible->anycompatible", WindowLag, 3108),
		windowFunc("lead", "lead", "anyelement->anyelement", WindowLead, 3109),
		windowFunc("lead_offset", "lead", "anyelement,int4->anyelement", WindowLead, 3110),
		windowFunc("lead_default", "lead", "anycompatible,int4,anycompatible->anycompatible", WindowLead, 3111),
		windowFunc("first_value", "first_value", "anyelement->anyelement", WindowFirstValue, 3112),
		windowFunc("last_value", "last_value", "anyelement->anyelement", WindowLastValue, 3113),
		windowFunc("nth_value", "nth_value", "anyelement,int4->anyelement", WindowNthValue, 3114),
	}
}
