package parser

import (
	"strings"

	"streamdb/sql/ast"
	"streamdb/sql/sqlerr"
)

// options passes ( key [= value], ... ). Keys may have any number of dotted
// parts; a value is a string, number or word, and INTERVAL '...' stands for its
// string.
func (c *cursor) options() []ast.Option {
	var list []ast.Option
	seen := map[string]bool{}
	c.expectPunct('(')
	if c.acceptPunct(')') {
		return list
	}
	for c.err == nil {
		o := c.option()
		if seen[o.Name] && c.err == nil {
			c.fail(sqlerr.Syntax(o.Loc(), "option %q specified more than once", o.Name))
		}
		seen[o.Name] = true
		list = append(list, o)
		if !c.acceptPunct(',') {
			break
		}
	}
	c.expectPunct(')')
	return list
}

func (c *cursor) option() ast.Option {
	o := ast.Option{Pos: c.pos(), ValuePos: ast.NoPos}
	o.Name = c.optionKey()
	if c.err != nil || c.seesPunct(',') || c.seesPunct(')') {
		return o
	}
	if !c.acceptOp("=") {
		c.acceptOp("=>")
	}
	o.ValuePos = c.pos()
	switch t := c.peek(); t.kind {
	case tokString:
		o.Kind, o.Value = ast.OptionString, c.str()
	case tokInt, tokFloat, tokOp:
		o.Kind, o.Value = ast.OptionNumber, c.number()
	case tokIdent:
		if c.accept("interval") {
			o.Kind, o.Value = ast.OptionString, c.str()
			break
		}
		if c.sees("secret") {
			c.fail(sqlerr.Unsupported("SECRET", t.start))
		}
		o.Kind, o.Value = ast.OptionWord, c.word(true)
	case tokQuoted:
		o.Kind, o.Value = ast.OptionWord, c.word(true)
	default:
		c.syntaxError()
	}
	return o
}

func (c *cursor) optionKey() string {
	part := func() string {
		if c.peek().kind == tokString {
			return c.str()
		}
		return c.word(true)
	}
	key := part()
	for c.err == nil && c.acceptPunct('.') {
		key += "." + part()
	}
	return key
}

// format passes FORMAT word [(options)] ENCODE word [(options)].
func (c *cursor) format() *ast.Format {
	f := &ast.Format{Pos: c.pos()}
	c.expect("format")
	f.Format = c.word(true)
	if c.seesPunct('(') {
		f.Options = append(f.Options, c.options()...)
	}
	c.expect("encode")
	f.Encode = c.word(true)
	if c.seesPunct('(') {
		f.Options = append(f.Options, c.options()...)
	}
	if c.err == nil && c.sees("key", "encode") {
		c.fail(sqlerr.Unsupported("KEY ENCODE", c.peek().start))
	}
	return f
}

// include passes INCLUDE what [AS name].
func (c *cursor) include() ast.IncludeColumn {
	inc := ast.IncludeColumn{Pos: c.pos()}
	c.expect("include")
	inc.What = strings.ToLower(c.word(true))
	if c.accept("as") {
		inc.Name = c.word(false)
	}
	return inc
}

// emit passes EMIT ON UPDATE, EMIT ON WINDOW CLOSE or EMIT EVERY interval.
func (c *cursor) emit() *ast.Emit {
	e := &ast.Emit{Pos: c.pos()}
	c.expect("emit")
	switch {
	case c.accept("on", "update"):
		e.Kind = ast.EmitOnUpdate
	case c.accept("on", "window", "close"):
		e.Kind = ast.EmitOnWindowClose
	case c.accept("every"):
		e.Kind = ast.EmitEvery
		first := c.i
		c.accept("interval")
		if t := c.peek(); t.kind != tokString && t.kind != tokParam {
			c.syntaxError()
			return e
		}
		c.i++
		for c.intervalField() {
			c.i++
		}
		if c.err == nil {
			e.Every, c.err = parseExprTokens(c.src, c.tokens[first:c.i])
		}
		if lit, ok := e.Every.(*ast.StringLit); ok {
			e.Every = &ast.Cast{Pos: lit.Pos, Arg: lit, Type: &ast.TypeName{Pos: lit.Pos, Schema: "pg_catalog", Name: "interval"}}
		}
	default:
		c.syntaxError()
	}
	return e
}

func (c *cursor) intervalField() bool {
	for _, w := range []string{"year", "month", "day", "hour", "minute", "second", "to"} {
		if c.sees(w) {
			return true
		}
	}
	return false
}

// watermark passes WATERMARK FOR column AS expr [WITH (…)], up to the comma or parenthesis
// that ends it.
func (c *cursor) watermark() *ast.Watermark {
	w := &ast.Watermark{Pos: c.pos()}
	c.expect("watermark", "for")
	w.Column = c.word(false)
	c.expect("as")
	first := c.i
	for !c.done() && !c.seesPunct(',') && !c.seesPunct(')') && !c.seesWithParen() {
		if c.seesPunct('(') {
			c.skipParens()
			continue
		}
		c.i++
	}
	if c.err == nil && first == c.i {
		c.syntaxError()
	}
	if c.err == nil {
		w.Expr, c.err = parseExprTokens(c.src, c.tokens[first:c.i])
	}
	if c.err == nil && c.accept("with") {
		w.Options = c.options()
	}
	return w
}
