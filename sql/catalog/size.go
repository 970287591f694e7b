package catalog

import (
	"strconv"
	"strings"

	"streamdb/sql/sqlerr"
)

// sizeUnits are PostgreSQL's units of memory.
var sizeUnits = map[string]int64{"B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}

// ParseSize reads an amount of memory as PostgreSQL writes it, 256MB say, in bytes.
func ParseSize(s string) (int64, error) {
	number := strings.TrimRight(s, "BkMGT ")
	unit, known := sizeUnits[strings.TrimSpace(s[len(number):])]
	f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !known || f != f || f < 0 || f*float64(unit) >= 1<<62 {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "invalid amount of memory: %q", s).
			WithHint("Write a number and one of the units \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".")
	}
	return int64(f * float64(unit)), nil
}

// Memory returns the budget that WITH (memory = …) gives the query's state, in bytes; 0 if it does not say.
func (q *Query) Memory() int64 {
	n, err := ParseSize(q.Options["memory"])
	if err != nil {
		return 0
	}
	return n
}
