package parser

import (
	"os"
	"strings"
	"testing"
)

// TestStatementsParse parses the example of every statement of the reference page, whose tag its syntax begins with.
func TestStatementsParse(t *testing.T) {
	for _, ch := range statementDocs {
		for _, d := range ch.list {
			s, err := ParseOne(d.example)
			if err != nil {
				t.Errorf("%s: %v", d.example, err)
				continue
			}
			words, _, _ := strings.Cut(d.syntax, " ")
			if !strings.HasPrefix(strings.ToUpper(d.example), words) && !strings.Contains(d.syntax, "ANALYZE | VACUUM") {
				t.Errorf("%s: is no example of %s", d.example, d.syntax)
			}
			if s.AST == nil {
				t.Errorf("%s: no statement", d.example)
			}
		}
	}
}

func TestReferencePage(t *testing.T) {
	const path = "../../docs/sql/statements.md"
	if *rewrite {
		if err := os.WriteFile(path, []byte(Reference()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != Reference() {
		t.Errorf("%s is not up to date: go test ./sql/parser -args -rewrite", path)
	}
}
