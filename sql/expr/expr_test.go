package expr

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

func call(t testing.TB, name string, args ...*Expr) *Expr {
	t.Helper()
	ts := make([]types.Type, len(args))
	for i, a := range args {
		ts[i] = a.Type
	}
	f, to, ret, err := functions.Resolve(name, ts)
	if err != nil {
		t.Fatal(err)
	}
	for i := range args {
		id, ok := functions.FindCast(args[i].Type, to[i], functions.Implicit)
		if !ok {
			t.Fatalf("no cast %v to %v", args[i].Type, to[i])
		}
		if id != "" {
			args[i] = &Expr{Op: OpCall, Fn: id, Type: to[i], Args: []*Expr{args[i]}, Pos: -1}
		}
	}
	return &Expr{Op: OpCall, Fn: f.ID, Type: ret, Args: args, Pos: -1}
}

func op(o Op, t types.Type, args ...*Expr) *Expr { return &Expr{Op: o, Type: t, Args: args, Pos: -1} }

func intConst(v int64) *Expr { return Const(types.Int4, types.Datum{I: v}) }

// ints makes a chunk of one int4 column; math.MinInt64 stands for NULL.
const null = -1 << 63

func intChunk(cols ...[]int64) *chunk.Chunk {
	c := &chunk.Chunk{Rows: len(cols[0])}
	for _, vs := range cols {
		col := chunk.NewColumn(types.Int4, len(vs))
		for _, v := range vs {
			if v == null {
				col.AppendNull()
			} else {
				col.AppendDatum(types.Datum{I: v})
			}
		}
		c.Cols = append(c.Cols, col)
	}
	return c
}

func show(c *chunk.Column) []string {
	var s []string
	for i := range c.Len() {
		switch {
		case c.ErrAt(i) != nil:
			s = append(s, sqlerr.Code(c.ErrAt(i)))
		case c.IsNull(i):
			s = append(s, "null")
		case c.Type.Class() == types.ClassBool:
			s = append(s, fmt.Sprint(c.Bools[i]))
		case c.Type.Class() == types.ClassInt:
			s = append(s, fmt.Sprint(c.Ints[i]))
		default:
			s = append(s, string(c.StringAt(i)))
		}
	}
	return s
}

func mustEval(t testing.TB, e *Expr, in *chunk.Chunk) *chunk.Column {
	t.Helper()
	p, err := Compile(e)
	if err != nil {
		t.Fatal(err)
	}
	p.Eval(new(Ctx), in) // a second call must not be disturbed by the first
	return p.Eval(new(Ctx), in)
}

