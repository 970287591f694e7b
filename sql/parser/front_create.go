package parser

import (
	"strings"

	"streamdb/sql/ast"
	"streamdb/sql/sqlerr"
)

// create rewrites CREATE; the cursor stands on that word. CREATE SINK does not
// come here.
func (f *front) create() {
	f.expect("create")
	f.accept("or", "replace")
	for f.accept("temp") || f.accept("temporary") || f.accept("local") || f.accept("unlogged") || f.accept("unique") {
	}
	switch {
	case f.sees("source"):
		f.replace(f.i, "TABLE")
		f.notes.kind = ast.KindSource
		f.relation()
	case f.sees("table"):
		f.notes.kind = ast.KindTable
		f.relation()
	case f.sees("view"), f.sees("materialized", "view"), f.sees("index"):
		f.head()
		f.tail = true
		f.query()
	case f.sees("secret"), f.sees("connection"):
		f.fail(sqlerr.Unsupported("CREATE "+strings.ToUpper(f.text(f.peek())), f.peek().start))
	default:
		f.query()
	}
}

// head takes WITH (...) before AS.
func (f *front) head() {
	depth := 0
	for ; !f.done() && f.err == nil; f.i++ {
		switch {
		case f.seesPunct('('):
			depth++
		case f.seesPunct(')'):
			depth--
		case depth == 0 && f.sees("as"):
			return
		case depth == 0 && f.seesWithParen():
			f.clause(f.takeOptions)
		}
	}
}

// relation rewrites the rest of CREATE TABLE or SOURCE.
func (f *front) relation() {
	f.i++
	f.ifNotExists()
	for f.peek().kind == tokIdent || f.peek().kind == tokQuoted || f.seesPunct('.') {
		if f.seesClause() || f.sees("as") {
			break
		}
		f.i++
	}
	columns := f.seesPunct('(')
	if columns {
		f.columnList()
	}
	clause := -1 // the first token blanked
	for !f.done() && f.err == nil {
		switch {
		case f.seesClause():
			if clause < 0 {
				clause = f.i
			}
			first := f.i
			f.relationClause()
			if f.err == nil {
				f.blank(first, f.i)
			}
		case f.sees("as"):
			columns = true
			f.query()
		case f.seesPunct('('):
			columns = true
			f.skipParens()
		default:
			f.i++
		}
	}
	if !columns && clause >= 0 && f.err == nil { // the grammar wants a list, even an empty one
		f.put(clause, "()")
	}
}

// seesClause tells whether a clause that PostgreSQL lacks comes next behind a
// table's name or columns.
func (f *front) seesClause() bool {
	switch {
	case f.seesWithParen():
		return true
	case f.sees("include"), f.sees("format"):
		return f.peekAt(1).kind == tokIdent
	}
	return f.sees("append", "only")
}

func (f *front) relationClause() {
	switch {
	case f.accept("append", "only"):
		f.notes.appendOnly = true
	case f.sees("with"):
		f.takeOptions()
	case f.sees("format"):
		f.takeFormat()
	default:
		f.notes.include = append(f.notes.include, f.include())
	}
}

// columnList cuts WATERMARK clauses out of a column list, each with one comma.
func (f *front) columnList() {
	last := f.matching(f.i)
	if last < 0 {
		f.i = len(f.tokens)
		return
	}
	f.i++
	kept := false // an element before this one stays
	for f.i < last && f.err == nil {
		if !f.sees("watermark", "for") {
			f.skipElement(last)
			kept = true
			continue
		}
		first := f.i
		f.notes.watermarks = append(f.notes.watermarks, f.watermark())
		if f.err != nil {
			return
		}
		end := f.i
		if kept {
			first--
		} else if f.seesPunct(',') {
			end++
		}
		f.blank(first, end)
		if f.seesPunct(',') {
			f.i++
		}
	}
	f.i = last + 1
}

// skipElement passes a column or constraint and the comma behind it.
func (f *front) skipElement(last int) {
	for f.i < last {
		switch {
		case f.seesPunct('('):
			f.skipParens()
			continue
		case f.acceptPunct(','):
			return
		}
		f.i++
	}
}

// otherKind rewrites ALTER, DROP and COMMENT ON for SOURCE and SINK.
func (f *front) otherKind() {
	at := 1
	if f.sees("comment", "on") {
		at = 2
	}
	switch t := f.peekAt(at); {
	case isWord(f.src, t, "source"):
		f.notes.kind = ast.KindSource
		f.replace(f.i+at, "TABLE")
	case isWord(f.src, t, "sink"):
		f.notes.kind = ast.KindSink
		f.replace(f.i+at, "VIEW")
	case isWord(f.src, t, "secret"), isWord(f.src, t, "connection"):
		f.fail(sqlerr.Unsupported(strings.ToUpper(f.text(f.peek()))+" "+strings.ToUpper(f.text(t)), t.start))
	}
	f.query()
}
