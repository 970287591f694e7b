package main

import (
	"context"
	"fmt"
	"strings"
)

// metaHelp is what \? shows.
const metaHelp = `  \d          relations         \d NAME   columns of a relation
  \dm \dv \dt \ds               materialized views, views, tables, sources
  \timing     show how long statements take
  \q          quit (also Ctrl-D)
Statements end with a semicolon; Ctrl-C cancels the running one.
`

// kinds names the relation kinds of pg_class.
const kinds = `CASE c.relkind WHEN 'r' THEN 'table' WHEN 'm' THEN 'materialized view' WHEN 'v' THEN 'view' WHEN 'f' THEN 'source or sink' WHEN 'S' THEN 'sequence' WHEN 'i' THEN 'index' ELSE c.relkind::text END`

// meta runs a backslash command; false means quit.
func (c *client) meta(ctx context.Context, words []string) bool {
	switch words[0] {
	case `\q`:
		return false
	case `\?`, `\h`:
		fmt.Fprint(c.out, metaHelp)
	case `\timing`:
		c.timing = !c.timing
		fmt.Fprintf(c.out, "Timing is %s.\n", map[bool]string{true: "on", false: "off"}[c.timing])
	case `\d`:
		if len(words) > 1 {
			c.describe(ctx, strings.TrimSuffix(words[1], ";"))
			break
		}
		c.list(ctx, "rmvfS")
	case `\dm`, `\dv`, `\dt`, `\ds`:
		c.list(ctx, map[string]string{`\dm`: "m", `\dv`: "v", `\dt`: "r", `\ds`: "f"}[words[0]])
	default:
		fmt.Fprintf(c.errOut, "unknown command %s; \\? for help\n", words[0])
	}
	return true
}

// list shows the relations of some kinds.
func (c *client) list(ctx context.Context, relkinds string) {
	c.run(ctx, `SELECT n.nspname AS "Schema", c.relname AS "Name", `+kinds+` AS "Type"
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE strpos('`+relkinds+`', c.relkind::text) > 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'streamdb')
ORDER BY 1, 2`, nil)
}

// describe shows the columns of a relation.
func (c *client) describe(ctx context.Context, name string) {
	c.run(ctx, `SELECT a.attname AS "Column", pg_catalog.format_type(a.atttypid, a.atttypmod) AS "Type",
  CASE WHEN a.attnotnull THEN 'not null' ELSE '' END AS "Nullable"
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = '`+strings.ReplaceAll(name, "'", "''")+`'::regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum`, nil)
}
