package pgcatalog

// producer fills a relation.
type producer struct {
	fill func(*writer)
	// static says that the rows do not depend on the Env, which then is empty.
	static bool
}

// producers lists who fills which relation; what is not listed is empty.
func producers() map[string]producer {
	return map[string]producer{
		"pg_catalog.pg_namespace":            {fill: pgNamespace},
		"pg_catalog.pg_class":                {fill: pgClass},
		"pg_catalog.pg_attribute":            {fill: pgAttribute},
		"pg_catalog.pg_attrdef":              {fill: pgAttrdef},
		"pg_catalog.pg_constraint":           {fill: pgConstraint},
		"pg_catalog.pg_index":                {fill: pgIndex},
		"pg_catalog.pg_sequence":             {fill: pgSequence},
		"pg_catalog.pg_depend":               {fill: pgDepend},
		"pg_catalog.pg_description":          {fill: pgDescription},
		"pg_catalog.pg_foreign_data_wrapper": {fill: pgForeignDataWrapper, static: true},
		"pg_catalog.pg_foreign_server":       {fill: pgForeignServer},
		"pg_catalog.pg_foreign_table":        {fill: pgForeignTable},

		"pg_catalog.pg_type":       {fill: pgType, static: true},
		"pg_catalog.pg_proc":       {fill: pgProc, static: true},
		"pg_catalog.pg_aggregate":  {fill: pgAggregate, static: true},
		"pg_catalog.pg_operator":   {fill: pgOperator, static: true},
		"pg_catalog.pg_cast":       {fill: pgCast, static: true},
		"pg_catalog.pg_am":         {fill: pgAm, static: true},
		"pg_catalog.pg_opclass":    {fill: pgOpclass, static: true},
		"pg_catalog.pg_collation":  {fill: pgCollation, static: true},
		"pg_catalog.pg_language":   {fill: pgLanguage, static: true},
		"pg_catalog.pg_tablespace": {fill: pgTablespace, static: true},

		"pg_catalog.pg_database":         {fill: pgDatabase},
		"pg_catalog.pg_roles":            {fill: pgRoles},
		"pg_catalog.pg_user":             {fill: pgUser},
		"pg_catalog.pg_authid":           {fill: pgAuthid},
		"pg_catalog.pg_settings":         {fill: pgSettings},
		"pg_catalog.pg_stat_activity":    {fill: pgStatActivity},
		"pg_catalog.pg_stat_ssl":         {fill: pgStatSSL},
		"pg_catalog.pg_stat_database":    {fill: pgStatDatabase},
		"pg_catalog.pg_stat_all_tables":  {fill: pgStatAllTables},
		"pg_catalog.pg_stat_user_tables": {fill: pgStatUserTables},
		"pg_catalog.pg_locks":            {fill: pgLocks},
		"pg_catalog.pg_timezone_names":   {fill: pgTimezoneNames},
		"pg_catalog.pg_timezone_abbrevs": {fill: pgTimezoneAbbrevs, static: true},
		"streamdb.keywords":              {fill: keywords, static: true},

		"pg_catalog.pg_tables":    {fill: pgTables},
		"pg_catalog.pg_views":     {fill: pgViews},
		"pg_catalog.pg_matviews":  {fill: pgMatviews},
		"pg_catalog.pg_indexes":   {fill: pgIndexes},
		"pg_catalog.pg_sequences": {fill: pgSequences},

		"information_schema.information_schema_catalog_name": {fill: isCatalogName},
		"information_schema.schemata":                        {fill: isSchemata},
		"information_schema.tables":                          {fill: isTables},
		"information_schema.columns":                         {fill: isColumns},
		"information_schema.views":                           {fill: isViews},
		"information_schema.sequences":                       {fill: isSequences},
		"information_schema.table_constraints":               {fill: isTableConstraints},
		"information_schema.check_constraints":               {fill: isCheckConstraints},
		"information_schema.key_column_usage":                {fill: isKeyColumnUsage},
		"information_schema.constraint_column_usage":         {fill: isConstraintColumnUsage},
		"information_schema.constraint_table_usage":          {fill: isConstraintTableUsage},
		"information_schema.table_privileges":                {fill: isTablePrivileges},
		"information_schema.role_table_grants":               {fill: isTablePrivileges},
		"information_schema.foreign_tables":                  {fill: isForeignTables},
		"information_schema.foreign_servers":                 {fill: isForeignServers},
		"information_schema.routines":                        {fill: isRoutines},
		"information_schema.parameters":                      {fill: isParameters},
		"information_schema.enabled_roles":                   {fill: isEnabledRoles},
		"information_schema.character_sets":                  {fill: isCharacterSets},
		"information_schema.collations":                      {fill: isCollations},
	}
}
