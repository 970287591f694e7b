package pgcatalog

import (
	"strings"

	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/functions"
	"streamdb/sql/parser"
	"streamdb/sql/types"
)

// viewDef is pg_get_viewdef of a view, materialized view or sink.
func viewDef(d *catalog.Descriptor) string {
	q := ""
	if d.View != nil {
		q = d.View.Query
	} else if m := d.Query(); m != nil {
		q = m.Text
	}
	if parsed, err := parser.ParseQuery(q); err == nil {
		return ast.Pretty(parsed) + ";"
	}
	return " " + strings.TrimSuffix(strings.TrimSpace(q), ";") + ";"
}

// columnName is the name of a column by id, quoted; "?" for one that is gone.
func columnName(d *catalog.Descriptor, id int) string {
	if c := d.ColumnByID(id); c != nil {
		return catalog.QuoteIdent(c.Name)
	}
	return "?"
}

func columnNames(d *catalog.Descriptor, ids []int) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = columnName(d, id)
	}
	return strings.Join(names, ", ")
}

// qualified is an object's name with its schema, both quoted.
func (e *Env) qualified(d *catalog.Descriptor) string {
	return catalog.QuoteIdent(e.schemaName(d.Schema)) + "." + catalog.QuoteIdent(d.Name)
}

// shown is an object's name, with its schema where the bare name means another.
func (e *Env) shown(d *catalog.Descriptor) string {
	if e.Catalog.Visible(e.SearchPath, d) {
		return catalog.QuoteIdent(d.Name)
	}
	return e.qualified(d)
}

// indexDef is pg_get_indexdef: the statement that makes the index. pretty leaves the
// schema of a visible table out.
func (e *Env) indexDef(d *catalog.Descriptor, pretty bool) string {
	on := e.object(uint32(d.Index.On))
	if on == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString("CREATE ")
	if d.Index.Unique {
		b.WriteString("UNIQUE ")
	}
	table := e.qualified(on)
	if pretty {
		table = e.shown(on)
	}
	b.WriteString("INDEX " + catalog.QuoteIdent(d.Name) + " ON " + table + " USING btree (")
	for i, c := range d.Index.Columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(columnName(on, c.Column))
		switch {
		case c.Desc && !c.NullsFirst:
			b.WriteString(" DESC NULLS LAST")
		case c.Desc:
			b.WriteString(" DESC")
		case c.NullsFirst:
			b.WriteString(" NULLS FIRST")
		}
	}
	b.WriteString(")")
	if len(d.Index.Include) > 0 {
		b.WriteString(" INCLUDE (" + columnNames(on, d.Index.Include) + ")")
	}
	return b.String()
}

// constraintDef is pg_get_constraintdef.
func constraintDef(d *catalog.Descriptor, c *catalog.Constraint, pretty bool) string {
	switch c.Kind {
	case catalog.ConstraintPrimaryKey:
		return "PRIMARY KEY (" + columnNames(d, c.Columns) + ")"
	case catalog.ConstraintUnique:
		return "UNIQUE (" + columnNames(d, c.Columns) + ")"
	}
	if pretty {
		return "CHECK (" + c.Check + ")"
	}
	return "CHECK ((" + c.Check + "))"
}

// constraint finds a constraint and its table by OID.
func (e *Env) constraint(oid uint32) (*catalog.Descriptor, *catalog.Constraint) {
	for _, d := range e.objects() {
		if d.Table == nil {
			continue
		}
		for i := range d.Table.Constraints {
			if c := &d.Table.Constraints[i]; uint32(c.ID) == oid {
				return d, c
			}
		}
	}
	return nil, nil
}

// FormatType is format_type: the SQL name of a type, with its modifier unless typmod
// is negative. null says that the modifier was NULL, which keeps "character" from
// being taken for character(1).
func FormatType(oid uint32, typmod int32, null bool) string {
	if oid == 0 {
		return "-"
	}
	t, ok := types.FromOID(oid)
	if !ok {
		for _, p := range pseudoTypes {
			if p.oid == oid {
				return catalog.QuoteIdent(p.name)
			}
		}
		return "???"
	}
	if t.Kind == types.KindBPChar && typmod < 0 {
		if null {
			return "character"
		}
		return "bpchar"
	}
	return t.WithTypmod(typmod).String()
}

// typeText names a type of a signature.
func typeText(t types.Type) string { return functions.TypeName(t) }

// functionArgs is pg_get_function_arguments.
func functionArgs(f *functions.Function) string {
	parts := make([]string, len(f.Args))
	for i, a := range f.Args {
		parts[i] = typeText(a)
		if f.Variadic && i == len(f.Args)-1 {
			parts[i] = "VARIADIC " + parts[i] + "[]"
		}
	}
	return strings.Join(parts, ", ")
}

// functionResult is pg_get_function_result.
func functionResult(f *functions.Function) string {
	if len(f.Columns) > 0 {
		return "SETOF record"
	}
	if f.Kind == functions.Set {
		return "SETOF " + typeText(f.Ret)
	}
	return typeText(f.Ret)
}