func TestErrorsAreValues(t *testing.T) {
	x, y := Column(0, types.Int4), Column(1, types.Int4)
	in := intChunk([]int64{6, 1, null, 8, 0}, []int64{2, 0, 0, null, 0})
	div := func() *Expr { return call(t, "/", x, y) }
	cases := []struct {
		name string
		e    *Expr
		want []string
	}{
		{"strict", div(), []string{"3", "22012", "null", "null", "22012"}},
		{"sum", call(t, "+", div(), intConst(1)), []string{"4", "22012", "null", "null", "22012"}},
		{"overflow", call(t, "+", x, intConst(1<<31-2)), []string{"22003", "2147483647", "null", "22003", "2147483646"}},
		{"false and error", op(OpAnd, types.Bool, call(t, ">", div(), intConst(0)), call(t, "<>", y, intConst(0))),
			[]string{"true", "false", "false", "null", "false"}},
		{"true or error", op(OpOr, types.Bool, call(t, ">", div(), intConst(0)), call(t, "=", y, intConst(0))),
			[]string{"true", "true", "true", "null", "true"}},
		{"error and true", op(OpAnd, types.Bool, call(t, ">", div(), intConst(0)), call(t, "=", y, y)),
			[]string{"true", "22012", "null", "null", "22012"}},
		{"case", op(OpCase, types.Int4, call(t, "=", y, intConst(0)), intConst(-1), div()), []string{"3", "-1", "-1", "null", "-1"}},
		{"case error in condition", op(OpCase, types.Int4, call(t, "=", div(), intConst(3)), x, Null(types.Int4)),
			[]string{"6", "22012", "null", "null", "22012"}},
		{"coalesce", op(OpCoalesce, types.Int4, y, div()), []string{"2", "0", "0", "null", "0"}},
		{"coalesce error", op(OpCoalesce, types.Int4, div(), intConst(7)), []string{"3", "22012", "7", "7", "22012"}},
		{"is null", op(OpIsNull, types.Bool, div()), []string{"false", "22012", "true", "true", "22012"}},
		{"is true", op(OpIsTrue, types.Bool, call(t, ">", x, y)), []string{"true", "true", "false", "false", "false"}},
		{"distinct", op(OpDistinct, types.Bool, x, y), []string{"true", "true", "true", "true", "false"}},
		{"greatest", op(OpGreatest, types.Int4, x, y), []string{"6", "1", "0", "8", "0"}},
		{"least", op(OpLeast, types.Int4, x, y, Null(types.Int4)), []string{"2", "0", "0", "8", "0"}},
		{"constant", call(t, "+", intConst(1), intConst(2)), []string{"3", "3", "3", "3", "3"}},
		{"constant error", call(t, "/", intConst(1), intConst(0)), []string{"22012", "22012", "22012", "22012", "22012"}},
		{"nullif", &Expr{Op: OpNullIf, Type: types.Int4, Fn: "eq_int4_int4", Args: []*Expr{x, y}, Pos: -1}, []string{"6", "1", "null", "8", "null"}},
		{"in", &Expr{Op: OpInList, Type: types.Bool, Fn: "eq_int4_int4", Args: []*Expr{x, intConst(6), intConst(0)}, Pos: -1},
			[]string{"true", "false", "null", "false", "true"}},
		{"in null", &Expr{Op: OpInList, Type: types.Bool, Fn: "eq_int4_int4", Args: []*Expr{x, intConst(6), Null(types.Int4)}, Pos: -1},
			[]string{"true", "null", "null", "null", "null"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := show(mustEval(t, c.e, in)); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			var back Expr
			b, err := json.Marshal(c.e)
			if err == nil {
				err = json.Unmarshal(b, &back)
			}
			if err != nil || !reflect.DeepEqual(&back, c.e) {
				t.Errorf("JSON round trip: %v %s", err, b)
			}
			if c.e.Type == types.Bool {
				checkFilter(t, c.e, in, c.want)
			}
			if got := show(mustEval(t, Fold(c.e), in)); !reflect.DeepEqual(got, c.want) {
				t.Errorf("folded: got %v, want %v", got, c.want)
			}
		})
	}
}

// checkFilter holds EvalFilter against the values of the predicate.
func checkFilter(t *testing.T, e *Expr, in *chunk.Chunk, want []string) {
	t.Helper()
	p, err := Compile(e)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		sel, errs := p.EvalFilter(new(Ctx), in)
		got := make([]string, in.Rows)
		for _, r := range sel {
			got[r] = "true"
		}
		for _, e := range errs {
			got[e.Row] = sqlerr.Code(e.Err)
		}
		for i, w := range want {
			if w == "false" || w == "null" {
				w = ""
			}
			if got[i] != w {
				t.Errorf("filter row %d: %q, want %q", i, got[i], w)
			}
		}
	}
}

func TestFold(t *testing.T) {
	x := Column(0, types.Int4)
	one := call(t, "+", intConst(1), intConst(2))
	if f := Fold(call(t, "*", x, one)); !f.Args[1].IsConst() || f.Args[1].Val.I != 3 {
		t.Errorf("not folded: %+v", f.Args[1])
	}
	if f := Fold(call(t, "/", intConst(1), intConst(0))); f.IsConst() {
		t.Error("an error was folded")
	}
	if f := Fold(op(OpAnd, types.Bool, call(t, "=", x, x), BoolConst(false))); !f.IsConst() {
		t.Error("AND false was not folded")
	}
}

