package sqllogictest

import (
	"fmt"
	"time"
)

// kind says what a record does.
type kind uint8

const (
	kindText      kind = iota // comment or blank line, kept for rewriting
	kindStatement             // statement ok | error | count | tag | notice
	kindQuery                 // query
	kindAuto                  // statement or query to be decided by -rewrite
	kindCopyIn                // COPY … FROM STDIN with its data
	kindCopyOut               // COPY … TO STDOUT with the expected bytes
	kindDirective             // everything else: a verb and arguments, see directive
)

// sortMode says in which order a result is compared.
type sortMode string

const (
	sortNone   sortMode = "nosort"
	sortRows   sortMode = "rowsort"
	sortValues sortMode = "valuesort"
)

// outcome says how a statement has to end.
type outcome uint8

const (
	wantOK outcome = iota
	wantError
	wantCount  // OK, and the command tag's row count is record.count
	wantTag    // OK, and the command tag is record.pattern
	wantNotice // OK, and a notice matches record.pattern
)

// condition is a skipif or onlyif line.
type condition struct {
	only   bool
	engine string
}

// record is one element of a file, with the lines it was read from.
type record struct {
	file  string
	line  int      // of its first line, from 1
	lines []string // as read, without line ends
	kind  kind
	conds []condition

	verb string   // kindDirective: its first word
	args []string // kindDirective: the others
	body []string // kindDirective: the lines below, for `file`

	sql     string
	sqlLine int // line of the first line of sql

	outcome outcome
	state   string // wantError: expected SQLSTATE or ""
	pattern string // wantError: regular expression on the message or ""; wantTag, wantNotice
	count   int64  // wantCount

	types    string // query: one letter a column, or "" when not given
	colnames bool   // query: the first expected line holds the column names
	sort     sortMode
	mask     int    // number from 1 of a column shown as *, because it is never the same twice; 0 for none
	label    string // queries with the same label have the same answer

	retries int // extra attempts
	backoff time.Duration

	hasExpect bool     // a ---- line was there
	expect    []string // lines below it
}

// at returns file:line.
func (r *record) at() string { return fmt.Sprintf("%s:%d", r.file, r.line) }

// applies reports whether the record's conditions hold for an engine.
func (r *record) applies(engine string) bool {
	for _, c := range r.conds {
		if (c.engine == engine) != c.only {
			return false
		}
	}
	return true
}
