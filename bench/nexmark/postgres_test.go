package nexmark

import (
	"bytes"
	"context"
	_ "embed"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	gen "streamdb/connector/nexmark"
	"streamdb/sql/chunk"
	"streamdb/sql/format"
	"streamdb/sql/types"
	"streamdb/sqllogictest"
	"streamdb/sqllogictest/pgtest"
	"streamdb/sqllogictest/target"
)

var (
	oracleEvents = flag.Int64("oracle-events", 30_000, "events that PostgreSQL evaluates the queries over")
	oracleSeed   = flag.Uint64("oracle-seed", 1, "seed of the events and of their order")
	oracleClock  = flag.Int64("oracle-clock-events", 4000, "events for the query that depends on the clock; they take two seconds")
	oracleOnly   = flag.String("oracle-queries", "", "only these queries, separated by commas")
)

//go:embed testdata/postgres.sql
var postgresFile string

// postgresText returns a query as PostgreSQL is asked it.
func postgresText(t *testing.T, q string) string {
	if _, text, ok := strings.Cut(postgresFile, "\n-- "+q+"\n"); ok {
		text, _, _ = strings.Cut(text, "\n-- ")
		return text
	}
	text, err := queryText(q)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// oracle is the answers of PostgreSQL over the events, and the events as COPY text.
type oracle struct {
	queries []string
	answers map[string][]string // sorted lines of CSV
	events  map[gen.Table][][]byte
	first   int64
}

// columnList is a table's columns with their types.
func columnList(t gen.Table) string {
	names, typs := gen.Columns(t)
	var cols []string
	for i, n := range names {
		cols = append(cols, n+" "+typs[i].String())
	}
	return strings.Join(cols, ", ")
}

// copyLines makes lines of COPY text of a table's events.
func copyLines(t *testing.T, table gen.Table, rounds []round) [][]byte {
	names, typs := gen.Columns(table)
	enc := format.NewCopyEncoder(format.Spec{Schema: typs, Columns: names, Settings: &types.Settings{}}, format.DefaultCopy(false))
	var lines [][]byte
	each(rounds, table, func(c *chunk.Chunk) {
		buf, ends, err := enc.AppendChunk(nil, c, nil)
		if err != nil {
			t.Fatal(err)
		}
		at := 0
		for _, end := range ends {
			lines = append(lines, buf[at:end])
			at = end
		}
	})
	return lines
}

// sideInput is the statement that makes the table that q13 looks up.
const sideInput = sideTable + "; " +
	"INSERT INTO side_input SELECT k, 'value ' || k FROM generate_series(0, 9999) k"

func execute(t *testing.T, conn *pgconn.PgConn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatalf("%v\n  %s", err, sql)
	}
}

// copyIn loads lines into a table.
func copyIn(t *testing.T, conn *pgconn.PgConn, table gen.Table, lines [][]byte) {
	t.Helper()
	_, err := conn.CopyFrom(t.Context(), bytes.NewReader(bytes.Join(lines, nil)), "COPY "+string(table)+" FROM STDIN")
	if err != nil {
		t.Fatal(err)
	}
}

// rowsOf returns the rows of a query as sorted lines of CSV.
func rowsOf(t *testing.T, conn *pgconn.PgConn, sql string) []string {
	t.Helper()
	var out bytes.Buffer
	if _, err := conn.CopyTo(t.Context(), &out, "COPY ("+sql+") TO STDOUT (FORMAT csv)"); err != nil {
		t.Fatalf("%v\n  %s", err, sql)
	}
	return sortedLines(out.String())
}

func sortedLines(s string) []string {
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	if s == "" {
		lines = nil
	}
	slices.Sort(lines)
	return lines
}

