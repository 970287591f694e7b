package pgcatalog

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"streamdb/sql/catalog"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// Args are the arguments of a call: values and their types.
type Args struct {
	Values []types.Datum
	Types  []types.Type
}

func (a Args) oid(i int) uint32  { return uint32(a.Values[i].I) }
func (a Args) text(i int) string { return a.Values[i].S }

// flag is an optional boolean argument.
func (a Args) flag(i int) bool { return i < len(a.Values) && a.Values[i].I != 0 }

// Func computes one catalog function. Strict functions are not called with NULLs.
type Func func(e *Env, a Args) (types.Datum, error)

// Call computes the function with an id of package functions, if it is one of the
// system catalog; ok is false for others.
func Call(e *Env, id string, args []types.Datum, argTypes []types.Type) (d types.Datum, ok bool, err error) {
	f := functions.ByID(id)
	if f == nil {
		return d, false, nil
	}
	fn := Funcs[f.Name]
	if fn == nil {
		return d, false, nil
	}
	d, err = fn(e, Args{args, argTypes})
	return d, true, err
}

func str(s string) (types.Datum, error) { return types.Datum{S: s}, nil }

func num[T int | int64 | uint32 | catalog.ID](v T) (types.Datum, error) {
	return types.Datum{I: int64(v)}, nil
}

func boolean(b bool) (types.Datum, error) {
	if b {
		return types.Datum{I: 1}, nil
	}
	return types.Datum{}, nil
}

func null() (types.Datum, error) { return types.NullDatum, nil }

// always is a function with a fixed result.
func always(d types.Datum) Func { return func(*Env, Args) (types.Datum, error) { return d, nil } }

// ofObject is a function of a catalog object by OID, NULL where there is none.
func ofObject(f func(e *Env, d *catalog.Descriptor, a Args) (types.Datum, error)) Func {
	return func(e *Env, a Args) (types.Datum, error) {
		if d := e.object(a.oid(0)); d != nil {
			return f(e, d, a)
		}
		return null()
	}
}

// ofFunction is a function of a function by OID, NULL where there is none.
func ofFunction(f func(f *functions.Function) string) Func {
	return func(_ *Env, a Args) (types.Datum, error) {
		if fn := functionByOID()[a.oid(0)]; fn != nil {
			return str(f(fn))
		}
		return null()
	}
}

// regFunc is to_regclass and its like: NULL for a name that does not exist.
func regFunc(k types.Kind) Func {
	return func(e *Env, a Args) (types.Datum, error) {
		oid, err := e.RegOID(k, a.text(0))
		if err != nil {
			if c := sqlerr.Code(err); c == sqlerr.InvalidName || c == sqlerr.SyntaxError {
				return types.NullDatum, err
			}
			return null()
		}
		return num(oid)
	}
}

