package pgcatalog

import (
	"testing"

	"streamdb/sql/catalog"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// TestEverySystemFunctionIsThere holds the signatures against the implementations.
func TestEverySystemFunctionIsThere(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range functions.All() {
		seen[f.Name] = true
		if f.Family == "System catalog" && f.Kind == functions.Scalar && Funcs[f.Name] == nil {
			t.Errorf("%s has no implementation", f.Signature())
		}
	}
	for name := range Funcs {
		if !seen[name] {
			t.Errorf("%s has no signature", name)
		}
	}
}

// call runs a function by id with arguments as text and gives the result as text, or
// the error's code.
func call(t *testing.T, e *Env, id string, args ...string) string {
	t.Helper()
	f := functions.ByID(id)
	if f == nil {
		t.Fatalf("no function %s", id)
	}
	var ds []types.Datum
	for i, a := range args {
		if a == "NULL" {
			ds = append(ds, types.NullDatum)
			continue
		}
		d, err := types.ParseText(f.Args[i], a, &types.Settings{Reg: e})
		if err != nil {
			t.Fatal(err)
		}
		ds = append(ds, d)
	}
	d, ok, err := Call(e, id, ds, f.Args)
	if !ok {
		t.Fatalf("%s is not called", id)
	}
	if err != nil {
		return sqlerr.Code(err)
	}
	if d.Null {
		return "NULL"
	}
	return string(types.AppendText(nil, f.Ret, d, &types.Settings{Reg: e}))
}

func TestFunctions(t *testing.T) {
	e := sample(t)
	base := catalog.FirstUserID
	oid := func(i catalog.ID) string { return number(int64(base + i)) }
	for _, x := range []struct {
		want, id string
		args     []string
	}{
		{" SELECT id,\n    a\n   FROM t\n  WHERE id > 1;", "pg_get_viewdef_oid", []string{oid(10)}},
		{" SELECT a,\n    count(*) AS n\n   FROM t\n  GROUP BY a;", "pg_get_viewdef_text_bool", []string{"public.MV", "t"}},
		{"42P01", "pg_get_viewdef_text", []string{"nope"}},
		{"CREATE UNIQUE INDEX t_pkey ON public.t USING btree (id)", "pg_get_indexdef_oid", []string{oid(4)}},
		{"CREATE INDEX t_a_b ON t USING btree (a, b DESC)", "pg_get_indexdef_oid_int4_bool", []string{oid(8), "0", "t"}},
		{"b", "pg_get_indexdef_oid_int4_bool", []string{oid(8), "2", "t"}},
		{"NULL", "pg_get_indexdef_oid", []string{"1"}},
		{"PRIMARY KEY (id)", "pg_get_constraintdef_oid_bool", []string{oid(3), "t"}},
		{"UNIQUE (d)", "pg_get_constraintdef_oid", []string{oid(5)}},
		{"CHECK (b > 0::numeric)", "pg_get_constraintdef_oid_bool", []string{oid(7), "t"}},
		{"numeric(10,2)", "format_type_oid_int4", []string{"1700", "655366"}},
		{"character varying(20)", "format_type_oid_int4", []string{"1043", "24"}},
		{"integer[]", "format_type_oid_int4", []string{"1007", "-1"}},
		{"character", "format_type_oid_int4", []string{"1042", "NULL"}},
		{"bpchar", "format_type_oid_int4", []string{"1042", "-1"}},
		{"\"char\"", "format_type_oid_int4", []string{"18", "NULL"}},
		{"anyelement", "format_type_oid_int4", []string{"2283", "NULL"}},
		{"???", "format_type_oid_int4", []string{"99999", "NULL"}},
		{"-", "format_type_oid_int4", []string{"0", "NULL"}},
		{"t", "pg_table_is_visible_oid", []string{oid(2)}},
		{"f", "pg_table_is_visible_oid", []string{oid(9)}},
		{"t", "pg_table_is_visible_oid", []string{"1259"}},
		{"NULL", "pg_table_is_visible_oid", []string{"1"}},
		{"a table", "obj_description_oid_name", []string{oid(2), "pg_class"}},
		{"NULL", "obj_description_oid_name", []string{oid(2), "pg_proc"}},
		{"a column", "col_description_oid_int4", []string{oid(2), "2"}},
		{"standard public schema", "obj_description_oid_name", []string{"2200", "pg_namespace"}},
		{"streamdb", "pg_get_userbyid_oid", []string{"10"}},
		{"ann", "pg_get_userbyid_oid", []string{number(int64(RoleOID("ann")))}},
		{"unknown (OID=4)", "pg_get_userbyid_oid", []string{"4"}},
		{"t", "has_table_privilege_text_text", []string{"t", "select, insert with grant option"}},
		{"22023", "has_table_privilege_text_text", []string{"t", "fly"}},
		{"42P01", "has_table_privilege_text_text", []string{"nope", "select"}},
		{"NULL", "has_table_privilege_oid_text", []string{"1", "select"}},
		{"t", "has_column_privilege_oid_int2_text", []string{oid(2), "1", "select"}},
		{"t", "has_schema_privilege_name_text_text", []string{"ann", "public", "usage"}},
		{"t", "has_database_privilege_text_text", []string{"db", "connect"}},
		{"42809", "has_sequence_privilege_text_text", []string{"t", "usage"}},
		{"{pg_catalog,public}", "current_schemas_bool", []string{"t"}},
		{"{public}", "current_schemas_bool", []string{"f"}},
		{"public", "current_schema", nil},
		{"db", "current_database", nil},
		{"UTF8", "pg_encoding_to_char_int4", []string{"6"}},
		{"16384", "pg_relation_size_regclass", []string{"t"}},
		{"65536", "pg_total_relation_size_regclass", []string{"t"}},
		{"public.t_id_seq", "pg_get_serial_sequence_text_text", []string{"t", "id"}},
		{"NULL", "pg_get_serial_sequence_text_text", []string{"t", "a"}},
		{"42703", "pg_get_serial_sequence_text_text", []string{"t", "zz"}},
		{"pg_class", "to_regclass_text", []string{"pg_catalog.pg_class"}},
		{"s.u", "to_regclass_text", []string{`"s"."u"`}},
		{"NULL", "to_regclass_text", []string{"nope"}},
		{"42602", "to_regclass_text", []string{`"x`}},
		{"integer", "to_regtype_text", []string{"int4"}},
		{"NULL", "to_regrole_text", []string{"nobody"}},
		{"3", "pg_sequence_last_value_regclass", []string{"sq"}},
		{"28", "pg_relation_is_updatable_regclass_bool", []string{"t", "f"}},
		{"7", "pg_backend_pid", nil},
		{"column a of table t", "pg_describe_object_oid_oid_int4", []string{"1259", oid(2), "2"}},
	} {
		if got := call(t, e, x.id, x.args...); got != x.want {
			t.Errorf("%s%v: got %q, want %q", x.id, x.args, got, x.want)
		}
	}
}

func TestRegNames(t *testing.T) {
	e := sample(t)
	for _, x := range []struct {
		kind types.Kind
		name string
		code string
	}{
		{types.KindRegClass, "t", ""}, {types.KindRegClass, "s.u", ""}, {types.KindRegClass, "pg_class", ""},
		{types.KindRegClass, "information_schema.tables", ""}, {types.KindRegClass, "nope", "42P01"},
		{types.KindRegNS, "s", ""}, {types.KindRegNS, "nope", "3F000"}, {types.KindRegRole, "ann", ""},
		{types.KindRegRole, "nope", "42704"}, {types.KindRegProc, "format_type", ""}, {types.KindRegProc, "nope", "42883"},
		{types.KindRegProc, "has_table_privilege", "42725"}, {types.KindRegClass, "a.b.c.d", "42601"}, {types.KindRegClass, "", "42602"},
	} {
		oid, err := e.RegOID(x.kind, x.name)
		if sqlerr.Code(err) != x.code {
			t.Errorf("%s: %v", x.name, err)
			continue
		}
		if err == nil {
			if back, ok := e.RegName(x.kind, oid); !ok || back != x.name {
				t.Errorf("%s comes back as %s", x.name, back)
			}
		}
	}
}
