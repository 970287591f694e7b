package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/wire/session"
)

// fakeBackend is a database that understands a few words, see fakeSession.run.
type fakeBackend struct {
	mu      sync.Mutex
	live    map[uint32]*fakeSession
	started []session.Startup
	ended   atomic.Int64
}

func (b *fakeBackend) Connect(_ context.Context, s session.Startup) (session.Session, error) {
	if s.Database == "nodb" {
		return nil, sqlerr.New(sqlerr.InvalidCatalogName, "database %q does not exist", s.Database)
	}
	if s.User == "panic" {
		panic("connect")
	}
	f := &fakeSession{b: b, st: s, tx: session.TxIdle, stmts: map[string]string{}, portals: map[string]string{}, params: map[string][]session.Param{}}
	s.Client.Parameter("server_version", "15.99")
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.live == nil {
		b.live = map[uint32]*fakeSession{}
	}
	b.live[s.PID] = f
	b.started = append(b.started, s)
	return f, nil
}

type fakeSession struct {
	b       *fakeBackend
	st      session.Startup
	tx      byte
	stmts   map[string]string
	portals map[string]string
	params  map[string][]session.Param
	idle    atomic.Int64
	copied  bytes.Buffer
}

func (f *fakeSession) TxStatus() byte { return f.tx }

func (f *fakeSession) End() {
	f.b.mu.Lock()
	delete(f.b.live, f.st.PID)
	f.b.mu.Unlock()
	f.b.ended.Add(1)
}

func (f *fakeSession) IdleLimit() (time.Duration, error) {
	return time.Duration(f.idle.Load()), sqlerr.New(sqlerr.IdleSessionTimeout, "terminating connection due to idle-session timeout")
}

func (f *fakeSession) Query(ctx context.Context, text string, r session.Results) error {
	any := false
	for off, s := range splitAt(text) {
		any = true
		if err := f.run(ctx, s, nil, r); err != nil {
			if f.tx == session.TxOpen {
				f.tx = session.TxFailed
			}
			return sqlerr.As(err).Shift(off)
		}
	}
	if !any {
		return r.Empty()
	}
	return nil
}

// splitAt yields the statements of text with their offsets.
func splitAt(text string) func(func(int, string) bool) {
	return func(yield func(int, string) bool) {
		off := 0
		for _, s := range strings.Split(text, ";") {
			t := strings.TrimSpace(s)
			if t != "" && !yield(off+strings.Index(s, t), t) {
				return
			}
			off += len(s) + 1
		}
	}
}

var intText = []session.Field{{Name: "a", Type: types.Int4, TableOID: 77, Attr: 1}, {Name: "b", Type: types.Text}}

func fieldsOf(s string) []session.Field {
	switch w, _, _ := strings.Cut(s, " "); w {
	case "rows", "weights", "baderr", "params":
		return intText
	}
	return nil
}

// run runs one statement of the fake language.
func (f *fakeSession) run(ctx context.Context, s string, params []session.Param, r session.Results) error {
	word, arg, _ := strings.Cut(s, " ")
	switch word {
	case "begin":
		f.tx = session.TxOpen
		return r.Complete("BEGIN")
	case "commit", "rollback":
		f.tx = session.TxIdle
		return r.Complete(strings.ToUpper(word))
	case "rows":
		n, _ := strconv.Atoi(arg)
		return f.rows(n, r)
	case "weights":
		c := intChunk(0, 3)
		c.Weights = []int64{2, 1, 3}
		return results3(r, c)
	case "baderr":
		c := intChunk(0, 3)
		c.Cols[0].Errs = []chunk.RowError{{Row: 1, Err: sqlerr.New(sqlerr.DivisionByZero, "division by zero")}}
		return results3(r, c)
	case "params":
		c := chunk.New(chunk.Schema{types.Int4, types.Text}, len(params))
		for i, p := range params {
			c.Cols[0].AppendDatum(types.Datum{I: int64(i)})
			if p.Data == nil {
				c.Cols[1].AppendNull()
			} else {
				c.Cols[1].AppendString(fmt.Sprintf("%v:%x", p.Binary, p.Data))
			}
			c.Rows++
		}
		return results3(r, c)
	case "error":
		return sqlerr.New(sqlerr.UndefinedColumn, "column %q does not exist", arg).At(len("error ")).
			WithDetail("detail").WithHint("hint").WithTable("sch", "tab").WithColumn("col").WithConstraint("con").WithWhere("where")
	case "goerror":
		return errors.New("plain")
	case "notice":
		f.st.Client.Notice(session.NoticeLevel, session.Notice{Message: arg, Position: 1})
		return r.Complete("NOTICE")
	case "set":
		k, v, _ := strings.Cut(arg, "=")
		f.st.Client.Parameter(k, v)
		return r.Complete("SET")
	case "idle":
		d, _ := time.ParseDuration(arg)
		f.idle.Store(int64(d))
		return r.Complete("SET")
	case "sleep":
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Second):
			return r.Complete("SLEEP")
		}
	case "panic":
		panic("at the fake")
	case "copyin":
		return f.copyIn(arg, r)
	case "copyout":
		return f.copyOut(ctx, arg, r)
	}
	return sqlerr.Syntax(0, "syntax error at or near %q", word)
}

