package streamdb_test

import (
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jackc/pgx/v5"

	"streamdb"
	"streamdb/storage/storagetest"
)

// nodes is the databases of a cluster in this process, on one file system.
type nodes struct {
	t         *testing.T
	fs        vfs.FS
	addresses []string
	dbs       []*streamdb.DB // nil for one that is down
	conns     []*pgx.Conn
}

func startNodes(t *testing.T, fs vfs.FS) *nodes {
	n := &nodes{t: t, fs: fs, dbs: make([]*streamdb.DB, 3), conns: make([]*pgx.Conn, 3)}
	listeners := make([]net.Listener, 3)
	for i := range listeners {
		var err error
		if listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		n.addresses = append(n.addresses, listeners[i].Addr().String())
	}
	t.Cleanup(func() {
		for i := range n.dbs {
			n.stop(i)
		}
	})
	for i, l := range listeners {
		n.start(i, l)
	}
	return n
}

// start opens a node; a nil listener means that it has its address from before.
func (n *nodes) start(i int, l net.Listener) {
	n.t.Helper()
	var err error
	for deadline := time.Now().Add(10 * time.Second); l == nil; {
		if l, err = net.Listen("tcp", n.addresses[i]); err != nil && time.Now().After(deadline) {
			n.t.Fatal(err)
		}
	}
	n.dbs[i], err = streamdb.Open(fmt.Sprintf("node%d", i+1), streamdb.Options{FS: n.fs, Logger: slog.New(slog.DiscardHandler),
		DataflowMemory: -1, Fatal: func(err error) { panic(err) },
		Cluster: &streamdb.ClusterOptions{Node: fmt.Sprintf("n%d", i+1), Listener: l, Address: n.addresses[i], Join: n.addresses,
			SlowAfter: time.Minute, FatalAfter: time.Hour}})
	if err != nil {
		n.t.Fatal(err)
	}
	n.conns[i] = connect(n.t, serveOn(n.t, n.dbs[i]))
}

// stop closes a node.
func (n *nodes) stop(i int) {
	if n.dbs[i] != nil {
		if err := n.dbs[i].Close(); err != nil {
			n.t.Error(err)
		}
		n.dbs[i] = nil
	}
}

// leader waits for a node that takes writes.
func (n *nodes) leader() int {
	n.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		for i, db := range n.dbs {
			if db != nil && db.Leads() {
				return i
			}
		}
	}
	n.t.Fatal("no node leads")
	return -1
}

// same waits until a query that reads what each node has says the same everywhere, and returns it.
func (n *nodes) same(sql string) string {
	n.t.Helper()
	var got []string
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		got = nil
		for i, db := range n.dbs {
			if db == nil {
				continue
			}
			rows, err := n.conns[i].Query(n.t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
			if err != nil {
				n.t.Fatal(err)
			}
			var all []string
			for rows.Next() {
				all = append(all, fmt.Sprint(rows.RawValues()))
			}
			if rows.Err() != nil {
				n.t.Fatalf("n%d: %v", i+1, rows.Err())
			}
			slices.Sort(all)
			got = append(got, strings.Join(all, "\n"))
		}
		if len(slices.Compact(slices.Clone(got))) == 1 {
			return got[0]
		}
	}
	n.t.Fatalf("the nodes differ in %s:\n%s", sql, strings.Join(got, "\n\n"))
	return ""
}

