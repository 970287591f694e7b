package pgcatalog

import (
	"strconv"

	"streamdb/sql/catalog"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// typeColumns adds the columns by which information_schema describes a type.
func typeColumns(r row, t types.Type) {
	r["data_type"] = t.SQLName()
	if t.IsArray() {
		r["data_type"] = "ARRAY"
		return
	}
	switch t.Kind {
	case types.KindVarchar, types.KindBPChar:
		r["character_octet_length"] = 1 << 30
		if n := t.CharLen(); t.Typmod >= 0 && n > 0 {
			r["character_maximum_length"], r["character_octet_length"] = n, min(4*n, 1<<30)
		}
	case types.KindText:
		r["character_octet_length"] = 1 << 30
	case types.KindInt2, types.KindInt4, types.KindInt8:
		r["numeric_precision"], r["numeric_precision_radix"], r["numeric_scale"] = int(t.Len())*8, 2, 0
	case types.KindFloat4:
		r["numeric_precision"], r["numeric_precision_radix"] = 24, 2
	case types.KindFloat8:
		r["numeric_precision"], r["numeric_precision_radix"] = 53, 2
	case types.KindNumeric:
		r["numeric_precision_radix"] = 10
		if p, s, ok := t.NumericPS(); ok {
			r["numeric_precision"], r["numeric_scale"] = p, s
		}
	case types.KindDate:
		r["datetime_precision"] = 0
	case types.KindTime, types.KindTimestamp, types.KindTimestampTZ, types.KindInterval:
		r["datetime_precision"] = 6
		if t.Typmod >= 0 && t.Kind != types.KindInterval {
			r["datetime_precision"] = int(t.Typmod)
		}
	}
}

// specificName tells functions of one name apart.
func specificName(f *functions.Function) string { return f.Name + "_" + strconv.Itoa(int(f.OID)) }

func isRoutines(w *writer) {
	for _, f := range callable() {
		r := row{"specific_catalog": w.env.database(), "specific_schema": catalog.PgCatalog, "specific_name": specificName(f),
			"routine_catalog": w.env.database(), "routine_schema": catalog.PgCatalog, "routine_name": f.Name,
			"data_type": typeText(f.Ret), "type_udt_catalog": w.env.database(), "type_udt_schema": catalog.PgCatalog,
			"type_udt_name": f.Ret.TypName(), "routine_body": "EXTERNAL", "external_language": "INTERNAL", "parameter_style": "GENERAL",
			"is_deterministic": yesNo(f.Volatility == functions.Immutable), "sql_data_access": "MODIFIES",
			"is_null_call": yesNo(f.Strict), "schema_level_routine": "YES", "max_dynamic_result_sets": 0, "security_type": "INVOKER"}
		if f.Kind != functions.Aggregate && f.Kind != functions.Window {
			r["routine_type"] = "FUNCTION"
		}
		w.add(r)
	}
}

func isParameters(w *writer) {
	for _, f := range callable() {
		for i, a := range f.Args {
			w.add(row{"specific_catalog": w.env.database(), "specific_schema": catalog.PgCatalog, "specific_name": specificName(f),
				"ordinal_position": i + 1, "parameter_mode": "IN", "is_result": "NO", "as_locator": "NO", "data_type": typeText(a),
				"udt_catalog": w.env.database(), "udt_schema": catalog.PgCatalog, "udt_name": a.TypName(), "dtd_identifier": strconv.Itoa(i + 1)})
		}
	}
}