// Funcs are the system catalog functions by SQL name.
var Funcs = map[string]Func{
	"pg_get_expr":          func(_ *Env, a Args) (types.Datum, error) { return str(a.text(0)) },
	"pg_get_viewdef":       pgGetViewdef,
	"pg_get_indexdef":      ofObject(pgGetIndexdef),
	"pg_get_constraintdef": pgGetConstraintdef,
	"format_type":          formatType,

	"pg_get_function_result":             ofFunction(functionResult),
	"pg_get_function_arguments":          ofFunction(functionArgs),
	"pg_get_function_identity_arguments": ofFunction(functionArgs),
	"pg_get_functiondef": func(*Env, Args) (types.Datum, error) {
		return types.NullDatum, sqlerr.Unsupported("the definition of a built-in function", -1)
	},
	"pg_get_function_sqlbody":         always(types.NullDatum),
	"pg_get_partkeydef":               always(types.NullDatum),
	"pg_get_ruledef":                  always(types.NullDatum),
	"pg_get_triggerdef":               always(types.NullDatum),
	"pg_get_statisticsobjdef":         always(types.NullDatum),
	"pg_get_statisticsobjdef_columns": always(types.NullDatum),
	"pg_get_partition_constraintdef":  always(types.NullDatum),
	"pg_get_serial_sequence":          pgGetSerialSequence,

	"pg_table_is_visible": func(e *Env, a Args) (types.Datum, error) {
		v, ok := e.visible(a.oid(0))
		if !ok {
			return null()
		}
		return boolean(v)
	},
	"pg_type_is_visible": func(_ *Env, a Args) (types.Datum, error) {
		if FormatType(a.oid(0), -1, true) == "???" {
			return null()
		}
		return boolean(true)
	},
	"pg_function_is_visible":       visibleFunction,
	"pg_operator_is_visible":       visibleFunction,
	"pg_collation_is_visible":      always(types.Datum{I: 1}),
	"pg_opclass_is_visible":        always(types.Datum{I: 1}),
	"pg_opfamily_is_visible":       always(types.Datum{I: 1}),
	"pg_conversion_is_visible":     always(types.Datum{I: 1}),
	"pg_statistics_obj_is_visible": always(types.Datum{I: 1}),
	"pg_ts_config_is_visible":      always(types.Datum{I: 1}),
	"pg_ts_dict_is_visible":        always(types.Datum{I: 1}),
	"pg_ts_parser_is_visible":      always(types.Datum{I: 1}),
	"pg_ts_template_is_visible":    always(types.Datum{I: 1}),

	"obj_description":   objDescription,
	"col_description":   ofObject(colDescription),
	"shobj_description": always(types.NullDatum),
	"pg_get_userbyid":   pgGetUserbyid,

	"has_table_privilege":                privilege(tableExists, "SELECT INSERT UPDATE DELETE TRUNCATE REFERENCES TRIGGER"),
	"has_any_column_privilege":           privilege(tableExists, "SELECT INSERT UPDATE REFERENCES"),
	"has_column_privilege":               columnPrivilege,
	"has_sequence_privilege":             privilege(sequenceExists, "USAGE SELECT UPDATE"),
	"has_schema_privilege":               privilege(schemaExists, "CREATE USAGE"),
	"has_database_privilege":             privilege(databaseExists, "CREATE CONNECT TEMPORARY TEMP"),
	"has_function_privilege":             privilege(functionExists, "EXECUTE"),
	"has_tablespace_privilege":           privilege(nil, "CREATE"),
	"has_type_privilege":                 privilege(typeExists, "USAGE"),
	"has_foreign_data_wrapper_privilege": privilege(nil, "USAGE"),
	"has_server_privilege":               privilege(nil, "USAGE"),
	"has_language_privilege":             privilege(nil, "USAGE"),
	"pg_has_role":                        privilege(nil, "MEMBER USAGE"),
	"row_security_active":                always(types.Datum{}),

	"pg_encoding_to_char": pgEncodingToChar,
	"pg_char_to_encoding": pgCharToEncoding,
	"pg_client_encoding":  always(types.Datum{S: "UTF8"}),
	"current_schemas":     currentSchemas,
	"current_schema":      currentSchema,
	"current_database":    func(e *Env, _ Args) (types.Datum, error) { return str(e.database()) },
	"current_user":        func(e *Env, _ Args) (types.Datum, error) { return str(e.User) },
	"session_user":        func(e *Env, _ Args) (types.Datum, error) { return str(e.User) },
	"current_catalog":     func(e *Env, _ Args) (types.Datum, error) { return str(e.database()) },
	"current_role":        func(e *Env, _ Args) (types.Datum, error) { return str(e.User) },
	"user":                func(e *Env, _ Args) (types.Datum, error) { return str(e.User) },
	"getdatabaseencoding": always(types.Datum{S: "UTF8"}),
	"version":             version,
	"pg_backend_pid":      func(e *Env, _ Args) (types.Datum, error) { return num(e.PID) },

	"pg_relation_size":           pgRelationSize,
	"pg_table_size":              pgRelationSize,
	"pg_indexes_size":            pgIndexesSize,
	"pg_total_relation_size":     pgTotalRelationSize,
	"pg_database_size":           pgDatabaseSize,
	"pg_tablespace_size":         pgDatabaseSize,
	"pg_relation_filenode":       ofObject(func(_ *Env, d *catalog.Descriptor, _ Args) (types.Datum, error) { return num(d.ID) }),
	"pg_relation_filepath":       always(types.NullDatum),
	"pg_tablespace_location":     always(types.Datum{}),
	"pg_relation_is_publishable": ofObject(func(_ *Env, d *catalog.Descriptor, _ Args) (types.Datum, error) { return boolean(writable(d)) }),
	"pg_relation_is_updatable":   ofObject(pgRelationIsUpdatable),
	"pg_column_is_updatable":     ofObject(func(_ *Env, d *catalog.Descriptor, _ Args) (types.Datum, error) { return boolean(writable(d)) }),
	"pg_sequence_last_value":     ofObject(pgSequenceLastValue),

	"pg_describe_object":            pgDescribeObject,
	"pg_get_replica_identity_index": always(types.NullDatum),
	"pg_partition_root":             always(types.NullDatum),
	"pg_filenode_relation":          always(types.NullDatum),
	"pg_settings_get_flags":         always(types.NullDatum),
	"pg_stat_get_numscans":          always(types.Datum{}),
	"pg_jit_available":              always(types.Datum{}),

	"pg_is_in_recovery":        always(types.Datum{}),
	"pg_is_other_temp_schema":  always(types.Datum{}),
	"pg_my_temp_schema":        always(types.Datum{}),
	"pg_postmaster_start_time": func(e *Env, _ Args) (types.Datum, error) { return num(e.Started) },
	"pg_conf_load_time":        func(e *Env, _ Args) (types.Datum, error) { return num(e.Started) },

	"to_regclass":     regFunc(types.KindRegClass),
	"to_regtype":      regFunc(types.KindRegType),
	"to_regnamespace": regFunc(types.KindRegNS),
	"to_regrole":      regFunc(types.KindRegRole),
	"to_regproc":      regFunc(types.KindRegProc),
}