func (f *fakeSession) copyIn(arg string, r session.Results) error {
	rd, err := r.CopyIn(session.CopyFormat{Columns: 2})
	if err != nil {
		return err
	}
	if arg == "none" {
		return r.Complete("COPY 0")
	}
	if arg == "fail" {
		_, _ = io.ReadFull(rd, make([]byte, 4))
		return sqlerr.New(sqlerr.BadCopyFileFormat, "missing data")
	}
	f.copied.Reset()
	if _, err := io.Copy(&f.copied, rd); err != nil {
		return err
	}
	return r.Complete(fmt.Sprintf("COPY %d", bytes.Count(f.copied.Bytes(), []byte("\n"))))
}

func (f *fakeSession) copyOut(ctx context.Context, arg string, r session.Results) error {
	w, err := r.CopyOut(session.CopyFormat{Columns: 1})
	if err != nil {
		return err
	}
	if arg == "forever" {
		for i := 0; ; i++ {
			if _, err := fmt.Fprintf(w, "%d\n", i); err != nil {
				return err
			}
			if err := r.Flush(); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	if err := w.WriteRows([]byte("a\nbb\n\n"), []int{2, 5, 6}); err != nil {
		return err
	}
	return r.Complete("COPY 3")
}

func (f *fakeSession) rows(n int, r session.Results) error {
	if err := r.Fields(intText); err != nil {
		return err
	}
	for lo := 0; lo < n; lo += 1000 {
		if err := r.Chunk(intChunk(lo, min(n, lo+1000))); err != nil {
			return err
		}
	}
	return r.Complete("SELECT")
}

func results3(r session.Results, c *chunk.Chunk) error {
	if err := r.Fields(intText); err != nil {
		return err
	}
	if err := r.Chunk(c); err != nil {
		return err
	}
	return r.Complete("SELECT")
}

// intChunk has rows (i, "v<i>"), with NULL in b for every multiple of 5.
func intChunk(lo, hi int) *chunk.Chunk {
	c := chunk.New(chunk.Schema{types.Int4, types.Text}, hi-lo)
	for i := lo; i < hi; i++ {
		c.Cols[0].Ints = append(c.Cols[0].Ints, int64(i))
		if i%5 == 0 {
			c.Cols[1].AppendNull()
		} else {
			c.Cols[1].AppendString("v" + strconv.Itoa(i))
		}
	}
	c.Rows = hi - lo
	return c
}

func (f *fakeSession) Parse(_ context.Context, name, text string, _ []uint32) error {
	if strings.HasPrefix(text, "syntax") {
		return sqlerr.Syntax(0, "syntax error")
	}
	if name != "" && f.stmts[name] != "" {
		return sqlerr.New(sqlerr.DuplicatePreparedStatement, "prepared statement %q already exists", name)
	}
	f.stmts[name] = text
	return nil
}

func (f *fakeSession) Bind(_ context.Context, portal, statement string, params []session.Param) error {
	text, ok := f.stmts[statement]
	if !ok {
		return sqlerr.New(sqlerr.InvalidSQLStatementName, "prepared statement %q does not exist", statement)
	}
	f.portals[portal] = text
	kept := make([]session.Param, len(params))
	for i, p := range params {
		kept[i] = session.Param{Data: bytes.Clone(p.Data), Binary: p.Binary}
	}
	f.params[portal] = kept
	return nil
}

func (f *fakeSession) DescribeStatement(_ context.Context, name string) (session.Description, error) {
	text, ok := f.stmts[name]
	if !ok {
		return session.Description{}, sqlerr.New(sqlerr.InvalidSQLStatementName, "prepared statement %q does not exist", name)
	}
	d := session.Description{Fields: fieldsOf(text)}
	for range strings.Count(text, "$") {
		d.Params = append(d.Params, types.Int4)
	}
	return d, nil
}

func (f *fakeSession) DescribePortal(_ context.Context, name string) ([]session.Field, error) {
	text, ok := f.portals[name]
	if !ok {
		return nil, sqlerr.New(sqlerr.InvalidCursorName, "portal %q does not exist", name)
	}
	return fieldsOf(text), nil
}

func (f *fakeSession) Execute(ctx context.Context, portal string, _ int, r session.Results) (bool, error) {
	text, ok := f.portals[portal]
	if !ok {
		return false, sqlerr.New(sqlerr.InvalidCursorName, "portal %q does not exist", portal)
	}
	if text == "" {
		return false, r.Empty()
	}
	return false, f.run(ctx, text, f.params[portal], r)
}

func (f *fakeSession) CloseStatement(_ context.Context, name string) error {
	delete(f.stmts, name)
	return nil
}

func (f *fakeSession) ClosePortal(_ context.Context, name string) error {
	delete(f.portals, name)
	return nil
}

func (f *fakeSession) Sync(context.Context) error {
	if f.tx == session.TxIdle {
		clear(f.portals)
	}
	return nil
}

// testServer is a server over the fake on a loopback port.
type testServer struct {
	*Server
	fake *fakeBackend
	addr string
}

func startServer(t testing.TB, change func(*Config)) *testServer {
	t.Helper()
	fake := &fakeBackend{}
	cfg := Config{Backend: fake, Log: slog.New(slog.DiscardHandler), CheckInterval: 20 * time.Millisecond}
	if change != nil {
		change(&cfg)
	}
	l, err := Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &testServer{Server: New(cfg), fake: fake, addr: l.Addr().String()}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
		defer stop()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; !errors.Is(err, ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
		s.fake.mu.Lock()
		defer s.fake.mu.Unlock()
		if n := len(s.fake.live); n != 0 {
			t.Errorf("%d sessions were not ended", n)
		}
	})
	return s
}

func (s *testServer) dial(t testing.TB) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(10 * time.Second))
	return nc
}
