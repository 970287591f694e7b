package streamdb_test

import (
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"streamdb"
)

// Sources of which a view reads few columns, with late rows, which are kept whole: views
// that are added later read others, and a restart, which reads all ranges again, ends with
// the same.
func TestSourceColumns(t *testing.T) {
	dir := t.TempDir()
	opts := streamdb.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), KeepLog: true}
	const auctions, bids = 6000, 92_000
	prints := make(map[string]string)
	check := func(c *pgx.Conn, views ...string) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); number(t, c, "SELECT sum(rows)::bigint FROM streamdb.sources") < auctions+bids; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the sources do not come to their end")
			}
		}
		must(t, c, "FLUSH")
		if n := number(t, c, "SELECT sum(n)::bigint + (SELECT count(*) FROM streamdb.late_rows WHERE relation = 'auction') FROM categories"); n != auctions {
			t.Errorf("%d auctions are counted or late, there are %d", n, auctions)
		}
		if n := number(t, c, "SELECT count(*) FROM streamdb.late_rows"); n == 0 {
			t.Error("no row is late")
		}
		for _, v := range views {
			must(t, c, "VERIFY MATERIALIZED VIEW "+v)
			var print string
			if err := c.QueryRow(t.Context(), "SELECT fingerprint FROM streamdb.fingerprints WHERE relation = $1", v).Scan(&print); err != nil {
				t.Fatal(err)
			}
			if was, ok := prints[v]; ok && was != print {
				t.Errorf("%s is another one after the restart", v)
			}
			prints[v] = print
		}
	}
	db, err := streamdb.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, serveOn(t, db))
	must(t, c, `CREATE SOURCE auction (id bigint, category bigint, extra text, seller bigint, expires timestamp, WATERMARK FOR expires AS expires)
		WITH (connector = 'nexmark', type = 'auction', rate = '50000', event_rate = '1000', events = '100000')`,
		"CREATE MATERIALIZED VIEW categories AS SELECT category, count(*) AS n FROM auction GROUP BY category",
		"CREATE SOURCE bid WITH (connector = 'nexmark', type = 'bid', rate = '50000', event_rate = '1000', events = '100000')",
		"CREATE MATERIALIZED VIEW bids AS SELECT count(*) FROM bid",
		"CREATE MATERIALIZED VIEW matched AS SELECT a.seller, count(*), max(b.price) FROM bid b JOIN auction a ON a.id = b.auction GROUP BY a.seller")
	time.Sleep(100 * time.Millisecond)
	must(t, c, "CREATE MATERIALIZED VIEW texts AS SELECT length(extra) AS l, count(*) FROM auction GROUP BY 1")
	check(c, "categories", "bids", "texts", "matched")
	must(t, c, "DROP MATERIALIZED VIEW texts")
	_ = c.Close(t.Context())
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = streamdb.Open(dir, opts); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	check(connect(t, serveOn(t, db)), "categories", "bids", "matched")
}