func pgGetViewdef(e *Env, a Args) (types.Datum, error) {
	oid := a.oid(0)
	if a.Types[0].Class() == types.ClassBytes {
		n, err := parseName(a.text(0))
		if err != nil {
			return types.NullDatum, err
		}
		if oid, err = e.relationOID(n); err != nil {
			return types.NullDatum, err
		}
	}
	d := e.object(oid)
	if d == nil {
		return null()
	}
	if d.View == nil && d.Query() == nil {
		return str("Not a view")
	}
	return str(viewDef(d))
}

func pgGetIndexdef(e *Env, d *catalog.Descriptor, a Args) (types.Datum, error) {
	if d.Index == nil {
		return null()
	}
	if len(a.Values) == 1 {
		return str(e.indexDef(d, false))
	}
	n := int(a.Values[1].I)
	if n == 0 {
		return str(e.indexDef(d, a.flag(2)))
	}
	on, cols := e.object(uint32(d.Index.On)), indexColumns(d.Index)
	if on == nil || n < 0 || n > len(cols) {
		return str("")
	}
	return str(columnName(on, cols[n-1]))
}

func pgGetConstraintdef(e *Env, a Args) (types.Datum, error) {
	d, c := e.constraint(a.oid(0))
	if c == nil {
		return null()
	}
	return str(constraintDef(d, c, a.flag(1)))
}

func formatType(_ *Env, a Args) (types.Datum, error) {
	if a.Values[0].Null {
		return null()
	}
	typmod := int32(-1)
	if !a.Values[1].Null {
		typmod = int32(a.Values[1].I)
	}
	return str(FormatType(a.oid(0), typmod, a.Values[1].Null))
}

