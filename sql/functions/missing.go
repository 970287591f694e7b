package functions

import (
	"strings"

	"streamdb/sql/sqlerr"
)

// What PostgreSQL has and streamdb lacks is refused as not supported, and not as unknown: the name is right.

// missingFunctions is the names of functions that PostgreSQL 15 has and we do not, by family.
var missingFunctions = wordSet(`
jsonb_path_exists jsonb_path_match jsonb_path_query jsonb_path_query_array jsonb_path_query_first
jsonb_path_exists_tz jsonb_path_match_tz jsonb_path_query_tz jsonb_path_query_array_tz jsonb_path_query_first_tz
json_populate_record json_populate_recordset jsonb_populate_record jsonb_populate_recordset
json_to_record json_to_recordset jsonb_to_record jsonb_to_recordset
mode percentile_cont percentile_disc rank dense_rank percent_rank cume_dist
int4range int8range numrange tsrange tstzrange daterange int4multirange int8multirange nummultirange tsmultirange tstzmultirange
datemultirange isempty lower_inc upper_inc lower_inf upper_inf range_merge range_agg range_intersect_agg multirange
to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_rank ts_rank_cd ts_headline setweight strip
tsvector_to_array array_to_tsvector numnode querytree ts_rewrite ts_delete ts_filter get_current_ts_config
host hostmask netmask network broadcast masklen set_masklen abbrev family inet_same_family inet_merge macaddr8_set7bit
area center diagonal diameter height isclosed isopen npoints pclose popen radius slope width box circle line lseg path point
polygon bound_box
xmlcomment xmlconcat xmlelement xmlforest xmlpi xmlroot xmlagg xmlexists xml_is_well_formed xpath xpath_exists query_to_xml
table_to_xml
enum_first enum_last enum_range array_to_tsvector hashtext hashint4 hashint8 lo_import lo_export
`)

// missingOperators is the symbols that PostgreSQL 15 has and we do not.
var missingOperators = wordSet(`@? @@ @@@ <-> -|- &< &> <<| |>> &<| |&> <^ >^ ## ?# ?- ?-| ?|| <<= >>= @-@ !! ~=`)

// missingTypes is the names of types that PostgreSQL 15 has and we do not.
var missingTypes = wordSet(`
timetz money inet cidr macaddr macaddr8 bit varbit point line lseg box path polygon circle xml tsvector tsquery jsonpath
int4range int8range numrange tsrange tstzrange daterange int4multirange int8multirange nummultirange tsmultirange
tstzmultirange datemultirange pg_lsn txid_snapshot pg_snapshot refcursor regoper regoperator regprocedure regconfig
regdictionary regcollation tid cid xid8
`)

// typeTitles is how messages call types whose names in the catalog are others.
var typeTitles = map[string]string{"timetz": "time with time zone", "varbit": "bit varying"}

func wordSet(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// MissingType is the error for a type that PostgreSQL has and we do not; nil for other names.
func MissingType(name string) error {
	if !missingTypes[name] {
		return nil
	}
	if title := typeTitles[name]; title != "" {
		name = title
	}
	return sqlerr.New(sqlerr.FeatureNotSupported, "type %s is not supported", name)
}

// missingFunction is the error for a function that PostgreSQL has and we do not; nil for other names.
func missingFunction(name string) error {
	if !missingFunctions[name] || len(ByName(name)) > 0 {
		return nil
	}
	return sqlerr.New(sqlerr.FeatureNotSupported, "function %s is not supported", name)
}

// missingOperator is the same for an operator.
func missingOperator(name string) error {
	if !missingOperators[name] || len(ByName(name)) > 0 {
		return nil
	}
	return sqlerr.New(sqlerr.FeatureNotSupported, "operator %s is not supported", name)
}
