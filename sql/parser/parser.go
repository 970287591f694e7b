package parser

import (
	"errors"
	"strings"
	"sync"
	"unicode/utf8"

	pg "github.com/pganalyze/pg_query_go/v6"
	pgparser "github.com/pganalyze/pg_query_go/v6/parser"
	"google.golang.org/protobuf/proto"

	"streamdb/sql/ast"
	"streamdb/sql/sqlerr"
)

// Length limits in bytes. A tree and its protobuf take up to four hundred times
// its text. INSERT may be longer because people paste data into it; one that
// holds only constants has no limit here.
const (
	statementMax = 1 << 20
	insertMax    = 2 << 20

	// Statements longer than this are parsed one at a time.
	largeStatement = 64 << 10
)

// largeMu is held while the tree of a large statement is built, so that many
// sessions together do not need many times the memory.
var largeMu sync.Mutex

// protoDepthMax lets through every tree the guard lets through: a level of the
// tree is at most eight messages deep.
const protoDepthMax = 8 * depthMax

// Statement is one statement of a text.
type Statement struct {
	AST  ast.Statement
	Text string // from its first token to its last, without the semicolon
	// Offset is where Text begins in the text that was parsed. Positions in AST
	// and in errors count from the beginning of that whole text.
	Offset int
}

// Parse parses the statements of a text, separated by semicolons. Nothing but
// white space and comments gives none. The first error ends it: either all
// statements come back or none. Errors are *sqlerr.Error.
func Parse(sql string) ([]Statement, error) {
	pieces, err := prepare(sql)
	if err != nil {
		return nil, err
	}
	list := make([]Statement, 0, len(pieces))
	for _, p := range pieces {
		s, err := parsePiece(sql, p)
		if err != nil {
			return nil, err
		}
		list = append(list, Statement{AST: s, Text: sql[p.start():p.textEnd()], Offset: p.start()})
	}
	return list, nil
}

// ParseOne parses a text that must hold at most one statement, as the extended
// protocol's Parse message; an empty one gives a nil AST.
func ParseOne(sql string) (Statement, error) {
	list, err := Parse(sql)
	switch {
	case err != nil:
		return Statement{}, err
	case len(list) == 0:
		return Statement{}, nil
	case len(list) > 1:
		return Statement{}, sqlerr.New(sqlerr.SyntaxError, "cannot insert multiple commands into a prepared statement")
	}
	return list[0], nil
}

// ParseQuery parses a text that is one query, such as a stored view's.
func ParseQuery(sql string) (*ast.Select, error) {
	s, err := ParseOne(sql)
	if err != nil {
		return nil, err
	}
	q, ok := s.AST.(*ast.Select)
	if !ok {
		return nil, sqlerr.New(sqlerr.SyntaxError, "not a query")
	}
	return q, nil
}

// ParseExpr parses a scalar expression, such as a stored default or CHECK.
func ParseExpr(sql string) (ast.Expr, error) {
	if err := checkText(sql); err != nil {
		return nil, err
	}
	tokens := scanAll(sql)
	if len(tokens) == 0 {
		return nil, sqlerr.Syntax(len(sql), "syntax error at end of input")
	}
	return parseExprTokens(sql, tokens)
}

// ParseType parses the name of a type, such as numeric(10,2) or text[].
func ParseType(sql string) (*ast.TypeName, error) {
	e, err := ParseExpr("NULL::" + sql)
	if err != nil {
		return nil, sqlerr.As(err).Shift(-len("NULL::"))
	}
	c, ok := e.(*ast.Cast)
	if ok {
		_, ok = c.Arg.(*ast.NullLit)
	}
	if !ok {
		return nil, sqlerr.New(sqlerr.SyntaxError, "invalid type name %q", sql)
	}
	return c.Type, nil
}

// Range is the byte range [Start, End) of a statement in a text.
type Range struct{ Start, End int }

