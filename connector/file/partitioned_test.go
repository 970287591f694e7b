package file

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

var (
	partNames = []string{"id", "day", "msg", "hour"}
	partTypes = chunk.Schema{types.Int8, types.Text, types.Text, types.Int4}
)

func newPartitioned(t *testing.T, dir string) *Partitioned {
	t.Helper()
	p, err := NewPartitioned(partNames, partTypes, Options{Settings: map[string]string{"path": dir, "partition_by": "day, hour"}, Encode: "CSV"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// partRows makes rows of "day hour msg"; NULL is a null day.
func partRows(rows ...string) *chunk.Chunk {
	c := chunk.New(partTypes, len(rows))
	for i, r := range rows {
		f := strings.Fields(r)
		c.Cols[0].Ints = append(c.Cols[0].Ints, int64(i))
		if f[0] == "NULL" {
			c.Cols[1].AppendNull()
		} else {
			c.Cols[1].AppendString(f[0])
		}
		c.Cols[2].AppendString(f[2])
		c.Cols[3].Ints = append(c.Cols[3].Ints, int64(f[1][0]-'0'))
	}
	c.Rows = len(rows)
	return c
}

// tree lists the files below dir with their content.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s: %s\n", path[len(dir)+1:], strings.ReplaceAll(strings.TrimSpace(string(content)), "\n", " | "))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantTree(t *testing.T, dir, want string) {
	t.Helper()
	if got := tree(t, dir); got != strings.TrimLeft(want, "\n") {
		t.Errorf("files:\n%swant:\n%s", got, want)
	}
}

// Files get their names when they are finished; what a crash leaves behind is finished or
// deleted, as the recorded number says.
func TestPartitioned(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	p := newPartitioned(t, dir)
	must(t, p.CheckNew())
	must(t, p.Write(partRows("mon 1 a", "mon 1 b", "tue/x=y 2 c", "mon 1 d", "NULL 1 e", "mon 2 f")))
	must(t, p.Write(partRows("mon 1 g")))
	if !p.Unfinished() {
		t.Error("nothing waits")
	}
	wantTree(t, dir, `
day=__NULL__/hour=1/.part-0.csv: 4,e
day=mon/hour=1/.part-0.csv: 0,a | 1,b | 3,d | 0,g
day=mon/hour=2/.part-0.csv: 5,f
day=tue%2Fx%3Dy/hour=2/.part-0.csv: 2,c
`)
	n, err := p.Seal()
	if err != nil || n != 1 || p.Unfinished() {
		t.Fatalf("sealed %d, %v", n, err)
	}
	must(t, p.Write(partRows("mon 1 h")))
	must(t, p.Finish(n))
	wantTree(t, dir, `
day=__NULL__/hour=1/part-0.csv: 4,e
day=mon/hour=1/.part-1.csv: 0,h
day=mon/hour=1/part-0.csv: 0,a | 1,b | 3,d | 0,g
day=mon/hour=2/part-0.csv: 5,f
day=tue%2Fx%3Dy/hour=2/part-0.csv: 2,c
`)
	if n, err = p.Seal(); err != nil || n != 2 {
		t.Fatalf("sealed %d, %v", n, err)
	}
	must(t, p.Write(partRows("mon 1 lost")))
	must(t, p.Close())
	must(t, os.WriteFile(filepath.Join(dir, "README"), []byte("of others"), 0o644))
	// The crash comes after the checkpoint and before its files are renamed.
	p = newPartitioned(t, dir)
	must(t, p.CheckHolds(2))
	must(t, p.TruncateTo(2))
	must(t, p.Write(partRows("mon 1 i")))
	wantTree(t, dir, `
README: of others
day=__NULL__/hour=1/part-0.csv: 4,e
day=mon/hour=1/.part-2.csv: 0,i
day=mon/hour=1/part-0.csv: 0,a | 1,b | 3,d | 0,g
day=mon/hour=1/part-1.csv: 0,h
day=mon/hour=2/part-0.csv: 5,f
day=tue%2Fx%3Dy/hour=2/part-0.csv: 2,c
`)
	// The sink is filled again.
	must(t, p.TruncateTo(0))
	wantTree(t, dir, "\nREADME: of others\n")
}

func TestPartitionedManyFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	p := newPartitioned(t, dir)
	var rows []string
	for i := range 3 * openMax {
		rows = append(rows, fmt.Sprintf("d%d 1 x", i))
	}
	must(t, p.Write(partRows(rows...)))
	must(t, p.Write(partRows(rows...)))
	n, err := p.Seal()
	must(t, err)
	must(t, p.Finish(n))
	if got := strings.Count(tree(t, dir), " | "); got != 3*openMax {
		t.Errorf("%d files have both rows", got)
	}
}

func TestPartitionedOptions(t *testing.T) {
	for by, code := range map[string]string{"nope": sqlerr.UndefinedColumn, "day, day": sqlerr.InvalidParameterValue, "id,day,msg,hour": sqlerr.InvalidParameterValue} {
		_, err := NewPartitioned(partNames, partTypes, Options{Settings: map[string]string{"path": "/x", "partition_by": by}, Encode: "JSON"})
		if sqlerr.Code(err) != code {
			t.Errorf("partition_by %q: %v", by, err)
		}
	}
	if _, err := Open(partNames, partTypes, Options{Settings: map[string]string{"path": "/x", "partition_by": "day"}, Encode: "JSON"}); err == nil {
		t.Error("a source is partitioned")
	}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "x"), nil, 0o644))
	if err := newPartitioned(t, dir).CheckNew(); sqlerr.Code(err) != sqlerr.DuplicateFile {
		t.Errorf("a directory that is not empty: %v", err)
	}
}
