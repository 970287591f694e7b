package parser

import (
	"strings"

	"streamdb/sql/ast"
	"streamdb/sql/sqlerr"
)

// notes is what the front layer cut out of a statement.
type notes struct {
	kind        ast.ObjectKind // what a word changed to TABLE or VIEW was
	emit        *ast.Emit
	options     []ast.Option
	hasOptions  bool
	format      *ast.Format
	include     []ast.IncludeColumn
	watermarks  []*ast.Watermark
	appendOnly  bool
	fetch       []ast.Option           // FETCH ... WITH (...)
	subscribe   *ast.Subscribe         // stands for the query SELECT in its place
	partitionBy map[ast.Pos][]ast.Expr // of windowing functions, by their TABLE argument's place
	asofs       []*asofNote
	asOf        map[ast.Pos]*ast.AsOf // FOR SYSTEM_TIME AS OF, by the relation's place
}

// front rewrites one statement for libpg_query. buf is a copy of the
// statement's bytes, made at the first change, in which foreign clauses turn
// into spaces; nothing ever moves.
type front struct {
	cursor
	base  int    // offset of buf[0] in src
	buf   []byte // nil while unchanged
	notes notes

	// tail says that WITH (...) and FORMAT ... ENCODE ... may follow the query.
	tail bool
}

func newFront(src string, p piece) *front {
	return &front{cursor: cursor{src: src, tokens: p.tokens, end: p.end}, base: p.start()}
}

// fetchOptions cuts WITH (...) off FETCH.
func (f *front) fetchOptions() {
	for ; !f.done(); f.i++ {
		if f.sees("with") && f.i > 1 && f.src[f.peekAt(1).start] == '(' {
			from := f.i
			f.i++
			f.notes.fetch = f.options()
			f.expectEnd()
			f.blank(from, len(f.tokens))
			return
		}
	}
}

// innerComments blanks the comments between the pieces of a literal continued on
// a later line: PostgreSQL allows them there, libpg_query's scanner does not.
func (f *front) innerComments() {
	for _, t := range f.tokens {
		if t.kind != tokString || t.end-t.start < len("''--\n''") || !strings.Contains(f.text(t), "--") {
			continue
		}
		s := scanner{src: f.src[:t.end], pos: t.start}
		s.next()
		for _, r := range s.inner {
			f.own()
			for i := r.Start; i < r.End; i++ {
				f.buf[i-f.base] = ' '
			}
		}
	}
}

// result gives the statement's text for libpg_query.
func (f *front) result() string {
	if f.buf == nil {
		return f.src[f.base:f.end]
	}
	return string(f.buf)
}

func (f *front) own() {
	if f.buf == nil {
		f.buf = []byte(f.src[f.base:f.end])
	}
}

// blank overwrites the tokens [from, to) with spaces.
func (f *front) blank(from, to int) {
	if from >= to {
		return
	}
	f.own()
	for i := f.tokens[from].start; i < f.tokens[to-1].end; i++ {
		f.buf[i-f.base] = ' '
	}
}

// put overwrites the beginning of token i with a word that is not longer than
// the blanked stretch it begins.
func (f *front) put(i int, word string) {
	f.own()
	copy(f.buf[f.tokens[i].start-f.base:], word)
}

// replace blanks one token and puts a shorter or equal word in its place.
func (f *front) replace(i int, word string) {
	f.blank(i, i+1)
	f.put(i, word)
}

// query scans a statement, from its current token on, for what PostgreSQL's
// grammar lacks in queries or would silently read as something else.
func (f *front) query() {
	depth := 0
	for ; !f.done() && f.err == nil; f.i++ {
		t := f.peek()
		if t.kind == tokPunct {
			switch f.src[t.start] {
			case '(', '[':
				depth++
			case ')', ']':
				depth--
			}
			continue
		}
		if t.kind == tokIdent {
			f.queryWord(t, depth)
		}
	}
}

// queryWord looks at one word of a query. Lengths are compared first: few words
// get past them.
func (f *front) queryWord(t token, depth int) {
	if f.peekAt(-1).kind == tokString {
		f.pluralUnit(t)
	}
	switch t.end - t.start {
	case len("for"):
		if f.sees("for", "system_time", "as", "of") {
			f.takeSystemTime()
		}
	case len("emit"):
		if depth == 0 && f.seesEmit() {
			f.takeEmit()
		}
		if f.seesAsof() {
			f.takeAsof()
		}
		if depth == 0 && f.tail && f.seesWithParen() {
			f.clause(f.takeOptions)
		}
	case len("format"):
		if depth == 0 && f.tail && f.sees("format") && isWord(f.src, f.peekAt(2), "encode") {
			f.clause(f.takeFormat)
		}
	case len("table"):
		if f.sees("table") {
			f.windowTable()
		}
	case len("partition"):
		if at, ok := f.seesPartition(); ok {
			f.partitionBy(at, f.i)
		}
	case len("match_condition"):
		if f.sees("match_condition") && f.src[f.peekAt(1).start] == '(' {
			f.takeMatchCondition()
		}
	case len("qualify"):
		if f.seesQualify() {
			f.fail(sqlerr.Unsupported("QUALIFY", t.start).
				WithHint("Put the window function into a subquery and filter outside it."))
		}
	}
}

