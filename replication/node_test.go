package replication

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"streamdb/replication/log"
	"streamdb/storage/storagetest"
)

// machine is a state machine that keeps its entries, and hands them on as a checkpoint.
type machine struct {
	mu      sync.Mutex
	fs      vfs.FS
	path    string
	At      Position
	Time    int64
	Entries []string
	times   []int64
	node    *Node
}

func (m *machine) Apply(e log.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.times = append(m.times, e.Time)
	m.At, m.Time = Position{Index: e.Index}, e.Time
	if e.Kind != log.KindLeader {
		m.Entries = append(m.Entries, string(e.Payload))
	}
	return nil
}

func (m *machine) Publish(uint64) {}

func (m *machine) entries() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.Entries)
}

// checkpoint makes what is applied durable and cuts the log.
func (m *machine) checkpoint(t *testing.T) {
	t.Helper()
	m.mu.Lock()
	p, err := m.node.PositionAt(m.At.Index)
	m.At = p
	b, _ := json.Marshal(m)
	m.mu.Unlock()
	if err == nil {
		err = writeFile(m.fs, m.path, b)
	}
	if err == nil {
		err = m.node.Checkpointed(p)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Export implements Snapshots.
func (m *machine) Export() (Position, int64, io.ReadCloser, error) {
	b, err := readFile(m.fs, m.path)
	var saved machine
	if err == nil {
		err = json.Unmarshal(b, &saved)
	}
	return saved.At, int64(len(b)), io.NopCloser(bytes.NewReader(b)), err
}

// Import implements Snapshots.
func (m *machine) Import(Position) (Import, error) { return &incoming{m: m}, nil }

type incoming struct {
	bytes.Buffer
	m *machine
}

func (i *incoming) Close() error  { return writeFile(i.m.fs, i.m.path, i.Bytes()) }
func (i *incoming) Cancel() error { return nil }

func writeFile(fs vfs.FS, path string, b []byte) error {
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	d, derr := fs.OpenDir(".")
	if derr == nil {
		derr = errors.Join(d.Sync(), d.Close())
	}
	return errors.Join(err, f.Sync(), f.Close(), derr)
}

func readFile(fs vfs.FS, path string) ([]byte, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	return b, errors.Join(err, f.Close())
}

// network is a network whose ways can be cut.
type network struct {
	mu    sync.Mutex
	cut   map[string]bool // by address
	conns map[net.Conn][2]string
}

func (w *network) dial(from string) func(string, time.Duration) (net.Conn, error) {
	return func(to string, timeout time.Duration) (net.Conn, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.cut[from] || w.cut[to] {
			return nil, errors.New("cut")
		}
		c, err := net.DialTimeout("tcp", to, timeout)
		if err == nil {
			w.conns[c] = [2]string{from, to}
		}
		return c, err
	}
}

// isolate cuts a node off, or lets it back.
func (w *network) isolate(address string, cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut[address] = cut
	for c, ends := range w.conns {
		if cut && (ends[0] == address || ends[1] == address) {
			c.Close()
			delete(w.conns, c)
		}
	}
}

// cluster is nodes in one process, on one file system.
type testCluster struct {
	t         *testing.T
	log       *testWriter
	fs        vfs.FS
	net       *network
	addresses []string
	nodes     []*Node // nil for one that is down
	machines  []*machine
	trailing  uint64
}

func newCluster(t *testing.T, fs vfs.FS, n int) *testCluster {
	t.Helper()
	c := &testCluster{log: &testWriter{t: t}, t: t, fs: fs, net: &network{cut: map[string]bool{}, conns: map[net.Conn][2]string{}}, trailing: 1000,
		nodes: make([]*Node, n), machines: make([]*machine, n)}
	var listeners []net.Listener
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, l)
		c.addresses = append(c.addresses, l.Addr().String())
	}
	for i := range n {
		c.start(i, listeners[i])
	}
	t.Cleanup(c.closeAll)
	return c
}

func (c *testCluster) closeAll() {
	for i := range c.nodes {
		c.stop(i)
	}
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	c.log.over = true
}

