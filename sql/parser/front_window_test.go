package parser

import (
	"testing"

	"streamdb/sql/ast"
)

// TestSessionPartition reads the spellings of SESSION's keys, and what is printed of them again.
func TestSessionPartition(t *testing.T) {
	for q, want := range map[string]string{
		"SESSION(bid, ts, INTERVAL '1 s')":                                                                   "session(bid, ts, '1 s'::interval)",
		"SESSION(bid PARTITION BY k, lower(x), ts, INTERVAL '1 s')":                                          "session(TABLE bid PARTITION BY k, lower(x), DESCRIPTOR(ts), '1 s'::interval)",
		"SESSION(s.bid PARTITION BY k, ts, INTERVAL '1 s')":                                                  "session(TABLE s.bid PARTITION BY k, DESCRIPTOR(ts), '1 s'::interval)",
		"SESSION(TABLE bid PARTITION BY k, ts, INTERVAL '1 s')":                                              "session(TABLE bid PARTITION BY k, DESCRIPTOR(ts), '1 s'::interval)",
		"SESSION((SELECT f(a, (b)) FROM a) PARTITION BY k, ts, INTERVAL '1 s')":                              "session((SELECT f(a, b) FROM a) PARTITION BY k, DESCRIPTOR(ts), '1 s'::interval)",
		"TABLE(SESSION(TABLE bid PARTITION BY k, z, DESCRIPTOR(ts), INTERVAL '1' MINUTES))":                  "session(TABLE bid PARTITION BY k, z, DESCRIPTOR(ts), '1'::interval minute)",
		"TABLE(SESSION(DATA => TABLE bid PARTITION BY k, TIMECOL => DESCRIPTOR(ts), GAP => INTERVAL '1 s'))": "session(TABLE bid PARTITION BY k, DESCRIPTOR(ts), '1 s'::interval)",
	} {
		for _, text := range []string{"SELECT * FROM " + q + " w", "SELECT * FROM " + want + " w"} {
			stmts, err := Parse(text)
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			if got := ast.String(stmts[0].AST); got != "SELECT * FROM "+want+" w" {
				t.Errorf("%s: got %s", text, got)
			}
		}
	}
	for _, q := range []string{"SESSION(bid PARTITION BY ts, INTERVAL '1 s')", "SESSION(bid PARTITION BY, ts, INTERVAL '1 s')", "SESSION(bid PARTITION BY k",
		"SESSION(bid PARTITION k, ts, INTERVAL '1 s')"} {
		if _, err := Parse("SELECT * FROM " + q); err == nil {
			t.Errorf("%s was taken", q)
		}
	}
}
