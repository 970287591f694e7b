package planner

import (
	"encoding/json"
	"testing"

	"streamdb/planner/physical"
	"streamdb/sql/parser"
	"streamdb/sql/types"
)

func mustType(name string) types.Type {
	t, ok := types.LookupName(name)
	if !ok {
		panic(name)
	}
	return t
}

func TestParameters(t *testing.T) {
	w := newWorld()
	if _, err := w.exec("CREATE TABLE t (a int PRIMARY KEY, b bigint, c text)"); err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		sql  string
		want []types.Type
	}{
		{"SELECT b FROM t WHERE a = $1", []types.Type{types.Int4}},
		{"SELECT b FROM t WHERE c LIKE $2 AND b > $1", []types.Type{types.Int8, types.Text}},
		{"SELECT $1", []types.Type{types.Text}},
		{"SELECT $1 + 1", []types.Type{types.Int4}},
		{"SELECT $1::numeric", []types.Type{types.Numeric}},
		{"SELECT a FROM t LIMIT $1 OFFSET $2", []types.Type{types.Int8, types.Int8}},
		{"SELECT a FROM t WHERE a = ANY($1)", []types.Type{types.ArrayOf(types.Int4)}},
		{"INSERT INTO t VALUES ($1, $2, $3)", []types.Type{types.Int4, types.Int8, types.Text}},
		{"UPDATE t SET c = $1 WHERE a = $2", []types.Type{types.Text, types.Int4}},
		{"SELECT a FROM t WHERE a IN ($1, $2)", []types.Type{types.Int4, types.Int4}},
		{"SELECT CASE WHEN $1 THEN a ELSE $2 END FROM t", []types.Type{types.Bool, types.Int4}},
	} {
		p, err := w.plan(k.sql)
		if err != nil {
			t.Errorf("%s: %v", k.sql, err)
			continue
		}
		got := p.Common().Params
		if len(got) != len(k.want) {
			t.Errorf("%s: %v", k.sql, got)
			continue
		}
		for i := range got {
			if got[i] != k.want[i] {
				t.Errorf("%s: $%d is %s, want %s", k.sql, i+1, got[i], k.want[i])
			}
		}
	}
}

func TestBindParams(t *testing.T) {
	w := newWorld()
	if _, err := w.exec("CREATE TABLE t (a int PRIMARY KEY, b bigint)"); err != nil {
		t.Fatal(err)
	}
	p, err := w.plan("SELECT b + $2 FROM t WHERE a = $1 LIMIT $3")
	if err != nil {
		t.Fatal(err)
	}
	q := p.(*Query)
	plan, err := BindParams(q.Plan, q.Params, []types.Datum{{I: 7}, {I: 1}, {I: 3}})
	if err != nil {
		t.Fatal(err)
	}
	root := plan.Nodes[len(plan.Nodes)-1]
	if root.TopN == nil || root.TopN.Limit != 3 || root.TopN.LimitExpr != nil {
		t.Errorf("limit not bound: %+v", root.TopN)
	}
	for _, n := range plan.Nodes {
		if n.Scan != nil && (n.Scan.Range == nil || n.Scan.Range.Eq[0].Val == nil || n.Scan.Range.Eq[0].Val.I != 7) {
			t.Errorf("key not bound: %+v", n.Scan)
		}
	}
	if _, err := BindParams(q.Plan, q.Params, []types.Datum{{I: 7}, {I: 1}, {I: -3}}); err == nil {
		t.Error("a negative LIMIT passes")
	}
	raw, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	var back physical.Plan
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkPointSelect(b *testing.B) {
	w := newWorld()
	if _, err := w.exec("CREATE TABLE t (a int PRIMARY KEY, b bigint)"); err != nil {
		b.Fatal(err)
	}
	s, err := parser.ParseOne("SELECT b FROM t WHERE a = $1")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(w.cat, w.opts).Statement(s.AST, nil); err != nil {
			b.Fatal(err)
		}
	}
}
