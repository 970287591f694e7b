package differential

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// viewsFile holds the queries; it only grows.
//
//go:embed testdata/views.sql
var viewsFile string

// query is one query of the file.
type query struct {
	line int // of its first line
	sql  string
}

// queries splits the file: a query ends with a semicolon at the end of a line, lines starting with -- are comments.
func queries() []query {
	var out []query
	var lines []string
	for i, l := range strings.Split(viewsFile, "\n") {
		if strings.HasPrefix(l, "--") || (strings.TrimSpace(l) == "" && len(lines) == 0) {
			continue
		}
		lines = append(lines, strings.TrimSuffix(l, ";"))
		if strings.HasSuffix(l, ";") {
			out = append(out, query{line: i + 2 - len(lines), sql: strings.Join(lines, "\n")})
			lines = nil
		}
	}
	return out
}

// answer is a result as a multiset, or an SQLSTATE.
type answer struct {
	state string
	tag   string
	types []uint32 // type OIDs of the columns
	rows  []string // sorted
}

// ask runs SQL and returns what came of it. The error is one of the connection.
func ask(ctx context.Context, conn *pgconn.PgConn, sql string) (*answer, error) {
	res, err := readLast(conn.Exec(ctx, sql))
	var pgErr *pgconn.PgError
	switch {
	case errors.As(err, &pgErr):
		return &answer{state: pgErr.Code, tag: pgErr.Message}, nil
	case err != nil:
		return nil, fmt.Errorf("%w\n  %s", err, sql)
	}
	a := &answer{tag: res.CommandTag.String()}
	for _, f := range res.FieldDescriptions {
		a.types = append(a.types, f.DataTypeOID)
	}
	for _, row := range res.Rows {
		vals := make([]string, len(row))
		for i, v := range row {
			vals[i] = "NULL"
			if v != nil {
				vals[i] = fmt.Sprintf("%q", v)
			}
		}
		a.rows = append(a.rows, strings.Join(vals, " "))
	}
	slices.Sort(a.rows)
	return a, nil
}

// readLast reads all results and returns the last one. Unlike ReadAll of pgconn it keeps the columns of an empty result.
func readLast(mrr *pgconn.MultiResultReader) (*pgconn.Result, error) {
	last := &pgconn.Result{}
	for mrr.NextResult() {
		rr := mrr.ResultReader()
		fields := slices.Clone(rr.FieldDescriptions())
		last = rr.Read()
		last.FieldDescriptions = fields
	}
	if err := mrr.Close(); err != nil {
		return nil, err
	}
	return last, nil
}

// difference describes how ours differs from theirs, or returns "".
func difference(ours, theirs *answer) string {
	switch {
	case ours.state != theirs.state:
		return fmt.Sprintf("ours ended with %q (%s), theirs with %q (%s)", ours.state, ours.tag, theirs.state, theirs.tag)
	case ours.state != "":
		return ""
	case !slices.Equal(ours.types, theirs.types):
		return fmt.Sprintf("column types %v, theirs %v", ours.types, theirs.types)
	}
	missing, extra := subtract(theirs.rows, ours.rows), subtract(ours.rows, theirs.rows)
	if len(missing)+len(extra) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d rows, theirs %d; %d missing, %d too many", len(ours.rows), len(theirs.rows), len(missing), len(extra))
	for i, r := range missing {
		if i < 5 {
			b.WriteString("\n    - " + r)
		}
	}
	for i, r := range extra {
		if i < 5 {
			b.WriteString("\n    + " + r)
		}
	}
	return b.String()
}

// subtract returns the multiset difference of two sorted slices.
func subtract(a, b []string) []string {
	var out []string
	for len(a) > 0 {
		switch {
		case len(b) == 0 || a[0] < b[0]:
			out = append(out, a[0])
			a = a[1:]
		case a[0] == b[0]:
			a, b = a[1:], b[1:]
		default:
			b = b[1:]
		}
	}
	return out
}
