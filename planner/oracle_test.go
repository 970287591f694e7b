package planner

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"streamdb/exec"
	"streamdb/planner/physical"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/parser"
	"streamdb/sql/types"
	"streamdb/sqllogictest/pgtest"
)

var only = flag.String("only", "", "run only oracle queries that contain this")

// oracleSchema and oracleRows make the tables that the differential suite's queries read.
var oracleSchema = []string{
	`CREATE TABLE cust (id int PRIMARY KEY, name text, city text, vip boolean, joined date, credit numeric(10,2))`,
	`CREATE TABLE ord (id int PRIMARY KEY, cust int, day date, at timestamp, total numeric(10,2), status text, qty bigint, score float8)`,
	`CREATE TABLE item (ord int, sku text, qty int, price numeric(8,2), note varchar(20))`,
	`CREATE TABLE pair (a int, b int, c smallint)`,
	`CREATE TABLE doc (id int PRIMARY KEY, body jsonb, tags text[], nums int[], uid uuid, gap interval, at timestamptz, code char(4), raw bytea, r real)`,
}

const oracleRows = `
SELECT setseed(0.25);
CREATE FUNCTION pick(VARIADIC a text[]) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT a[1 + floor(random() * array_length(a, 1))::int] $$;
INSERT INTO cust SELECT i, pick('ann', 'bob', 'Bob', 'cat', '', 'd''or', 'a%b', 'x_y', NULL), pick('Oslo', 'Rome', 'Lima', 'oslo', NULL),
  pick('t', 'f', NULL)::bool, pick('2024-01-05', '2024-02-29', '2024-03-01', NULL)::date, pick('1.50', '-20.00', '300.25', NULL, '0.00')::numeric
  FROM generate_series(1, 25) i;
INSERT INTO ord SELECT i, nullif(floor(random() * random() * 32)::int, 0), pick('2024-01-05', '2024-02-10', '2024-02-29', NULL)::date,
  '2024-01-01'::timestamp + floor(random() * 400) * interval '15 minutes', pick('1.50', '20.00', '99.99', NULL, '-3.10')::numeric,
  pick('open', 'paid', 'sent', 'OPEN', NULL), pick('0', '1', '2', '3', '5', '9', NULL)::bigint, pick('0.25', '-7.5', '100', NULL)::float8
  FROM generate_series(1, 60) i;
INSERT INTO item SELECT nullif(floor(random() * 66)::int, 0), pick('pen', 'ink', 'gum', 'box', 'Pen', NULL), pick('0', '1', '2', '3', NULL)::int,
  pick('1.00', '2.50', '19.99', NULL)::numeric, pick('n1', 'n2 ', '', NULL) FROM generate_series(1, 90) i;
INSERT INTO pair SELECT pick('0', '1', '2', '3', '5', NULL)::int, pick('0', '1', '2', '4', '7', NULL)::int, pick('0', '1', '2', NULL)::int
  FROM generate_series(1, 60) i;
INSERT INTO doc SELECT i, pick('{"k": "x", "n": 1}', '{"k": "y", "n": 2.5, "l": [1, 2, 3]}', '{"k": null}', '{"l": []}', '[1, 2]', '"s"', NULL)::jsonb,
  pick('{}', '{x,y}', '{y,NULL,"a b"}', '{z}', NULL)::text[], pick('{}', '{1,2}', '{3,7,NULL}', '{7}', NULL)::int[],
  pick('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000007', NULL)::uuid,
  pick('1 day', '2 hours', '1 month 3 days', '-5 minutes', NULL)::interval, pick('2024-03-30 12:30:00+00', '2024-03-31 01:30:00+00', NULL)::timestamptz,
  pick('ab', 'abcd', '', NULL)::char(4), pick('\x00ff', '\x', 'abc', NULL)::bytea, pick('0.25', '-7.5', NULL)::real FROM generate_series(1, 30) i;
`

// oracle is PostgreSQL and our catalog with the same tables, and their rows.
type oracle struct {
	pg   *pgconn.PgConn
	w    *world
	rows map[catalog.ID][][]types.Datum
}

func newOracle(t *testing.T) *oracle {
	s, err := pgtest.Start(t.Context())
	if errors.Is(err, pgtest.ErrNotInstalled) {
		pgtest.Missing(t, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop() })
	o := &oracle{w: newWorld(), rows: map[catalog.ID][][]types.Datum{}}
	if o.pg, err = pgconn.Connect(t.Context(), s.ConnString("postgres")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.pg.Close(context.Background()) })
	for _, sql := range oracleSchema {
		o.ask(t, sql)
		if _, err := o.w.exec(sql); err != nil {
			t.Fatal(err)
		}
	}
	o.ask(t, oracleRows)
	for _, d := range o.w.cat.All() {
		if d.Kind == catalog.KindTable {
			o.load(t, d)
		}
	}
	return o
}

// ask runs SQL in PostgreSQL and gives the last result.
func (o *oracle) ask(t *testing.T, sql string) [][][]byte {
	res, err := o.pg.Exec(t.Context(), sql).ReadAll()
	if err != nil {
		t.Fatalf("PostgreSQL: %v\n%s", err, sql)
	}
	return res[len(res)-1].Rows
}

