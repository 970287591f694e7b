package sqllogictest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// answer is what a statement came to: a result or an error.
type answer struct {
	tag     string
	rows    int64
	result  *table // nil when the statement returns no columns
	copied  []string
	notices []string
	err     *pgconn.PgError
}

// execute runs a statement or query, compares what comes back and puts the rewritten record into out.
func (r *runner) execute(ctx context.Context, rec *record, s *session, out *[]string) {
	var a *answer
	var bad string
	for try := 0; ; try++ {
		if try > 0 {
			time.Sleep(rec.backoff)
			if err := s.connect(ctx, r.connString); err != nil {
				r.fail(rec, "%v", err)
				return
			}
		}
		var err error
		if a, err = r.ask(ctx, rec, s); err != nil {
			r.fail(rec, "%v", err)
			return
		}
		if bad = r.check(rec, a); bad == "" || try >= rec.retries {
			break
		}
	}
	if r.Rewrite && r.rewritable(rec, a) {
		*out = r.render(rec, a)
		return
	}
	if bad != "" {
		r.fail(rec, "%s", bad)
	}
}

// materialized matches the head of statements about materialized views. PostgreSQL's are not maintained; a plain view is
// the query run anew, which is what a maintained one must equal.
var materialized = regexp.MustCompile(`^(CREATE|DROP|ALTER) MATERIALIZED VIEW\b`)

// ask runs the record's SQL. The error is one of the connection; what the server refuses is in the answer.
func (r *runner) ask(ctx context.Context, rec *record, s *session) (*answer, error) {
	sql := r.expand(rec.sql)
	if r.Engine == "postgresql" {
		sql = materialized.ReplaceAllString(sql, "$1 VIEW")
	}
	a := &answer{}
	var tag pgconn.CommandTag
	var err error
	switch rec.kind {
	case kindCopyIn:
		data := strings.Join(rec.expect, "\n") + "\n"
		if len(rec.expect) == 0 {
			data = ""
		}
		tag, err = s.conn.CopyFrom(ctx, strings.NewReader(data), sql)
	case kindCopyOut:
		var buf bytes.Buffer
		tag, err = s.conn.CopyTo(ctx, &buf, sql)
		if buf.Len() > 0 {
			a.copied = strings.Split(strings.TrimSuffix(buf.String(), "\n"), "\n")
		}
	default:
		var res *pgconn.Result
		if res, err = s.exec(ctx, sql); err == nil {
			tag = res.CommandTag
			if len(res.FieldDescriptions) > 0 {
				a.result = newTable(res)
			}
		}
	}
	if err != nil && !errors.As(err, &a.err) {
		return nil, fmt.Errorf("connection failed: %w", err)
	}
	a.tag, a.rows, a.notices = tag.String(), tag.RowsAffected(), s.notices
	return a, nil
}

// check returns what is wrong with an answer, or "".
func (r *runner) check(rec *record, a *answer) string {
	if rec.kind == kindAuto {
		return "an auto record is for -rewrite"
	}
	if rec.outcome == wantError {
		return checkError(rec, a)
	}
	if a.err != nil {
		return "unexpected error " + strings.Join(errorLines(a.err, "full"), "\n  ")
	}
	switch rec.kind {
	case kindQuery:
		return r.checkRows(rec, a)
	case kindCopyOut:
		if !slices.Equal(rec.expect, a.copied) {
			return "copied data differs\n" + diff(rec.expect, a.copied)
		}
	}
	switch rec.outcome {
	case wantCount:
		if a.rows != rec.count {
			return fmt.Sprintf("%d rows, want %d", a.rows, rec.count)
		}
	case wantTag:
		if a.tag != rec.pattern {
			return fmt.Sprintf("command tag %q, want %q", a.tag, rec.pattern)
		}
	case wantNotice:
		if !slices.ContainsFunc(a.notices, func(n string) bool { return matches(rec.pattern, n) }) {
			return fmt.Sprintf("no notice matches %q among %q", rec.pattern, a.notices)
		}
	}
	return ""
}

// checkRows compares a query's rows.
func (r *runner) checkRows(rec *record, a *answer) string {
	if a.result == nil {
		return "no rows come from this statement: " + a.tag
	}
	if !typesMatch(rec.types, a.result.types) {
		return fmt.Sprintf("column types %s, want %s", a.result.types, rec.types)
	}
	a.result.mask(rec.mask)
	got := a.result.lines(r.sortOf(rec), rec.colnames, r.hashThreshold)
	if rec.label != "" {
		if want, ok := r.labels[rec.label]; ok && !slices.Equal(want, got) {
			return "differs from the earlier query labelled " + rec.label + "\n" + diff(want, got)
		}
		r.labels[rec.label] = got
	}
	if !rec.hasExpect && rec.label != "" {
		return ""
	}
	want := rec.expect
	if mode := r.sortOf(rec); mode != sortNone {
		// Files written by hand need not be sorted.
		head := 0
		if rec.colnames {
			head = min(1, len(want))
		}
		want = slices.Clone(want)
		slices.Sort(want[head:])
	}
	if !slices.Equal(want, got) {
		return "result differs\n" + diff(want, got)
	}
	return ""
}

// sortOf returns the record's sort mode, the file's default where it has none.
func (r *runner) sortOf(rec *record) sortMode {
	if rec.sort == "" {
		return r.sort
	}
	return rec.sort
}

// checkError compares an error with what the record wants of it.
func checkError(rec *record, a *answer) string {
	if a.err == nil {
		return "no error, but " + a.tag
	}
	got := strings.Join(errorLines(a.err, "full"), "\n  ")
	if rec.state != "" && a.err.Code != rec.state {
		return fmt.Sprintf("SQLSTATE %s, want %s: %s", a.err.Code, rec.state, got)
	}
	if rec.pattern != "" && !matches(rec.pattern, a.err.Message) {
		return fmt.Sprintf("message does not match %q: %s", rec.pattern, got)
	}
	if !rec.hasExpect || rec.kind == kindCopyIn {
		return ""
	}
	return compareErrorLines(rec.expect, errorLines(a.err, "full"))
}

// compareErrorLines compares the message and those further fields that the file names.
func compareErrorLines(want, got []string) string {
	fields := map[string]string{}
	for _, l := range got {
		name, _ := errorField(l)
		fields[name] = l
	}
	for _, l := range want {
		name, _ := errorField(l)
		if fields[name] != l {
			return fmt.Sprintf("error %q, want %q", fields[name], l)
		}
	}
	return ""
}

// errorField splits a line of an error into its field's name and value; the message has the name "".
func errorField(line string) (name, value string) {
	for _, name := range []string{"DETAIL", "HINT", "POSITION"} {
		if v, ok := strings.CutPrefix(line, name+": "); ok {
			return name, v
		}
	}
	return "", line
}

// errorLines renders an error as it stands in a file: the message, then, with detail position or full, its other fields.
func errorLines(e *pgconn.PgError, detail string) []string {
	lines := []string{escapes.Replace(e.Message)}
	full := detail == "full"
	if full && e.Detail != "" {
		lines = append(lines, "DETAIL: "+escapes.Replace(e.Detail))
	}
	if full && e.Hint != "" {
		lines = append(lines, "HINT: "+escapes.Replace(e.Hint))
	}
	if e.Position != 0 && (full || detail == "position") {
		lines = append(lines, "POSITION: "+strconv.Itoa(int(e.Position)))
	}
	return lines
}

func matches(pattern, s string) bool {
	re, err := regexp.Compile(pattern)
	return err == nil && re.MatchString(s)
}
