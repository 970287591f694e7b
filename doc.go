// Package streamdb is a SQL-driven streaming analytics database: one log, one
// deterministic incremental engine, every answer provable.
package streamdb
