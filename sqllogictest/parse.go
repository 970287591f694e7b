package sqllogictest

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// separator stands between SQL and what is expected of it.
const separator = "----"

// directives maps each verb to its least and largest number of arguments.
var directives = map[string][2]int{
	"halt": {0, 0}, "include": {1, 1}, "connection": {1, 1}, "sleep": {1, 1}, "hash-threshold": {1, 1},
	"control": {2, 2}, "restart": {0, 0}, "checkpoint": {0, 0}, "fingerprint": {0, 0}, "let": {1, 1}, "file": {2, 2},
	"clock": {1, 1},
}

// parseFile reads a file into records. Joined, the lines of all records are the lines of the file.
func parseFile(path string) ([]*record, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parse(path, string(data))
}

func parse(path, text string) ([]*record, error) {
	text = strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	p := &parser{file: path, lines: strings.Split(text, "\n")}
	var records []*record
	for p.pos < len(p.lines) {
		r, err := p.record()
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}

// parser walks the lines of one file.
type parser struct {
	file  string
	lines []string
	pos   int // next line
}

func (p *parser) errorf(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", p.file, line, fmt.Sprintf(format, args...))
}

// blank reports whether the next line ends a record.
func (p *parser) blank() bool {
	return p.pos >= len(p.lines) || strings.TrimSpace(p.lines[p.pos]) == ""
}

// record reads the next record, conditions included.
func (p *parser) record() (*record, error) {
	start := p.pos
	r := &record{file: p.file, line: start + 1}
	defer func() { r.lines = p.lines[start:p.pos] }()
	for {
		if p.blank() || strings.HasPrefix(p.lines[p.pos], "#") {
			if len(r.conds) > 0 {
				return nil, p.errorf(start+1, "skipif or onlyif without a record below it")
			}
			p.pos++
			return r, nil
		}
		words := strings.Fields(p.lines[p.pos])
		if words[0] != "skipif" && words[0] != "onlyif" {
			break
		}
		if len(words) < 2 {
			return nil, p.errorf(p.pos+1, "%s without an engine", words[0])
		}
		r.conds = append(r.conds, condition{only: words[0] == "onlyif", engine: words[1]})
		p.pos++
	}
	r.line = p.pos + 1
	head := p.lines[p.pos]
	p.pos++
	return r, p.dispatch(r, head)
}

// dispatch parses a record whose head line has just been taken.
func (p *parser) dispatch(r *record, head string) error {
	words := strings.Fields(head)
	verb, rest := words[0], words[1:]
	switch verb {
	case "statement":
		r.kind = kindStatement
		if err := p.statementHead(r, rest, head); err != nil {
			return err
		}
	case "query":
		r.kind, r.sort = kindQuery, ""
		if err := p.queryHead(r, rest, head); err != nil {
			return err
		}
	case "auto":
		r.kind = kindAuto
	case "copy":
		if len(rest) == 0 || (rest[0] != "in" && rest[0] != "out") {
			return p.errorf(r.line, "copy needs in or out")
		}
		r.kind = kindCopyIn
		if rest[0] == "out" {
			r.kind = kindCopyOut
		}
		if len(rest) > 1 {
			if err := p.statementHead(r, rest[1:], head); err != nil {
				return err
			}
		}
	default:
		return p.directive(r, verb, rest)
	}
	return p.body(r)
}

func (p *parser) directive(r *record, verb string, args []string) error {
	bounds, ok := directives[verb]
	if !ok {
		return p.errorf(r.line, "unknown record %q", verb)
	}
	if len(args) < bounds[0] || len(args) > bounds[1] {
		return p.errorf(r.line, "%s takes %d to %d arguments", verb, bounds[0], bounds[1])
	}
	r.kind, r.verb, r.args = kindDirective, verb, args
	switch verb {
	case "file":
		for !p.blank() {
			r.body = append(r.body, p.lines[p.pos])
			p.pos++
		}
	case "let":
		return p.body(r)
	}
	return nil
}

// body reads SQL up to a blank line or ----, and below that what is expected, up to a blank line.
func (p *parser) body(r *record) error {
	r.sqlLine = p.pos + 1
	var sql []string
	for !p.blank() && p.lines[p.pos] != separator {
		sql = append(sql, p.lines[p.pos])
		p.pos++
	}
	if len(sql) == 0 {
		return p.errorf(r.line, "no SQL below this line")
	}
	r.sql = strings.Join(sql, "\n")
	if p.blank() {
		return nil
	}
	p.pos++
	r.hasExpect = true
	for p.pos < len(p.lines) && p.lines[p.pos] != "" {
		r.expect = append(r.expect, p.lines[p.pos])
		p.pos++
	}
	return nil
}

var sqlstate = regexp.MustCompile(`^[0-9A-Z]{5}$`)

// statementHead parses what follows `statement`: ok, error [SQLSTATE] [REGEX], count N, tag TEXT, notice REGEX.
func (p *parser) statementHead(r *record, words []string, head string) error {
	if len(words) == 0 {
		return p.errorf(r.line, "statement needs ok, error, count, tag or notice")
	}
	words, err := p.retry(r, words)
	if err != nil {
		return err
	}
	switch words[0] {
	case "ok":
		r.outcome = wantOK
	case "error":
		p.errorHead(r, words[1:], head)
	case "count":
		r.outcome = wantCount
		if len(words) != 2 {
			return p.errorf(r.line, "count needs a number")
		}
		if r.count, err = strconv.ParseInt(words[1], 10, 64); err != nil {
			return p.errorf(r.line, "count: %v", err)
		}
	case "tag":
		r.outcome, r.pattern = wantTag, strings.Join(words[1:], " ")
	case "notice":
		r.outcome, r.pattern = wantNotice, strings.Join(words[1:], " ")
	default:
		return p.errorf(r.line, "unknown outcome %q", words[0])
	}
	return nil
}

// errorHead parses what follows `error`.
func (p *parser) errorHead(r *record, words []string, head string) {
	r.outcome = wantError
	if len(words) > 0 && sqlstate.MatchString(words[0]) {
		r.state = words[0]
		words = words[1:]
	}
	if len(words) > 0 {
		// Taken from the line, not from the words: blanks count in a regular expression.
		r.pattern = strings.TrimSpace(head[strings.Index(head, " error")+len(" error"):])
		r.pattern = strings.TrimSpace(strings.TrimPrefix(r.pattern, r.state))
	}
}

// queryHead parses what follows `query`: [TYPES] [nosort|rowsort|valuesort] [colnames] [mask=N] [LABEL] or error ….
func (p *parser) queryHead(r *record, words []string, head string) error {
	words, err := p.retry(r, words)
	if err != nil {
		return err
	}
	if len(words) > 0 && words[0] == "error" {
		p.errorHead(r, words[1:], head)
		return nil
	}
	for i, w := range words {
		mask, isMask := strings.CutPrefix(w, "mask=")
		switch {
		case isMask:
			if r.mask, err = strconv.Atoi(mask); err != nil {
				return p.errorf(r.line, "mask: %v", err)
			}
		case w == string(sortNone) || w == string(sortRows) || w == string(sortValues):
			r.sort = sortMode(w)
		case w == "colnames":
			r.colnames = true
		case i == 0 && strings.Trim(w, "ITRB?") == "":
			r.types = w
		case r.label == "":
			r.label = w
		default:
			return p.errorf(r.line, "cannot read %q", w)
		}
	}
	return nil
}

// retry takes `retry N backoff DURATION` out of a head line's words.
func (p *parser) retry(r *record, words []string) ([]string, error) {
	for i, w := range words {
		if w != "retry" || i+3 >= len(words) || words[i+2] != "backoff" {
			continue
		}
		n, err := strconv.Atoi(words[i+1])
		if err != nil {
			return nil, p.errorf(r.line, "retry: %v", err)
		}
		d, err := time.ParseDuration(words[i+3])
		if err != nil {
			return nil, p.errorf(r.line, "backoff: %v", err)
		}
		r.retries, r.backoff = n, d
		return append(append([]string{}, words[:i]...), words[i+4:]...), nil
	}
	return words, nil
}
