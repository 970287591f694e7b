package parser

import (
	"strconv"

	"streamdb/sql/ast"
)

// fastInsert parses INSERT INTO name [(columns)] VALUES (constants), ... without
// the C parser: it is what programs send most and longest, and its tree as
// protobuf would be a hundred times the text. Anything unexpected, errors
// included, is left to the full grammar: ok is false then.
func fastInsert(src string, p piece) (s ast.Statement, ok bool) {
	c := cursor{src: src, tokens: p.tokens, end: p.end}
	ins := &ast.Insert{Pos: c.pos()}
	if !c.accept("insert", "into") || !c.plainName() {
		return nil, false
	}
	ins.Table = c.name()
	if c.acceptPunct('(') {
		for {
			col := ast.InsertColumn{Pos: c.pos()}
			if !c.plainName() {
				return nil, false
			}
			if col.Name = c.word(false); c.err != nil || col.Name == "" {
				return nil, false
			}
			ins.Columns = append(ins.Columns, col)
			if !c.acceptPunct(',') {
				break
			}
		}
		c.expectPunct(')')
	}
	if c.err != nil || ins.Table.Name == "" || !c.accept("values") {
		return nil, false
	}
	values := &ast.Values{}
	for {
		row := c.constantRow(len(ins.Columns))
		if row == nil {
			return nil, false
		}
		values.Rows = append(values.Rows, row)
		if !c.acceptPunct(',') {
			break
		}
	}
	if !c.done() || len(values.Rows[0]) == 0 {
		return nil, false
	}
	values.Pos = ast.Pos(values.Rows[0][0].Loc())
	ins.Source = &ast.Select{Pos: values.Pos, Body: values}
	return ins, true
}

// plainName tells whether a name comes next that is a name everywhere.
func (c *cursor) plainName() bool {
	t := c.peek()
	return t.kind == tokQuoted || t.kind == tokIdent && !ast.IsKeyword(foldIdent(c.text(t)))
}

// constantRow passes (constant, ...); nil if it is anything else.
func (c *cursor) constantRow(width int) []ast.Expr {
	if !c.acceptPunct('(') {
		return nil
	}
	row := make([]ast.Expr, 0, width)
	for {
		e := c.constant()
		if e == nil {
			return nil
		}
		row = append(row, e)
		if c.acceptPunct(',') {
			continue
		}
		if c.acceptPunct(')') {
			return row
		}
		return nil
	}
}

// constant passes a literal, parameter or DEFAULT; nil if it is anything else.
func (c *cursor) constant() ast.Expr {
	t := c.peek()
	pos := ast.Pos(t.start)
	text := c.text(t)
	switch t.kind {
	case tokInt, tokFloat:
		if !plainNumber(c, t) {
			return nil
		}
		c.i++
		return numberLit(pos, text)
	case tokOp:
		next := c.peekAt(1)
		if text != "-" || next.kind != tokInt && next.kind != tokFloat || !plainNumber(c, next) {
			return nil
		}
		c.i += 2
		return numberLit(pos, "-"+c.text(next))
	case tokString:
		v, ok := stringValue(text)
		if !ok || text[0] != '\'' && text[0] != '$' { // N'' is a cast, E'' may be odd
			return nil
		}
		c.i++
		return &ast.StringLit{Pos: pos, Value: v}
	case tokParam:
		n, err := strconv.ParseInt(text[1:], 10, 32)
		if err != nil || n == 0 || !plainNumber(c, t) {
			return nil
		}
		c.i++
		return &ast.Param{Pos: pos, Number: int(n)}
	case tokIdent:
		return c.constantWord(pos)
	}
	return nil
}

// plainNumber tells whether a number is decimal and nothing is glued to it,
// which the grammar would refuse.
func plainNumber(c *cursor, t token) bool {
	glued := t.end < len(c.src) && classes[c.src[t.end]]&(classIdentStart|classDigit) != 0
	text := c.text(t)
	prefixed := len(text) > 1 && text[0] == '0' && classes[text[1]]&classIdentStart != 0
	return !glued && !prefixed
}

func (c *cursor) constantWord(pos ast.Pos) ast.Expr {
	switch {
	case c.accept("null"):
		return &ast.NullLit{Pos: pos}
	case c.accept("true"):
		return &ast.BoolLit{Pos: pos, Value: true}
	case c.accept("false"):
		return &ast.BoolLit{Pos: pos}
	case c.accept("default"):
		return &ast.Default{Pos: pos}
	}
	return nil
}
