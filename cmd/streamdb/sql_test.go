package main

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

func TestSplitter(t *testing.T) {
	for text, want := range map[string][]string{
		"select 1; select 2;":                        {"select 1", "select 2"},
		"select\n1\n;":                               {"select\n1"},
		";;":                                         nil,
		"select ';', \"a;b\", 'it''s; ';":            {"select ';', \"a;b\", 'it''s; '"},
		`select E'\';', '\';`:                        {`select E'\';', '\'`},
		"select $$;$$, $a$;$b$;$a$, $1; x;":          {"select $$;$$, $a$;$b$;$a$, $1", "x"},
		"select a$b; c;":                             {"select a$b", "c"},
		"-- no; \nselect 1 -- ; \n;":                 {"-- no; \nselect 1 -- ;"},
		"/* ; /* ; */ ; */ select 1;":                {"/* ; /* ; */ ; */ select 1"},
		"select '\n;\n';":                            {"select '\n;\n'"},
		"do $body$ begin; \n end; $body$; select 1;": {"do $body$ begin; \n end; $body$", "select 1"},
	} {
		var sp splitter
		var got []string
		for _, line := range strings.Split(text, "\n") {
			got = append(got, sp.add(line)...)
		}
		if !slices.Equal(got, want) || !sp.empty() {
			t.Errorf("%q\n got %q\nwant %q, empty %v", text, got, want, sp.empty())
		}
	}
	var sp splitter
	if sp.add("select 'open"); sp.empty() || sp.rest() != "select 'open" {
		t.Error("an open statement is lost")
	}
}

// FuzzSplitter holds that nothing is lost or added but semicolons and white space.
func FuzzSplitter(f *testing.F) {
	f.Add("select ';' /* x */ $$;$$; -- y\nselect 2")
	f.Fuzz(func(t *testing.T, text string) {
		var sp splitter
		var got strings.Builder
		for _, line := range strings.Split(text, "\n") {
			for _, stmt := range sp.add(line) {
				got.WriteString(stmt)
			}
		}
		got.WriteString(sp.rest())
		squeeze := func(s string) string {
			return strings.Join(strings.Fields(strings.ReplaceAll(s, ";", "")), "")
		}
		if a, b := squeeze(text), squeeze(got.String()); a != b {
			t.Errorf("%q became %q", a, b)
		}
	})
}

func TestMarker(t *testing.T) {
	for _, c := range []struct {
		sql  string
		pos  int
		want string
	}{
		{"select x", 8, "LINE 1: select x\n               ^\n"},
		{"select ä,\n\tnope", 12, "LINE 2: \tnope\n        \t^\n"},
		{"sel", 4, "LINE 1: sel\n           ^\n"},
		{"sel", 99, ""},
	} {
		if got := marker(c.sql, c.pos); got != c.want {
			t.Errorf("%q at %d:\n%swant\n%s", c.sql, c.pos, got, c.want)
		}
	}
}

func TestTable(t *testing.T) {
	tab := tableOf([]pgconn.FieldDescription{{Name: "name", DataTypeOID: pgtype.TextOID}, {Name: "n", DataTypeOID: pgtype.Int8OID}})
	tab.add([][]byte{[]byte("Zoë"), []byte("10")})
	tab.add([][]byte{nil, []byte("7")})
	want := " name | n\n------+----\n Zoë  | 10\n      |  7"
	if got := strings.Join(tab.lines(), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if tab.footer() != "(2 rows)" {
		t.Error(tab.footer())
	}
}

func TestCopyLines(t *testing.T) {
	in := newLines(strings.NewReader("a\tb\nc\n\\.\nselect"))
	got, err := io.ReadAll(&copyLines{line: func(string) (string, error) { return in.next() }})
	if err != nil || string(got) != "a\tb\nc\n" {
		t.Errorf("%q, %v", got, err)
	}
	if rest, _ := in.next(); rest != "select" {
		t.Errorf("left %q", rest)
	}
}
