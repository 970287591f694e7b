package functions

import (
	"flag"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

func TestTableIsSound(t *testing.T) {
	oids := map[uint32]string{}
	for _, f := range All() {
		if other := oids[f.OID]; other != "" {
			t.Errorf("%s and %s have the same OID", other, f.ID)
		}
		oids[f.OID] = f.ID
		switch f.Kind {
		case Scalar:
			if f.Kernel == nil {
				t.Errorf("%s has no kernel", f.ID)
			}
		case Set:
			if f.SetKernel == nil && f.Columns == nil {
				t.Errorf("%s has no kernel", f.ID)
			}
		case Aggregate:
			if f.Agg.Kind == AggNone {
				t.Errorf("%s has no aggregate kind", f.ID)
			}
		}
	}
}

func TestCastsHaveFunctions(t *testing.T) {
	for k, v := range castIndex {
		if ByID(v.fn) == nil {
			t.Errorf("cast %v to %v: no function %s", k.from, k.to, v.fn)
		}
	}
	if id, ok := FindCast(types.Int8, types.Int4, Implicit); ok {
		t.Errorf("bigint to integer is implicit by %q", id)
	}
}

var rewrite = flag.Bool("rewrite", false, "write the reference page and the list of ids anew")

// checkFile holds a generated file against what it should be.
func checkFile(t *testing.T, path, want string) {
	t.Helper()
	if *rewrite {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not up to date: go test ./sql/functions -rewrite", path)
	}
}

func TestReferencePage(t *testing.T) {
	checkFile(t, "../../docs/sql/functions.md", Reference())
}

// TestIDsAreKept holds that no id ever disappears: plans in the log name them.
func TestIDsAreKept(t *testing.T) {
	const path = "testdata/ids.txt"
	var ids []string
	for _, f := range All() {
		ids = append(ids, f.ID)
	}
	sort.Strings(ids)
	old, err := os.ReadFile(path)
	if err == nil {
		for _, id := range strings.Fields(string(old)) {
			if ByID(id) == nil {
				t.Errorf("function %s is gone: logs may hold plans that call it", id)
			}
		}
	}
	checkFile(t, path, strings.Join(ids, "\n")+"\n")
}

// TestEveryNameIsDescribed holds that a function comes with its description.
func TestEveryNameIsDescribed(t *testing.T) {
	for _, f := range All() {
		if !f.Hidden && f.Description == "" {
			t.Errorf("%s has no description", f.Name)
		}
	}
}

// TestOperatorsOfPostgres holds that the operators of PostgreSQL on our types are
// here, with the same result. The file lists what pg_operator has.
func TestOperatorsOfPostgres(t *testing.T) {
	b, err := os.ReadFile("testdata/operators.txt")
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	for _, f := range All() {
		if f.Operator() && !f.Hidden {
			have[f.Signature()] = TypeName(f.Ret)
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		sig, ret, _ := strings.Cut(line, " → ")
		if have[sig] != ret {
			t.Errorf("%s gives %q, want %s", sig, have[sig], ret)
		}
	}
}

func TestResolveErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		args []types.Type
		want string
	}{
		{"nosuch", []types.Type{types.Int4}, "function nosuch(integer) does not exist"},
		{"+", []types.Type{types.Int4, types.Text}, "operator does not exist: integer + text"},
		{"-", []types.Type{types.Text}, "operator does not exist: - text"},
		{"+", []types.Type{types.Unknown, types.Unknown}, "operator is not unique: unknown + unknown"},
		{"sum", []types.Type{types.Text}, "function sum(text) does not exist"},
	} {
		_, _, _, err := Resolve(c.name, c.args)
		if err == nil || sqlerr.As(err).Message != c.want {
			t.Errorf("%s%v: %v, want %s", c.name, c.args, err, c.want)
		}
	}
}
