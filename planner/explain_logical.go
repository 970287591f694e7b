package planner

import (
	"fmt"
	"strings"

	"streamdb/planner/logical"
	"streamdb/sql/ast"
	"streamdb/sql/expr"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// explainLogical shows the rewritten logical plan of a query.
func (p *Planner) explainLogical(stmt ast.Statement, paramTypes []types.Type) ([]string, error) {
	b := p.newBinder(paramTypes)
	q, ok := stmt.(*ast.Select)
	if mv, is := stmt.(*ast.CreateMaterializedView); is {
		q, ok, b.maintained = mv.Query, true, true
	}
	if !ok {
		return nil, sqlerr.Unsupported("EXPLAIN (LOGICAL) of "+stmt.Tag(), stmt.Loc())
	}
	r, err := b.query(q, nil, false)
	if err != nil {
		return nil, err
	}
	r, _, err = b.logical(r)
	if err != nil {
		return nil, err
	}
	return FormatLogical(b.meta, r.node), nil
}

// FormatLogical writes a logical plan as an indented tree.
func FormatLogical(m *logical.Meta, n logical.Node) []string {
	var lines []string
	var write func(n logical.Node, depth int)
	write = func(n logical.Node, depth int) {
		lines = append(lines, strings.Repeat("  ", depth)+logicalText(m, n))
		for _, in := range n.Inputs() {
			write(in, depth+1)
		}
	}
	write(n, 0)
	return lines
}

func logicalText(m *logical.Meta, n logical.Node) string {
	kind := strings.TrimPrefix(fmt.Sprintf("%T", n), "*logical.")
	var es []string
	all := make([]string, 0, 16)
	for id := 0; ; id++ {
		if id >= m.Len() {
			break
		}
		all = append(all, m.Name(id))
	}
	n.EachExpr(func(e *expr.Expr) { es = append(es, FormatExpr(e, all)) })
	switch n := n.(type) {
	case *logical.Scan:
		return "Logical" + kind + " " + n.Name + " (" + columnNames(m, n.Out) + ")"
	case *logical.Agg:
		return "LogicalAgg by (" + columnNames(m, n.Group) + ") " + strings.Join(es, ", ")
	case *logical.Join:
		kind += " " + string(n.Type)
	case *logical.HopWindow:
		es = append(es, m.Name(n.Time))
	case *logical.SessionWindow:
		es = append(es, m.Name(n.Time))
	}
	if len(es) == 0 {
		return "Logical" + kind
	}
	return "Logical" + kind + " " + strings.Join(es, ", ")
}

func columnNames(m *logical.Meta, ids []logical.ColID) string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = m.Name(id)
	}
	return strings.Join(out, ", ")
}
