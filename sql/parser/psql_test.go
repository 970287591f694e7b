package parser

import (
	"os"
	"strings"
	"testing"
)

// TestPsqlQueries parses what psql 15 sends for its \d family and for tab
// completion, as recorded from it: separated by empty lines.
func TestPsqlQueries(t *testing.T) {
	in, err := os.ReadFile("testdata/psql.sql")
	if err != nil {
		t.Fatal(err)
	}
	queries := strings.Split(string(in), "\n\n")
	if len(queries) < 100 {
		t.Errorf("only %d queries", len(queries))
	}
	for _, q := range queries {
		list, err := Parse(q)
		if err != nil {
			t.Errorf("%s\n%v", q, err)
			continue
		}
		for _, s := range list {
			if printable(s.AST) {
				roundTrip(t, s.AST)
			}
		}
	}
}
