// Package psqlcheck runs the queries that psql and other tools send, recorded in
// sql/pgcatalog/testdata/psql and tools, against a server and compares what comes
// back with what PostgreSQL 15 answered.
package psqlcheck

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// Query is one recorded query.
type Query struct {
	// Name is the file and the number or the typed words.
	Name string
	// Command is the psql command it belongs to, `\d t`.
	Command string
	SQL     string
	// Rows is what PostgreSQL returned, columns joined by "|"; nil if there were too
	// many to record.
	Rows []string
}

// Load reads the recordings of a directory and, if it is there, sample.sql: the
// statements that make the objects the queries look at.
func Load(dir fs.FS) (sample string, queries []Query, err error) {
	files, err := fs.Glob(dir, "*.sql")
	if err != nil {
		return "", nil, err
	}
	for _, f := range files {
		b, err := fs.ReadFile(dir, f)
		if err != nil {
			return "", nil, err
		}
		if f == "sample.sql" {
			sample = string(b)
			continue
		}
		queries = append(queries, parse(strings.TrimSuffix(f, ".sql"), string(b))...)
	}
	number := map[string]int{}
	for i := range queries {
		n := &queries[i].Name
		if number[*n]++; number[*n] > 1 {
			*n += fmt.Sprintf(" (%d)", number[*n])
		}
	}
	if len(queries) == 0 {
		return "", nil, fmt.Errorf("psqlcheck: no recordings")
	}
	return sample, queries, nil
}

// parse reads a recording; README.md in the directory describes it.
func parse(file, text string) []Query {
	var out []Query
	var q *Query
	inRows, command := false, ""
	for _, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, `-- psql 15: \`):
			command = strings.TrimPrefix(line, "-- psql 15: ")
		case strings.HasPrefix(line, "-- query ") && !inRows, strings.HasPrefix(line, "-- typed: ") && !inRows:
			out = append(out, Query{Name: file + " " + strings.TrimPrefix(line, "-- "), Command: command})
			q = &out[len(out)-1]
		case line == "-- shows" && !inRows:
			return out
		case q == nil:
		case line == "-- returns":
			inRows, q.Rows = true, []string{}
		case strings.HasPrefix(line, "-- returns ") && !inRows:
			q = nil
		case inRows && strings.HasPrefix(line, "-- "):
			q.Rows = append(q.Rows, line[3:])
		case inRows:
			inRows, q = false, nil
		default:
			q.SQL += line + "\n"
		}
	}
	return out
}

// Result is how a query went.
type Result struct {
	Query
	// Got is the rows that came back.
	Got []string
	// Err is the server's error.
	Err error
}

// Same tells whether the rows are PostgreSQL's, in any order.
func (r *Result) Same() bool {
	if r.Err != nil || r.Rows == nil {
		return r.Err == nil
	}
	return slices.Equal(lines(r.Rows), lines(r.Got))
}

// lines gives the lines of rows, sorted: a recording has a value of several lines in as many rows.
func lines(rows []string) []string {
	return slices.Sorted(strings.SplitSeq(strings.Join(rows, "\n"), "\n"))
}

// String tells what differs.
func (r *Result) String() string {
	if r.Err != nil {
		return fmt.Sprintf("%s (%s): %v\n%s", r.Name, r.Command, r.Err, r.SQL)
	}
	return fmt.Sprintf("%s (%s): got\n%s\nwant\n%s\n%s", r.Name, r.Command, strings.Join(r.Got, "\n"), strings.Join(r.Rows, "\n"), r.SQL)
}

// placeholder stands for an OID.
var placeholder = regexp.MustCompile(`\$\{(schema |type )?([^}]+)\}`)

// Run runs the queries on a server that has the objects of sample.sql. query gives
// the rows of a statement in text, columns joined by "|", NULL as nothing.
func Run(queries []Query, query func(sql string) ([]string, error)) []Result {
	oids := map[string]string{}
	resolve := func(s string) string {
		return placeholder.ReplaceAllStringFunc(s, func(p string) string {
			if _, ok := oids[p]; !ok {
				oids[p] = "0"
				m := placeholder.FindStringSubmatch(p)
				kind := map[string]string{"": "regclass", "schema ": "regnamespace", "type ": "regtype"}[m[1]]
				if rows, err := query("SELECT '" + m[2] + "'::" + kind + "::oid"); err == nil && len(rows) == 1 {
					oids[p] = rows[0]
				}
			}
			return oids[p]
		})
	}
	out := make([]Result, len(queries))
	for i, q := range queries {
		q.SQL = resolve(q.SQL)
		for k := range q.Rows {
			q.Rows[k] = resolve(q.Rows[k])
		}
		got, err := query(q.SQL)
		out[i] = Result{Query: q, Got: got, Err: err}
	}
	return out
}
