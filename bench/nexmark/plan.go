package nexmark

import (
	"embed"
	"fmt"
	"strings"

	gen "streamdb/connector/nexmark"
	"streamdb/planner"
	"streamdb/planner/physical"
	"streamdb/sql/catalog"
	"streamdb/sql/parser"
	"streamdb/sql/sqlerr"
)

//go:embed queries/*.sql
var queryFiles embed.FS

// All names the queries in order.
var All = []string{"q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8", "q9", "q10", "q11", "q12", "q13", "q14", "q15", "q16", "q17",
	"q18", "q19", "q20", "q21", "q22"}

// needs is what a query waits for that the engine does not have.
var needs = map[string]string{}

// byClock is the queries whose answer depends on when rows come: one evaluation over all
// events does not have it.
var byClock = map[string]bool{"q12": true}

// tables is the three sources, by the id that the catalog gives them.
var tables = []gen.Table{gen.Person, gen.Auction, gen.Bid}

// queryText returns the text of a query.
func queryText(name string) (string, error) {
	b, err := queryFiles.ReadFile("queries/" + name + ".sql")
	if err != nil {
		return "", fmt.Errorf("unknown query %q; there are %s", name, strings.Join(All, ", "))
	}
	return string(b), nil
}

// planned is a query ready to run: its maintained plan, and which table each of the
// catalog's sources is.
type planned struct {
	plan   *physical.Plan
	tables map[physical.RelationID]gen.Table
	side   physical.RelationID // the table of q13
}

// plan plans a query as a materialized view over the generator's sources.
func plan(name string) (*planned, error) {
	text, err := queryText(name)
	if err != nil {
		return nil, err
	}
	if n := needs[name]; n != "" {
		return nil, sqlerr.Unsupported(name+" needs "+n+", which", -1)
	}
	p := &planned{tables: make(map[physical.RelationID]gen.Table)}
	cat := catalog.New()
	for _, t := range tables {
		names, typs := gen.Columns(t)
		var cols []string
		for i, n := range names {
			cols = append(cols, n+" "+typs[i].String())
		}
		d, err := ddl(cat, fmt.Sprintf("CREATE SOURCE %s (%s, WATERMARK FOR date_time AS date_time) WITH (connector = 'nexmark', type = '%s')",
			t, strings.Join(cols, ", "), t))
		if err != nil {
			return nil, err
		}
		if cat, err = cat.With(d.Changes...); err != nil {
			return nil, err
		}
		p.tables[physical.RelationID(d.Object.ID)] = t
	}
	d, err := ddl(cat, sideTable)
	if err != nil {
		return nil, err
	}
	if cat, err = cat.With(d.Changes...); err != nil {
		return nil, err
	}
	p.side = physical.RelationID(d.Object.ID)
	d, err = ddl(cat, "CREATE MATERIALIZED VIEW v AS "+text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p.plan = d.Plan
	return p, nil
}

func ddl(cat *catalog.Catalog, text string) (*planner.DDL, error) {
	st, err := parser.ParseOne(text)
	if err != nil {
		return nil, err
	}
	planned, err := planner.New(cat, planner.Options{User: "bench", Database: "streamdb"}).Statement(st.AST, nil)
	if err != nil {
		return nil, err
	}
	return planned.(*planner.DDL), nil
}
