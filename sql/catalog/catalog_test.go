package catalog

import (
	"encoding/json"
	"strings"
	"testing"

	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// world is a table t with a serial column, its sequence and primary index, a view v
// over t.a, a materialized view mv over v, and a table in schema s.
func world(t *testing.T) *Catalog {
	t.Helper()
	c := New()
	id := c.NextID()
	tab := &Descriptor{ID: id, Kind: KindTable, Schema: PublicID, Name: "t", Owner: "o",
		Deps: []Dependency{{On: id + 1, Default: 1}},
		Table: &Table{NextColumn: 3,
			Columns: []Column{
				{ID: 1, Name: "id", Type: types.Int4, NotNull: true, Default: "nextval('t_id_seq'::regclass)", Sequence: id + 1},
				{ID: 2, Name: "a", Type: types.Text},
			},
			Constraints: []Constraint{{ID: id + 3, Name: "t_pkey", Kind: ConstraintPrimaryKey, Columns: []int{1}, Index: id + 2}},
		}}
	seq := &Descriptor{ID: id + 1, Kind: KindSequence, Schema: PublicID, Name: "t_id_seq", Owner: "o",
		Deps:     []Dependency{{On: id, Columns: []int{1}, Auto: true}},
		Sequence: &Sequence{Type: types.Int4, Start: 1, Increment: 1, OwnedBy: id, OwnedColumn: 1}}
	idx := &Descriptor{ID: id + 2, Kind: KindIndex, Schema: PublicID, Name: "t_pkey", Owner: "o",
		Deps:  []Dependency{{On: id, Columns: []int{1}, Auto: true}},
		Index: &Index{On: id, Columns: []IndexColumn{{Column: 1}}, Unique: true, Primary: true}}
	view := &Descriptor{ID: id + 4, Kind: KindView, Schema: PublicID, Name: "v", Owner: "o",
		Deps: []Dependency{{On: id, Columns: []int{2}}}, View: &View{Query: "SELECT a FROM t"}}
	mv := &Descriptor{ID: id + 5, Kind: KindMatView, Schema: PublicID, Name: "mv", Owner: "o",
		Deps: []Dependency{{On: id + 4}}, MatView: &MatView{Query: Query{Text: "SELECT * FROM v", Plan: json.RawMessage(`{}`)}}}
	s := &Descriptor{ID: id + 6, Kind: KindSchema, Name: "s", Owner: "o"}
	u := &Descriptor{ID: id + 7, Kind: KindTable, Schema: id + 6, Name: "t", Owner: "o", Table: &Table{NextColumn: 1}}
	c, err := c.With(Change{Put: tab}, Change{Put: seq}, Change{Put: idx}, Change{Put: view}, Change{Put: mv}, Change{Put: s}, Change{Put: u})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLookup(t *testing.T) {
	c := world(t)
	path := []string{"$user", "public", "s"}
	if d, err := c.Relation(path, Name{Name: "t"}); err != nil || d.Schema != PublicID {
		t.Errorf("t: %v %v", d, err)
	}
	if d, err := c.Relation([]string{"s", "public"}, Name{Name: "t"}); err != nil || d.Schema == PublicID {
		t.Errorf("t along s first: %v %v", d, err)
	}
	for _, k := range []struct {
		name Name
		kind Kind
		want string
	}{
		{Name{"", "nix"}, "", `42P01 relation "nix" does not exist`},
		{Name{"s", "nix"}, "", `42P01 relation "s.nix" does not exist`},
		{Name{"", "t_pkey"}, "", `42809 cannot open relation "t_pkey"`},
		{Name{"", "nix"}, KindTable, `42P01 table "nix" does not exist`},
		{Name{"", "nix"}, KindIndex, `42704 index "nix" does not exist`},
		{Name{"x", "nix"}, KindTable, `3F000 schema "x" does not exist`},
		{Name{"", "v"}, KindTable, `42809 "v" is not a table`},
	} {
		var err error
		if k.kind == "" {
			_, err = c.Relation(path, k.name)
		} else {
			_, err = c.Object(path, k.name, k.kind)
		}
		if e := sqlerr.As(err); e == nil || e.Code+" "+e.Message != k.want {
			t.Errorf("%v as %q: %v, want %s", k.name, k.kind, err, k.want)
		}
	}
	if n := c.FreeName(PublicID, "t", nil); n != "t1" {
		t.Errorf("free name %q", n)
	}
}

func TestWith(t *testing.T) {
	c := world(t)
	before, _ := json.Marshal(c)
	tab := c.Find(nil, Name{"public", "t"})
	n := tab.Clone()
	n.Name = "t2"
	c2, err := c.With(Change{Put: n})
	if err != nil {
		t.Fatal(err)
	}
	if c2.Find(nil, Name{"public", "t"}) != nil || c2.Find(nil, Name{"public", "t2"}).Version != c2.Version() {
		t.Error("rename did not take")
	}
	if after, _ := json.Marshal(c); string(after) != string(before) {
		t.Error("With changed its receiver")
	}
	n = tab.Clone()
	n.ID = c.NextID()
	if _, err = c.With(Change{Put: n}); !sqlerr.Is(err, sqlerr.DuplicateTable) {
		t.Errorf("second t: %v", err)
	}
	id := c.NextID()
	c3, err := c.With(Change{Put: &Descriptor{ID: id, Kind: KindTable, Schema: PublicID, Name: "z"}}, Change{Drop: id})
	if err != nil || c3.NextID() != id+1 {
		t.Errorf("a dropped id came back: next %d, err %v", c3.NextID(), err)
	}
	var back Catalog
	if err := json.Unmarshal(before, &back); err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(&back); string(again) != string(before) {
		t.Error("JSON does not go round")
	}
	if len(back.Dependents(tab.ID)) != len(c.Dependents(tab.ID)) || back.NextID() != c.NextID() {
		t.Error("dependencies or ids lost in JSON")
	}
}

func TestDrop(t *testing.T) {
	c := world(t)
	path := []string{"public"}
	get := func(s, n string) *Descriptor { return c.Find(nil, Name{s, n}) }
	schema, _ := c.SchemaByName("s")
	for _, k := range []struct {
		d       *Descriptor
		cascade bool
		want    string
	}{
		{get("public", "t"), false, "2BP01 cannot drop table t because other objects depend on it | view v depends on table t\nmaterialized view mv depends on view v"},
		{get("public", "t"), true, "drop cascades to 2 other objects | drop cascades to view v\ndrop cascades to materialized view mv"},
		{get("public", "mv"), false, ""},
		{get("public", "v"), true, "drop cascades to materialized view mv"},
		{schema, false, "2BP01 cannot drop schema s because other objects depend on it | table s.t depends on schema s"},
		{schema, true, "drop cascades to table s.t"},
		{get("public", "t_pkey"), false, "2BP01 cannot drop index t_pkey because constraint t_pkey on table t requires it"},
		{get("public", "t_id_seq"), false, "2BP01 cannot drop sequence t_id_seq because other objects depend on it | default value for column id of table t depends on sequence t_id_seq"},
		{get("public", "t_id_seq"), true, "drop cascades to default value for column id of table t"},
	} {
		p, err := c.PlanDrop(path, []*Descriptor{k.d}, k.cascade)
		var got string
		if err != nil {
			e := sqlerr.As(err)
			got = strings.TrimSuffix(e.Code+" "+e.Message+" | "+e.Detail, " | ")
		} else {
			got = strings.TrimSuffix(strings.Join(p.Notices, "\n")+" | "+p.NoticeDetail, " | ")
			if _, err := c.With(p.Changes...); err != nil {
				t.Errorf("drop %s: %v", k.d.Name, err)
			}
		}
		if got != k.want {
			t.Errorf("drop %s cascade=%v:\n got %q\nwant %q", k.d.Name, k.cascade, got, k.want)
		}
	}
}

func TestDropColumn(t *testing.T) {
	c := world(t)
	tab := c.Find(nil, Name{"public", "t"})
	if _, err := c.PlanDropColumn([]string{"public"}, tab, 2, false); !sqlerr.Is(err, sqlerr.DependentObjectsStillExist) {
		t.Errorf("a is used by v: %v", err)
	}
	p, err := c.PlanDropColumn([]string{"public"}, tab, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	c2, err := c.With(p.Changes...)
	if err != nil {
		t.Fatal(err)
	}
	if n := c2.ByID(tab.ID); len(n.Table.Columns) != 1 || len(n.Table.Constraints) != 0 || len(n.Deps) != 0 {
		t.Errorf("after drop: %+v", n.Table)
	}
	if c2.Find(nil, Name{"public", "t_pkey"}) != nil || c2.Find(nil, Name{"public", "t_id_seq"}) != nil {
		t.Error("index or sequence left behind")
	}
}

func TestCheck(t *testing.T) {
	c := world(t)
	if err := c.Check("u", ActionCreate, c.ByID(PgCatalogID)); !sqlerr.Is(err, sqlerr.InsufficientPrivilege) {
		t.Errorf("create in pg_catalog: %v", err)
	}
	if err := c.Check("u", ActionDrop, c.Find(nil, Name{"public", "t"})); err != nil {
		t.Errorf("own table: %v", err)
	}
}
