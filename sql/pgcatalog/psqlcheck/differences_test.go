package psqlcheck

import (
	"os"
	"strings"
	"testing"
)

// differencesFile holds the answers that are not PostgreSQL's: "-- name", "-- because: reason", the rows sorted, and an
// empty line.
const differencesFile = "testdata/differences.txt"

// difference is a recorded query whose answer is not PostgreSQL's.
type difference struct {
	name, because string
	// rows is the answer, sorted.
	rows []string
}

// readDifferences reads differencesFile.
func readDifferences(t *testing.T) map[string]difference {
	t.Helper()
	b, err := os.ReadFile(differencesFile)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]difference{}
	for part := range strings.SplitSeq("\n"+string(b), "\n-- query: ") {
		name, rest, ok := strings.Cut(part, "\n-- because: ")
		if !ok {
			continue
		}
		because, rows, _ := strings.Cut(rest, "\n")
		out[name] = difference{name, because, strings.Split(strings.TrimSuffix(strings.TrimSuffix(rows, "\n"), "\n"), "\n")}
	}
	return out
}

// writeDifferences writes differencesFile.
func writeDifferences(t *testing.T, ds []difference) {
	t.Helper()
	var b strings.Builder
	b.WriteString("Answers to recorded queries that are not PostgreSQL's, and why. go test ./sql/pgcatalog/psqlcheck -update writes them anew.\n")
	for _, d := range ds {
		b.WriteString("\n-- query: " + d.name + "\n-- because: " + d.because + "\n")
		b.WriteString(strings.Join(d.rows, "\n") + "\n")
	}
	if err := os.WriteFile(differencesFile, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
