package parser

import (
	"strconv"
	"strings"

	"streamdb/sql/ast"
	"streamdb/sql/sqlerr"
)

// cursor walks over tokens for the clauses and statements parsed by hand. Its
// methods that fail keep the first error in err and make no progress; callers
// look at err when they are done.
type cursor struct {
	src    string
	tokens []token
	i      int // Invariant: 0 <= i <= len(tokens)
	end    int // where the text ends, for "at end of input"
	err    error
}

func (c *cursor) peek() token { return c.peekAt(0) }

func (c *cursor) peekAt(n int) token {
	if c.i+n >= 0 && c.i+n < len(c.tokens) {
		return c.tokens[c.i+n]
	}
	return token{tokEOF, c.end, c.end}
}

func (c *cursor) done() bool { return c.i >= len(c.tokens) }

func (c *cursor) pos() ast.Pos { return ast.Pos(c.peek().start) }

// text gives a token as it was written.
func (c *cursor) text(t token) string { return c.src[t.start:t.end] }

// sees tells whether the given unquoted words come next, in lower case.
func (c *cursor) sees(words ...string) bool {
	for n, w := range words {
		if !isWord(c.src, c.peekAt(n), w) {
			return false
		}
	}
	return true
}

// accept passes the words if they come next.
func (c *cursor) accept(words ...string) bool {
	if !c.sees(words...) {
		return false
	}
	c.i += len(words)
	return true
}

func (c *cursor) seesPunct(p byte) bool {
	t := c.peek()
	return t.kind == tokPunct && t.end-t.start == 1 && c.src[t.start] == p
}

func (c *cursor) acceptPunct(p byte) bool {
	if c.seesPunct(p) {
		c.i++
		return true
	}
	return false
}

func (c *cursor) seesOp(op string) bool {
	t := c.peek()
	return t.kind == tokOp && c.text(t) == op
}

func (c *cursor) acceptOp(op string) bool {
	if c.seesOp(op) {
		c.i++
		return true
	}
	return false
}

func (c *cursor) expect(words ...string) {
	for _, w := range words {
		if !c.accept(w) {
			c.syntaxError()
			return
		}
	}
}

func (c *cursor) expectPunct(p byte) {
	if !c.acceptPunct(p) {
		c.syntaxError()
	}
}

// fail keeps the first error; nil is none.
func (c *cursor) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// syntaxError complains about the next token in PostgreSQL's words.
func (c *cursor) syntaxError() { c.fail(syntaxErrorAt(c.src, c.peek())) }

func syntaxErrorAt(src string, t token) error {
	if t.kind == tokEOF {
		return sqlerr.Syntax(t.start, "syntax error at end of input")
	}
	return sqlerr.Syntax(t.start, `syntax error at or near "%s"`, src[t.start:t.end])
}

// expectEnd complains about whatever is left.
func (c *cursor) expectEnd() {
	if !c.done() {
		c.syntaxError()
	}
}

// reserved are the words that no name may be without quotes. It is shorter than
// the printer's list: PostgreSQL takes col_name and type_func_name keywords here
// and there.
var reserved = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`
all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create
current_catalog current_date current_role current_time current_timestamp current_user default deferrable desc distinct
do else end except false fetch for foreign from grant group having in initially intersect into lateral leading limit
localtime localtimestamp not null offset on only or order placing primary references returning select session_user some
symmetric table then to trailing true union unique user using variadic when where window with`) {
		m[w] = true
	}
	return m
}()

// word passes an identifier and gives its name: folded, or unquoted. Reserved
// words are names only if any is set.
func (c *cursor) word(anyWord bool) string {
	t := c.peek()
	switch t.kind {
	case tokIdent:
		if w := foldIdent(c.text(t)); anyWord || !reserved[w] {
			c.i++
			return truncateIdent(w)
		}
	case tokQuoted:
		if c.src[t.start] == '"' {
			c.i++
			return truncateIdent(unquoteIdent(c.text(t)))
		}
		c.fail(sqlerr.Unsupported("a Unicode identifier here", t.start))
	}
	c.syntaxError()
	return ""
}

// foldIdent folds ASCII letters only, as PostgreSQL does in a UTF-8 database.
func foldIdent(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= 'A' && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if b[i] >= 'A' && b[i] <= 'Z' {
					b[i] |= 0x20
				}
			}
			return string(b)
		}
	}
	return s
}