func (o *oracle) load(t *testing.T, d *catalog.Descriptor) {
	for _, r := range o.ask(t, "SELECT * FROM "+d.Name) {
		row := make([]types.Datum, len(r))
		for i, v := range r {
			row[i] = types.NullDatum
			if v != nil {
				var err error
				if row[i], err = types.ParseText(d.Table.Columns[i].Type, string(v), nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		o.rows[d.ID] = append(o.rows[d.ID], row)
	}
}

// push feeds rows [lo, hi) of every table, every third only, with a weight.
func (o *oracle) push(t *testing.T, d *exec.Dataflow, plan *physical.Plan, weight int64, keep func(i int) bool) {
	for k, s := range d.Scans() {
		rel := o.w.cat.ByID(catalog.ID(s.Relation))
		if rel.Index != nil {
			rel = o.w.cat.ByID(rel.Index.On)
		}
		c := chunk.New(plan.Nodes[s.Node].Schema, 0)
		for i, row := range o.rows[rel.ID] {
			if !keep(i) {
				continue
			}
			for j, id := range s.Columns {
				c.Cols[j].AppendDatum(row[slices.IndexFunc(rel.Table.Columns, func(c catalog.Column) bool { return c.ID == id })])
			}
			c.Rows++
			c.Weights = append(c.Weights, weight)
		}
		if err := d.Push(k, c); err != nil {
			t.Fatal(err)
		}
	}
}

// run executes a plan, maintained ones in three epochs with retractions, and gives the
// result as sorted text rows.
func (o *oracle) run(t *testing.T, plan *physical.Plan, workers int, maintained bool) ([]string, error) {
	d, err := exec.New(plan, exec.Options{Workers: workers, Strict: !maintained, Context: &expr.Ctx{}})
	if err != nil {
		return nil, err
	}
	count := map[string]int64{}
	flush := func() error {
		r, err := d.Flush(exec.FlushInput{})
		if err != nil {
			return err
		}
		for _, c := range r.Chunks {
			for i := range c.Rows {
				count[rowText(c, i)] += c.Weight(i)
			}
		}
		return nil
	}
	steps := []func(){func() { o.push(t, d, plan, 1, func(int) bool { return true }) }}
	if maintained {
		steps = []func(){
			func() { o.push(t, d, plan, 1, func(i int) bool { return i%2 == 0 }) },
			func() {
				o.push(t, d, plan, -1, func(i int) bool { return i%4 == 0 })
				o.push(t, d, plan, 1, func(i int) bool { return i%2 == 1 })
			},
			func() { o.push(t, d, plan, 1, func(i int) bool { return i%4 == 0 }) },
		}
	}
	for _, s := range steps {
		s()
		if err := flush(); err != nil {
			return nil, err
		}
	}
	var out []string
	for r, n := range count {
		if n < 0 {
			return nil, fmt.Errorf("row %s has weight %d", r, n)
		}
		for range n {
			out = append(out, r)
		}
	}
	slices.Sort(out)
	return out, nil
}

func rowText(c *chunk.Chunk, i int) string {
	var vals []string
	for _, col := range c.Cols {
		d := col.Datum(i)
		if d.Null {
			vals = append(vals, "NULL")
			continue
		}
		vals = append(vals, fmt.Sprintf("%q", types.AppendText(nil, col.Type, d, nil)))
	}
	return strings.Join(vals, " ")
}

// TestOracle runs the queries of the differential suite straight through the engine's
// operators, once and maintained, by one worker and by three, and compares what comes
// out with PostgreSQL's answers.
func TestOracle(t *testing.T) {
	raw, err := os.ReadFile("../sqllogictest/differential/testdata/views.sql")
	if err != nil {
		t.Fatal(err)
	}
	o := newOracle(t)
	var lines []string
	n := 0
	for _, l := range strings.Split(string(raw), "\n") {
		if strings.HasPrefix(l, "--") {
			continue
		}
		lines = append(lines, strings.TrimSuffix(l, ";"))
		if !strings.HasSuffix(l, ";") {
			continue
		}
		sql := strings.TrimSpace(strings.Join(lines, "\n"))
		lines = nil
		if strings.Contains(sql, *only) {
			n++
			o.compare(t, sql)
		}
	}
	t.Logf("%d queries", n)
}

func (o *oracle) compare(t *testing.T, sql string) {
	var want []string
	for _, r := range o.ask(t, sql) {
		var vals []string
		for _, v := range r {
			if v == nil {
				vals = append(vals, "NULL")
			} else {
				vals = append(vals, fmt.Sprintf("%q", v))
			}
		}
		want = append(want, strings.Join(vals, " "))
	}
	slices.Sort(want)
	s, err := parser.ParseOne(sql)
	if err != nil {
		t.Errorf("%s\n%v", sql, err)
		return
	}
	for _, maintained := range []bool{false, true} {
		b := New(o.w.cat, o.w.opts).newBinder(nil)
		var plan *physical.Plan
		if maintained {
			_, plan, err = b.maintain(s.AST.(*ast.Select), catalog.Emit{Policy: catalog.EmitOnUpdate})
		} else {
			var p Planned
			if p, err = New(o.w.cat, o.w.opts).Statement(s.AST, nil); err == nil {
				plan = p.(*Query).Plan
			}
		}
		if err != nil {
			t.Errorf("%s\n%s", sql, errorText(sql, err))
			return
		}
		for _, workers := range []int{1, 3} {
			got, err := o.run(t, plan, workers, maintained)
			if err == nil && slices.Equal(got, want) {
				continue
			}
			t.Errorf("%s\nmaintained=%v W=%d: %v\n got %d rows: %s\nwant %d rows: %s\n%s", sql, maintained, workers, err,
				len(got), head(got, want), len(want), head(want, got), strings.Join(FormatPlan(plan, o.w.cat), "\n"))
			return
		}
	}
}

// head is the first rows that the other result lacks.
func head(rows, other []string) string {
	var out []string
	for _, r := range rows {
		if !slices.Contains(other, r) && len(out) < 5 {
			out = append(out, r)
		}
	}
	return strings.Join(out, "\n         ")
}
