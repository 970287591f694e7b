package parser

import (
	"strings"
	"testing"

	"streamdb/sql/sqlerr"
)

// chains are texts whose tree grows by one level with each repetition of mid.
var chains = []struct{ name, head, mid, tail string }{
	{"plus", "SELECT 1", "+1", ""},
	{"concat", "SELECT 'a'", "||'a'", ""},
	{"cast", "SELECT 1", "::int", ""},
	{"collate", "SELECT a", ` COLLATE "C"`, ""},
	{"is null", "SELECT a", " IS NULL", ""},
	{"isnull", "SELECT a", " ISNULL", ""},
	{"at time zone", "SELECT a", " AT TIME ZONE 'x'", ""},
	{"at time zone and arguments", "SELECT f(a, b)", " AT TIME ZONE 'x'", ", c"},
	{"not", "SELECT ", "NOT ", "a"},
	{"minus", "SELECT ", "- ", "a"},
	{"operator", "SELECT a", " OPERATOR(pg_catalog.+) 1", ""},
	{"union", "SELECT 1", " UNION SELECT 1", ""},
	{"union of lists", "SELECT 1, 2", " UNION ALL SELECT 1, 2 FROM t WHERE a AND b", ""},
	{"except", "SELECT 1", " EXCEPT SELECT 1", ""},
	{"intersect", "SELECT 1", " INTERSECT SELECT 1", ""},
	{"cross join", "SELECT * FROM t", " CROSS JOIN t", ""},
	{"join on", "SELECT * FROM t", " JOIN t ON a = b AND c", ""},
	{"comma in case", "SELECT ", "CASE WHEN a THEN b ELSE ", "1"},
	{"case end name", "SELECT ", "CASE WHEN t.end THEN ", "1"},
	{"parens", "SELECT ", "(", "1"},
	{"brackets", "SELECT a", "[a", ""},
	{"array", "SELECT ", "ARRAY[", "1"},
	{"calls", "SELECT ", "f(a, ", "1"},
	{"subselects", "SELECT ", "(SELECT ", "1"},
	{"from", "SELECT * FROM ", "(SELECT * FROM ", "t"},
	{"from join", "SELECT * FROM ", "(t JOIN ", "t"},
	{"with", "", "WITH a AS (", "SELECT 1"},
	{"exists", "SELECT 1 WHERE ", "EXISTS (SELECT 1 WHERE ", "a"},
	{"in list", "SELECT ", "a IN (1, ", "2"},
	{"in query", "SELECT 1 WHERE a", " IN (SELECT a FROM t WHERE a", ""},
	{"insert", "INSERT INTO t VALUES (1), (1", "+1", ")"},
	{"view", "CREATE MATERIALIZED VIEW v AS SELECT 1", "+1", " EMIT ON WINDOW CLOSE"},
	{"sink", "CREATE SINK k AS SELECT 1", "+1", ""},
	{"explain", "EXPLAIN SELECT 1", "+1", ""},
	{"default", "CREATE TABLE t (a int DEFAULT 1", "+1", ")"},
	{"watermark", "CREATE TABLE t (a int, WATERMARK FOR a AS 1", "+1", ")"},
	{"copy", "COPY (SELECT 1", "+1", ") TO STDOUT"},
	{"subscribe", "SUBSCRIBE (SELECT 1", "+1", ")"},
}

// TestGuardRefuses holds that text of 47 kB in one chain is refused: it would
// overflow the C parser's stack and kill the process.
func TestGuardRefuses(t *testing.T) {
	for _, c := range chains {
		n := max(47_000/len(c.mid), depthMax+1)
		_, err := Parse(c.head + strings.Repeat(c.mid, n) + c.tail)
		if !sqlerr.Is(err, sqlerr.StatementTooComplex) {
			t.Errorf("%s: got %v, want 54001", c.name, err)
		}
		if sqlerr.As(err).Offset() < 0 {
			t.Errorf("%s: no position", c.name)
		}
	}
	if _, err := Parse("SELECT 1"); err != nil {
		t.Errorf("after all that: %v", err)
	}
	if _, err := ParseExpr("1" + strings.Repeat("+1", 47_000)); !sqlerr.Is(err, sqlerr.StatementTooComplex) {
		t.Errorf("expression: got %v, want 54001", err)
	}
}

// TestGuardLetsThrough holds that everything just below the limit goes through
// the C parser, the protobuf decoder and our converter alive, right or wrong
// as SQL.
func TestGuardLetsThrough(t *testing.T) {
	for _, c := range chains {
		n := depthMax - 10
		closing := strings.Repeat(closers(c.mid), n)
		text := c.head + strings.Repeat(c.mid, n) + c.tail + closing
		for ; n > 0; n -= 100 {
			closing = strings.Repeat(closers(c.mid), n)
			if c.name == "with" {
				closing = strings.Repeat(") SELECT 1", n)
			}
			text = c.head + strings.Repeat(c.mid, n) + c.tail + closing
			if checkDepth(text, scanAll(text)) == nil {
				break
			}
		}
		if n < depthMax/3 {
			t.Errorf("%s: only %d levels pass the guard", c.name, n)
		}
		_, err := Parse(text)
		if code := sqlerr.Code(err); err != nil && code != sqlerr.SyntaxError && code != sqlerr.FeatureNotSupported &&
			code != sqlerr.StatementTooComplex { // the C parser itself gives up at 10,000 symbols
			t.Errorf("%s, %d levels: %v", c.name, n, err)
		}
	}
}

// closers gives what closes one repetition.
func closers(mid string) string {
	out := ""
	for i := len(mid) - 1; i >= 0; i-- {
		switch mid[i] {
		case '(':
			out += ")"
		case ')':
			return ""
		case '[':
			out += "]"
		}
	}
	if strings.HasPrefix(mid, "CASE") {
		return " END"
	}
	return out
}

// TestGuardAcceptsLongFlatText holds that length alone is no depth.
func TestGuardAcceptsLongFlatText(t *testing.T) {
	for _, text := range []string{
		"SELECT 1" + strings.Repeat(", a + b * 2", 5_000),
		"SELECT 1 WHERE a = 1" + strings.Repeat(" OR a = 1 AND b LIKE 'x'", 5_000),
		"SELECT CASE" + strings.Repeat(" WHEN a = 1 THEN b + 1", 5_000) + " END",
		"SELECT a IN (1" + strings.Repeat(", 2", 20_000) + ")",
		"INSERT INTO t VALUES (1, 'a')" + strings.Repeat(", (-1, 'a')", 50_000),
		strings.Repeat("SELECT 1 + 1 UNION SELECT 2;", 5_000),
	} {
		if _, err := Parse(text); err != nil {
			t.Errorf("%.40s...: %v", text, err)
		}
	}
}

func TestStatementTooLong(t *testing.T) {
	_, err := Parse("SELECT '" + strings.Repeat("x", statementMax) + "'")
	if !sqlerr.Is(err, sqlerr.ProgramLimitExceeded) {
		t.Errorf("got %v, want 54000", err)
	}
	if _, err := Parse("INSERT INTO t VALUES ('" + strings.Repeat("x", 2*insertMax) + "')"); err != nil {
		t.Errorf("a long constant: %v", err)
	}
}