// start starts a node; a nil listener means that it has its address from before.
func (c *testCluster) start(i int, l net.Listener) {
	c.t.Helper()
	var err error
	for deadline := time.Now().Add(5 * time.Second); l == nil; {
		if l, err = net.Listen("tcp", c.addresses[i]); err != nil && time.Now().After(deadline) {
			c.t.Fatal(err)
		}
	}
	name := fmt.Sprintf("n%d", i+1)
	m := &machine{fs: c.fs, path: name + ".checkpoint"}
	if b, err := readFile(c.fs, m.path); err == nil {
		if err := json.Unmarshal(b, m); err != nil {
			c.t.Fatal(err)
		}
	}
	node, err := Open(Options{Name: name, Listener: l, Address: c.addresses[i], Peers: c.addresses, Dial: c.net.dial(c.addresses[i]),
		Dir: name, FS: c.fs, Fatal: func(err error) { panic(err) }, StateMachine: m, Snapshots: m, Applied: m.At, Time: m.Time,
		Trailing: c.trailing, SlowAfter: time.Minute, FatalAfter: time.Hour, EngineVersion: 1, Patience: 300 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(c.log, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", name),
		Serve: func(_ context.Context, method string, body []byte) ([]byte, error) {
			if method != "echo" {
				return nil, errors.New("no such call")
			}
			return body, nil
		}})
	if err != nil {
		c.t.Fatal(err)
	}
	m.node, c.nodes[i], c.machines[i] = node, node, m
}

// stop closes a node.
func (c *testCluster) stop(i int) {
	if n := c.nodes[i]; n != nil {
		if err := n.Close(); err != nil {
			c.t.Error(err)
		}
		c.nodes[i] = nil
	}
}

// leader waits for a node that leads, other than those named.
func (c *testCluster) leader(but ...int) int {
	c.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		for i, n := range c.nodes {
			if n != nil && n.Leads() && !slices.Contains(but, i) {
				return i
			}
		}
	}
	c.t.Fatal("no node leads")
	return -1
}

// write proposes an entry until a leader has taken it. It returns false if the outcome is unknown.
func (c *testCluster) write(text string, but ...int) bool {
	c.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		f, err := c.nodes[c.leader(but...)].Propose(c.t.Context(), log.Entry{Kind: log.KindFirstFree, EngineVersion: 1, Payload: []byte(text)})
		var not *NotLeaderError
		if errors.As(err, &not) {
			continue
		}
		if err != nil {
			c.t.Fatal(err)
		}
		if err := f.Err(); err != nil && !errors.Is(err, ErrUnknown) {
			c.t.Fatal(err)
		}
		return f.Err() == nil
	}
	c.t.Fatal("nobody took the entry")
	return false
}

// agree waits until all nodes that are up have applied the same entries, and checks that acknowledged ones are among them,
// in their order, each once, and that times rise.
func (c *testCluster) agree(acked []string) {
	c.t.Helper()
	want := c.machines[c.leader()].entries()
	for i, n := range c.nodes {
		if n == nil {
			continue
		}
		var got []string
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			if got = c.machines[i].entries(); slices.Equal(got, want) || time.Now().After(deadline) {
				break
			}
		}
		if !slices.Equal(got, want) {
			c.t.Fatalf("n%d has applied %d entries, the leader %d", i+1, len(got), len(want))
		}
		if times := c.machines[i].times; !slices.IsSorted(times) || len(slices.Compact(slices.Clone(times))) != len(times) {
			c.t.Errorf("n%d: times do not rise strictly: %v", i+1, times)
		}
	}
	at := 0
	for _, a := range acked {
		for at < len(want) && want[at] != a {
			at++
		}
		if at == len(want) {
			c.t.Fatalf("acknowledged entry %.20q is lost, doubled or out of order", a)
		}
		at++
	}
}