func connect(t *testing.T, connString string) *pgconn.PgConn {
	conn, err := pgconn.Connect(t.Context(), connString)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// startPostgres starts PostgreSQL and connects to an empty database.
func startPostgres(t *testing.T) *pgconn.PgConn {
	cluster, err := pgtest.Start(t.Context())
	if err != nil {
		pgtest.Missing(t, err)
	}
	t.Cleanup(func() { cluster.Stop() })
	cs, err := cluster.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return connect(t, cs)
}

// TestProcessingTime holds q12 against PostgreSQL over the bids with the times of the log
// at which they came, which a second view exports. The sources are slow, so that these
// differ, with and without lagging views.
func TestProcessingTime(t *testing.T) {
	theirs := startPostgres(t)
	text, err := queryText("q12")
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []sqllogictest.Mode{{Name: "plain", Workers: 1}, {Name: "lag", Workers: 2, Lag: true}} {
		ours := startDB(t, mode)
		events := *oracleClock
		execute(t, ours, fmt.Sprintf("BEGIN; CREATE SOURCE bid WITH (connector = 'nexmark', type = 'bid', rate = %d, events = %d, seed = %d);\n"+
			"CREATE MATERIALIZED VIEW q12 AS %s;\nCREATE MATERIALIZED VIEW q12s AS %s;\n"+
			"CREATE MATERIALIZED VIEW stamped AS SELECT bidder, PROCTIME() AS p_time FROM bid; COMMIT", events/2, events, *oracleSeed, text, strings.ReplaceAll(text, "'10' SECOND", "'100 milliseconds'")))
		awaitSources(t, ours, rowsIn(gen.Bid, 0, events))
		execute(t, theirs, "DROP TABLE IF EXISTS stamped; CREATE TABLE stamped (bidder bigint, p_time timestamptz)")
		rows := strings.Join(rowsOf(t, ours, "SELECT bidder, p_time FROM stamped"), "\n") + "\n"
		if _, err := theirs.CopyFrom(t.Context(), strings.NewReader(rows), "COPY stamped FROM STDIN (FORMAT csv)"); err != nil {
			t.Fatal(err)
		}
		o := &oracle{answers: map[string][]string{"q12": rowsOf(t, theirs, postgresText(t, "q12")),
			"q12s": rowsOf(t, theirs, strings.ReplaceAll(postgresText(t, "q12"), "10 seconds", "100 milliseconds"))}}
		for _, q := range []string{"q12", "q12s"} {
			o.compare(t, q, mode.Name, rowsOf(t, ours, "SELECT * FROM "+q))
		}
		if n := rowsOf(t, theirs, "SELECT count(DISTINCT date_bin('100 milliseconds', p_time, '2000-01-01Z')) FROM stamped")[0]; n < "5" && len(n) == 1 {
			t.Errorf("only %s different windows", n)
		}
	}
}

// awaitSources waits until the sources have given so many rows and all have seen them.
func awaitSources(t *testing.T, conn *pgconn.PgConn, rows int64) {
	for start := time.Now(); rowsOf(t, conn, "SELECT sum(rows) FROM streamdb.sources")[0] != fmt.Sprint(rows); {
		if time.Since(start) > 10*time.Minute {
			t.Fatal("the sources do not come to their end")
		}
		time.Sleep(20 * time.Millisecond)
	}
	execute(t, conn, "FLUSH")
}

// ask lets PostgreSQL evaluate the queries.
func ask(t *testing.T) *oracle {
	o := &oracle{queries: runnable(), answers: make(map[string][]string), events: make(map[gen.Table][][]byte), first: int64(*oracleSeed) * 777}
	o.queries = slices.DeleteFunc(o.queries, func(q string) bool { return byClock[q] }) // see TestProcessingTime
	if *oracleOnly != "" {
		o.queries = strings.Split(*oracleOnly, ",")
	}
	rounds, err := generate(o.first, *oracleEvents, *oracleSeed)
	if err != nil {
		t.Fatal(err)
	}
	conn := startPostgres(t)
	execute(t, conn, sideInput)
	for _, table := range tables {
		o.events[table] = copyLines(t, table, rounds)
		execute(t, conn, fmt.Sprintf("CREATE TABLE %s (%s)", table, columnList(table)))
		copyIn(t, conn, table, o.events[table])
		execute(t, conn, "ANALYZE "+string(table))
	}
	for _, q := range o.queries {
		o.answers[q] = rowsOf(t, conn, postgresText(t, q))
		if len(o.answers[q]) == 0 {
			t.Errorf("%s: PostgreSQL has no rows, there is nothing to compare", q)
		}
	}
	return o
}

// compare holds sorted lines against PostgreSQL's.
func (o *oracle) compare(t *testing.T, q, how string, got []string) {
	t.Helper()
	want := o.answers[q]
	if slices.Equal(got, want) {
		return
	}
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	next := func(lines []string) string {
		if i < len(lines) {
			return lines[i]
		}
		return "nothing"
	}
	t.Errorf("%s %s: %d rows, PostgreSQL has %d; the first that differs is\n  %s\nand not\n  %s", q, how, len(got), len(want), next(got), next(want))
}

// startDB starts a database and connects to it.
func startDB(t *testing.T, mode sqllogictest.Mode) *pgconn.PgConn {
	server, err := target.NewInProcess()
	if err != nil {
		t.Fatal(err)
	}
	cs, err := server.Start(t.Context(), mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop() })
	return connect(t, cs)
}