// Split gives the ranges of the statements in a text without parsing them, each
// from its first token to its last.
func Split(sql string) []Range {
	pieces := split(sql, scanAll(sql))
	ranges := make([]Range, len(pieces))
	for i, p := range pieces {
		ranges[i] = Range{p.start(), p.textEnd()}
	}
	return ranges
}

// FirstWord gives the first word of a text in lower case, empty if it begins
// with no word: enough to tell ROLLBACK from the rest in a failed transaction.
func FirstWord(sql string) string {
	s := scanner{src: sql}
	if t := s.next(); t.kind == tokIdent {
		return foldIdent(sql[t.start:t.end])
	}
	return ""
}

func prepare(sql string) ([]piece, error) {
	if err := checkText(sql); err != nil {
		return nil, err
	}
	return split(sql, scanAll(sql)), nil
}

// checkText refuses what must not reach C: a zero byte would end the text early,
// and broken UTF-8 has no character positions.
func checkText(sql string) error {
	if n := strings.IndexByte(sql, 0); n >= 0 {
		return sqlerr.New(sqlerr.CharacterNotInRepertoire, `invalid byte sequence for encoding "UTF8": 0x00`)
	}
	if utf8.ValidString(sql) {
		return nil
	}
	for i := 0; i < len(sql); {
		r, n := utf8.DecodeRuneInString(sql[i:])
		if r == utf8.RuneError && n == 1 {
			return sqlerr.New(sqlerr.CharacterNotInRepertoire, `invalid byte sequence for encoding "UTF8": 0x%02x`, sql[i])
		}
		i += n
	}
	return nil
}

// parsePiece guards and parses one statement.
func parsePiece(src string, p piece) (ast.Statement, error) {
	limit := statementMax
	if isWord(src, p.tokens[0], "insert") {
		if s, ok := fastInsert(src, p); ok {
			return s, nil
		}
		limit = insertMax
	}
	if n := p.textEnd() - p.start(); n > limit {
		return nil, sqlerr.New(sqlerr.ProgramLimitExceeded, "statement is too long: %d bytes, the limit is %d", n, limit).
			WithHint("Load bulk data with COPY.")
	}
	if err := checkDepth(src, p.tokens); err != nil {
		return nil, err
	}
	return parseStatement(src, p)
}

// parsePostgres parses one statement's text with libpg_query; base is its place
// in the whole text. A tree comes back with the notes joined to it.
func parsePostgres(text string, base int, n *notes) (ast.Statement, error) {
	node, err := pgParse(text, base)
	if err != nil {
		return nil, err
	}
	c := converter{base: base, text: text, notes: n}
	s := c.statement(node)
	c.leftOver()
	if c.err != nil {
		return nil, c.err
	}
	return s, nil
}

// pgParse calls the C parser. The caller has checked depth and text.
func pgParse(text string, base int) (*pg.Node, error) {
	if len(text) > largeStatement {
		largeMu.Lock()
		defer largeMu.Unlock()
	}
	raw, err := pgparser.ParseToProtobuf(text)
	if err != nil {
		return nil, grammarError(err, text, base)
	}
	var tree pg.ParseResult
	if err := (proto.UnmarshalOptions{RecursionLimit: protoDepthMax}).Unmarshal(raw, &tree); err != nil {
		return nil, sqlerr.Internal("parse tree: %v", err)
	}
	if len(tree.Stmts) == 0 {
		return nil, syntaxErrorAt("", token{tokEOF, base + len(text), base + len(text)})
	}
	if len(tree.Stmts) > 1 { // only in parentheses and expressions: split has seen to the rest
		return nil, semicolonError(text, base)
	}
	return tree.Stmts[0].Stmt, nil
}

// semicolonError complains about the first semicolon of a text.
func semicolonError(text string, base int) error {
	for _, t := range scanAll(text) {
		if t.kind == tokPunct && text[t.start] == ';' {
			return sqlerr.Syntax(max(base+t.start, 0), `syntax error at or near ";"`)
		}
	}
	return sqlerr.Internal("several statements where one was expected")
}