func benchChunk(n int) *chunk.Chunk {
	a, b := make([]int64, n), make([]int64, n)
	for i := range n {
		a[i], b[i] = int64(i%1000), int64(i*7%1000)
	}
	return intChunk(a, b)
}

func BenchmarkEval(b *testing.B) {
	x, y := Column(0, types.Int4), Column(1, types.Int4)
	in := benchChunk(4096)
	for _, c := range []struct {
		name string
		e    *Expr
	}{
		{"add_const", call(b, "+", x, intConst(1))},
		{"add", call(b, "+", x, y)},
		{"mul", call(b, "*", x, y)},
		{"less_const", call(b, "<", x, intConst(500))},
		{"equal", call(b, "=", x, y)},
		{"and", op(OpAnd, types.Bool, call(b, "<", x, intConst(500)), call(b, ">", y, intConst(100)))},
		{"case", op(OpCase, types.Int4, call(b, "<", x, intConst(500)), x, y)},
	} {
		b.Run(c.name, func(b *testing.B) {
			p, err := Compile(c.e)
			if err != nil {
				b.Fatal(err)
			}
			ctx := new(Ctx)
			b.ReportAllocs()
			for b.Loop() {
				p.Eval(ctx, in)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/row")
		})
	}
	b.Run("filter", func(b *testing.B) {
		p, err := Compile(op(OpAnd, types.Bool, call(b, "<", x, intConst(500)), call(b, ">", y, intConst(100))))
		if err != nil {
			b.Fatal(err)
		}
		ctx := new(Ctx)
		b.ReportAllocs()
		for b.Loop() {
			p.EvalFilter(ctx, in)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/row")
	})
}

// BenchmarkKernels measures what maintained views call most.
func BenchmarkKernels(b *testing.B) {
	const n = 4096
	in := &chunk.Chunk{Rows: n, Cols: []*chunk.Column{chunk.NewColumn(types.Numeric, n), chunk.NewColumn(types.Text, n), chunk.NewColumn(types.Timestamp, n)}}
	for i := range n {
		in.Cols[0].AppendDatum(types.Datum{N: types.Num{Coef: int64(i * 17), Scale: 2}})
		in.Cols[1].AppendString(fmt.Sprintf("https://www.nexmark.com/item.htm?query=%d", i))
		in.Cols[2].AppendDatum(types.Datum{I: int64(i) * 1e9})
	}
	price, url, ts := Column(0, types.Numeric), Column(1, types.Text), Column(2, types.Timestamp)
	num := Const(types.Numeric, types.Datum{N: types.Num{Coef: 908, Scale: 3}})
	text := func(s string) *Expr { return Const(types.Text, types.Datum{S: s}) }
	for _, c := range []struct {
		name string
		e    *Expr
	}{
		{"numeric_mul", call(b, "*", price, num)},
		{"numeric_less", call(b, "<", price, num)},
		{"text_equal", call(b, "=", url, text("https://x"))},
		{"like_infix", call(b, "~~", url, text("%query=1%"))},
		{"lower", call(b, "lower", url)},
		{"split_part", call(b, "split_part", url, text("/"), intConst(3))},
		{"date_trunc", call(b, "date_trunc", text("hour"), ts)},
		{"extract", call(b, "extract", text("hour"), ts)},
		{"plus_interval", call(b, "+", ts, Const(types.IntervalT, types.Datum{V: types.Interval{Micros: 10e6}}))},
	} {
		b.Run(c.name, func(b *testing.B) {
			p, err := Compile(c.e)
			if err != nil {
				b.Fatal(err)
			}
			ctx := new(Ctx)
			b.ReportAllocs()
			for b.Loop() {
				p.Eval(ctx, in)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
		})
	}
}