// TestPostgres holds each query against PostgreSQL over the same events: as a view and as a sink of the generator's
// sources, and as a view of tables into which the events come in another order, some of them twice and once taken back.
func TestPostgres(t *testing.T) {
	o := ask(t)
	for _, workers := range []int{1, 2} {
		t.Run(fmt.Sprintf("sources/W=%d", workers), func(t *testing.T) {
			o.overSources(t, sqllogictest.Mode{Name: "sources", Workers: workers, Lag: workers > 1})
		})
		t.Run(fmt.Sprintf("tables/W=%d", workers), func(t *testing.T) {
			o.overTables(t, sqllogictest.Mode{Name: "tables", Workers: workers}, *oracleSeed+uint64(workers))
		})
	}
}

// overSources runs the queries on CREATE SOURCE … WITH (connector = 'nexmark').
func (o *oracle) overSources(t *testing.T, mode sqllogictest.Mode) {
	conn, dir := startDB(t, mode), t.TempDir()
	execute(t, conn, sideInput)
	var script strings.Builder
	script.WriteString("BEGIN;\n")
	want := int64(0)
	for _, table := range tables {
		fmt.Fprintf(&script, "CREATE SOURCE %s WITH (connector = 'nexmark', type = '%s', rate = 'unlimited', event_rate = 10000, events = %d, seed = %d, first_event = %d);\n",
			table, table, *oracleEvents, *oracleSeed, o.first)
		want += rowsIn(table, o.first, *oracleEvents)
	}
	for _, q := range o.queries {
		text, err := queryText(q)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&script, "CREATE MATERIALIZED VIEW %s AS %s;\n", q, text)
		fmt.Fprintf(&script, "CREATE SINK %s_sink AS %s WITH (connector = 'file', path = '%s', changelog = true) FORMAT PLAIN ENCODE CSV;\n",
			q, text, filepath.Join(dir, q))
		if *oracleEvents <= emitEvents {
			fmt.Fprintf(&script, "CREATE MATERIALIZED VIEW %s_every AS %s EMIT EVERY INTERVAL '100 milliseconds';\n", q, text)
		}
		if q == "q10" {
			fmt.Fprintf(&script, "CREATE SINK q10_files AS %s WITH (connector = 'file', path = '%s', partition_by = 'dt, hm') FORMAT PLAIN ENCODE CSV;\n",
				text, filepath.Join(dir, "files"))
		}
	}
	script.WriteString("COMMIT")
	execute(t, conn, script.String())
	awaitSources(t, conn, want)
	for _, q := range o.queries {
		o.compare(t, q, "as a view", rowsOf(t, conn, "SELECT * FROM "+q))
		written, err := os.ReadFile(filepath.Join(dir, q))
		if err != nil {
			t.Fatal(err)
		}
		o.compare(t, q, "as a sink", folded(t, string(written)))
	}
	if *oracleEvents <= emitEvents {
		for _, q := range o.queries {
			got := rowsOf(t, conn, "SELECT * FROM "+q+"_every")
			for start := time.Now(); !slices.Equal(got, o.answers[q]) && time.Since(start) < 10*time.Second; { // the next multiple of the interval
				time.Sleep(50 * time.Millisecond)
				got = rowsOf(t, conn, "SELECT * FROM "+q+"_every")
			}
			o.compare(t, q, "emitted every 100 ms", got)
		}
	}
	if o.answers["q10"] != nil {
		execute(t, conn, "CHECKPOINT")
		o.compare(t, "q10", "as files", partitioned(t, filepath.Join(dir, "files")))
	}
}

