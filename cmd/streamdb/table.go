package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// table is a result as text, laid out as psql does.
type table struct {
	header []string
	right  []bool // columns of numbers
	rows   [][]string
}

// tableOf makes a table of a result's fields.
func tableOf(fields []pgconn.FieldDescription) *table {
	t := &table{}
	for _, f := range fields {
		t.header = append(t.header, f.Name)
		t.right = append(t.right, isNumber(f.DataTypeOID))
	}
	return t
}

func isNumber(oid uint32) bool {
	switch oid {
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.Float4OID, pgtype.Float8OID, pgtype.NumericOID, pgtype.OIDOID:
		return true
	}
	return false
}

// add appends a row in text format; nil is NULL and shows as nothing.
func (t *table) add(values [][]byte) {
	row := make([]string, len(values))
	for i, v := range values {
		row[i] = strings.NewReplacer("\n", "↵", "\r", "", "\t", "    ").Replace(string(v))
	}
	t.rows = append(t.rows, row)
}

// lines lays the table out: header, rule, rows.
func (t *table) lines() []string {
	width := make([]int, len(t.header))
	for _, row := range append([][]string{t.header}, t.rows...) {
		for i, v := range row {
			width[i] = max(width[i], utf8.RuneCountInString(v))
		}
	}
	out := []string{t.line(t.header, width, true), rule(width)}
	for _, row := range t.rows {
		out = append(out, t.line(row, width, false))
	}
	return out
}

// line lays one row out; headers are centred.
func (t *table) line(row []string, width []int, header bool) string {
	var b strings.Builder
	for i, v := range row {
		pad := width[i] - utf8.RuneCountInString(v)
		left := 0
		switch {
		case header:
			left = pad / 2
		case t.right[i]:
			left = pad
		}
		if i > 0 {
			b.WriteByte('|')
		}
		fmt.Fprintf(&b, " %s%s%s ", strings.Repeat(" ", left), v, strings.Repeat(" ", pad-left))
	}
	return strings.TrimRight(b.String(), " ")
}

func rule(width []int) string {
	var b strings.Builder
	for i, w := range width {
		if i > 0 {
			b.WriteByte('+')
		}
		b.WriteString(strings.Repeat("-", w+2))
	}
	return b.String()
}

// footer is psql's count of rows.
func (t *table) footer() string {
	if len(t.rows) == 1 {
		return "(1 row)"
	}
	return fmt.Sprintf("(%d rows)", len(t.rows))
}