// TestCluster writes, with entries of many frames, loses the leader, goes on with two nodes and takes the third back.
func TestCluster(t *testing.T) {
	c := newCluster(t, vfs.NewMem(), 3)
	var acked []string
	write := func(s string, but ...int) {
		if c.write(s, but...) {
			acked = append(acked, s)
		}
	}
	for i := range 10 {
		write(fmt.Sprint("a", i))
	}
	write(strings.Repeat("large", 500_000)) // compresses to one frame
	noise := make([]byte, 3<<20)
	for i := range noise {
		noise[i] = byte(i * i >> 3 * 7919 >> (i % 5))
	}
	write(string(noise))
	c.agree(acked)

	old := c.leader()
	follower := (old + 1) % 3
	_, err := c.nodes[follower].Propose(t.Context(), log.Entry{Kind: log.KindFirstFree})
	var not *NotLeaderError
	if !errors.As(err, &not) || not.Leader != c.nodes[old].Name() {
		t.Errorf("a follower took a proposal, or does not know the leader: %v", err)
	}
	if b, err := c.nodes[follower].Call(t.Context(), "echo", []byte("hey")); err != nil || string(b) != "hey" {
		t.Errorf("call: %q, %v", b, err)
	}
	var called *CallError
	if _, err := c.nodes[follower].Call(t.Context(), "nonsense", nil); !errors.As(err, &called) {
		t.Errorf("call of what is not there: %v", err)
	}
	write("strict")
	if err := c.nodes[follower].Strict(t.Context()); err != nil || !slices.Contains(c.machines[follower].entries(), "strict") {
		t.Errorf("a strict read does not see an acknowledged entry: %v", err)
	}

	c.stop(old)
	for i := range 5 {
		write(fmt.Sprint("b", i))
	}
	c.start(old, nil)
	write("c")
	c.agree(acked)
	if n := len(c.nodes[old].Members()); n != 3 {
		t.Errorf("%d members", n)
	}
}

// TestIsolatedLeader cuts the leader off: it does not acknowledge, does not answer strict reads and comes back without
// what it had logged alone.
func TestIsolatedLeader(t *testing.T) {
	c := newCluster(t, vfs.NewMem(), 3)
	c.write("before")
	old := c.leader()
	c.net.isolate(c.addresses[old], true)
	f, err := c.nodes[old].Propose(t.Context(), log.Entry{Kind: log.KindFirstFree, EngineVersion: 1, Payload: []byte("alone")})
	if err == nil && !errors.Is(f.Err(), ErrUnknown) {
		t.Errorf("an isolated leader has acknowledged: %v", f.Err())
	}
	ctx, end := context.WithTimeout(t.Context(), time.Second)
	defer end()
	if err := c.nodes[old].Strict(ctx); err == nil {
		t.Error("an isolated leader has answered a strict read")
	}
	acked := []string{"before"}
	if c.write("after", old) {
		acked = append(acked, "after")
	}
	c.net.isolate(c.addresses[old], false)
	c.agree(acked)
	if slices.Contains(c.machines[old].entries(), "alone") {
		t.Error("an entry of one node alone was applied")
	}
}

// TestFarBehind takes a node back whose entries are no longer in anybody's log.
func TestFarBehind(t *testing.T) {
	c := newCluster(t, vfs.NewMem(), 3)
	c.trailing = 0
	c.write("first")
	down := (c.leader() + 1) % 3
	c.stop(down)
	var acked []string
	for i := range 100 { // more than are kept in memory
		if s := fmt.Sprint("x", i); c.write(s) {
			acked = append(acked, s)
		}
	}
	for i, n := range c.nodes {
		if n != nil {
			n.opts.Trailing = 0
			c.machines[i].checkpoint(t)
		}
	}
	c.start(down, nil)
	for deadline := time.Now().Add(30 * time.Second); c.nodes[down].stopped() == nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no checkpoint has arrived")
		}
	}
	if err := c.nodes[down].stopped(); !errors.Is(err, ErrReseeded) {
		t.Fatal(err)
	}
	c.stop(down)
	c.start(down, nil)
	if c.write("last") {
		acked = append(acked, "last")
	}
	c.agree(acked)
}