// emitEvents is up to how many events the queries are emitted in other ways, too.
const emitEvents = 100_000

// partitioned returns the rows of a directory of finished files, with the values that the
// directories' names tell.
func partitioned(t *testing.T, dir string) []string {
	var rows []string
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		hidden := false
		rows = rows[:0]
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			hidden = hidden || strings.HasPrefix(d.Name(), ".")
			b, err := os.ReadFile(path)
			parts := strings.Split(filepath.Dir(path[len(dir)+1:]), "/")
			tail := "," + strings.TrimPrefix(parts[0], "dt=") + "," + strings.TrimPrefix(parts[1], "hm=")
			for l := range strings.SplitSeq(strings.TrimSuffix(string(b), "\n"), "\n") {
				rows = append(rows, l+tail)
			}
			return err
		})
		if err != nil && !os.IsNotExist(err) { // a file has got its name meanwhile
			t.Fatal(err)
		}
		if err == nil && !hidden || time.Since(start) > time.Minute {
			slices.Sort(rows)
			return rows
		}
	}
}

// folded applies the lines of a changelog one after the other.
func folded(t *testing.T, s string) []string {
	have := make(map[string]int)
	for _, l := range strings.Split(strings.TrimSuffix(s, "\n"), "\n") {
		at := strings.LastIndexByte(l, ',')
		row, op := l[:at], l[at+1:]
		if op == "insert" {
			have[row]++
			continue
		}
		if have[row]--; have[row] < 0 {
			t.Errorf("%q of a row that is not there: %s", op, row)
		}
	}
	var rows []string
	for row, n := range have {
		for range n {
			rows = append(rows, row)
		}
	}
	slices.Sort(rows)
	return rows
}

// overTables runs the queries on tables: the events come in random order, in transactions
// of random size; some come twice and are deleted by what no event has.
func (o *oracle) overTables(t *testing.T, mode sqllogictest.Mode, seed uint64) {
	conn, rng := startDB(t, mode), rand.New(rand.NewPCG(seed, 5))
	execute(t, conn, sideInput)
	for _, table := range tables {
		execute(t, conn, fmt.Sprintf("CREATE TABLE %s (%s)", table, columnList(table)))
	}
	rest := make(map[gen.Table][][]byte)
	for _, table := range tables {
		lines := slices.Clone(o.events[table])
		rng.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		n := len(lines) / 4 // before the views, which are filled from it
		copyIn(t, conn, table, lines[:n])
		rest[table] = lines[n:]
	}
	for _, q := range o.queries {
		text, err := queryText(q)
		if err != nil {
			t.Fatal(err)
		}
		execute(t, conn, fmt.Sprintf("CREATE MATERIALIZED VIEW %s AS %s", q, text))
	}
	for len(rest[gen.Bid]) > 0 {
		for _, table := range tables {
			lines := rest[table]
			n := min(len(lines), 1+rng.IntN(1+int(*oracleEvents)/6))
			copyIn(t, conn, table, lines[:n])
			rest[table] = lines[n:]
		}
		execute(t, conn, "BEGIN; INSERT INTO bid SELECT auction, bidder, price * 7, channel, url, date_time + interval '3 seconds', '' FROM bid WHERE auction % 17 = 3; COMMIT")
		execute(t, conn, "DELETE FROM bid WHERE extra = ''")
	}
	for _, table := range tables {
		copyIn(t, conn, table, rest[table])
	}
	for _, q := range o.queries {
		o.compare(t, q, "over tables", rowsOf(t, conn, "SELECT * FROM "+q))
	}
}
