package functions

import "streamdb/sql/types"

// AggKind is what an aggregate computes, so that exec switches once per chunk.
type AggKind uint8

// The aggregates. AggNone is the zero value, of functions that are none.
const (
	AggNone AggKind = iota
	AggCountStar
	AggCount
	AggSum
	AggAvg
	AggMin
	AggMax
	AggBoolAnd
	AggBoolOr
	AggStringAgg
	AggArrayAgg
	AggJSONBAgg
	AggJSONBObjectAgg
	AggStddevPop
	AggStddevSamp
	AggVarPop
	AggVarSamp
	AggBitAnd
	AggBitOr
	AggBitXor
	AggCorr
	AggCovarPop
	AggCovarSamp
	AggRegrSlope
	AggRegrIntercept
	AggRegrR2
	AggRegrCount
	AggRegrAvgX
	AggRegrAvgY
	AggRegrSXX
	AggRegrSYY
	AggRegrSXY
	AggModeOrdered
	AggPercentileCont
	AggPercentileDisc
	AggAnyValue
)

// AggInfo is what exec must know of an aggregate's state.
type AggInfo struct {
	Kind AggKind
	// Retractable: the state is a group, a retraction undoes an insertion. Otherwise
	// the values themselves have to be kept when the input can retract.
	Retractable bool
	// Ordered: the result depends on the order of the input.
	Ordered bool
	// OrderedSet: called with WITHIN GROUP (ORDER BY value); the last argument is that
	// value, those before it are constants.
	OrderedSet bool
	// KeepsNulls: NULL arguments count (array_agg, jsonb_agg).
	KeepsNulls bool
}

func agg(id, name, sig string, kind AggKind) *Function {
	f := scalar(name, sig, nil).nonStrict().withID(id)
	f.Kind = Aggregate
	f.Agg.Kind = kind
	switch kind {
	case AggCountStar, AggCount, AggSum, AggAvg, AggBoolAnd, AggBoolOr, AggStddevPop, AggStddevSamp, AggVarPop, AggVarSamp,
		AggCorr, AggCovarPop, AggCovarSamp, AggRegrSlope, AggRegrIntercept, AggRegrR2, AggRegrCount, AggRegrAvgX, AggRegrAvgY,
		AggRegrSXX, AggRegrSYY, AggRegrSXY:
		f.Agg.Retractable = true
	case AggStringAgg, AggArrayAgg, AggJSONBAgg, AggJSONBObjectAgg:
		f.Agg.Ordered = true
	}
	f.Agg.OrderedSet = kind == AggModeOrdered || kind == AggPercentileCont || kind == AggPercentileDisc
	f.Agg.KeepsNulls = kind == AggArrayAgg || kind == AggJSONBAgg || kind == AggJSONBObjectAgg
	return f
}

func aggregateFuncs() []*Function {
	fs := []*Function{
		agg("count_star", "count", "->int8", AggCountStar),
		agg("count", "count", "any->int8", AggCount),
		agg("bool_and", "bool_and", "bool->bool", AggBoolAnd), agg("every", "every", "bool->bool", AggBoolAnd),
		agg("bool_or", "bool_or", "bool->bool", AggBoolOr),
		agg("string_agg", "string_agg", "text,text->text", AggStringAgg),
		agg("string_agg_bytea", "string_agg", "bytea,bytea->bytea", AggStringAgg),
		agg("array_agg", "array_agg", "anynonarray->anyarray", AggArrayAgg),
		agg("jsonb_agg", "jsonb_agg", "anyelement->jsonb", AggJSONBAgg),
		agg("json_agg", "json_agg", "anyelement->json", AggJSONBAgg),
		agg("jsonb_object_agg", "jsonb_object_agg", "any,any->jsonb", AggJSONBObjectAgg),
		agg("json_object_agg", "json_object_agg", "any,any->json", AggJSONBObjectAgg),
		agg("percentile_cont", "percentile_cont", "float8,float8->float8", AggPercentileCont),
		agg("percentile_cont_interval", "percentile_cont", "float8,interval->interval", AggPercentileCont),
		agg("percentile_cont_array", "percentile_cont", "float8[],float8->float8[]", AggPercentileCont),
		agg("percentile_cont_interval_array", "percentile_cont", "float8[],interval->interval[]", AggPercentileCont),
		agg("percentile_disc", "percentile_disc", "float8,anyelement->anyelement", AggPercentileDisc),
		agg("percentile_disc_array", "percentile_disc", "float8[],anynonarray->anyarray", AggPercentileDisc),
		agg("mode", "mode", "anyelement->anyelement", AggModeOrdered),
	}
	for _, p := range [][3]string{{"int2", "int8", "numeric"}, {"int4", "int8", "numeric"}, {"int8", "numeric", "numeric"},
		{"float4", "float4", "float8"}, {"float8", "float8", "float8"}, {"numeric", "numeric", "numeric"}, {"interval", "interval", "interval"}} {
		fs = append(fs, agg("sum_"+p[0], "sum", p[0]+"->"+p[1], AggSum), agg("avg_"+p[0], "avg", p[0]+"->"+p[2], AggAvg))
	}
	for _, t := range []string{"int2", "int4", "int8", "oid", "float4", "float8", "numeric", "text", "bpchar", "date", "time",
		"timestamp", "timestamptz", "interval", "anyarray"} {
		fs = append(fs, agg("min_"+t, "min", t+"->"+t, AggMin), agg("max_"+t, "max", t+"->"+t, AggMax))
	}
	for _, t := range []string{"int2", "int4", "int8"} {
		sig := t + "->" + t
		fs = append(fs, agg("bit_and_"+t, "bit_and", sig, AggBitAnd), agg("bit_or_"+t, "bit_or", sig, AggBitOr),
			agg("bit_xor_"+t, "bit_xor", sig, AggBitXor))
	}
	return append(fs, statAggregates()...)
}

func statAggregates() []*Function {
	var fs []*Function
	for _, a := range []struct {
		name string
		kind AggKind
	}{{"stddev", AggStddevSamp}, {"stddev_samp", AggStddevSamp}, {"stddev_pop", AggStddevPop},
		{"variance", AggVarSamp}, {"var_samp", AggVarSamp}, {"var_pop", AggVarPop}} {
		for _, t := range []string{"int2", "int4", "int8", "float4", "float8", "numeric"} {
			ret := "numeric"
			if t[0] == 'f' {
				ret = "float8"
			}
			fs = append(fs, agg(a.name+"_"+t, a.name, t+"->"+ret, a.kind))
		}
	}
	for _, a := range []struct {
		name string
		kind AggKind
	}{{"corr", AggCorr}, {"covar_pop", AggCovarPop}, {"covar_samp", AggCovarSamp}, {"regr_slope", AggRegrSlope},
		{"regr_intercept", AggRegrIntercept}, {"regr_r2", AggRegrR2}, {"regr_avgx", AggRegrAvgX}, {"regr_avgy", AggRegrAvgY},
		{"regr_sxx", AggRegrSXX}, {"regr_syy", AggRegrSYY}, {"regr_sxy", AggRegrSXY}} {
		fs = append(fs, agg(a.name, a.name, "float8,float8->float8", a.kind))
	}
	return append(fs, agg("regr_count", "regr_count", "float8,float8->int8", AggRegrCount))
}

var _ = types.Text
