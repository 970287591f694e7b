package functions

import (
	"strings"

	"streamdb/sql/types"
)

// systemCatalog lists the functions about the catalog and the session that the
// session answers (Session.Call); package pgcatalog implements them. OIDs and
// signatures are PostgreSQL's.
var systemCatalog = []struct {
	oid        uint32
	name, sig  string
	strict     bool
	volatility Volatility
}{
	{1716, "pg_get_expr", "text,oid->text", true, Stable},
	{2509, "pg_get_expr", "text,oid,bool->text", true, Stable},
	{1640, "pg_get_viewdef", "text->text", true, Stable},
	{1641, "pg_get_viewdef", "oid->text", true, Stable},
	{2505, "pg_get_viewdef", "text,bool->text", true, Stable},
	{2506, "pg_get_viewdef", "oid,bool->text", true, Stable},
	{3159, "pg_get_viewdef", "oid,int4->text", true, Stable},
	{1643, "pg_get_indexdef", "oid->text", true, Stable},
	{2507, "pg_get_indexdef", "oid,int4,bool->text", true, Stable},
	{1387, "pg_get_constraintdef", "oid->text", true, Stable},
	{2508, "pg_get_constraintdef", "oid,bool->text", true, Stable},
	{1081, "format_type", "oid,int4->text", false, Stable},
	{2079, "pg_table_is_visible", "oid->bool", true, Stable},
	{2080, "pg_type_is_visible", "oid->bool", true, Stable},
	{2081, "pg_function_is_visible", "oid->bool", true, Stable},
	{2082, "pg_operator_is_visible", "oid->bool", true, Stable},
	{3815, "pg_collation_is_visible", "oid->bool", true, Stable},
	{2083, "pg_opclass_is_visible", "oid->bool", true, Stable},
	{3829, "pg_opfamily_is_visible", "oid->bool", true, Stable},
	{2093, "pg_conversion_is_visible", "oid->bool", true, Stable},
	{3403, "pg_statistics_obj_is_visible", "oid->bool", true, Stable},
	{3758, "pg_ts_config_is_visible", "oid->bool", true, Stable},
	{3757, "pg_ts_dict_is_visible", "oid->bool", true, Stable},
	{3756, "pg_ts_parser_is_visible", "oid->bool", true, Stable},
	{3768, "pg_ts_template_is_visible", "oid->bool", true, Stable},
	{1215, "obj_description", "oid,name->text", true, Stable},
	{1348, "obj_description", "oid->text", true, Stable},
	{1216, "col_description", "oid,int4->text", true, Stable},
	{1993, "shobj_description", "oid,name->text", true, Stable},
	{1642, "pg_get_userbyid", "oid->name", true, Stable},
	{1922, "has_table_privilege", "name,text,text->bool", true, Stable},
	{1923, "has_table_privilege", "name,oid,text->bool", true, Stable},
	{1924, "has_table_privilege", "oid,text,text->bool", true, Stable},
	{1925, "has_table_privilege", "oid,oid,text->bool", true, Stable},
	{1926, "has_table_privilege", "text,text->bool", true, Stable},
	{1927, "has_table_privilege", "oid,text->bool", true, Stable},
	{2268, "has_schema_privilege", "name,text,text->bool", true, Stable},
	{2269, "has_schema_privilege", "name,oid,text->bool", true, Stable},
	{2270, "has_schema_privilege", "oid,text,text->bool", true, Stable},
	{2271, "has_schema_privilege", "oid,oid,text->bool", true, Stable},
	{2272, "has_schema_privilege", "text,text->bool", true, Stable},
	{2273, "has_schema_privilege", "oid,text->bool", true, Stable},
	{2250, "has_database_privilege", "name,text,text->bool", true, Stable},
	{2251, "has_database_privilege", "name,oid,text->bool", true, Stable},
	{2252, "has_database_privilege", "oid,text,text->bool", true, Stable},
	{2253, "has_database_privilege", "oid,oid,text->bool", true, Stable},
	{2254, "has_database_privilege", "text,text->bool", true, Stable},
	{2255, "has_database_privilege", "oid,text->bool", true, Stable},
	{3012, "has_column_privilege", "name,text,text,text->bool", true, Stable},
	{3013, "has_column_privilege", "name,text,int2,text->bool", true, Stable},
	{3014, "has_column_privilege", "name,oid,text,text->bool", true, Stable},
	{3015, "has_column_privilege", "name,oid,int2,text->bool", true, Stable},
	{3016, "has_column_privilege", "oid,text,text,text->bool", true, Stable},
	{3017, "has_column_privilege", "oid,text,int2,text->bool", true, Stable},
	{3018, "has_column_privilege", "oid,oid,text,text->bool", true, Stable},
	{3019, "has_column_privilege", "oid,oid,int2,text->bool", true, Stable},
	{3020, "has_column_privilege", "text,text,text->bool", true, Stable},
	{3021, "has_column_privilege", "text,int2,text->bool", true, Stable},
	{3022, "has_column_privilege", "oid,text,text->bool", true, Stable},
	{3023, "has_column_privilege", "oid,int2,text->bool", true, Stable},
	{3024, "has_any_column_privilege", "name,text,text->bool", true, Stable},
	{3025, "has_any_column_privilege", "name,oid,text->bool", true, Stable},
	{3026, "has_any_column_privilege", "oid,text,text->bool", true, Stable},
	{3027, "has_any_column_privilege", "oid,oid,text->bool", true, Stable},
	{3028, "has_any_column_privilege", "text,text->bool", true, Stable},
	{3029, "has_any_column_privilege", "oid,text->bool", true, Stable},
	{2181, "has_sequence_privilege", "name,text,text->bool", true, Stable},
	{2182, "has_sequence_privilege", "name,oid,text->bool", true, Stable},
	{2183, "has_sequence_privilege", "oid,text,text->bool", true, Stable},
	{2184, "has_sequence_privilege", "oid,oid,text->bool", true, Stable},
	{2185, "has_sequence_privilege", "text,text->bool", true, Stable},
	{2186, "has_sequence_privilege", "oid,text->bool", true, Stable},
	{2256, "has_function_privilege", "name,text,text->bool", true, Stable},
	{2257, "has_function_privilege", "name,oid,text->bool", true, Stable},
	{2258, "has_function_privilege", "oid,text,text->bool", true, Stable},
	{2259, "has_function_privilege", "oid,oid,text->bool", true, Stable},
	{2260, "has_function_privilege", "text,text->bool", true, Stable},
	{2261, "has_function_privilege", "oid,text->bool", true, Stable},
	{2390, "has_tablespace_privilege", "name,text,text->bool", true, Stable},
	{2391, "has_tablespace_privilege", "name,oid,text->bool", true, Stable},
	{2392, "has_tablespace_privilege", "oid,text,text->bool", true, Stable},
	{2393, "has_tablespace_privilege", "oid,oid,text->bool", true, Stable},
	{2394, "has_tablespace_privilege", "text,text->bool", true, Stable},
	{2395, "has_tablespace_privilege", "oid,text->bool", true, Stable},
	{3138, "has_type_privilege", "name,text,text->bool", true, Stable},
	{3139, "has_type_privilege", "name,oid,text->bool", true, Stable},
	{3140, "has_type_privilege", "oid,text,text->bool", true, Stable},
	{3141, "has_type_privilege", "oid,oid,text->bool", true, Stable},
	{3142, "has_type_privilege", "text,text->bool", true, Stable},
	{3143, "has_type_privilege", "oid,text->bool", true, Stable},
	{3000, "has_foreign_data_wrapper_privilege", "name,text,text->bool", true, Stable},
	{3001, "has_foreign_data_wrapper_privilege", "name,oid,text->bool", true, Stable},
	{3002, "has_foreign_data_wrapper_privilege", "oid,text,text->bool", true, Stable},
	{3003, "has_foreign_data_wrapper_privilege", "oid,oid,text->bool", true, Stable},
	{3004, "has_foreign_data_wrapper_privilege", "text,text->bool", true, Stable},
	{3005, "has_foreign_data_wrapper_privilege", "oid,text->bool", true, Stable},
	{3006, "has_server_privilege", "name,text,text->bool", true, Stable},
	{3007, "has_server_privilege", "name,oid,text->bool", true, Stable},
	{3008, "has_server_privilege", "oid,text,text->bool", true, Stable},
	{3009, "has_server_privilege", "oid,oid,text->bool", true, Stable},
	{3010, "has_server_privilege", "text,text->bool", true, Stable},
	{3011, "has_server_privilege", "oid,text->bool", true, Stable},
	{2262, "has_language_privilege", "name,text,text->bool", true, Stable},
	{2263, "has_language_privilege", "name,oid,text->bool", true, Stable},
	{2264, "has_language_privilege", "oid,text,text->bool", true, Stable},
	{2265, "has_language_privilege", "oid,oid,text->bool", true, Stable},
	{2266, "has_language_privilege", "text,text->bool", true, Stable},
	{2267, "has_language_privilege", "oid,text->bool", true, Stable},
	{2705, "pg_has_role", "name,name,text->bool", true, Stable},
	{2706, "pg_has_role", "name,oid,text->bool", true, Stable},
	{2707, "pg_has_role", "oid,name,text->bool", true, Stable},
	{2708, "pg_has_role", "oid,oid,text->bool", true, Stable},
	{2709, "pg_has_role", "name,text->bool", true, Stable},
	{2710, "pg_has_role", "oid,text->bool", true, Stable},
	{1597, "pg_encoding_to_char", "int4->name", true, Stable},
	{1264, "pg_char_to_encoding", "name->int4", true, Stable},
	{1403, "current_schemas", "bool->name[]", true, Stable},
	{1402, "current_schema", "->name", true, Stable},
	{861, "current_database", "->name", true, Stable},
	{745, "current_user", "->name", true, Stable},
	{746, "session_user", "->name", true, Stable},
	{89, "version", "->text", true, Stable},
	{2026, "pg_backend_pid", "->int4", true, Stable},
	{2325, "pg_relation_size", "regclass->int8", true, Volatile},
	{2332, "pg_relation_size", "regclass,text->int8", true, Volatile},
	{2286, "pg_total_relation_size", "regclass->int8", true, Volatile},
	{2997, "pg_table_size", "regclass->int8", true, Volatile},
	{2998, "pg_indexes_size", "regclass->int8", true, Volatile},
	{2168, "pg_database_size", "name->int8", true, Volatile},
	{2324, "pg_database_size", "oid->int8", true, Volatile},
	{2322, "pg_tablespace_size", "oid->int8", true, Volatile},
	{2323, "pg_tablespace_size", "name->int8", true, Volatile},
	{2165, "pg_get_function_result", "oid->text", true, Stable},
	{2162, "pg_get_function_arguments", "oid->text", true, Stable},
	{2232, "pg_get_function_identity_arguments", "oid->text", true, Stable},
	{2098, "pg_get_functiondef", "oid->text", true, Stable},
	{6197, "pg_get_function_sqlbody", "oid->text", true, Stable},
	{1665, "pg_get_serial_sequence", "text,text->text", true, Stable},
	{3352, "pg_get_partkeydef", "oid->text", true, Stable},
	{1573, "pg_get_ruledef", "oid->text", true, Stable},
	{2504, "pg_get_ruledef", "oid,bool->text", true, Stable},
	{1662, "pg_get_triggerdef", "oid->text", true, Stable},
	{2730, "pg_get_triggerdef", "oid,bool->text", true, Stable},
	{3415, "pg_get_statisticsobjdef", "oid->text", true, Stable},
	{6174, "pg_get_statisticsobjdef_columns", "oid->text", true, Stable},
	{3408, "pg_get_partition_constraintdef", "oid->text", true, Stable},
	{6121, "pg_relation_is_publishable", "regclass->bool", true, Stable},
	{2999, "pg_relation_filenode", "regclass->oid", true, Stable},
	{3034, "pg_relation_filepath", "regclass->text", true, Stable},
	{3810, "pg_is_in_recovery", "->bool", true, Volatile},
	{2855, "pg_is_other_temp_schema", "oid->bool", true, Stable},
	{2854, "pg_my_temp_schema", "->oid", true, Stable},
	{2560, "pg_postmaster_start_time", "->timestamptz", true, Stable},
	{2034, "pg_conf_load_time", "->timestamptz", true, Stable},
	{3778, "pg_tablespace_location", "oid->text", true, Stable},
	{3495, "to_regclass", "text->regclass", true, Stable},
	{3493, "to_regtype", "text->regtype", true, Stable},
	{4086, "to_regnamespace", "text->regnamespace", true, Stable},
	{4093, "to_regrole", "text->regrole", true, Stable},
	{3494, "to_regproc", "text->regproc", true, Stable},
	{3298, "row_security_active", "oid->bool", true, Stable},
	{3299, "row_security_active", "text->bool", true, Stable},
	{4032, "pg_sequence_last_value", "regclass->int8", true, Volatile},
	{3842, "pg_relation_is_updatable", "regclass,bool->int4", true, Stable},
	{3843, "pg_column_is_updatable", "regclass,int2,bool->bool", true, Stable},
	{810, "pg_client_encoding", "->name", true, Stable},
}

