package sqllogictest

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// rewritable reports whether an answer may replace what the file says: a statement meant to succeed that fails, or the
// reverse, is a failure to look at and not something to write down.
func (r *runner) rewritable(rec *record, a *answer) bool {
	if rec.kind == kindAuto {
		return true
	}
	if rec.kind == kindQuery && a.err == nil && a.result == nil {
		return false
	}
	return (rec.outcome == wantError) == (a.err != nil)
}

// render returns the lines of a record with this answer.
func (r *runner) render(rec *record, a *answer) []string {
	var out []string
	for _, c := range rec.conds {
		word := "skipif "
		if c.only {
			word = "onlyif "
		}
		out = append(out, word+c.engine)
	}
	head, expect := r.renderHead(rec, a)
	out = append(out, head)
	out = append(out, strings.Split(rec.sql, "\n")...)
	if expect == nil {
		return out
	}
	return append(append(out, separator), expect...)
}

// renderHead returns a record's head line and the lines below ----, nil for no ----.
func (r *runner) renderHead(rec *record, a *answer) (string, []string) {
	switch {
	case rec.kind == kindCopyIn:
		return r.copyHead("copy in", rec, a), nonNil(rec.expect)
	case a.err != nil:
		word := "statement error"
		if rec.kind == kindCopyOut {
			word = "copy out error"
		}
		if r.errorDetail == "state" && !rec.hasExpect {
			return word + " " + a.err.Code, nil
		}
		return word + " " + a.err.Code, errorLines(a.err, r.errorDetail)
	case rec.kind == kindCopyOut:
		return r.copyHead("copy out", rec, a), nonNil(a.copied)
	case rec.kind == kindQuery, rec.kind == kindAuto && a.result != nil:
		return r.queryHead(rec, a)
	case rec.kind == kindAuto && a.rows > 0:
		return fmt.Sprintf("statement count %d", a.rows), nil
	case rec.kind == kindAuto:
		return "statement ok", nil
	}
	return r.statementHead("statement", rec, a), nil
}

func (r *runner) copyHead(word string, rec *record, a *answer) string {
	if a.err != nil {
		return word + " error " + a.err.Code
	}
	if rec.outcome == wantOK {
		return word
	}
	return r.statementHead(word, rec, a)
}

func (r *runner) statementHead(word string, rec *record, a *answer) string {
	switch rec.outcome {
	case wantCount:
		word += fmt.Sprintf(" count %d", a.rows)
	case wantTag:
		word += " tag " + a.tag
	case wantNotice:
		word += " notice " + rec.pattern
	default:
		word += " ok"
	}
	if rec.retries > 0 {
		word += fmt.Sprintf(" retry %d backoff %s", rec.retries, rec.backoff)
	}
	return word
}

func (r *runner) queryHead(rec *record, a *answer) (string, []string) {
	mode := r.sortOf(rec)
	if rec.kind == kindAuto {
		mode = sortNone
		if len(a.result.rows) > 1 && !ordered(rec.sql) {
			mode = sortRows
		}
	}
	head := "query " + a.result.types
	if mode != r.sort {
		head += " " + string(mode)
	}
	if rec.colnames {
		head += " colnames"
	}
	if rec.mask > 0 {
		head += fmt.Sprintf(" mask=%d", rec.mask)
	}
	if rec.label != "" {
		head += " " + rec.label
	}
	if rec.retries > 0 {
		head += fmt.Sprintf(" retry %d backoff %s", rec.retries, rec.backoff)
	}
	return head, nonNil(a.result.lines(mode, rec.colnames, r.hashThreshold))
}

func nonNil(lines []string) []string {
	if lines == nil {
		return []string{}
	}
	return lines
}

var parenthesised = regexp.MustCompile(`\([^()]*\)`)

// ordered reports whether a statement has ORDER BY outside all parentheses, or gives its rows in a fixed order anyway.
func ordered(sql string) bool {
	sql = strings.ToUpper(sql)
	for {
		inner := parenthesised.ReplaceAllString(sql, "")
		if inner == sql {
			break
		}
		sql = inner
	}
	return strings.Contains(sql, "ORDER BY") || strings.HasPrefix(strings.TrimSpace(sql), "FETCH")
}

// write puts the rewritten file in place if anything has changed.
func (r *runner) write(path string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text := []byte(strings.Join(r.output, "\n") + "\n")
	if bytes.Equal(old, text) {
		return nil
	}
	r.report.Rewritten = true
	return os.WriteFile(path, text, 0o644)
}
