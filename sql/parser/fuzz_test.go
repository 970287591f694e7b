package parser

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	pg "github.com/pganalyze/pg_query_go/v6"

	"streamdb/sql/ast"
	"streamdb/sql/sqlerr"
)

// texts gives every SQL text in testdata.
func texts(t testing.TB) []string {
	var out []string
	files, _ := filepath.Glob("testdata/*.*")
	for _, f := range files {
		in, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range strings.Split(string(in), "\n\n") {
			sql, _, _ := strings.Cut(c, "\n----")
			if !strings.HasPrefix(sql, "#") && sql != "" {
				out = append(out, sql)
			}
		}
	}
	for _, c := range chains {
		out = append(out, c.head+strings.Repeat(c.mid, 3)+c.tail+strings.Repeat(closers(c.mid), 3))
	}
	return append(out, `U&"d\0061t" 1.5e-3 .5 1..2 1_0 0b1 0o7 a.b::c := => <= >= <> != @-@ +- -- x`, "E'\\'' x'1' b'0' $1 $a$ $ $a$ a$b",
		"'a'\n'b' E'a'\n  '\\'' \"a\"\"b\" /* /* */ */ a", "créé 'ü' É", `INSERT INTO "A".t (a, b) VALUES (-5, - 1.5e3), (1_000, .5), (NULL, TRUE), (99999999999999999999, -9223372036854775808), ('a''b', $$x$$)`, "!=-1 *- @- ~+ 1+-2 a<-b a<--b\n a/*b*/*c")
}

// TestScannerAgrees holds that our tokens are libpg_query's.
func TestScannerAgrees(t *testing.T) {
	for _, sql := range texts(t) {
		res, err := pg.Scan(sql)
		// libpg_query's scanner, unlike PostgreSQL's, gives comments as tokens and so does not continue a literal
		// behind one.
		if err != nil || strings.Contains(sql, "'a' -- comment") {
			continue
		}
		var want []token
		for _, k := range res.Tokens {
			if k.Token == pg.Token_SQL_COMMENT || k.Token == pg.Token_C_COMMENT {
				continue
			}
			want = append(want, token{start: int(k.Start), end: int(k.End)})
		}
		got := scanAll(sql)
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || got[i].start != want[i].start || got[i].end != want[i].end {
				t.Errorf("%s\ntoken %d differs: got %v, want %v", sql, i, tail(sql, got, i), tail(sql, want, i))
				break
			}
		}
	}
}

func tail(sql string, tokens []token, i int) string {
	if i >= len(tokens) {
		return "end"
	}
	return sql[tokens[i].start:tokens[i].end]
}

// FuzzScan holds that the scanner accepts everything, makes progress, and that
// its tokens lie in order with nothing but space and comments between them.
func FuzzScan(f *testing.F) {
	for _, sql := range texts(f) {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		at := 0
		tokens := scanAll(sql)
		for _, k := range tokens {
			if k.start < at || k.end <= k.start || k.end > len(sql) {
				t.Fatalf("token [%d, %d) behind %d in %q", k.start, k.end, at, sql)
			}
			at = k.end
		}
		for _, r := range Split(sql) {
			if r.Start >= r.End || r.End > len(sql) {
				t.Fatalf("range %v in %q", r, sql)
			}
		}
		_ = checkDepth(sql, tokens)
		FirstWord(sql)
	})
}

// FuzzParse holds that parsing ends in a tree or in a proper error whose place
// is inside the text, and that what can be printed parses again to what prints
// the same.
func FuzzParse(f *testing.F) {
	for _, sql := range texts(f) {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		if len(sql) > 4096 {
			return
		}
		checkParse(t, sql)
	})
}

func checkParse(t *testing.T, sql string) {
	t.Helper()
	list, err := Parse(sql)
	if err != nil {
		e := sqlerr.As(err)
		if e.Code == sqlerr.InternalError || len(e.Code) != 5 || e.Message == "" || e.Position > len(sql)+1 {
			t.Fatalf("%q: %+v", sql, e)
		}
		e.CharPosition(sql)
		return
	}
	checkFastInsert(t, sql)
	for _, s := range list {
		if s.AST == nil || s.AST.Tag() == "" || s.Text != sql[s.Offset:s.Offset+len(s.Text)] {
			t.Fatalf("%q: %+v", sql, s)
		}
		if !printable(s.AST) {
			continue
		}
		text := ast.String(s.AST)
		again, err := Parse(text)
		if err != nil {
			t.Fatalf("%q printed as %q: %v", sql, text, err)
		}
		if len(again) != 1 || ast.String(again[0].AST) != text {
			t.Fatalf("%q printed as %q, then as %q", sql, text, ast.String(again[0].AST))
		}
	}
}

// checkFastInsert holds that the fast path gives the grammar's tree, positions
// included.
func checkFastInsert(t *testing.T, sql string) {
	t.Helper()
	for _, p := range split(sql, scanAll(sql)) {
		fast, ok := fastInsert(sql, p)
		if !ok {
			continue
		}
		full, err := parseStatement(sql, p)
		if err != nil || !reflect.DeepEqual(fast, full) {
			t.Fatalf("%q: fast path gives %s, the grammar %s, %v", sql, ast.String(fast), ast.String(full), err)
		}
	}
}

var splices = flag.Int("splices", 3000, "texts TestSplices makes")

// TestSplices parses texts made by exchanging, doubling and dropping runs of
// tokens between the texts of testdata: nearer to SQL than flipped bytes.
func TestSplices(t *testing.T) {
	all := texts(t)
	r := rand.New(rand.NewPCG(3, 4))
	piece := func() (string, []token) {
		sql := all[r.IntN(len(all))]
		tokens := scanAll(sql)
		if len(sql) > 1000 || len(tokens) == 0 {
			return "1", scanAll("1")
		}
		return sql, tokens
	}
	for range *splices {
		a, ta := piece()
		b, tb := piece()
		i, j := r.IntN(len(ta)), r.IntN(len(tb))
		k := min(len(tb), j+1+r.IntN(6))
		cut := min(len(ta)-1, i+r.IntN(3))
		checkParse(t, a[:ta[i].start]+" "+b[tb[j].start:tb[k-1].end]+" "+a[ta[cut].start:])
		checkParse(t, a[:ta[i].start]+b[tb[j].start:])
	}
}

// FuzzExpr does the same for stored expressions and types.
func FuzzExpr(f *testing.F) {
	for _, sql := range []string{"a + 1", "now()", "'x'::text", "a > 0 AND b", "1; SELECT 2", "1 FROM t", "", "1, 2", "x AS y", "numeric(10,2)[]"} {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		if len(sql) > 4096 {
			return
		}
		if e, err := ParseExpr(sql); err == nil {
			text := ast.String(e)
			if again, err := ParseExpr(text); err != nil || ast.String(again) != text {
				t.Fatalf("%q printed as %q: %v", sql, text, err)
			}
		} else if sqlerr.Is(err, sqlerr.InternalError) {
			t.Fatalf("%q: %v", sql, err)
		}
		if ty, err := ParseType(sql); err == nil {
			ast.String(ty)
		}
	})
}