func pgGetSerialSequence(e *Env, a Args) (types.Datum, error) {
	n, err := parseName(a.text(0))
	if err != nil {
		return types.NullDatum, err
	}
	oid, err := e.relationOID(n)
	if err != nil {
		return types.NullDatum, err
	}
	d := e.object(oid)
	if d == nil {
		return null()
	}
	c := d.Column(a.text(1))
	if c == nil {
		return types.NullDatum, sqlerr.New(sqlerr.UndefinedColumn, "column %q of relation %q does not exist", a.text(1), d.Name)
	}
	if seq := e.object(uint32(c.Sequence)); seq != nil && c.Sequence != 0 {
		return str(e.qualified(seq))
	}
	return null()
}

func visibleFunction(_ *Env, a Args) (types.Datum, error) {
	if functionByOID()[a.oid(0)] == nil {
		return null()
	}
	return boolean(true)
}

func objDescription(e *Env, a Args) (types.Datum, error) {
	class := ""
	if len(a.Values) > 1 {
		class = a.text(1)
	}
	oid := a.oid(0)
	if f := functionByOID()[oid]; f != nil && class == "pg_proc" && f.Description != "" {
		return str(f.Description)
	}
	comment := ""
	if v := e.virtuals().ByID(catalog.ID(oid)); v != nil && (class == "" || class == "pg_class") {
		comment = v.Comment
	}
	if d := e.object(oid); d != nil {
		own := "pg_class"
		if d.Kind == catalog.KindSchema {
			own = "pg_namespace"
		}
		if class == "" || class == own {
			comment = d.Comment
		}
	}
	if comment == "" {
		return null()
	}
	return str(comment)
}

func colDescription(_ *Env, d *catalog.Descriptor, a Args) (types.Datum, error) {
	if c := d.ColumnByID(int(a.Values[1].I)); c != nil && c.Comment != "" {
		return str(c.Comment)
	}
	return null()
}

// pgDescribeObject names an object of pg_class or pg_namespace; others are unknown.
func pgDescribeObject(e *Env, a Args) (types.Datum, error) {
	d := e.object(a.oid(1))
	if d == nil || a.oid(0) != classRelation && a.oid(0) != classNamespace {
		return null()
	}
	s := e.Catalog.Describe(e.SearchPath, d)
	if c := d.ColumnByID(int(a.Values[2].I)); c != nil {
		return str("column " + catalog.QuoteIdent(c.Name) + " of " + s)
	}
	return str(s)
}

func pgGetUserbyid(e *Env, a Args) (types.Datum, error) {
	if n, ok := e.roleName(a.oid(0)); ok {
		return str(n)
	}
	return str(fmt.Sprintf("unknown (OID=%d)", a.oid(0)))
}

func pgEncodingToChar(_ *Env, a Args) (types.Datum, error) {
	switch a.Values[0].I {
	case 0:
		return str("SQL_ASCII")
	case 6:
		return str("UTF8")
	}
	return str("")
}

func pgCharToEncoding(_ *Env, a Args) (types.Datum, error) {
	switch strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(a.text(0))) {
	case "utf8", "unicode":
		return num(6)
	case "sqlascii":
		return num(0)
	}
	return num(-1)
}

// schemas lists the existing schemas of the search path.
func (e *Env) schemas() []string {
	var out []string
	for _, s := range e.SearchPath {
		if e.schemaID(s) != 0 && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func currentSchemas(e *Env, a Args) (types.Datum, error) {
	path := e.schemas()
	if a.flag(0) && !slices.Contains(path, catalog.PgCatalog) {
		path = append([]string{catalog.PgCatalog}, path...)
	}
	return types.Datum{S: string(arrayOf(types.ArrayOf(types.Name), path))}, nil
}

func currentSchema(e *Env, _ Args) (types.Datum, error) {
	if p := e.schemas(); len(p) > 0 {
		return str(p[0])
	}
	return null()
}

func version(e *Env, _ Args) (types.Datum, error) {
	v := e.Version
	if v == "" {
		v = "15"
	}
	return str(fmt.Sprintf("PostgreSQL %s (streamdb) on %s-%s, compiled by %s, 64-bit", v, runtime.GOARCH, runtime.GOOS, runtime.Version()))
}
