package sqllogictest

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"sort"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// columnBreak stands between the values of a row.
const columnBreak = "|"

// table is a result in the form in which files hold it.
type table struct {
	types string // a letter per column
	names []string
	rows  [][]string
}

// newTable renders what the server sent.
func newTable(res *pgconn.Result) *table {
	t := &table{}
	for _, f := range res.FieldDescriptions {
		t.types += string(typeLetter(f.DataTypeOID))
		t.names = append(t.names, f.Name)
	}
	for _, row := range res.Rows {
		vals := make([]string, len(row))
		for i, v := range row {
			vals[i] = renderValue(v)
		}
		t.rows = append(t.rows, vals)
	}
	return t
}

// typeLetter classes a type: I integers, R other numbers, B boolean, T everything else.
func typeLetter(oid uint32) byte {
	switch oid {
	case 20, 21, 23, 26:
		return 'I'
	case 700, 701, 1700:
		return 'R'
	case 16:
		return 'B'
	}
	return 'T'
}

var escapes = strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`)

// renderValue renders a value in text format on one line.
func renderValue(v []byte) string {
	switch {
	case v == nil:
		return "NULL"
	case len(v) == 0:
		return "(empty)"
	}
	return escapes.Replace(string(v))
}

// mask hides the values of a column, numbered from 1; 0 hides none.
func (t *table) mask(column int) {
	for _, row := range t.rows {
		if column > 0 && column <= len(row) {
			row[column-1] = "*"
		}
	}
}

// lines returns the result as it stands in a file below ----.
func (t *table) lines(mode sortMode, colnames bool, hashThreshold int) []string {
	var out []string
	n := 0
	if mode == sortValues {
		for _, row := range t.rows {
			out = append(out, row...)
		}
		n = len(out)
	} else {
		for _, row := range t.rows {
			out = append(out, strings.Join(row, columnBreak))
			n += len(row)
		}
	}
	if mode == sortRows || mode == sortValues {
		sort.Strings(out)
	}
	if hashThreshold > 0 && n > hashThreshold {
		sum := md5.Sum([]byte(strings.Join(out, "\n") + "\n"))
		out = []string{fmt.Sprintf("%d values hashing to %s", n, hex.EncodeToString(sum[:]))}
	}
	if colnames {
		out = append([]string{strings.Join(t.names, columnBreak)}, out...)
	}
	return out
}

// typesMatch reports whether the letters given in a file fit those of a result.
func typesMatch(want, got string) bool {
	if want == "" {
		return true
	}
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != '?' && want[i] != got[i] {
			return false
		}
	}
	return true
}

// diff shows expected and actual lines side by side in the form - missing, + unexpected, with the common ends cut.
func diff(want, got []string) string {
	i := 0
	for i < len(want) && i < len(got) && want[i] == got[i] {
		i++
	}
	w, g := want[i:], got[i:]
	for len(w) > 0 && len(g) > 0 && w[len(w)-1] == g[len(g)-1] {
		w, g = w[:len(w)-1], g[:len(g)-1]
	}
	var b strings.Builder
	fmt.Fprintf(&b, "  (%d equal lines, then)\n", i)
	for _, side := range []struct {
		sign  string
		lines []string
	}{{"-", w}, {"+", g}} {
		for k, l := range side.lines {
			if k == 20 {
				fmt.Fprintf(&b, "  %s … %d more\n", side.sign, len(side.lines)-k)
				break
			}
			fmt.Fprintf(&b, "  %s %s\n", side.sign, l)
		}
	}
	return b.String()
}