// isLabel tells whether the current word can only be a name: behind AS, a dot
// or at the beginning of an item of FROM.
func (f *front) isLabel(alsoAfter ...string) bool {
	prev := f.peekAt(-1)
	if prev.kind == tokPunct {
		c := f.src[prev.start]
		return c == '.' || c == ',' || c == '('
	}
	for _, w := range append(alsoAfter, "as") {
		if isWord(f.src, prev, w) {
			return true
		}
	}
	return f.i == 0
}

func (f *front) seesAsof() bool {
	if !f.sees("asof") || f.isLabel("from", "join", "select", "distinct", "by", "where", "and", "or", "on") {
		return false
	}
	for n := 1; n < 4; n++ {
		switch t := f.peekAt(n); {
		case isWord(f.src, t, "join"):
			return true
		case isWord(f.src, t, "left"), isWord(f.src, t, "right"), isWord(f.src, t, "inner"), isWord(f.src, t, "full"),
			isWord(f.src, t, "outer"):
			if n == 1 {
				// t ASOF LEFT JOIN u: nobody calls a table asof and means the left join.
				continue
			}
		default:
			return false
		}
	}
	return false
}

// seesQualify tells whether QUALIFY stands where a clause would begin: behind
// something complete and before the beginning of an expression.
func (f *front) seesQualify() bool {
	if !f.sees("qualify") || f.isLabel("from", "join", "select", "distinct", "by", "where", "and", "or", "on", "not") {
		return false
	}
	if prev := f.peekAt(-1); prev.kind == tokOp {
		return false
	}
	next := f.peekAt(1)
	switch next.kind {
	case tokQuoted, tokString, tokInt, tokFloat, tokParam:
		return true
	case tokPunct:
		return f.src[next.start] == '('
	case tokIdent:
		word := foldIdent(f.text(next))
		return !reserved[word] && !joinWords[word] || word == "case" || word == "not" || word == "cast"
	}
	return false
}

// joinWords may follow a table's alias without being reserved everywhere.
var joinWords = map[string]bool{
	"join": true, "left": true, "right": true, "inner": true, "full": true, "cross": true, "natural": true,
	"tablesample": true, "set": true,
}

// seesEmit tells whether an EMIT clause begins here. `b emit ON update = 1` is a
// join with an alias, so what follows must end a statement's clause.
func (f *front) seesEmit() bool {
	n := 0
	switch {
	case f.isLabel():
		return false
	case f.sees("emit", "on", "update"):
		n = 3
	case f.sees("emit", "on", "window", "close"):
		n = 4
	default:
		next := f.peekAt(2)
		return f.sees("emit", "every") && (next.kind == tokString || next.kind == tokParam || isWord(f.src, next, "interval"))
	}
	next := f.peekAt(n)
	return next.kind == tokEOF || isWord(f.src, next, "with") || isWord(f.src, next, "format") || f.src[next.start] == ')'
}

func (f *front) takeEmit() {
	f.clause(func() {
		at := f.pos()
		e := f.emit()
		if f.notes.emit != nil {
			f.fail(sqlerr.Syntax(at.Loc(), "EMIT specified more than once"))
		}
		f.notes.emit = e
	})
}

// clause lets take pass a clause, blanks it and stands on its last token.
func (f *front) clause(take func()) {
	first := f.i
	take()
	if f.err == nil {
		f.blank(first, f.i)
		f.i--
	}
}

// seesWithParen tells whether WITH ( comes next; no query has that.
func (c *cursor) seesWithParen() bool {
	next := c.peekAt(1)
	return c.sees("with") && next.kind == tokPunct && c.src[next.start] == '('
}

// takeOptions passes WITH (...).
func (f *front) takeOptions() {
	at := f.pos()
	f.expect("with")
	if f.notes.hasOptions {
		f.fail(sqlerr.Syntax(at.Loc(), "WITH specified more than once"))
	}
	f.notes.options, f.notes.hasOptions = f.options(), true
}

// takeFormat passes FORMAT ... ENCODE ...
func (f *front) takeFormat() {
	at := f.pos()
	if f.notes.format != nil {
		f.fail(sqlerr.Syntax(at.Loc(), "FORMAT specified more than once"))
	}
	f.notes.format = f.format()
}

// matching gives the index of the parenthesis that closes the one at token i, or
// -1.
func (f *front) matching(i int) int {
	depth := 0
	for ; i < len(f.tokens); i++ {
		if f.tokens[i].kind != tokPunct {
			continue
		}
		switch f.src[f.tokens[i].start] {
		case '(':
			depth++
		case ')':
			depth--
			if depth == 0 {
				return i
			}
		}
	}
	return -1
}
