package soak

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	gen "streamdb/connector/nexmark"
)

// sourceSpec says how the generator's sources go.
type sourceSpec struct {
	rate      int64 // events per second, 0 for as fast as they are taken
	eventRate int64 // events per second of event time
	events    int64 // 0 for ever
}

// rows returns how many rows the sources give together.
func (s sourceSpec) rows() int64 {
	return gen.Person.RowsBefore(s.events) + gen.Auction.RowsBefore(s.events) + gen.Bid.RowsBefore(s.events)
}

// rowsRead asks how many rows the sources have given so far.
const rowsRead = "SELECT sum(rows)::bigint FROM streamdb.sources"

// sourceColumns is the columns of the sources.
var sourceColumns = []struct {
	table   gen.Table
	columns string
}{
	{gen.Person, "id bigint, name text, city text"},
	{gen.Auction, "id bigint, seller bigint, category bigint"},
	{gen.Bid, "auction bigint, bidder bigint, price bigint, channel text"},
}

// windows is the views that windows close in, with the column of the windows' ends. What
// is shown of a window goes again some time after it: a result that only grows is no leak,
// but hides one.
var windows = []struct{ name, query string }{
	{"tumbled", `SELECT window_end, auction, count(*) AS n, max(price) AS top
  FROM TUMBLE(bid, date_time, INTERVAL '10 seconds')
  GROUP BY window_start, window_end, auction
  HAVING window_end > now() - INTERVAL '20 seconds'`},
	{"hopped", `SELECT window_end, channel, count(*) AS n, sum(price) AS total
  FROM HOP(bid, date_time, INTERVAL '2 seconds', INTERVAL '10 seconds')
  GROUP BY window_start, window_end, channel
  HAVING window_end > now() - INTERVAL '20 seconds'`},
	{"sessions", `SELECT window_start, window_end, bidder, count(*) AS n
  FROM SESSION(bid PARTITION BY bidder, date_time, INTERVAL '1 second')
  GROUP BY bidder, window_start, window_end
  HAVING window_end > now() - INTERVAL '20 seconds'`},
	{"joined", `SELECT p.window_end, p.id, p.name, a.id AS auction
  FROM TUMBLE(person, date_time, INTERVAL '10 seconds') p
  JOIN TUMBLE(auction, date_time, INTERVAL '10 seconds') a
    ON p.id = a.seller AND p.window_start = a.window_start AND p.window_end = a.window_end
  WHERE p.window_end > now() - INTERVAL '20 seconds'`},
	{"ranked", `SELECT window_end, auction, bidder, price
  FROM (SELECT *, row_number() OVER (PARTITION BY window_start, window_end ORDER BY price DESC, bidder, auction) AS place
    FROM TUMBLE(bid, date_time, INTERVAL '5 seconds')) w
  WHERE place <= 10 AND window_end > now() - INTERVAL '20 seconds'`},
}

// others is the views without a window.
var others = []string{
	`CREATE MATERIALIZED VIEW recent AS
  SELECT auction, bidder, price, date_time FROM bid WHERE price > 1000000 AND date_time > now() - INTERVAL '10 seconds'`,

	`CREATE MATERIALIZED VIEW channels AS
  SELECT channel, count(*) AS n, max(price) AS top, max(date_time) AS newest FROM bid GROUP BY channel
  EMIT ON UPDATE`,
}

// probeTables is what the freshness is measured with.
const probeTables = `CREATE TABLE side (k bigint PRIMARY KEY, name text);
INSERT INTO side SELECT k, 'name ' || k FROM generate_series(0, 9) k;
CREATE TABLE probe (id bigint PRIMARY KEY, k bigint);
CREATE MATERIALIZED VIEW probed AS SELECT id, name FROM probe JOIN side USING (k)`

// create makes the sources and all views.
func create(ctx context.Context, conn *pgx.Conn, s sourceSpec) error {
	var b strings.Builder
	b.WriteString(probeTables + ";\nBEGIN;\n")
	rate, events := "unlimited", ""
	if s.rate > 0 {
		rate = fmt.Sprint(s.rate)
	}
	if s.events > 0 {
		events = fmt.Sprintf(", events = %d", s.events)
	}
	base := time.Now().UTC().Format("2006-01-02 15:04:05.000000")
	for _, t := range sourceColumns {
		fmt.Fprintf(&b, "CREATE SOURCE %s (%s, date_time timestamptz, WATERMARK FOR date_time AS date_time)\n  WITH (connector = 'nexmark', type = '%s', rate = '%s', event_rate = %d, base_time = '%s'%s);\n",
			t.table, t.columns, t.table, rate, s.eventRate, base, events)
	}
	for _, w := range windows {
		fmt.Fprintf(&b, "CREATE MATERIALIZED VIEW %s AS %s\n  EMIT ON WINDOW CLOSE;\n", w.name, w.query)
	}
	for _, v := range others {
		b.WriteString(v + ";\n")
	}
	b.WriteString("COMMIT")
	_, err := conn.Exec(ctx, b.String(), pgx.QueryExecModeSimpleProtocol)
	return err
}

// scanInt runs a query of one number.
func scanInt(ctx context.Context, conn *pgx.Conn, sql string) (n int64, err error) {
	err = conn.QueryRow(ctx, sql).Scan(&n)
	return n, err
}