// TestPowerCut cuts the power of all nodes at once, several times, while entries are on their way; what was acknowledged
// stays.
func TestPowerCut(t *testing.T) {
	disk := storagetest.NewDisk()
	c := newCluster(t, disk.FS(), 3)
	var acked []string
	c.write("begin") // A cluster whose forming was cut off has nothing to keep.
	acked = append(acked, "begin")
	for round := range 4 {
		disk.CrashAt(20+17*round, 50*(round%3), uint64(round))
		for i := 0; disk.Crashed() == nil; i++ {
			if s := fmt.Sprint(round, "-", i); c.write(s) && disk.Crashed() == nil {
				acked = append(acked, s)
			}
		}
		for i := range c.nodes {
			c.stop(i) // What this still writes is lost.
		}
		disk = storagetest.DiskFrom(disk.Crashed())
		c.fs = disk.FS()
		for i := range c.nodes {
			c.start(i, nil)
		}
		c.agree(acked)
	}
}

func TestOptions(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, o := range []Options{
		{Name: "", Listener: l, Address: l.Addr().String()},
		{Name: "a.b", Listener: l, Address: l.Addr().String()},
		{Name: "a", Listener: l, Address: "192.0.2.1:7"},
		{Name: "a", Listener: l, Address: l.Addr().String(), Peers: []string{"example.org:7"}},
		{Name: "a", Listener: l, Address: "nonsense"},
	} {
		if err := o.check(); err == nil {
			t.Errorf("accepted: %q at %s, %v", o.Name, o.Address, o.Peers)
		}
	}
}

func TestJoiner(t *testing.T) {
	entry := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	parts := frames(entry, 7, 3)
	if len(parts) != 4 {
		t.Fatalf("%d frames", len(parts))
	}
	var j joiner
	add := func(term uint64, b []byte, want error, whole bool) {
		t.Helper()
		got, _, err := j.add(term, b)
		if !errors.Is(err, want) || whole != (got != nil) || whole && !bytes.Equal(got, entry) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	for i, p := range parts {
		add(3, p, nil, i == 3)
	}
	add(3, parts[0], nil, false)
	add(3, parts[2], errFenced, false) // one is missing
	add(3, parts[3], errFenced, false) // and the rest does not help
	add(3, parts[0], nil, false)
	add(4, parts[1], errFenced, false) // logged in another term
	add(3, parts[1], errFenced, false)
	add(3, parts[0], nil, false)
	for i, p := range parts { // A group ends where another begins.
		add(3, p, nil, i == 3)
	}
	add(3, []byte("nonsense"), log.ErrCorrupt, false)
}

func FuzzDecodeFrame(f *testing.F) {
	f.Add(frames([]byte("entry"), 1, 2)[0])
	f.Fuzz(func(t *testing.T, b []byte) {
		h, part, err := decodeFrame(b)
		if err != nil {
			return
		}
		if h.number >= h.count || len(part) != len(b)-frameHeaderSize {
			t.Errorf("%+v, %d bytes", h, len(part))
		}
		var j joiner
		_, _, _ = j.add(h.term, b)
	})
}

func FuzzGreeting(f *testing.F) {
	f.Add((&greeting{kind: kindRaft, cluster: "c", from: "a.1", to: "b.2"}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := readGreeting(bytes.NewReader(b))
		if again := g.append(nil); err == nil && !bytes.HasPrefix(b, again) {
			t.Errorf("%x became %x", b, again)
		}
	})
}

func FuzzReadCall(f *testing.F) {
	var b bytes.Buffer
	_ = writeCall(&b, 0, "method", []byte("body"))
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		status, method, body, err := readCall(bytes.NewReader(b))
		var again bytes.Buffer
		if err == nil && (writeCall(&again, status, method, body) != nil || !bytes.HasPrefix(b, again.Bytes())) {
			t.Errorf("%x became %x", b, again.Bytes())
		}
	})
}

// testWriter writes to the log of a test that is running.
type testWriter struct {
	t    *testing.T
	mu   sync.Mutex
	over bool
}

// Write implements io.Writer.
func (w *testWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over {
		w.t.Log(string(bytes.TrimSpace(b)))
	}
	return len(b), nil
}
