// Package pgcatalog shows the catalog the way PostgreSQL 15 does: pg_catalog and
// information_schema as relations that are computed when they are read, and the
// functions that psql, drivers and tools call beside them (format_type,
// pg_get_viewdef, pg_table_is_visible, …).
//
// # Relations
//
// columns.txt, taken from a PostgreSQL 15, gives every relation with its OID, its
// columns and their types; relations that nobody fills are empty, which is the truth
// about what we do not have (triggers, policies, publications, …). A producer fills a
// relation from an Env: a catalog snapshot plus what the session knows. Rows are
// written by column name, so that a producer names only what it has something to
// say about: the other columns are NULL or, where PostgreSQL has NOT NULL, zero.
//
// # What our objects look like to PostgreSQL's clients
//
//	table               relkind r, access method heap
//	view                relkind v
//	materialized view   relkind m
//	source              relkind f on the foreign server <connector>_source
//	sink                relkind f on the foreign server <connector>_sink
//	index               relkind i, access method btree
//	sequence            relkind S
//
// so that psql lists a source as "foreign table" and \d NAME tells its server and
// options; option values that may be secrets are masked.
//
// testdata/psql holds what psql 15 sends for its commands and what it has to get.
package pgcatalog