// parseExprTokens parses an expression out of src; positions are those in src.
func parseExprTokens(src string, tokens []token) (ast.Expr, error) {
	if err := checkDepth(src, tokens); err != nil {
		return nil, err
	}
	const prefix = "SELECT "
	from, to := tokens[0].start, tokens[len(tokens)-1].end
	base := from - len(prefix)
	s, err := parsePostgres(prefix+src[from:to], base, &notes{})
	if err != nil {
		return nil, err
	}
	if q, ok := s.(*ast.Select); ok {
		core, ok := q.Body.(*ast.SelectCore)
		bare := ok && q.With == nil && q.OrderBy == nil && q.Limit == nil && q.Offset == nil && q.Locking == nil &&
			core.From == nil && core.Where == nil && core.GroupBy == nil && core.Having == nil && core.Windows == nil &&
			!core.Distinct && len(core.Targets) == 1 && core.Targets[0].Alias == ""
		if bare {
			return core.Targets[0].Expr, nil
		}
	}
	return nil, sqlerr.Syntax(from, "not a scalar expression")
}

// grammarError gives libpg_query's error a SQLSTATE and a place in the whole text.
func grammarError(err error, text string, base int) error {
	var pe *pgparser.Error
	if !errors.As(err, &pe) {
		return sqlerr.Internal("grammar: %v", err)
	}
	e := &sqlerr.Error{Code: sqlerr.SyntaxError, Message: pe.Message}
	for _, k := range knownErrors {
		if strings.HasPrefix(pe.Message, k.prefix) {
			e.Code, e.Hint = k.code, k.hint
			break
		}
	}
	if pe.Cursorpos > 0 {
		e.At(max(base+byteOffset(text, pe.Cursorpos-1), 0))
	}
	return e
}

// byteOffset gives the byte offset of the character with that index.
func byteOffset(s string, chars int) int {
	for i := range s {
		if chars == 0 {
			return i
		}
		chars--
	}
	return len(s)
}

// knownErrors are the grammar's and scanner's errors that are not 42601 or have
// a hint, by how their messages begin.
var knownErrors = []struct{ prefix, code, hint string }{
	{"invalid Unicode escape value", sqlerr.SyntaxError, ""},
	{"invalid Unicode escape", sqlerr.InvalidEscapeSequence, `Unicode escapes must be \uXXXX or \UXXXXXXXX.`},
	{"unsafe use of", sqlerr.NonstandardUseOfEscape, "Use '' to write quotes in strings. \\' is insecure in client-only encodings."},
	{"invalid byte sequence", sqlerr.CharacterNotInRepertoire, ""},
	{"precision for type float", sqlerr.InvalidParameterValue, ""},
	{"unrecognized partitioning strategy", sqlerr.InvalidParameterValue, ""},
	{"frame st", sqlerr.WindowingError, ""},
	{"frame end", sqlerr.WindowingError, ""},
	{"current database cannot be changed", sqlerr.FeatureNotSupported, ""},
	{"CREATE ASSERTION", sqlerr.FeatureNotSupported, ""},
	{"MATCH PARTIAL", sqlerr.FeatureNotSupported, ""},
	{"WITH CHECK OPTION not supported", sqlerr.FeatureNotSupported, ""},
	{"CHECK constraints cannot", sqlerr.FeatureNotSupported, ""},
	{"PRIMARY KEY constraints cannot", sqlerr.FeatureNotSupported, ""},
	{"UNIQUE constraints cannot", sqlerr.FeatureNotSupported, ""},
	{"role name ", sqlerr.ReservedName, ""},
	{"CURRENT_", sqlerr.ReservedName, ""},
	{"SESSION_USER cannot", sqlerr.ReservedName, ""},
	{"LIMIT #,# syntax", sqlerr.SyntaxError, "Use separate LIMIT and OFFSET clauses."},
	{"missing argument", sqlerr.SyntaxError, "Use NONE to denote the missing argument of a unary operator."},
	{"memory exhausted", sqlerr.StatementTooComplex, ""},
	{"out of memory", sqlerr.OutOfMemory, ""},
	{"stack depth", sqlerr.StatementTooComplex, ""},
}
