package streamdb_test

import (
	"strconv"
	"strings"
	"testing"
)

// Third-party modules, by the name under which importTable mentions them.
var libraries = map[string]string{
	"apd":        "github.com/cockroachdb/apd/v3",
	"arrow":      "github.com/apache/arrow-go/v18",
	"compress":   "github.com/klauspost/compress",
	"pebble":     "github.com/cockroachdb/pebble/v2",
	"pgx":        "github.com/jackc/pgx/v5",
	"pgquery":    "github.com/pganalyze/pg_query_go/v6",
	"hclog":      "github.com/hashicorp/go-hclog",
	"raft":       "github.com/hashicorp/raft",
	"protobuf":   "google.golang.org/protobuf",
	"sys":        "golang.org/x/sys",
	"text":       "golang.org/x/text",
	"term":       "golang.org/x/term",
	"prometheus": "github.com/prometheus/client_golang",
}

// importTable says what a package may import besides the standard library. The longest key that is the package or a
// parent of it counts. An entry ending in /* means the directory and all below it. Test files are free, except that
// nothing imports cmd. Who needs a new arrow changes this table first and says why in the commit.
var importTable = map[string][]string{
	"sql/sqlerr":       {},
	"sql/types":        {"sql/sqlerr", "apd", "text"},
	"sql/ast":          {"sql/types", "sql/sqlerr"},
	"sql/parser":       {"sql/ast", "sql/types", "sql/sqlerr", "pgquery", "protobuf"},
	"sql/catalog":      {"sql/types", "sql/sqlerr"},
	"sql/chunk":        {"sql/types", "sql/sqlerr", "arrow"},
	"sql/functions":    {"sql/chunk", "sql/types", "sql/sqlerr", "apd", "text"},
	"sql/expr":         {"sql/functions/*", "sql/chunk", "sql/types", "sql/sqlerr", "apd", "text"},
	"sql/format":       {"sql/chunk", "sql/types", "sql/sqlerr"},
	"sql/pgcatalog":    {"sql/*"},
	"window":           {"sql/types"},
	"planner":          {"sql/*", "window", "planner/*"},
	"planner/physical": {"sql/types", "sql/expr", "window"},
	"storage":          {"storage/*", "pebble", "compress"},
	"storage/relation": {"storage", "sql/chunk", "sql/types"},
	"replication/log":  {"pebble", "compress"},
	"replication":      {"replication/*", "raft", "hclog", "pebble"},
	// pebble, vfs: the store is a pebble instance.
	"replication/raftlog": {"replication/log", "raft", "pebble"},
	"txn":                 {"storage/relation", "replication/log", "sql/chunk", "sql/types", "sql/sqlerr"},
	// functions: aggregates and set-returning functions have their kernels there.
	"exec": {"exec/*", "storage/relation", "sql/chunk", "sql/expr", "sql/functions/*", "window", "planner/physical", "sql/types",
		"sql/sqlerr"},
	"connector": {"connector", "sql/format", "sql/chunk", "sql/types", "sql/sqlerr"},
	// The benchmark runs plans on the engine and whole databases over the wire.
	"bench":        {".", "bench/*", "wire", "planner/*", "exec", "connector/nexmark", "storage/relation", "storage/spill", "sql/*", "pgx"},
	"wire":         {"wire/session", "sql/chunk", "sql/types", "sql/sqlerr", "pgx"},
	"wire/session": {"sql/chunk", "sql/types", "sql/sqlerr"},
	"cmd":          {".", "bench/*", "cmd/*", "wire/*", "sql/*", "window", "planner/*", "storage/*", "replication/*", "txn", "exec/*", "connector/*", "pgx", "sys", "term", "prometheus"},
	// pebble: its vfs is the file system interface; only Options.FS and crash tests name it.
	"sqllogictest": {".", "wire", "sqllogictest/*", "storage", "replication/log", "pgx", "pebble"},
	".":            {"pebble", "wire/session", "sql/*", "window", "planner/*", "storage/*", "replication/*", "txn", "exec/*", "connector/*", "sys"},
}

// module is the import path of the root package.
const module = "streamdb"

// TestImports holds the import table.
func TestImports(t *testing.T) {
	fset, all := sourcesOf(t)
	for _, s := range all {
		for _, imp := range s.file.Imports {
			p, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if why := refuse(s, p); why != "" {
				t.Errorf("%s: %s", fset.Position(imp.Pos()), why)
			}
		}
	}
}

// refuse returns why a file may not import a path, or "".
func refuse(s *source, path string) string {
	local, ours := strings.CutPrefix(path, module+"/")
	if path == module {
		local, ours = ".", true
	}
	if ours && strings.HasPrefix(local, "cmd/") && !strings.HasPrefix(s.dir(), "cmd/") {
		return "cmd is imported by nobody"
	}
	if !ours && !strings.Contains(strings.Split(path, "/")[0], ".") || s.test() {
		return ""
	}
	allowed, key := allowedFor(s.dir())
	if ours && local == s.dir() {
		return ""
	}
	for _, a := range allowed {
		if ours && covers(a, local) {
			return ""
		}
		if lib := libraries[a]; !ours && lib != "" && (path == lib || strings.HasPrefix(path, lib+"/")) {
			return ""
		}
	}
	return "package " + s.dir() + " (row " + key + " of the import table) may not import " + path
}

// allowedFor returns the table's row for a package.
func allowedFor(dir string) ([]string, string) {
	for key := dir; ; {
		if row, ok := importTable[key]; ok {
			return row, key
		}
		i := strings.LastIndexByte(key, '/')
		if i < 0 {
			return nil, "missing"
		}
		key = key[:i]
	}
}

// covers reports whether an entry of the table names a package.
func covers(entry, dir string) bool {
	if base, ok := strings.CutSuffix(entry, "/*"); ok {
		return dir == base || strings.HasPrefix(dir, base+"/")
	}
	return entry == dir
}
