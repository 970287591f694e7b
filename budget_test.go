package streamdb_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"streamdb"
)

// Whatever a statement builds up is counted: with a small budget it gets 53200, and the memory stays small.
func TestStatementMemory(t *testing.T) {
	db := openQuietly(t, streamdb.Options{StatementMemory: 8 << 20, TransactionMemory: 8 << 20})
	c := connect(t, serveOn(t, db))
	must(t, c, "CREATE TABLE src (id int, pad text)", "CREATE TABLE dst (id int, pad text)")
	for i := range 10 {
		must(t, c, fmt.Sprintf("INSERT INTO src SELECT g, repeat(md5(g::text), 3) FROM generate_series(%d, %d) g", i*20000, i*20000+19999))
	}
	for _, sql := range []string{
		"SELECT g FROM generate_series(1, 1500000) g ORDER BY g DESC",
		"SELECT array_agg(g) FROM generate_series(1, 1000000) g",
		"SELECT string_agg(g::text, ',' ORDER BY g DESC) FROM generate_series(1, 1500000) g",
		"SELECT json_agg(g) FROM generate_series(1, 1000000) g",
		"SELECT count(DISTINCT g) FROM generate_series(1, 1000000) g",
		"SELECT DISTINCT g FROM generate_series(1, 1000000) g",
		"SELECT g, count(*) FROM generate_series(1, 1000000) g GROUP BY g",
		"SELECT count(*) FROM generate_series(1, 1000000) a JOIN generate_series(1, 1000000) b ON a = b",
		"SELECT g FROM generate_series(1, 1000000) g EXCEPT SELECT 1",
		"SELECT row_number() OVER (ORDER BY g DESC) FROM generate_series(1, 1500000) g",
		"WITH RECURSIVE r AS (SELECT 1 AS n UNION SELECT n * 2 + g FROM r, generate_series(0, 1) g) SELECT count(*) FROM r",
		"SELECT array(SELECT g FROM generate_series(1, 1000000) g)",
		"SELECT array_agg(pad) FROM src",
		"SELECT string_agg(pad, '') FROM src",
		"SELECT * FROM src ORDER BY pad, id",
		"SELECT count(*) FROM src a JOIN src b ON a.id = b.id AND a.pad = b.pad",
		"INSERT INTO dst SELECT * FROM src",
		"UPDATE src SET id = id + 1",
		"DELETE FROM src",
		"CREATE TABLE cp AS SELECT * FROM src",
		"BEGIN; DECLARE k CURSOR FOR SELECT * FROM src; FETCH 1 FROM k; COMMIT",
		"BEGIN; DECLARE k CURSOR FOR SUBSCRIBE src; FETCH 1 FROM k; COMMIT",
		"DO_COPY",
		"DO_WRITES",
	} {
		t.Run(strings.NewReplacer("/", "", " ", "_").Replace(sql[:min(len(sql), 50)]), func(t *testing.T) {
			c := connect(t, c.Config().ConnString())
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			before, peak := m.HeapAlloc, uint64(0)
			stop := make(chan struct{})
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					select {
					case <-stop:
						return
					case <-time.After(20 * time.Millisecond):
						var m runtime.MemStats
						runtime.ReadMemStats(&m)
						peak = max(peak, m.HeapAlloc)
					}
				}
			}()
			began := time.Now()
			var err error
			switch sql {
			case "DO_COPY":
				row := strings.Repeat("y", 100) + "\n"
				_, err = c.PgConn().CopyFrom(t.Context(), strings.NewReader(strings.Repeat("1\t"+row, 200000)), "COPY dst FROM STDIN")
			case "DO_WRITES":
				must(t, c, "BEGIN")
				for i := 0; i < 200 && err == nil; i++ {
					_, err = c.Exec(t.Context(), "INSERT INTO dst SELECT g, repeat(md5(g::text), 3) FROM generate_series(1, 1000) g")
				}
			default:
				_, err = c.PgConn().Exec(t.Context(), sql).ReadAll()
			}
			close(stop)
			<-done
			t.Logf("%s: %q, %d MiB above, %v", sql, code(err), int64(peak-min(peak, before))>>20, time.Since(began).Round(time.Millisecond))
			if code(err) != "53200" {
				t.Errorf("got %v", err)
			}
			if c.PgConn().TxStatus() != 'I' {
				must(t, c, "ROLLBACK")
			}
			if above := int64(peak-min(peak, before)) >> 20; above > 400 {
				t.Errorf("%d MiB were taken, the budget is 8", above)
			}
		})
	}
}
