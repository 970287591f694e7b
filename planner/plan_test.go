package planner

import (
	"strings"
	"testing"

	"streamdb/sql/catalog"
	"streamdb/sql/parser"
	"streamdb/sql/types"
)

func testCatalog(t testing.TB) *catalog.Catalog {
	cat := catalog.New()
	id := cat.NextID()
	cat, err := cat.With(catalog.Change{Put: &catalog.Descriptor{ID: id, Kind: catalog.KindTable, Schema: catalog.PublicID, Name: "t",
		Table: &catalog.Table{NextColumn: 4, Columns: []catalog.Column{
			{ID: 1, Name: "a", Type: types.Int4}, {ID: 2, Name: "b", Type: types.Int8}, {ID: 3, Name: "c", Type: types.Text}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

func TestSmoke(t *testing.T) {
	cat := testCatalog(t)
	for _, q := range []string{
		"SELECT a, sum(b), count(*) FROM t WHERE c = 'x' AND a > 1 GROUP BY a HAVING count(*) > 2 ORDER BY 2 DESC LIMIT 3",
		"SELECT x.a, y.c FROM t x, t y WHERE x.a = y.a AND x.b > 3",
		"SELECT a, (SELECT count(*) FROM t u WHERE u.a = t.a) FROM t",
		"SELECT a FROM t WHERE EXISTS (SELECT 1 FROM t u WHERE u.a = t.a AND u.b > t.b)",
		"SELECT a FROM t WHERE b NOT IN (SELECT b FROM t WHERE a = 3)",
		"SELECT a, b + (SELECT max(b) FROM t u WHERE u.a < t.a) FROM t",
		"SELECT DISTINCT a FROM t UNION SELECT 1 ORDER BY 1",
		"WITH x AS (SELECT a FROM t) SELECT * FROM x JOIN x y USING (a)",
		"SELECT count(*), sum(a), min(c) FROM t",
		"SELECT * FROM t, LATERAL (SELECT max(u.b) AS m FROM t u WHERE u.a > t.a LIMIT 2) l",
	} {
		s, err := parser.ParseOne(q)
		if err != nil {
			t.Fatal(err)
		}
		p, err := New(cat, Options{}).Statement(s.AST, nil)
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		t.Logf("%s\n%s", q, strings.Join(FormatPlan(p.(*Query).Plan, cat), "\n"))
	}
}
