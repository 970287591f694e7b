package parser

import (
	"fmt"
	"strings"
)

// statementDoc describes a statement for the reference page.
type statementDoc struct {
	// syntax begins with the statement's words; example is one that parses.
	syntax, example string
	// differs says what is not as in PostgreSQL, empty for nothing; "ours" for what PostgreSQL has not.
	differs string
}

// ours marks statements that PostgreSQL has not.
const ours = "not in PostgreSQL"

// statementDocs is the statements by chapter.
var statementDocs = []struct {
	chapter string
	list    []statementDoc
}{
	{"Queries", []statementDoc{
		{"SELECT [DISTINCT [ON (…)]] … [FROM …] [WHERE …] [GROUP BY …] [HAVING …] [WINDOW …] [UNION | INTERSECT | EXCEPT …] [ORDER BY …] [LIMIT …] [OFFSET …]",
			"SELECT k, count(*) FROM t GROUP BY k ORDER BY 2 DESC LIMIT 10", "FOR UPDATE and FOR SHARE are refused; LIMIT takes no subquery; TUMBLE, HOP, CUMULATE and SESSION in FROM, see windows.md; ASOF JOIN and FOR SYSTEM_TIME AS OF, see ../joins.md"},
		{"SELECT … INTO table …", "SELECT k INTO copy FROM t", ""},
		{"WITH [RECURSIVE] name AS (…) SELECT …", "WITH c AS (SELECT 1 AS x) SELECT * FROM c", "only queries in WITH"},
		{"VALUES (…), …", "VALUES (1, 'a'), (2, 'b')", ""},
		{"TABLE name", "TABLE t", ""},
		{"SUBSCRIBE [TO] name | (query) [WITH (snapshot = …, progress = …)]", "SUBSCRIBE m WITH (snapshot = false)",
			ours + ": the rows of a relation, then its changes with epoch and weight; queries are refused, make a materialized view"},
		{"EXPLAIN [(ANALYZE, VERBOSE, …)] statement", "EXPLAIN SELECT * FROM t", "the plan is streamdb's; text and JSON; LOGICAL, FRAGMENTS; ANALYZE counts rows, time and state of each node"},
		{"EXPLAIN [(ANALYZE, …)] MATERIALIZED VIEW | SINK name", "EXPLAIN MATERIALIZED VIEW v", "what runs; ANALYZE shows what each node has done so far"},
	}},
	{"Changing rows", []statementDoc{
		{"INSERT INTO table [(column, …)] VALUES … | query [ON CONFLICT …] [RETURNING …]", "INSERT INTO t (k) VALUES (1) ON CONFLICT (k) DO NOTHING RETURNING k", ""},
		{"UPDATE table SET … [FROM …] [WHERE …] [RETURNING …]", "UPDATE t SET v = v + 1 WHERE k = 1", "refused for APPEND ONLY tables"},
		{"DELETE FROM table [USING …] [WHERE …] [RETURNING …]", "DELETE FROM t WHERE k = 1", "refused for APPEND ONLY tables"},
		{"TRUNCATE [TABLE] name, … [RESTART IDENTITY]", "TRUNCATE t", ""},
		{"COPY table | (query) FROM STDIN | TO STDOUT [WITH (…)]", "COPY t FROM STDIN WITH (FORMAT csv, HEADER)", "no files and programs of the server; COPY (SUBSCRIBE …) TO STDOUT follows changes"},
	}},
	{"Tables", []statementDoc{
		{"CREATE TABLE [IF NOT EXISTS] name (column type …, LIKE table …, constraint …) [WITH (connector = …)] [FORMAT … ENCODE …]",
			"CREATE TABLE t (id int PRIMARY KEY, at timestamptz, WATERMARK FOR at AS at - INTERVAL '5 seconds')",
			"no foreign keys, generated columns, inheritance, partitions or temporary tables; WATERMARK FOR … [WITH (idle_timeout = …, max_drift = …)], APPEND ONLY, WITH (retention = …) (docs/time.md), INCLUDE and connectors are ours"},
		{"CREATE TABLE name AS query", "CREATE TABLE c AS SELECT * FROM t", "no EXECUTE"},
		{"ALTER TABLE [IF EXISTS] name action, …", "ALTER TABLE t ALTER COLUMN v TYPE bigint, ADD COLUMN w text DEFAULT 'x'",
			"a type is only changed where no materialized view or sink reads the table; rows of a table whose columns changed are readable after the commit; no serial, identity or volatile defaults for added columns"},
		{"ALTER TABLE name SET (retention = interval) | RESET (retention)", "ALTER TABLE t SET (retention = '7 days')", "of an APPEND ONLY table (docs/time.md); no other options"},
		{"ALTER TABLE | SOURCE name ADD | MODIFY | DROP WATERMARK FOR column [AS …], …", "ALTER TABLE t ADD WATERMARK FOR at AS at - INTERVAL '5 seconds'", ours + " (docs/time.md)"},
		{"ALTER TABLE name RENAME [COLUMN column] TO name", "ALTER TABLE t RENAME COLUMN v TO w", "refused for a column that a view joins by USING"},
		{"DROP TABLE [IF EXISTS] name, … [CASCADE]", "DROP TABLE IF EXISTS t CASCADE", ""},
		{"CREATE [UNIQUE] INDEX [IF NOT EXISTS] [name] ON table (column [DESC], …) [INCLUDE (…)]", "CREATE UNIQUE INDEX ON t (k)",
			"columns only, no WHERE, btree only; UNIQUE on a materialized view needs a query that makes the key unique"},
		{"ALTER INDEX name RENAME TO name", "ALTER INDEX t_k RENAME TO t_kk", ""},
		{"DROP INDEX [IF EXISTS] name, …", "DROP INDEX t_k", ""},
		{"LOCK [TABLE] name [IN … MODE]", "LOCK TABLE t", "takes no lock: transactions are checked when they commit"},
	}},
	{"Views, sources and sinks", []statementDoc{
		{"CREATE [OR REPLACE] VIEW name AS query", "CREATE OR REPLACE VIEW v AS SELECT 1 AS x", "no WITH CHECK OPTION; a view cannot be written to"},
		{"ALTER VIEW name RENAME … | SET SCHEMA … | OWNER TO …", "ALTER VIEW v RENAME TO v2", ""},
		{"DROP VIEW [IF EXISTS] name, … [CASCADE]", "DROP VIEW v", ""},
		{"CREATE MATERIALIZED VIEW [IF NOT EXISTS] name [WITH (…)] AS query [EMIT ON UPDATE | ON WINDOW CLOSE | EVERY interval]",
			"CREATE MATERIALIZED VIEW m AS SELECT k, count(*) AS n FROM t GROUP BY k", "kept up to date with every commit; no WITH NO DATA; WITH: on_error, emit, background, memory, start ('latest' leaves out what sources with offsets have brought before), and late with allowed_lateness (docs/time.md)"},
		{"ALTER MATERIALIZED VIEW name RENAME … | SET SCHEMA … | OWNER TO …", "ALTER MATERIALIZED VIEW m RENAME TO m2", ""},
		{"REFRESH MATERIALIZED VIEW [CONCURRENTLY] name", "REFRESH MATERIALIZED VIEW m", "does nothing: a view is always up to date"},
		{"VERIFY MATERIALIZED VIEW name", "VERIFY MATERIALIZED VIEW m", ours + ": compares a view with its query run once"},
		{"DROP MATERIALIZED VIEW [IF EXISTS] name, … [CASCADE]", "DROP MATERIALIZED VIEW m", ""},
		{"CREATE SOURCE name (column type, …) WITH (connector = …) [FORMAT … ENCODE …]",
			"CREATE SOURCE s (a text, n bigint) WITH (connector = 'file', path = '/x') FORMAT PLAIN ENCODE JSON", ours + "; shown as a foreign table"},
		{"DROP SOURCE [IF EXISTS] name, … [CASCADE]", "DROP SOURCE s", ours},
		{"CREATE SINK name [FROM relation | AS query] WITH (connector = …) [FORMAT … ENCODE …]",
			"CREATE SINK k FROM m WITH (connector = 'blackhole')", ours},
		{"DROP SINK [IF EXISTS] name, …", "DROP SINK k", ours},
		{"FLUSH", "FLUSH", ours + ": waits until every view and sink has seen what is committed; what EMIT EVERY withholds stays so"},
	}},
	{"Schemas, sequences, comments", []statementDoc{
		{"CREATE SCHEMA [IF NOT EXISTS] name [AUTHORIZATION role]", "CREATE SCHEMA s", "no elements"},
		{"ALTER SCHEMA name RENAME TO … | OWNER TO …", "ALTER SCHEMA s RENAME TO s2", ""},
		{"DROP SCHEMA [IF EXISTS] name, … [CASCADE]", "DROP SCHEMA s CASCADE", ""},
		{"CREATE SEQUENCE [IF NOT EXISTS] name [option …]", "CREATE SEQUENCE q START 10", "no temporary sequences"},
		{"ALTER SEQUENCE [IF EXISTS] name option … | RENAME … | SET SCHEMA …", "ALTER SEQUENCE q RESTART", ""},
		{"DROP SEQUENCE [IF EXISTS] name, …", "DROP SEQUENCE q", ""},
		{"COMMENT ON TABLE | COLUMN | VIEW | MATERIALIZED VIEW | SOURCE | SINK | INDEX | SEQUENCE | SCHEMA name IS …", "COMMENT ON COLUMN t.k IS 'the key'",
			"not on constraints, types, functions and databases"},
	}},
	{"Transactions and cursors", []statementDoc{
		{"BEGIN [ISOLATION LEVEL …] [READ ONLY]", "BEGIN ISOLATION LEVEL SERIALIZABLE", "REPEATABLE READ, as a snapshot, is the default and the least"},
		{"START TRANSACTION …", "START TRANSACTION READ ONLY", ""},
		{"COMMIT [AND CHAIN]", "COMMIT", "40001 where another transaction wrote the same rows: try again"},
		{"ROLLBACK [AND CHAIN]", "ROLLBACK", ""},
		{"SAVEPOINT name", "SAVEPOINT a", ""},
		{"RELEASE [SAVEPOINT] name", "RELEASE a", ""},
		{"ROLLBACK TO [SAVEPOINT] name", "ROLLBACK TO a", ""},
		{"SET TRANSACTION …", "SET TRANSACTION READ ONLY", ""},
		{"SET CONSTRAINTS ALL | name, … DEFERRED | IMMEDIATE", "SET CONSTRAINTS ALL IMMEDIATE", "no constraint is deferrable"},
		{"DECLARE name [SCROLL] CURSOR [WITH HOLD] FOR query | SUBSCRIBE …", "DECLARE c CURSOR FOR SUBSCRIBE m", "the rows are computed at once; SUBSCRIBE is ours"},
		{"FETCH [direction] [FROM] cursor [WITH (timeout = interval)]", "FETCH 10 FROM c WITH (timeout = '1 s')",
			"of a subscription: waits until there is a row, at most for the timeout, and gives up to so many; ALL gives what is there now"},
		{"MOVE [direction] [FROM] cursor", "MOVE 10 FROM c", ""},
		{"CLOSE name | ALL", "CLOSE c", ""},
	}},
	{"Sessions", []statementDoc{
		{"SET [SESSION | LOCAL] name = value | TO DEFAULT", "SET TimeZone = 'Europe/Berlin'", "no roles"},
		{"RESET name | ALL", "RESET ALL", ""},
		{"SHOW name | ALL", "SHOW search_path", ""},
		{"SHOW TABLES | VIEWS | MATERIALIZED VIEWS | SOURCES | SINKS | …", "SHOW TABLES", ours},
		{"SHOW CREATE TABLE | VIEW | MATERIALIZED VIEW | SOURCE | SINK | … name", "SHOW CREATE MATERIALIZED VIEW m",
			ours + ": the statement that makes the object, with watermarks and connector options, which psql's \\d has no place for"},
		{"DESCRIBE name", "DESCRIBE t", ours},
		{"PREPARE name [(type, …)] AS statement", "PREPARE p (int) AS SELECT $1", ""},
		{"EXECUTE name [(value, …)]", "EXECUTE p (1)", ""},
		{"DEALLOCATE name | ALL", "DEALLOCATE ALL", ""},
		{"DISCARD ALL | PLANS | SEQUENCES | TEMP", "DISCARD ALL", ""},
	}},
	{"Upkeep", []statementDoc{
		{"ANALYZE | VACUUM …", "VACUUM ANALYZE t", "accepted, does nothing"},
		{"CHECKPOINT", "CHECKPOINT", ""},
	}},
}

// Reference writes the reference page of the statements.
func Reference() string {
	var b strings.Builder
	b.WriteString("# Statements\n\nGenerated from the table in package `sql/parser`; do not edit. Every statement of PostgreSQL that is not here is " +
		"refused with SQLSTATE 0A000 and its name.\n")
	cell := func(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
	for _, ch := range statementDocs {
		fmt.Fprintf(&b, "\n## %s\n\n| syntax | what differs from PostgreSQL | example |\n|---|---|---|\n", ch.chapter)
		for _, d := range ch.list {
			fmt.Fprintf(&b, "| `%s` | %s | `%s` |\n", cell(d.syntax), cell(d.differs), cell(d.example))
		}
	}
	return b.String()
}
