package sqllogictest

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	text := `# comment

statement error 23505 duplicate  key
INSERT INTO t
VALUES (1)
----
duplicate  key value
DETAIL: Key (a)=(1) already exists.

onlyif streamdb
query IT rowsort colnames again retry 3 backoff 5ms
SELECT 1,
  'x'
----
a|b
1|x

statement count 2 retry 1 backoff 1s
DELETE FROM t

copy in error 22P02
COPY t FROM STDIN
----
1	x

file write a.json
{"a": 1}

connection other

query error 42703
SELECT nothing
`
	records, err := parse("f.slt", text)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	var got []*record
	for _, r := range records {
		lines = append(lines, r.lines...)
		if r.kind != kindText {
			got = append(got, r)
		}
	}
	if joined := strings.Join(lines, "\n") + "\n"; joined != text {
		t.Errorf("the records' lines are not the file:\n%s", joined)
	}
	if len(got) != 7 {
		t.Fatalf("%d records, want 7", len(got))
	}
	e := got[0]
	if e.state != "23505" || e.pattern != "duplicate  key" || e.sql != "INSERT INTO t\nVALUES (1)" || len(e.expect) != 2 || e.line != 3 || e.sqlLine != 4 {
		t.Errorf("statement error: %+v", e)
	}
	q := got[1]
	if q.types != "IT" || q.sort != sortRows || !q.colnames || q.label != "again" || q.retries != 3 || q.backoff != 5*time.Millisecond {
		t.Errorf("query: %+v", q)
	}
	if q.applies("postgresql") || !q.applies("streamdb") || q.line != 11 {
		t.Errorf("conditions: %+v", q)
	}
	if c := got[2]; c.outcome != wantCount || c.count != 2 || c.retries != 1 || c.backoff != time.Second {
		t.Errorf("statement count: %+v", c)
	}
	if c := got[3]; c.kind != kindCopyIn || c.state != "22P02" || !slices.Equal(c.expect, []string{"1\tx"}) {
		t.Errorf("copy: %+v", c)
	}
	if f := got[4]; f.verb != "file" || !slices.Equal(f.args, []string{"write", "a.json"}) || !slices.Equal(f.body, []string{`{"a": 1}`}) {
		t.Errorf("file: %+v", f)
	}
	if q := got[6]; q.kind != kindQuery || q.outcome != wantError || q.state != "42703" {
		t.Errorf("query error: %+v", q)
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"statement maybe\nSELECT 1":      "f.slt:1: unknown outcome",
		"\nquery I":                      "f.slt:2: no SQL",
		"onlyif streamdb\n\nquery I":     "f.slt:1: skipif or onlyif",
		"wibble":                         "f.slt:1: unknown record",
		"control sortmode":               "f.slt:1: control takes",
		"query I a b\nSELECT 1":          "f.slt:1: cannot read",
		"statement count many\nSELECT 1": "f.slt:1: count",
		"copy over\nCOPY t TO STDOUT":    "f.slt:1: copy needs",
		"query I retry x backoff 1s\n1":  "f.slt:1: retry",
	} {
		if _, err := parse("f.slt", text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", text, err, want)
		}
	}
}

func TestTableLines(t *testing.T) {
	tab := &table{names: []string{"a", "b"}, rows: [][]string{{"2", "x"}, {"1", "y"}}}
	for _, c := range []struct {
		mode      sortMode
		colnames  bool
		threshold int
		want      []string
	}{
		{sortNone, false, 0, []string{"2|x", "1|y"}},
		{sortRows, true, 0, []string{"a|b", "1|y", "2|x"}},
		{sortValues, false, 0, []string{"1", "2", "x", "y"}},
		{sortNone, false, 3, []string{"4 values hashing to 355b4302436fb4c50c4c0dc9a3905dbc"}},
	} {
		if got := tab.lines(c.mode, c.colnames, c.threshold); !slices.Equal(got, c.want) {
			t.Errorf("%+v: got %q", c, got)
		}
	}
	for in, want := range map[string]string{"": "(empty)", "a\nb\t": `a\nb\t`, "x": "x"} {
		if got := renderValue([]byte(in)); got != want {
			t.Errorf("%q is rendered %q", in, got)
		}
	}
	if got := renderValue(nil); got != "NULL" {
		t.Errorf("NULL is rendered %q", got)
	}
}

func TestOrdered(t *testing.T) {
	for sql, want := range map[string]bool{
		"SELECT a FROM t ORDER BY 1":                         true,
		"SELECT * FROM (SELECT a FROM t ORDER BY (1)) s":     false,
		"SELECT sum(a) OVER (ORDER BY b) FROM t":             false,
		"FETCH 3 FROM c":                                     true,
		"SELECT array_agg(a ORDER BY a) FROM t ORDER BY (a)": true,
	} {
		if ordered(sql) != want {
			t.Errorf("ordered(%q) is %v", sql, !want)
		}
	}
}

func TestSessionState(t *testing.T) {
	for sql, want := range map[string]bool{
		"SET timezone = 'UTC'": true, "set TimeZone to 'UTC'": true, "SET TIME ZONE 'UTC'": true, "RESET ALL": true,
		"PREPARE p AS SELECT 1": true, "SET LOCAL a.b = 1": false, "SET TRANSACTION READ ONLY": false, "SELECT 1": false,
	} {
		if sessionState.MatchString(sql) != want {
			t.Errorf("%q: %v", sql, !want)
		}
	}
}
