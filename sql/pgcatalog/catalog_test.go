package pgcatalog

import (
	"fmt"
	"strings"
	"testing"

	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// sample is the catalog of testdata/psql/sample.sql plus a source and a sink.
func sample(t testing.TB) *Env {
	t.Helper()
	c := catalog.New()
	id := c.NextID()
	s := &catalog.Descriptor{ID: id, Kind: catalog.KindSchema, Name: "s", Owner: Owner}
	seq := func(i catalog.ID, name string, start, inc int64) *catalog.Descriptor {
		return &catalog.Descriptor{ID: i, Kind: catalog.KindSequence, Schema: catalog.PublicID, Name: name, Owner: Owner,
			Sequence: &catalog.Sequence{Type: types.Int8, Start: start, Increment: inc, Min: 1, Max: 1<<63 - 1, Cache: 1}}
	}
	tid := id + 2
	tseq := seq(id+1, "t_id_seq", 1, 1)
	tseq.Sequence.Type, tseq.Sequence.OwnedBy, tseq.Sequence.OwnedColumn = types.Int4, tid, 1
	tseq.Deps = []catalog.Dependency{{On: tid, Columns: []int{1}, Auto: true}}
	tab := &catalog.Descriptor{ID: tid, Kind: catalog.KindTable, Schema: catalog.PublicID, Name: "t", Owner: Owner, Comment: "a table",
		Deps: []catalog.Dependency{{On: id + 1, Default: 1}},
		Table: &catalog.Table{NextColumn: 7, Columns: []catalog.Column{
			{ID: 1, Name: "id", Type: types.Int4, NotNull: true, Default: "nextval('t_id_seq'::regclass)", Sequence: id + 1},
			{ID: 2, Name: "a", Type: types.Text, NotNull: true, Default: "'x'::text", Comment: "a column"},
			{ID: 3, Name: "b", Type: types.Numeric.WithTypmod(10<<16 | 2 + 4)},
			{ID: 4, Name: "c", Type: types.TimestampTZ},
			{ID: 5, Name: "d", Type: types.Varchar.WithTypmod(24)},
			{ID: 6, Name: "e", Type: types.ArrayOf(types.Int4)},
			{ID: 99, Name: "hidden", Type: types.Int8, Hidden: true},
		}, Constraints: []catalog.Constraint{
			{ID: id + 3, Name: "t_pkey", Kind: catalog.ConstraintPrimaryKey, Columns: []int{1}, Index: id + 4},
			{ID: id + 5, Name: "t_d_key", Kind: catalog.ConstraintUnique, Columns: []int{5}, Index: id + 6},
			{ID: id + 7, Name: "t_b_check", Kind: catalog.ConstraintCheck, Columns: []int{3}, Check: "b > 0::numeric"},
		}}}
	index := func(i, on catalog.ID, name string, unique, primary bool, cols ...catalog.IndexColumn) *catalog.Descriptor {
		return &catalog.Descriptor{ID: i, Kind: catalog.KindIndex, Schema: catalog.PublicID, Name: name, Owner: Owner,
			Deps:  []catalog.Dependency{{On: on, Auto: true}},
			Index: &catalog.Index{On: on, Columns: cols, Unique: unique, Primary: primary}}
	}
	cols := []catalog.Column{{ID: 1, Name: "a", Type: types.Text}, {ID: 2, Name: "n", Type: types.Int8}}
	add := []*catalog.Descriptor{s, tseq, tab,
		index(id+4, tid, "t_pkey", true, true, catalog.IndexColumn{Column: 1}),
		index(id+6, tid, "t_d_key", true, false, catalog.IndexColumn{Column: 5}),
		index(id+8, tid, "t_a_b", false, false, catalog.IndexColumn{Column: 2}, catalog.IndexColumn{Column: 3, Desc: true, NullsFirst: true}),
		{ID: id + 9, Kind: catalog.KindTable, Schema: id, Name: "u", Owner: Owner, Table: &catalog.Table{Columns: []catalog.Column{
			{ID: 1, Name: "k", Type: types.Int8, NotNull: true}, {ID: 2, Name: "v", Type: types.JSONB}},
			Constraints: []catalog.Constraint{{ID: id + 16, Name: "u_pkey", Kind: catalog.ConstraintPrimaryKey, Columns: []int{1}, Index: id + 17}}}},
		{ID: id + 10, Kind: catalog.KindView, Schema: catalog.PublicID, Name: "v", Owner: Owner, Deps: []catalog.Dependency{{On: tid, Columns: []int{1, 2}}},
			View: &catalog.View{Query: "SELECT id, a FROM t WHERE id > 1", Columns: []catalog.Column{
				{ID: 1, Name: "id", Type: types.Int4}, {ID: 2, Name: "a", Type: types.Text}}}},
		{ID: id + 11, Kind: catalog.KindMatView, Schema: catalog.PublicID, Name: "mv", Owner: Owner,
			MatView: &catalog.MatView{Query: catalog.Query{Text: "SELECT a, count(*) AS n FROM t GROUP BY a", Columns: cols}}},
		index(id+12, id+11, "mv_a", true, false, catalog.IndexColumn{Column: 1}),
		seq(id+13, "sq", 5, 2),
		{ID: id + 14, Kind: catalog.KindSource, Schema: catalog.PublicID, Name: "src", Owner: Owner, Table: &catalog.Table{Columns: cols,
			Connector: &catalog.Connector{Name: "file", Options: map[string]string{"path": "/x", "password": "p"}, Format: "PLAIN", Encode: "JSON"}}},
		{ID: id + 15, Kind: catalog.KindSink, Schema: catalog.PublicID, Name: "snk", Owner: Owner,
			Sink: &catalog.Sink{Query: catalog.Query{Text: "SELECT * FROM mv", Columns: cols}, Connector: &catalog.Connector{Name: "blackhole"}}},
	}
	ukey := index(id+17, id+9, "u_pkey", true, true, catalog.IndexColumn{Column: 1})
	ukey.Schema = id
	add = append(add, ukey)
	tseq.Sequence.Max = 1<<31 - 1
	var changes []catalog.Change
	for _, d := range add {
		changes = append(changes, catalog.Change{Put: d})
	}
	c, err := c.With(changes...)
	if err != nil {
		t.Fatal(err)
	}
	return &Env{Catalog: c, User: "ann", Database: "db", SearchPath: []string{"public"}, Version: "15.14", PID: 7, Live: fakeLive{}}
}

type fakeLive struct{}

func (fakeLive) Activity() []Activity {
	return []Activity{{PID: 7, User: "ann", Database: "db", State: "active", Query: "SELECT", Begin: 1}, {PID: 8, BackendType: "checkpointer"}}
}
func (fakeLive) Locks() []Lock {
	return []Lock{{PID: 7, ClassID: 0, ObjID: 5, ObjSub: 1, Granted: true}}
}
func (fakeLive) Settings() []Setting {
	return []Setting{{Name: "TimeZone", Value: "UTC", Context: "user", VarType: "string", Source: "default", Enum: []string{"a"}}}
}
func (fakeLive) Sequence(catalog.ID) (int64, bool)  { return 3, true }
func (fakeLive) Size(catalog.ID) (rows, size int64) { return 12, 16384 }

// text writes rows of a relation: the named columns, joined by |, a line per row for
// which keep holds.
func text(t *testing.T, env *Env, rel string, keep func(row map[string]string) bool, cols ...string) string {
	t.Helper()
	c, err := Scan(rel, env)
	if err != nil {
		t.Fatal(err)
	}
	byName, _ := relations()
	r := byName[rel]
	check(t, r, c)
	var out []string
	for i := range c.Rows {
		m := map[string]string{}
		for k := range r.Columns {
			m[r.Columns[k].Name] = show(c.Cols[k], i)
		}
		if keep != nil && !keep(m) {
			continue
		}
		var line []string
		for _, n := range cols {
			v, ok := m[n]
			if !ok {
				t.Fatalf("%s has no column %s", rel, n)
			}
			line = append(line, v)
		}
		out = append(out, strings.Join(line, "|"))
	}
	return strings.Join(out, "\n")
}

func show(c *chunk.Column, i int) string {
	if c.IsNull(i) {
		return "NULL"
	}
	return string(types.AppendText(nil, c.Type, c.Datum(i), nil))
}

// check holds a chunk against its relation: types, lengths, NOT NULL.
func check(t *testing.T, r *relation, c *chunk.Chunk) {
	t.Helper()
	if len(c.Cols) != len(r.Columns) {
		t.Fatalf("%s: %d columns", r.FullName(), len(c.Cols))
	}
	for i, col := range c.Cols {
		if col.Type != r.Columns[i].Type || col.Len() != c.Rows {
			t.Errorf("%s.%s: type %v, %d of %d rows", r.FullName(), r.Columns[i].Name, col.Type, col.Len(), c.Rows)
		}
		if r.Columns[i].NotNull && col.Nulls.Any() {
			t.Errorf("%s.%s is NOT NULL and has NULLs", r.FullName(), r.Columns[i].Name)
		}
	}
}

func user(m map[string]string) bool {
	return m["oid"] != "" && len(m["oid"]) >= 5 && m["oid"] >= "16384"
}

func TestEveryRelation(t *testing.T) {
	env := sample(t)
	_, all := relations()
	if len(all) < 190 {
		t.Fatalf("only %d relations", len(all))
	}
	filled := 0
	for _, r := range all {
		c, err := Scan(r.FullName(), env)
		if err != nil {
			t.Fatal(err)
		}
		check(t, r, c)
		if r.produce != nil {
			filled++
			if c.Rows == 0 {
				t.Errorf("%s is empty", r.FullName())
			}
		}
	}
	if filled < 50 {
		t.Errorf("only %d relations have rows", filled)
	}
	catalog.NewVirtuals(Virtuals()...) // no name or id twice
}

func TestClass(t *testing.T) {
	env := sample(t)
	got := text(t, env, "pg_catalog.pg_class", user, "relname", "relkind", "relam", "relnatts", "relchecks", "relhasindex", "reltuples", "relreplident")
	want := `t_id_seq|S|0|3|0|f|1|n
t|r|2|6|1|t|12|d
t_pkey|i|403|1|0|f|-1|n
t_d_key|i|403|1|0|f|-1|n
t_a_b|i|403|2|0|f|-1|n
u|r|2|2|0|t|12|d
v|v|0|2|0|f|-1|n
mv|m|2|2|0|t|12|d
mv_a|i|403|1|0|f|-1|n
sq|S|0|3|0|f|1|n
src|f|0|2|0|f|-1|n
snk|f|0|2|0|f|-1|n
u_pkey|i|403|1|0|f|-1|n`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := text(t, env, "pg_catalog.pg_class", func(m map[string]string) bool { return m["relname"] == "pg_class" || m["relname"] == "pg_tables" },
		"relname", "relkind", "relnamespace", "relnatts"); got != "pg_class|r|11|33\npg_tables|v|11|8" {
		t.Errorf("pg_class of itself: %s", got)
	}
}

func TestTableDetails(t *testing.T) {
	env := sample(t)
	of := func(col, id string) func(map[string]string) bool {
		return func(m map[string]string) bool { return m[col] == id }
	}
	tid := fmt.Sprint(catalog.FirstUserID + 2)
	for _, x := range []struct{ rel, by, cols, want string }{
		{"pg_attribute", "attrelid", "attname atttypid atttypmod attnotnull atthasdef attnum", "id|23|-1|t|t|1\na|25|-1|t|t|2\nb|1700|655366|f|f|3\nc|1184|-1|f|f|4\nd|1043|24|f|f|5\ne|1007|-1|f|f|6"},
		{"pg_attrdef", "adrelid", "adnum adbin", "1|nextval('t_id_seq'::regclass)\n2|'x'::text"},
		{"pg_constraint", "conrelid", "conname contype conkey conbin", "t_pkey|p|{1}|NULL\nt_d_key|u|{5}|NULL\nt_b_check|c|{3}|b > 0::numeric"},
		{"pg_index", "indrelid", "indkey indoption indisunique indisprimary indclass", "1|0|t|t|1978\n5|0|t|f|3126\n2 3|0 3|f|f|3126 3125"},
		{"pg_description", "objoid", "objsubid description", "0|a table\n2|a column"},
	} {
		if got := text(t, env, "pg_catalog."+x.rel, of(x.by, tid), strings.Fields(x.cols)...); got != x.want {
			t.Errorf("%s: got\n%s\nwant\n%s", x.rel, got, x.want)
		}
	}
	src := fmt.Sprint(catalog.FirstUserID + 14)
	if got := text(t, env, "pg_catalog.pg_foreign_table", of("ftrelid", src), "ftoptions"); got != "{password=********,path=/x,format=PLAIN,encode=JSON}" {
		t.Error(got)
	}
	if got := text(t, env, "pg_catalog.pg_foreign_server", nil, "srvname", "srvtype"); got != "file_source|source\nblackhole_sink|sink" {
		t.Error(got)
	}
	if got := text(t, env, "information_schema.columns", of("table_name", "t"), "column_name", "data_type", "numeric_precision", "character_maximum_length", "is_nullable"); got != "id|integer|32|NULL|NO\na|text|NULL|NULL|NO\nb|numeric|10|NULL|YES\nc|timestamp with time zone|NULL|NULL|YES\nd|character varying|NULL|20|YES\ne|ARRAY|NULL|NULL|YES" {
		t.Error(got)
	}
	if got := text(t, env, "information_schema.tables", func(m map[string]string) bool { return m["table_schema"] == "public" }, "table_name", "table_type"); got != "t|BASE TABLE\nv|VIEW\nmv|MATERIALIZED VIEW\nsrc|FOREIGN\nsnk|FOREIGN" {
		t.Error(got)
	}
	if got := text(t, env, "pg_catalog.pg_roles", nil, "rolname", "oid"); got != fmt.Sprintf("ann|%d\nstreamdb|10", RoleOID("ann")) {
		t.Error(got)
	}
}

// TestTypesNameTheirFunctions holds pg_type against pg_proc, as drivers join them.
func TestTypesNameTheirFunctions(t *testing.T) {
	env := sample(t)
	procs := map[string]string{}
	for _, l := range strings.Split(text(t, env, "pg_catalog.pg_proc", nil, "oid", "proname"), "\n") {
		oid, name, _ := strings.Cut(l, "|")
		if procs[oid] != "" {
			t.Errorf("pg_proc has %s twice: %s, %s", oid, procs[oid], name)
		}
		procs[oid] = name
	}
	for _, l := range strings.Split(text(t, env, "pg_catalog.pg_type", func(m map[string]string) bool { return m["typtype"] == "b" }, "typname", "typinput", "typreceive"), "\n") {
		f := strings.Split(l, "|")
		if procs[f[1]] == "" || procs[f[2]] == "" {
			t.Errorf("no functions for %s", l)
		}
	}
	if got := text(t, env, "pg_catalog.pg_type", func(m map[string]string) bool { return m["oid"] == "1007" }, "typname", "typelem", "typinput", "typreceive"); got != "_int4|23|750|2400" {
		t.Error(got)
	}
}