// catalogFuncs is the family of system catalog functions.
func catalogFuncs() []*Function {
	var fs []*Function
	for _, e := range systemCatalog {
		f := scalar(e.name, e.sig, hook)
		f.OID, f.Strict, f.Volatility = e.oid, e.strict, e.volatility
		if f.Volatility == Volatile {
			f.Volatility = Stable // ours read one snapshot per statement
		}
		fs = append(fs, f)
	}
	name := set("pg_options_to_table", "text[]->text", optionsToTable(true)).hidden().withID("pg_options_to_table_name")
	value := set("pg_options_to_table", "text[]->text", optionsToTable(false)).hidden().withID("pg_options_to_table_value")
	table := set("pg_options_to_table", "text[]->record", nil)
	table.OID, table.Volatility = 2289, Stable
	table.Columns = []SetColumn{{"option_name", name.ID}, {"option_value", value.ID}}
	return append(fs, name, value, table)
}

// optionsToTable splits the elements name=value of an array.
func optionsToTable(names bool) SetKernel {
	return func(c *Call, counts []int32) {
		a := c.Args[0]
		for i := range c.N {
			if c.Skipped(i) {
				continue
			}
			arr, ok := types.ReadArray(a.Type, types.BytesString(a.StringAt(slot(a, i))))
			if !ok {
				continue
			}
			for k := range arr.Len() {
				name, value, found := strings.Cut(arr.Str(k), "=")
				switch {
				case names:
					c.Out.AppendString(name)
				case found:
					c.Out.AppendString(value)
				default:
					c.Out.AppendNull()
				}
			}
			counts[i] = int32(arr.Len())
		}
	}
}