// truncateIdent cuts a name to 63 bytes, between characters.
func truncateIdent(s string) string {
	if len(s) <= 63 {
		return s
	}
	n := 63
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

func unquoteIdent(s string) string {
	return strings.ReplaceAll(s[1:len(s)-1], `""`, `"`)
}

// name passes a name with up to three parts.
func (c *cursor) name() ast.Name {
	n := ast.Name{Pos: c.pos()}
	parts := []string{c.word(false)}
	for c.err == nil && c.acceptPunct('.') {
		parts = append(parts, c.word(true))
	}
	switch len(parts) {
	case 1:
		n.Name = parts[0]
	case 2:
		n.Schema, n.Name = parts[0], parts[1]
	case 3:
		n.Catalog, n.Schema, n.Name = parts[0], parts[1], parts[2]
	default:
		c.fail(sqlerr.Syntax(n.Loc(), "improper qualified name (too many dotted names): %s", strings.Join(parts, ".")))
	}
	return n
}

// ifNotExists passes IF NOT EXISTS.
func (c *cursor) ifNotExists() bool { return c.accept("if", "not", "exists") }

// str passes a string literal and gives its value.
func (c *cursor) str() string {
	t := c.peek()
	if t.kind != tokString {
		c.syntaxError()
		return ""
	}
	s, ok := stringValue(c.text(t))
	if !ok {
		c.fail(sqlerr.Unsupported("this form of string literal here", t.start))
		return ""
	}
	c.i++
	return s
}

// stringValue decodes a plain, dollar-quoted or E” literal. It is false for
// forms that only libpg_query decodes: U&”, octal and Unicode escapes,
// literals continued on the next line.
func stringValue(lit string) (string, bool) {
	switch lit[0] {
	case '$':
		n := strings.IndexByte(lit[1:], '$') + 2
		return lit[n : len(lit)-n], true
	case 'e', 'E':
		return escapedValue(lit[2 : len(lit)-1])
	case 'n', 'N':
		lit = lit[1:]
	case 'u', 'U':
		return "", false
	}
	body := lit[1 : len(lit)-1]
	if strings.IndexByte(body, '\'') < 0 {
		return body, true
	}
	var sb strings.Builder
	for i := 0; i < len(body); i++ {
		if body[i] == '\'' {
			if i+1 >= len(body) || body[i+1] != '\'' {
				return "", false
			}
			i++
		}
		sb.WriteByte(body[i])
	}
	return sb.String(), true
}

func escapedValue(body string) (string, bool) {
	var sb strings.Builder
	for i := 0; i < len(body); i++ {
		b := body[i]
		switch b {
		case '\'':
			if i+1 >= len(body) || body[i+1] != '\'' {
				return "", false
			}
			i++
		case '\\':
			i++
			if i >= len(body) {
				return "", false
			}
			b = body[i]
			if j := strings.IndexByte("bfnrt", b); j >= 0 {
				b = "\b\f\n\r\t"[j]
			} else if b >= '0' && b <= '7' || strings.IndexByte("xuU", b) >= 0 || b >= 0x80 {
				return "", false
			}
		}
		sb.WriteByte(b)
	}
	return sb.String(), true
}

// number passes a number with its sign and gives its text.
func (c *cursor) number() string {
	sign := ""
	if c.seesOp("-") || c.seesOp("+") {
		sign = strings.TrimPrefix(c.text(c.peek()), "+")
		c.i++
	}
	t := c.peek()
	if t.kind != tokInt && t.kind != tokFloat {
		c.syntaxError()
		return ""
	}
	c.i++
	return sign + numberText(c.text(t))
}

// numberText gives a number in decimal without underscores.
func numberText(s string) string {
	if len(s) > 2 && s[0] == '0' && strings.IndexByte("xXoObB", s[1]) >= 0 {
		if v, err := strconv.ParseInt(s, 0, 64); err == nil {
			return strconv.FormatInt(v, 10)
		}
	}
	return strings.ReplaceAll(s, "_", "")
}

// skipParens passes a balanced group that begins with the next token, which is
// an opening parenthesis.
func (c *cursor) skipParens() {
	depth := 0
	for !c.done() {
		switch {
		case c.seesPunct('('):
			depth++
		case c.seesPunct(')'):
			depth--
		}
		c.i++
		if depth == 0 {
			return
		}
	}
	c.syntaxError()
}
