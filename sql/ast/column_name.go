package ast

// ColumnName gives the name of an output column without AS, by PostgreSQL's
// rules (FigureColname): a column's or function's own name, a cast's or CASE's
// only when nothing better is inside, "?column?" when there is nothing.
func ColumnName(e Expr) string {
	if name, strength := figureName(e); strength > 0 {
		return name
	}
	return "?column?"
}

// figureName gives a name and how good it is: 2 for a real name, 1 for a
// fallback that an outer node may know better, 0 for none.
func figureName(e Expr) (string, int) {
	switch e := e.(type) {
	case *ColumnRef:
		return e.Name(), 2
	case *FieldSelect:
		return e.Field, 2
	case *Subscript:
		return figureName(e.Arg)
	case *FuncCall:
		return e.Name.Name, 2
	case *Cast:
		if name, strength := figureName(e.Arg); strength > 1 {
			return name, strength
		}
		return e.Type.Name, 1
	case *Collate:
		return figureName(e.Arg)
	case *Case:
		if e.Else != nil {
			if name, strength := figureName(e.Else); strength > 1 {
				return name, strength
			}
		}
		return "case", 1
	case *Subquery:
		return subqueryName(e.Query)
	case *BoolLit:
		return "bool", 1
	}
	return wordName(e)
}

func subqueryName(q *Select) (string, int) {
	for {
		switch b := q.Body.(type) {
		case *SetOperation:
			q = b.Left
			continue
		case *SelectCore:
			if len(b.Targets) == 0 {
				return "", 0
			}
			if t := b.Targets[0]; t.Alias != "" {
				return t.Alias, 2
			}
			return figureName(b.Targets[0].Expr)
		case *Values:
			return "column1", 2
		}
		return "", 0
	}
}

// wordName names what has a keyword of its own.
func wordName(e Expr) (string, int) {
	switch e := e.(type) {
	case *NullIf:
		return "nullif", 2
	case *Coalesce:
		return "coalesce", 2
	case *MinMax:
		if e.Greatest {
			return "greatest", 2
		}
		return "least", 2
	case *GroupingFunc:
		return "grouping", 2
	case *SQLValue:
		return e.Kind.String(), 2
	case *ArrayExpr, *ArraySubquery:
		return "array", 2
	case *Exists:
		return "exists", 2
	case *Row:
		return "row", 2
	}
	return "", 0
}
