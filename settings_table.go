package streamdb

// setting describes a run-time setting.
type setting struct {
	name, def, description string
	// kind is bool, integer, duration, enum, string or a special form that check knows.
	kind string
	enum []string
	// fixed settings are shown and cannot be set.
	fixed bool
	// reported settings are told to the client when they change.
	reported bool
}

// settingList is all settings, by name.
var settingList = []setting{
	{name: "application_name", kind: "string", reported: true, description: "Sets the application name to be reported in statistics and logs."},
	{name: "bytea_output", def: "hex", kind: "enum", enum: []string{"escape", "hex"}, description: "Sets the output format for bytea."},
	{name: "client_encoding", def: "UTF8", kind: "encoding", reported: true, description: "Sets the client's character set encoding."},
	{name: "client_min_messages", def: "notice", kind: "enum", enum: []string{"debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error"}, description: "Sets the message levels that are sent to the client."},
	{name: "DateStyle", def: "ISO, MDY", kind: "datestyle", reported: true, description: "Sets the display format for date and time values."},
	{name: "default_transaction_isolation", def: "repeatable read", kind: "enum", enum: []string{"serializable", "repeatable read", "read committed", "read uncommitted"}, description: "Sets the transaction isolation level of each new transaction."},
	{name: "default_transaction_read_only", def: "off", kind: "bool", reported: true, description: "Sets the default read-only status of new transactions."},
	{name: "extra_float_digits", def: "1", kind: "integer", description: "Sets the number of digits displayed for floating-point values."},
	{name: "idle_in_transaction_session_timeout", def: "0", kind: "duration", description: "Sets the maximum allowed idle time between queries, when in a transaction."},
	{name: "idle_session_timeout", def: "0", kind: "duration", description: "Sets the maximum allowed idle time between queries, when not in a transaction."},
	{name: "in_hot_standby", def: "off", kind: "bool", fixed: true, reported: true, description: "Shows whether hot standby is currently active."},
	{name: "integer_datetimes", def: "on", kind: "bool", fixed: true, reported: true, description: "Shows whether datetimes are integer based."},
	{name: "IntervalStyle", def: "postgres", kind: "enum", enum: []string{"postgres", "postgres_verbose", "sql_standard", "iso_8601"}, reported: true, description: "Sets the display format for interval values."},
	{name: "is_superuser", def: "on", kind: "bool", fixed: true, reported: true, description: "Shows whether the current user is a superuser."},
	{name: "lc_collate", def: "C", kind: "string", fixed: true, description: "Shows the collation order locale."},
	{name: "lc_ctype", def: "C", kind: "string", fixed: true, description: "Shows the character classification and case conversion locale."},
	{name: "lc_messages", def: "C", kind: "string", description: "Sets the language in which messages are displayed."},
	{name: "lc_monetary", def: "C", kind: "string", description: "Sets the locale for formatting monetary amounts."},
	{name: "lc_numeric", def: "C", kind: "string", description: "Sets the locale for formatting numbers."},
	{name: "lc_time", def: "C", kind: "string", description: "Sets the locale for formatting date and time values."},
	{name: "lock_timeout", def: "0", kind: "duration", description: "Sets the maximum allowed duration of any wait for a lock."},
	{name: "max_connections", def: "100", kind: "integer", fixed: true, description: "Sets the maximum number of concurrent connections."},
	{name: "max_identifier_length", def: "63", kind: "integer", fixed: true, description: "Shows the maximum identifier length."},
	{name: "max_index_keys", def: "32", kind: "integer", fixed: true, description: "Shows the maximum number of index keys."},
	{name: "max_staleness", def: "0", kind: "duration", description: "Lets a read show a lagging or suspended view's last epoch if it is no older than this; 0 means strict reads."},
	{name: "port", def: "7432", kind: "integer", fixed: true, description: "Sets the TCP port the server listens on."},
	{name: "search_path", def: "\"$user\", public", kind: "string", description: "Sets the schema search order for names that are not schema-qualified."},
	{name: "server_encoding", def: "UTF8", kind: "string", fixed: true, reported: true, description: "Shows the server (database) character set encoding."},
	{name: "server_version", def: serverVersion, kind: "string", fixed: true, reported: true, description: "Shows the server version."},
	{name: "server_version_num", def: "150008", kind: "integer", fixed: true, description: "Shows the server version as an integer."},
	{name: "session_authorization", kind: "string", fixed: true, reported: true, description: "Shows the session user name."},
	{name: "standard_conforming_strings", def: "on", kind: "bool", fixed: true, reported: true, description: "Causes '...' strings to treat backslashes literally."},
	{name: "statement_timeout", def: "0", kind: "duration", description: "Sets the maximum allowed duration of any statement."},
	{name: "TimeZone", def: "UTC", kind: "timezone", reported: true, description: "Sets the time zone for displaying and interpreting time stamps."},
	{name: "transaction_isolation", def: "repeatable read", kind: "string", fixed: true, description: "Shows the current transaction's isolation level."},
	{name: "transaction_read_only", def: "off", kind: "bool", description: "Sets the current transaction's read-only status."},
	{name: "work_mem", def: "4096", kind: "string", description: "Accepted for compatibility; statements have a memory budget of the server's."},
	{name: "block_size", def: "8192", kind: "integer", fixed: true, description: "Shows the size of a disk block, of PostgreSQL's."},
	{name: "data_checksums", def: "on", kind: "bool", fixed: true, description: "Shows whether data checksums are kept."},
	{name: "wal_level", def: "replica", kind: "string", fixed: true, description: "Shows the level of information in the log."},
	// What follows is PostgreSQL's; clients and their tools set and read it. It changes nothing here.
	{name: "array_nulls", def: "on", kind: "bool", description: accepted},
	{name: "backslash_quote", def: "safe_encoding", kind: "string", description: accepted},
	{name: "check_function_bodies", def: "on", kind: "bool", description: accepted},
	{name: "constraint_exclusion", def: "partition", kind: "string", description: accepted},
	{name: "default_table_access_method", def: "heap", kind: "string", description: accepted},
	{name: "default_tablespace", kind: "string", description: accepted},
	{name: "default_text_search_config", def: "pg_catalog.simple", kind: "string", description: accepted},
	{name: "default_toast_compression", def: "pglz", kind: "string", description: accepted},
	{name: "default_transaction_deferrable", def: "off", kind: "bool", description: accepted},
	{name: "default_with_oids", def: "off", kind: "bool", description: accepted},
	{name: "enable_bitmapscan", def: "on", kind: "bool", description: accepted},
	{name: "enable_hashagg", def: "on", kind: "bool", description: accepted},
	{name: "enable_hashjoin", def: "on", kind: "bool", description: accepted},
	{name: "enable_indexonlyscan", def: "on", kind: "bool", description: accepted},
	{name: "enable_indexscan", def: "on", kind: "bool", description: accepted},
	{name: "enable_material", def: "on", kind: "bool", description: accepted},
	{name: "enable_mergejoin", def: "on", kind: "bool", description: accepted},
	{name: "enable_nestloop", def: "on", kind: "bool", description: accepted},
	{name: "enable_seqscan", def: "on", kind: "bool", description: accepted},
	{name: "enable_sort", def: "on", kind: "bool", description: accepted},
	{name: "escape_string_warning", def: "on", kind: "bool", description: accepted},
	{name: "force_parallel_mode", def: "off", kind: "string", description: accepted},
	{name: "geqo", def: "on", kind: "bool", description: accepted},
	{name: "jit", def: "off", kind: "bool", description: accepted},
	{name: "log_min_duration_statement", def: "-1", kind: "string", description: accepted},
	{name: "log_statement", def: "none", kind: "string", description: accepted},
	{name: "maintenance_work_mem", def: "65536", kind: "string", description: accepted},
	{name: "max_parallel_workers_per_gather", def: "0", kind: "integer", description: accepted},
	{name: "plan_cache_mode", def: "auto", kind: "string", description: accepted},
	{name: "quote_all_identifiers", def: "off", kind: "bool", description: accepted},
	{name: "random_page_cost", def: "4", kind: "string", description: accepted},
	{name: "row_security", def: "on", kind: "bool", description: accepted},
	{name: "session_replication_role", def: "origin", kind: "string", description: accepted},
	{name: "synchronize_seqscans", def: "on", kind: "bool", description: accepted},
	{name: "synchronous_commit", def: "on", kind: "string", description: accepted},
	{name: "temp_tablespaces", kind: "string", description: accepted},
	{name: "transaction_deferrable", def: "off", kind: "bool", description: accepted},
	{name: "vacuum_cost_delay", def: "0", kind: "string", description: accepted},
	{name: "xmloption", def: "content", kind: "string", description: accepted},
}

// accepted describes a setting that changes nothing.
const accepted = "Accepted for compatibility; changes nothing."
