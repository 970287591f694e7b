package exec

import (
	"strings"
	"testing"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// aggInput is the columns that the benchmarks of aggregates take their arguments from, by name; those that share a type
// differ in their values.
var aggInput = []struct {
	name string
	typ  types.Type
}{
	{"key", types.Int8}, {"bool", types.Bool}, {"int", types.Int4}, {"bigint", types.Int8}, {"double", types.Float8}, {"real", types.Float4},
	{"numeric", types.Numeric}, {"scales", types.Numeric}, {"wide", types.Numeric}, {"text", types.Text}, {"interval", types.IntervalT},
	{"half", types.Float8}, {"comma", types.Text}, // constants
}

// aggCases is every aggregate, by name and arguments.
var aggCases = []string{
	"count", "count text", "count distinct bigint", "count distinct text", "bool_and bool", "bool_or bool",
	"sum int", "sum bigint", "sum double", "sum real", "sum numeric", "sum scales", "sum wide", "sum interval", "sum distinct double",
	"avg bigint", "avg double", "avg numeric", "avg scales", "avg interval",
	"min bigint", "max bigint", "min double", "max text", "max wide", "max interval",
	"stddev_pop bigint", "stddev_samp double", "var_pop double", "var_samp numeric", "stddev_pop scales", "stddev_pop wide",
	"corr double double", "covar_pop double double", "covar_samp double double", "regr_slope double double", "regr_intercept double double",
	"regr_r2 double double", "regr_count double double", "regr_avgx double double", "regr_avgy double double", "regr_sxx double double",
	"regr_syy double double", "regr_sxy double double",
	"bit_and bigint", "bit_or bigint", "bit_xor bigint",
	"string_agg text comma", "array_agg bigint", "array_agg text", "jsonb_agg bigint", "jsonb_agg text", "jsonb_object_agg text bigint",
	"percentile_cont half double", "percentile_disc half bigint", "percentile_disc half text", "mode bigint",
}

// aggRows makes an epoch of rows for aggCases.
func aggRows(chunks int) (chunk.Schema, []*chunk.Chunk) {
	var schema chunk.Schema
	for _, c := range aggInput {
		schema = append(schema, c.typ)
	}
	var cs []*chunk.Chunk
	for _, c := range benchInput(1)[:chunks] {
		r := chunk.New(schema, c.Rows)
		for i, v := range c.Cols[1].Ints {
			wide := types.Dec{N: types.Num{Coef: v << 40}}
			for range 2 {
				wide, _ = types.MulDec(wide, wide)
			}
			for k, d := range []types.Datum{{I: c.Cols[0].Ints[i]}, {I: min(v%3, 1)}, {I: v}, {I: v}, {F: float64(v) * 1.1}, {F: float64(v) / 8},
				{N: types.Num{Coef: v, Scale: 2}}, {N: types.Num{Coef: v, Scale: int32(v % 3)}}, wide.Datum(), {S: "value " + strings.Repeat("x", int(v%9))},
				{V: types.Interval{Micros: v}}, {F: 0.5}, {S: ","}} {
				r.Cols[k].AppendDatum(d)
			}
		}
		r.Rows = c.Rows
		cs = append(cs, r)
	}
	return schema, cs
}

// aggPlan groups by the key and computes one of aggCases.
func aggPlan(tb testing.TB, of string, schema chunk.Schema) []physical.Node {
	tb.Helper()
	words := strings.Fields(of)
	call := physical.AggCall{Filter: -1}
	var ts []types.Type
	for _, w := range words[1:] {
		if w == "distinct" {
			call.Distinct = true
			continue
		}
		for k, c := range aggInput {
			switch {
			case c.name != w:
			case w == "half":
				ts, call.Args, call.Const = append(ts, c.typ), append(call.Args, -1), append(call.Const, &types.Datum{F: 0.5})
			case w == "comma":
				ts, call.Args, call.Const = append(ts, c.typ), append(call.Args, -1), append(call.Const, &types.Datum{S: ","})
			default:
				ts, call.Args, call.Const = append(ts, c.typ), append(call.Args, k), append(call.Const, nil)
			}
		}
	}
	f, _, typ, err := functions.Resolve(words[0], ts)
	if err != nil {
		tb.Fatal(err)
	}
	call.Fn, call.Type = f.ID, typ
	a := &physical.Agg{Group: []int{0}, Phase: physical.AggSingle, WindowStart: -1, WindowEnd: -1, Calls: []physical.AggCall{call}}
	return []physical.Node{{Kind: physical.KindScan, Schema: schema, Scan: &physical.Scan{Relation: 1, Columns: []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}}},
		{Kind: physical.KindAgg, Inputs: []int{0}, Schema: chunk.Schema{types.Int8, typ}, Agg: a}}
}

// BenchmarkAggGroups is every aggregate while groups come and go: an epoch with 65,536 rows of 47,000 groups, and one that
// takes them back.
func BenchmarkAggGroups(b *testing.B) {
	schema, in := aggRows(benchChunks)
	for _, of := range aggCases {
		b.Run(strings.ReplaceAll(of, " ", "/"), func(b *testing.B) {
			benchRows(b, aggPlan(b, of, schema), [][]*chunk.Chunk{in}, true)
		})
	}
}