// The three nodes hold the same tables and views, whoever leads, and after every failure.
func TestNodes(t *testing.T) {
	n := startNodes(t, vfs.NewMem())
	lead := n.leader()
	c := n.conns[lead]
	must(t, c, "CREATE TABLE t (id int PRIMARY KEY, v text, n int)",
		"CREATE TABLE q (id serial PRIMARY KEY, a int)", "INSERT INTO q (a) SELECT g FROM generate_series(1, 10) g",
		"CREATE SOURCE bids WITH (connector = 'nexmark', type = 'bid', rate = 2000)",
		"CREATE MATERIALIZED VIEW sums AS SELECT v, count(*) AS c, sum(n) AS n FROM t GROUP BY v",
		"CREATE MATERIALIZED VIEW top AS SELECT auction, count(*) AS n FROM bids GROUP BY auction",
		"INSERT INTO t SELECT g, 'v' || g % 7, g FROM generate_series(1, 2000) g",
		"UPDATE t SET n = n + 1 WHERE id % 3 = 0", "DELETE FROM t WHERE id % 10 = 9")

	// A follower shows what was acknowledged, and says who takes writes.
	follower := (lead + 1) % 3
	if got := number(t, n.conns[follower], "SELECT count(*) FROM t"); got != 1800 {
		t.Errorf("a follower shows %d rows", got)
	}
	if _, err := n.conns[follower].Exec(t.Context(), "INSERT INTO t VALUES (9001, 'x', 1)"); code(err) != "25006" {
		t.Errorf("a write on a follower: %v", err)
	}
	if n.conns[follower].PgConn().ParameterStatus("in_hot_standby") != "on" || c.PgConn().ParameterStatus("in_hot_standby") != "off" {
		t.Error("in_hot_standby does not tell who leads")
	}
	if _, err := c.Exec(t.Context(), "CREATE SINK s WITH (connector = 'file', path = 'x.csv') FORMAT PLAIN ENCODE CSV AS SELECT * FROM t"); code(err) == "" {
		t.Error("a sink with a file was made")
	}
	n.same("SELECT relation, fingerprint FROM streamdb.fingerprints WHERE relation IN ('t', 'sums')")

	// The leader dies; the others go on, and it comes back.
	n.stop(lead)
	next := n.leader()
	must(t, n.conns[next], "INSERT INTO t SELECT g, 'w' || g % 5, g FROM generate_series(5001, 6000) g",
		"CREATE MATERIALIZED VIEW late AS SELECT max(n) AS n FROM t", "CHECKPOINT")
	must(t, n.conns[next], "INSERT INTO q (a) SELECT g FROM generate_series(11, 20) g") // No number is given out twice.
	before := number(t, n.conns[next], "SELECT sum(n) FROM top")
	n.start(lead, nil)
	must(t, n.conns[next], "INSERT INTO t VALUES (7001, 'last', 7)")
	for deadline := time.Now().Add(20 * time.Second); number(t, n.conns[next], "SELECT sum(n) FROM top") <= before; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the new leader does not read the source")
		}
	}
	must(t, n.conns[n.leader()], "DROP SOURCE bids CASCADE")
	n.same("SELECT relation, fingerprint FROM streamdb.fingerprints")
	if got := number(t, n.conns[lead], "SELECT sum(c) FROM sums"); got != 2801 {
		t.Errorf("the node that came back shows %d rows", got)
	}
}

// The power of all nodes is cut, with and without checkpoints: nothing that was acknowledged is lost.
func TestNodesPowerCut(t *testing.T) {
	disk := storagetest.NewDisk()
	n := startNodes(t, disk.FS())
	must(t, n.conns[n.leader()], "CREATE TABLE t (id int PRIMARY KEY)", "CREATE MATERIALIZED VIEW v AS SELECT count(*) AS c, sum(id) AS s FROM t")
	id := 0
	for round := range 3 {
		c := n.conns[n.leader()]
		for range 5 {
			id++
			must(t, c, fmt.Sprintf("INSERT INTO t VALUES (%d)", id))
		}
		if round == 1 {
			must(t, c, "CHECKPOINT")
			must(t, n.conns[(n.leader()+1)%3], "CHECKPOINT")
		}
		left := disk.CrashNow(50*(round%2), uint64(round))
		for i := range n.dbs {
			n.stop(i) // What this still writes is lost.
		}
		disk = storagetest.DiskFrom(left)
		n.fs = disk.FS()
		for i := range n.dbs {
			n.start(i, nil)
		}
		lead := n.leader()
		if c, s := number(t, n.conns[lead], "SELECT c FROM v"), number(t, n.conns[lead], "SELECT s FROM v"); c != int64(id) || s != int64(id*(id+1)/2) {
			t.Fatalf("round %d: %d rows with sum %d, %d were acknowledged", round, c, s, id)
		}
		n.same("SELECT relation, fingerprint FROM streamdb.fingerprints")
	}
}

// A directory of one kind is not taken for the other.
func TestNodeDirectories(t *testing.T) {
	mem := vfs.NewMem()
	quiet := slog.New(slog.DiscardHandler)
	db, err := streamdb.Open("alone", streamdb.Options{FS: mem, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	open := func(dir, name string, virtual bool) (*streamdb.DB, error) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		a := l.Addr().String()
		return streamdb.Open(dir, streamdb.Options{FS: mem, Logger: quiet, VirtualClock: virtual,
			Cluster: &streamdb.ClusterOptions{Node: name, Listener: l, Address: a, Join: []string{a}}})
	}
	if _, err := open("alone", "n1", false); err == nil || !strings.Contains(err.Error(), "alone") {
		t.Errorf("a lone database became a node: %v", err)
	}
	if _, err := open("node", "n1", true); err == nil || !strings.Contains(err.Error(), "virtual clock") {
		t.Errorf("a node has a virtual clock: %v", err)
	}
	if db, err = open("node", "n1", false); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); !db.Leads() && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	c := connect(t, serveOn(t, db)) // A cluster of one.
	must(t, c, "CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := open("node", "n2", false); err == nil || !strings.Contains(err.Error(), "n1") {
		t.Errorf("a node took another's directory: %v", err)
	}
	if _, err := streamdb.Open("node", streamdb.Options{FS: mem, Logger: quiet}); err == nil || !strings.Contains(err.Error(), "cluster") {
		t.Errorf("a node was opened alone: %v", err)
	}
}
