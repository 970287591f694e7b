package ast

import (
	"fmt"
	"strconv"
	"strings"
)

// String gives a node as SQL on one line: an expression, a query or any part of
// one, INSERT, UPDATE and DELETE, a type, a constraint. Parsing the text again gives an equal
// tree. Statements of other kinds are not printed by trees but kept as text.
func String(n Node) string {
	p := printer{}
	p.node(n)
	return p.sb.String()
}

// StringWith is String with a cast behind the literals for which cast gives one, as "::numeric".
func StringWith(n Node, cast func(Expr) string) string {
	p := printer{cast: cast}
	p.node(n)
	return p.sb.String()
}

// Pretty gives a query in PostgreSQL's layout, one line for each clause and
// column, as pg_get_viewdef shows it, without the semicolon.
func Pretty(q *Select) string {
	p := printer{pretty: true}
	p.sb.WriteByte(' ')
	p.sel(q)
	return p.sb.String()
}

// printer collects SQL. In pretty mode clauses begin new lines, indented.
type printer struct {
	sb     strings.Builder
	pretty bool
	indent int
	cast   func(Expr) string // what StringWith adds to literals, nil for nothing
}

func (p *printer) put(parts ...string) {
	for _, s := range parts {
		p.sb.WriteString(s)
	}
}

// clause begins a clause of a query; PostgreSQL's layout right-aligns keywords
// by giving each its own depth.
func (p *printer) clause(depth int, word string) {
	if p.pretty {
		p.put("\n", strings.Repeat(" ", p.indent+depth), word)
		return
	}
	p.put(" ", word)
}

func (p *printer) node(n Node) {
	switch n := n.(type) {
	case Expr:
		p.expr(n, precLowest)
	case *Select:
		p.sel(n)
	case QueryBody:
		p.body(n)
	case TableRef:
		p.tableRef(n)
	case *TypeName:
		p.typeName(n)
	case *Constraint:
		p.constraint(n)
	case *ColumnDef:
		p.columnDef(n)
	case *Insert:
		p.insert(n)
	case *Update:
		p.update(n)
	case *Delete:
		p.delete(n)
	case Name:
		p.put(n.String())
	case *Name:
		p.put(n.String())
	default:
		p.put(fmt.Sprintf("<%T>", n))
	}
}

func (p *printer) idents(names []string) {
	for i, n := range names {
		if i > 0 {
			p.put(", ")
		}
		p.put(QuoteIdent(n))
	}
}

func (p *printer) exprs(list []Expr) {
	for i, e := range list {
		if i > 0 {
			p.put(", ")
		}
		p.expr(e, precLowest)
	}
}

// typeWords are the spellings of PostgreSQL's format_type.
var typeWords = map[string]string{
	"bool": "boolean", "int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "real",
	"float8": "double precision", "bpchar": "character", "varchar": "character varying", "bit": "bit",
	"varbit": "bit varying", "numeric": "numeric", "time": "time without time zone",
	"timetz": "time with time zone", "timestamp": "timestamp without time zone",
	"timestamptz": "timestamp with time zone", "interval": "interval",
}

func (p *printer) typeName(t *TypeName) {
	if t.SetOf {
		p.put("SETOF ")
	}
	word, ok := typeWords[t.Name]
	if !ok || t.Schema != "pg_catalog" && t.Schema != "" {
		p.put((Name{Schema: t.Schema, Name: t.Name}).String())
		p.mods(t.Mods)
	} else if head, tail, timed := strings.Cut(word, " with"); timed {
		p.put(head)
		p.mods(t.Mods)
		p.put(" with", tail)
	} else if t.Name == "interval" {
		p.intervalType(t)
	} else if t.Name == "bpchar" && len(t.Mods) == 0 {
		p.put("bpchar")
	} else {
		p.put(word)
		p.mods(t.Mods)
	}
	p.put(strings.Repeat("[]", t.Dims))
}

func (p *printer) mods(mods []int64) {
	if len(mods) == 0 {
		return
	}
	for i, m := range mods {
		if i == 0 {
			p.put("(")
		} else {
			p.put(",")
		}
		p.put(strconv.FormatInt(m, 10))
	}
	p.put(")")
}

// intervalWords are the spellings of interval restrictions by their bits.
var intervalWords = map[IntervalFields]string{
	IntervalYear: "year", IntervalMonth: "month", IntervalDay: "day", IntervalHour: "hour",
	IntervalMinute: "minute", IntervalSecond: "second",
	IntervalYear | IntervalMonth:                                 "year to month",
	IntervalDay | IntervalHour:                                   "day to hour",
	IntervalDay | IntervalHour | IntervalMinute:                  "day to minute",
	IntervalDay | IntervalHour | IntervalMinute | IntervalSecond: "day to second",
	IntervalHour | IntervalMinute:                                "hour to minute",
	IntervalHour | IntervalMinute | IntervalSecond:               "hour to second",
	IntervalMinute | IntervalSecond:                              "minute to second",
}

func (p *printer) intervalType(t *TypeName) {
	p.put("interval")
	if w := intervalWords[t.IntervalFields]; w != "" {
		p.put(" ", w)
	}
	p.mods(t.Mods)
}

func (p *printer) constraint(c *Constraint) {
	if c.Name != "" {
		p.put("CONSTRAINT ", QuoteIdent(c.Name), " ")
	}
	switch c.Kind {
	case PrimaryKey:
		p.put("PRIMARY KEY")
	case Unique:
		p.put("UNIQUE")
		if c.NullsNotDistinct {
			p.put(" NULLS NOT DISTINCT")
		}
	case NotNull:
		p.put("NOT NULL")
	case Check:
		p.put("CHECK (")
		p.expr(c.Expr, precLowest)
		p.put(")")
	}
	if len(c.Columns) > 0 {
		p.put(" (")
		p.idents(c.Columns)
		p.put(")")
	}
	if len(c.Include) > 0 {
		p.put(" INCLUDE (")
		p.idents(c.Include)
		p.put(")")
	}
	if c.NoInherit {
		p.put(" NO INHERIT")
	}
	if c.NotValid {
		p.put(" NOT VALID")
	}
}

func (p *printer) columnDef(c *ColumnDef) {
	p.put(QuoteIdent(c.Name), " ")
	p.typeName(c.Type)
	if c.Collation != nil {
		p.put(" COLLATE ", c.Collation.String())
	}
	if c.Default != nil {
		p.put(" DEFAULT ")
		p.expr(c.Default, precUnary) // the grammar wants a b_expr
	}
	if c.Identity != nil && c.Identity.Always {
		p.put(" GENERATED ALWAYS AS IDENTITY")
	} else if c.Identity != nil {
		p.put(" GENERATED BY DEFAULT AS IDENTITY")
	}
	if c.Generated != nil {
		p.put(" GENERATED ALWAYS AS (")
		p.expr(c.Generated, precLowest)
		p.put(") STORED")
	}
	for _, k := range c.Constraints {
		p.put(" ")
		p.constraint(k)
	}
}
