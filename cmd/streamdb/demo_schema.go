package main

import (
	"fmt"
	"strings"
	"time"
)

// demoSources creates the generator's three sources in one transaction, so that they
// begin together; event time is the wall clock's.
func demoSources(rate int, now time.Time) string {
	var b strings.Builder
	b.WriteString("BEGIN;\n")
	for _, table := range []string{"person", "auction", "bid"} {
		fmt.Fprintf(&b, "CREATE SOURCE %s WITH (connector = 'nexmark', type = '%s', rate = %d, base_time = '%s');\n",
			table, table, rate, now.UTC().Format("2006-01-02 15:04:05.000000"))
	}
	b.WriteString("COMMIT")
	return b.String()
}

// demoViews is the views over the sources; plain views are shared by the materialized
// ones, which is what is kept up to date.
var demoViews = []string{
	`CREATE MATERIALIZED VIEW live_counters AS
  SELECT 'bid' AS kind, count(*) AS events, max(date_time) AS newest FROM bid
  UNION ALL SELECT 'auction', count(*), max(date_time) FROM auction
  UNION ALL SELECT 'person', count(*), max(date_time) FROM person`,

	`CREATE MATERIALIZED VIEW bids_per_auction AS
  SELECT window_start, window_end, auction, count(*) AS bids, max(price) AS highest
  FROM TUMBLE(bid, date_time, INTERVAL '10 seconds')
  GROUP BY window_start, window_end, auction`,

	`CREATE VIEW bids_in_10s AS
  SELECT window_start, window_end, auction, count(*) AS bids
  FROM HOP(bid, date_time, INTERVAL '2 seconds', INTERVAL '10 seconds')
  GROUP BY window_start, window_end, auction`,

	`CREATE MATERIALIZED VIEW hot_auctions AS
  SELECT b.window_start, b.window_end, b.auction, b.bids
  FROM bids_in_10s b
  JOIN (SELECT window_start, window_end, max(bids) AS bids FROM bids_in_10s GROUP BY window_start, window_end) m
    ON b.window_start = m.window_start AND b.window_end = m.window_end AND b.bids = m.bids
  EMIT ON WINDOW CLOSE`,

	`CREATE VIEW sale AS
  SELECT a.id, a.seller, a.category, w.price
  FROM auction a JOIN (SELECT auction, max(price) AS price FROM bid GROUP BY auction) w ON w.auction = a.id`,

	`CREATE MATERIALIZED VIEW revenue_by_category AS
  SELECT category, count(*) AS auctions, sum(price) AS revenue FROM sale GROUP BY category`,

	`CREATE MATERIALIZED VIEW top_sellers AS
  SELECT p.id, p.name, p.city, count(*) AS auctions, sum(s.price) AS revenue
  FROM sale s JOIN person p ON p.id = s.seller
  GROUP BY p.id, p.name, p.city
  ORDER BY revenue DESC LIMIT 10`,
}

// demoText says how to look at the demo from outside.
func demoText(rate int, addr, web string) string {
	port := addr[strings.LastIndexByte(addr, ':')+1:]
	host := strings.TrimSuffix(addr, ":"+port)
	if web != "" {
		web = "\nMetrics: http://" + web + "/metrics"
	}
	return fmt.Sprintf(`streamdb demo: %s auction events a second, five materialized views over them.

Connect from another terminal:

    psql postgres://%s:%s/streamdb
    streamdb sql --url postgres://%s:%s/streamdb      (without psql)

and try, for example:

    \d
    SELECT * FROM top_sellers ORDER BY revenue DESC \watch 1
    SELECT auction, bids FROM bids_per_auction ORDER BY window_start DESC, bids DESC LIMIT 5;
    COPY (SUBSCRIBE revenue_by_category) TO STDOUT;
    CREATE MATERIALIZED VIEW my_channels AS SELECT channel, count(*), avg(price) FROM bid GROUP BY channel;
    SELECT * FROM my_channels ORDER BY 2 DESC LIMIT 5;
%s
Ctrl-C stops it; its data goes away.
`, thousands(int64(rate)), host, port, host, port, web)
}

// thousands writes n with commas.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
