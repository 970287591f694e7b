package parser

import "streamdb/sql/ast"

// alterWatermarkWords bounds how far into a statement WATERMARK FOR is looked for:
// ALTER TABLE IF EXISTS a.b.c ADD WATERMARK FOR.
const alterWatermarkWords = 12

// seesAlterWatermark tells whether ALTER TABLE or SOURCE … ADD, MODIFY, ALTER or DROP WATERMARK FOR comes next.
// PostgreSQL's grammar would stop at FOR.
func (c *cursor) seesAlterWatermark() bool {
	if !c.sees("alter", "table") && !c.sees("alter", "source") {
		return false
	}
	for n := 3; n < alterWatermarkWords; n++ {
		if isWord(c.src, c.peekAt(n), "watermark") && isWord(c.src, c.peekAt(n+1), "for") {
			act := c.peekAt(n - 1)
			return isWord(c.src, act, "add") || isWord(c.src, act, "modify") || isWord(c.src, act, "alter") || isWord(c.src, act, "drop")
		}
	}
	return false
}

// alterWatermark parses ALTER TABLE or SOURCE whose actions are about watermarks, in Flink's words; ALTER WATERMARK is
// MODIFY WATERMARK.
func (c *cursor) alterWatermark() ast.Statement {
	s := &ast.AlterRelation{Pos: c.pos(), Kind: ast.KindTable}
	c.expect("alter")
	if c.accept("source") {
		s.Kind = ast.KindSource
	} else {
		c.expect("table")
	}
	s.IfExists = c.accept("if", "exists")
	s.Name = c.name()
	for c.err == nil {
		at := c.pos()
		switch {
		case c.accept("drop"):
			c.expect("watermark", "for")
			s.Actions = append(s.Actions, &ast.DropWatermark{Pos: at, Column: c.word(false)})
		case c.accept("modify"), c.accept("alter"):
			s.Actions = append(s.Actions, &ast.AddWatermark{Pos: at, Watermark: c.watermark(), Modify: true})
		default:
			c.expect("add")
			s.Actions = append(s.Actions, &ast.AddWatermark{Pos: at, Watermark: c.watermark()})
		}
		if !c.acceptPunct(',') {
			break
		}
	}
	c.expectEnd()
	return s
}
