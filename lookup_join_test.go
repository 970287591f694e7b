package streamdb_test

import (
	"fmt"
	"testing"
	"time"

	"streamdb"
)

// TestLookupJoinLag holds that a row is joined with what the other side was when it came,
// also where the view, or one that it reads, was behind then.
func TestLookupJoinLag(t *testing.T) {
	for _, opts := range []streamdb.Options{{}, {NoInlineFill: true}, {Workers: 2}} {
		db := openQuietly(t, opts)
		a := connect(t, serveOn(t, db))
		must(t, a, "CREATE TABLE item (key int PRIMARY KEY, price int)", "CREATE TABLE sale (id int PRIMARY KEY, key int)",
			"INSERT INTO item VALUES (1, 10)", "INSERT INTO sale VALUES (1, 1)",
			"CREATE MATERIALIZED VIEW first AS SELECT id, key FROM sale WHERE id > 0",
			"CREATE MATERIALIZED VIEW sold AS SELECT s.id, i.price FROM first s JOIN item FOR SYSTEM_TIME AS OF PROCTIME() i ON s.key = i.key",
			"CREATE MATERIALIZED VIEW total AS SELECT sum(price)::int AS sum FROM sold")
		if n := number(t, a, "SELECT sum FROM total"); n != 10 {
			t.Errorf("the view begins with %d", n)
		}
		want := 10
		for k, view := range []string{"sold", "first", "total"} {
			release := detain(t, db, view)
			for i := range 20 {
				price := 100*k + i
				must(t, a, fmt.Sprintf("UPDATE item SET price = %d", price), fmt.Sprintf("INSERT INTO sale VALUES (%d, 1)", 1000*(k+1)+i))
				want += price
			}
			// One that comes and goes, and one that comes again.
			must(t, a, "INSERT INTO sale VALUES (2, 1)", "DELETE FROM sale WHERE id = 2", "UPDATE item SET price = 7",
				fmt.Sprintf("DELETE FROM sale WHERE id = %d", 1000*(k+1)), fmt.Sprintf("INSERT INTO sale VALUES (%d, 1)", 1000*(k+1)),
				"UPDATE item SET price = -1")
			want += 7 - 100*k
			release()
			if n := number(t, a, "SELECT sum FROM total"); n != int64(want) {
				t.Errorf("after a lag of %s the sum is %d, want %d", view, n, want)
			}
		}
		must(t, a, "DELETE FROM sale")
		if n := number(t, a, "SELECT count(*) FROM sold"); n != 0 {
			t.Errorf("%d rows are left", n)
		}
	}
}

// TestLookupJoinWindows holds that windows over the time at which rows met the other side
// close by the log's clock.
func TestLookupJoinWindows(t *testing.T) {
	clock := streamdb.NewManualTime()
	db := openQuietly(t, streamdb.Options{Time: clock})
	a := connect(t, serveOn(t, db))
	must(t, a, "CREATE TABLE item (key int PRIMARY KEY, price int)", "CREATE TABLE sale (id int, key int) APPEND ONLY", "INSERT INTO item VALUES (1, 10)",
		`CREATE MATERIALIZED VIEW windows AS SELECT window_end, sum(price)::int AS n FROM TUMBLE((SELECT s.p, i.price
			FROM (SELECT *, PROCTIME() AS p FROM sale) s JOIN item FOR SYSTEM_TIME AS OF s.p i ON s.key = i.key), p, INTERVAL '10 seconds')
			GROUP BY window_end EMIT ON WINDOW CLOSE`,
		"INSERT INTO sale VALUES (1, 1)", "UPDATE item SET price = 5", "INSERT INTO sale VALUES (2, 1)")
	if n := number(t, a, "SELECT count(*) FROM windows"); n != 0 {
		t.Errorf("%d windows are closed", n)
	}
	clock.Advance(11 * time.Second)
	must(t, a, "CREATE TABLE tick ()")
	if n := number(t, a, "SELECT sum(n) FROM windows"); n != 15 {
		t.Errorf("the window has %d", n)
	}
}
