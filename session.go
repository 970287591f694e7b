package streamdb

import (
	"context"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"streamdb/planner"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/parser"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/wire/session"
)

// database is the one database of a server.
const database = "streamdb"

// conn is one client's session. Its methods are called by the connection's goroutine.
type conn struct {
	db             *DB
	start          session.Startup
	user, database string
	set            *settings

	// t is the open transaction, nil outside of one. explicit says that BEGIN opened
	// it; failed that it only waits for its end.
	t *transaction
	// running is t for others, who only use what its mutex guards.
	running          atomic.Pointer[transaction]
	explicit, failed bool
	// statements counts the statements that the transaction has run.
	statements int
	modes      ast.TransactionModes
	// alone tells that the statement is the only one of its implicit transaction, which
	// then ends with it.
	alone bool
	// last is what an implicit transaction of the extended protocol consists of.
	last pipelined
	// before is the settings to go back to if the transaction is rolled back; local
	// those that end with it.
	before *settings
	local  map[string]string

	plans    planCache
	prepared map[string]*prepared
	portals  map[string]*portal
	cursors  map[string]*cursor

	statementTime int64
	seq           map[catalog.ID]int64 // currval
	lastSeq       catalog.ID

	mu       sync.Mutex // guards activity, which others read
	activity activity

	// follows tells that the client was told that this node takes no writes.
	follows bool
}

// activity is what pg_stat_activity shows of a session.
type activity struct {
	state, query               string
	began, xact, queried, turn int64
}

var (
	_ session.Backend     = (*DB)(nil)
	_ session.Session     = (*conn)(nil)
	_ session.IdleLimiter = (*conn)(nil)
)

// Connect implements session.Backend.
func (db *DB) Connect(_ context.Context, s session.Startup) (session.Session, error) {
	if s.Database != database {
		return nil, sqlerr.New(sqlerr.InvalidCatalogName, "database %q does not exist", s.Database).
			WithHint("Connect to the database %q.", database)
	}
	c := &conn{db: db, start: s, user: s.User, database: s.Database, set: newSettings(s.User),
		prepared: map[string]*prepared{}, portals: map[string]*portal{}, cursors: map[string]*cursor{}, seq: map[catalog.ID]int64{}}
	for _, st := range s.Settings {
		if strings.EqualFold(st.Name, "database") || strings.EqualFold(st.Name, "user") || strings.EqualFold(st.Name, "replication") {
			continue
		}
		d, err := c.set.set(st.Name, st.Value)
		if err != nil {
			return nil, err
		}
		if d != nil {
			c.set.reset[d.name] = c.set.values[d.name]
			delete(c.set.values, d.name)
		}
	}
	c.activity = activity{state: "idle", began: db.now(), turn: db.now()}
	c.report()
	c.showRole()
	db.sessions.add(c)
	return c, nil
}

// report tells the client the settings that it follows.
func (s *conn) report() {
	for i := range settingList {
		if d := &settingList[i]; d.reported {
			s.start.Client.Parameter(d.name, s.set.text(d.name))
		}
	}
	s.display()
}

func (s *conn) display() {
	st := *s.set.types()
	st.Reg = sessionReg{s}
	s.start.Client.Display(&st)
}

// TxStatus implements session.Session.
func (s *conn) TxStatus() byte {
	switch {
	case s.failed:
		return session.TxFailed
	case s.explicit:
		return session.TxOpen
	}
	return session.TxIdle
}

// End implements session.Session.
func (s *conn) End() {
	s.rollback()
	s.db.locks().releaseAll(s.start.PID)
	for _, c := range s.cursors {
		c.close()
	}
	s.db.sessions.remove(s)
}

// IdleLimit implements session.IdleLimiter.
func (s *conn) IdleLimit() (time.Duration, error) {
	if s.explicit || s.failed {
		return s.set.duration("idle_in_transaction_session_timeout"),
			sqlerr.New(sqlerr.IdleInTransactionSessionTimeout, "terminating connection due to idle-in-transaction timeout")
	}
	return s.set.duration("idle_session_timeout"),
		sqlerr.New(sqlerr.IdleSessionTimeout, "terminating connection due to idle-session timeout")
}

// Query implements session.Simple.
func (s *conn) Query(ctx context.Context, text string, r session.Results) (err error) {
	delete(s.prepared, "")
	s.closePortal("")
	s.busy(text)
	defer s.idle()
	if p := s.plans.get(text); p != nil {
		s.alone = true
		if err := s.simple(ctx, p, r); err != nil {
			s.fail()
			return err
		}
		return s.endSimple(ctx)
	}
	stmts, err := parser.Parse(text)
	if err != nil {
		s.fail()
		return err
	}
	if len(stmts) == 0 {
		return r.Empty()
	}
	s.alone = len(stmts) == 1
	for i := range stmts {
		p := &prepared{stmt: stmts[i], simple: true}
		if err := s.simple(ctx, p, r); err != nil {
			s.fail()
			return err
		}
		if s.alone {
			s.plans.put(text, p)
		}
	}
	return s.endSimple(ctx)
}

// endSimple commits what a simple query has done outside a transaction block.
func (s *conn) endSimple(ctx context.Context) error {
	err := s.endImplicit(ctx)
	if err != nil {
		s.fail()
	}
	return err
}

// simple runs one statement of a simple query.
func (s *conn) simple(ctx context.Context, p *prepared, r session.Results) error {
	ctx, cancel := s.timeout(ctx)
	defer cancel()
	return s.run(ctx, &portal{prep: p}, r)
}

// timeout bounds a statement by statement_timeout.
func (s *conn) timeout(ctx context.Context) (context.Context, context.CancelFunc) {
	d := s.set.duration("statement_timeout")
	if d <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, d, sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to statement timeout"))
}

// prepared is a prepared statement.
type prepared struct {
	stmt   parser.Statement
	given  []types.Type // the client's
	params []types.Type
	fields []planner.Field
	rows   bool // it returns rows
	made   int64
	viaSQL bool
	simple bool // it came as a simple query, which has no parameters
	// planned is the last plan, good for one version of the catalog and these settings.
	planned planner.Planned
	version uint64
	path    string
}

// portal is a statement bound to values.
type portal struct {
	prep   *prepared
	values []expr.Expr
	done   bool
}

// Parse implements session.Extended.
func (s *conn) Parse(ctx context.Context, name, text string, paramOIDs []uint32) error {
	if name != "" && s.prepared[name] != nil {
		return s.failed2(sqlerr.New(sqlerr.DuplicatePreparedStatement, "prepared statement %q already exists", name))
	}
	st, err := parser.ParseOne(text)
	if err != nil {
		return s.failed2(err)
	}
	p := &prepared{stmt: st, made: s.db.now()}
	for _, oid := range paramOIDs {
		t := types.Unknown
		if oid != 0 && oid != 705 {
			var ok bool
			if t, ok = types.FromOID(oid); !ok {
				return s.failed2(sqlerr.New(sqlerr.UndefinedObject, "type with OID %d does not exist", oid))
			}
		}
		p.given = append(p.given, t)
	}
	if s.t == nil {
		err = s.strict(ctx, st.AST)
	}
	if err == nil {
		err = s.describe(ctx, p)
	}
	if err != nil {
		return s.failed2(err)
	}
	if name == "" {
		delete(s.prepared, "")
	}
	s.prepared[name] = p
	return nil
}

// failed2 marks the transaction as failed and returns err.
func (s *conn) failed2(err error) error {
	s.fail()
	return err
}

// describe plans a statement for its parameters and columns.
func (s *conn) describe(ctx context.Context, p *prepared) error {
	if p.stmt.AST == nil {
		return nil
	}
	if s.failed && !endsTransaction(p.stmt.AST) {
		return errFailedTransaction()
	}
	switch a := p.stmt.AST.(type) {
	case *ast.Select, *ast.Insert, *ast.Update, *ast.Delete, *ast.Explain, *ast.Subscribe:
		t, end := s.peek()
		defer end()
		planned, err := s.plan(t, p)
		if err != nil {
			return err
		}
		p.params = planned.Common().Params
		p.fields, p.rows = fieldsOf(planned)
	case *ast.Execute:
		if q := s.prepared[a.Name]; q != nil {
			p.fields, p.rows = q.fields, q.rows
		}
	default:
		p.fields, p.rows = utilityFields(p.stmt.AST)
		if f, ok := p.stmt.AST.(*ast.Fetch); ok && !f.Move {
			if c := s.cursors[f.Cursor]; c != nil {
				p.fields, p.rows = c.fields, true
			}
		}
	}
	return nil
}

// peek gives a transaction to plan in: the open one, or one that nobody keeps.
func (s *conn) peek() (*transaction, func()) {
	if s.t != nil {
		return s.t, func() {}
	}
	return s.db.begin(false), func() {}
}

// Bind implements session.Extended.
func (s *conn) Bind(_ context.Context, name, statement string, params []session.Param) error {
	p := s.prepared[statement]
	if p == nil {
		return s.failed2(noStatement(statement))
	}
	if name != "" && s.portals[name] != nil {
		return s.failed2(sqlerr.New(sqlerr.DuplicateCursor, "portal %q already exists", name))
	}
	if len(params) != len(p.params) {
		return s.failed2(sqlerr.New(sqlerr.ProtocolViolation, "bind message supplies %d parameters, but prepared statement %q requires %d", len(params), statement, len(p.params)))
	}
	po := &portal{prep: p}
	for i, v := range params {
		d, err := s.paramValue(p.params[i], v)
		if err != nil {
			return s.failed2(err)
		}
		po.values = append(po.values, *expr.Const(p.params[i], d))
	}
	s.portals[name] = po
	return nil
}

func (s *conn) paramValue(t types.Type, v session.Param) (types.Datum, error) {
	switch {
	case v.Data == nil:
		return types.NullDatum, nil
	case v.Binary:
		return types.ParseBinary(t, v.Data)
	}
	if err := types.CheckUTF8(string(v.Data)); err != nil {
		return types.NullDatum, err
	}
	st := *s.set.types()
	st.Now = s.db.now()
	tr, end := s.peek()
	defer end()
	st.Reg = &regNames{s: s, t: tr}
	return types.ParseText(t, string(v.Data), &st)
}

func noStatement(name string) error {
	if name == "" {
		return sqlerr.New(sqlerr.InvalidSQLStatementName, "unnamed prepared statement does not exist")
	}
	return sqlerr.New(sqlerr.InvalidSQLStatementName, "prepared statement %q does not exist", name)
}

// DescribeStatement implements session.Extended.
func (s *conn) DescribeStatement(ctx context.Context, name string) (session.Description, error) {
	p := s.prepared[name]
	if p == nil {
		return session.Description{}, s.failed2(noStatement(name))
	}
	d := session.Description{Params: p.params}
	if p.rows {
		d.Fields = wireFields(p.fields)
	}
	return d, nil
}

// DescribePortal implements session.Extended.
func (s *conn) DescribePortal(_ context.Context, name string) ([]session.Field, error) {
	p := s.portals[name]
	if p == nil {
		if c := s.cursors[name]; c != nil { // DECLARE makes a portal, too
			return wireFields(c.fields), nil
		}
		return nil, s.failed2(noPortal(name))
	}
	if !p.prep.rows {
		return nil, nil
	}
	return wireFields(p.prep.fields), nil
}

func noPortal(name string) error {
	return sqlerr.New(sqlerr.InvalidCursorName, "portal %q does not exist", name)
}

// Execute implements session.Extended.
func (s *conn) Execute(ctx context.Context, name string, _ int, r session.Results) (more bool, err error) {
	p := s.portals[name]
	if p == nil {
		return false, s.failed2(noPortal(name))
	}
	if p.prep.stmt.AST == nil {
		return false, r.Empty()
	}
	if p.done {
		return false, r.Complete("SELECT 0")
	}
	s.busy(p.prep.stmt.Text)
	defer s.idle()
	ctx, cancel := s.timeout(ctx)
	defer cancel()
	s.alone = false
	s.last.count++
	s.last.portal = p
	w := &retryResults{Results: r}
	if err := s.run(ctx, p, w); err != nil {
		return false, s.failed2(err)
	}
	s.last.tag, s.last.sent = w.tag, w.sent
	if err := w.finish(); err != nil {
		return false, s.failed2(err)
	}
	p.done = true
	return false, nil
}

// pipelined is the statements since the last Sync. The client may send more before it
// syncs, so that only Sync can commit; a lone statement without rows is run again then
// if another transaction was in its way, as in the simple protocol.
type pipelined struct {
	count  int
	portal *portal
	tag    string
	sent   bool
}

// retryLast runs the last statement again, until it commits or has been tried often
// enough. Its completion has been sent: it must end with the same one.
func (s *conn) retryLast(ctx context.Context, err error) error {
	l := s.last
	for try := 1; try < singleTries && mayRetry(err) && l.count == 1 && !l.sent; try++ {
		s.rollback()
		w := &retryResults{Results: discard{}}
		if err = s.run(ctx, l.portal, w); err != nil {
			continue
		}
		if w.tag != l.tag {
			s.rollback()
			return sqlerr.New(sqlerr.SerializationFailure, "could not serialize access due to concurrent update")
		}
		err = s.endImplicit(ctx)
	}
	return err
}

// discard is results that nobody sees.
type discard struct{}

// Fields implements session.Results.
func (discard) Fields([]session.Field) error { return nil }

// Chunk implements session.Results.
func (discard) Chunk(*chunk.Chunk) error { return nil }

// Complete implements session.Results.
func (discard) Complete(string) error { return nil }

// Empty implements session.Results.
func (discard) Empty() error { return nil }

// CopyIn implements session.Results.
func (discard) CopyIn(session.CopyFormat) (io.Reader, error) {
	return nil, sqlerr.Internal("COPY cannot be run again")
}

// CopyOut implements session.Results.
func (discard) CopyOut(session.CopyFormat) (session.CopyWriter, error) {
	return nil, sqlerr.Internal("COPY cannot be run again")
}

// Flush implements session.Results.
func (discard) Flush() error { return nil }

// CloseStatement implements session.Extended.
func (s *conn) CloseStatement(_ context.Context, name string) error {
	delete(s.prepared, name)
	return nil
}

// ClosePortal implements session.Extended.
func (s *conn) ClosePortal(_ context.Context, name string) error {
	s.closePortal(name)
	return nil
}

func (s *conn) closePortal(name string) { delete(s.portals, name) }

// Sync implements session.Extended.
func (s *conn) Sync(ctx context.Context) error {
	defer func() { s.last = pipelined{} }()
	if s.t == nil || s.explicit {
		return nil
	}
	if s.failed {
		s.rollback()
		return nil
	}
	err := s.endImplicit(ctx)
	if err != nil {
		err = s.retryLast(ctx, err)
	}
	if err != nil {
		s.rollback()
	}
	return err
}

func wireFields(fs []planner.Field) []session.Field {
	out := make([]session.Field, len(fs))
	for i, f := range fs {
		out[i] = session.Field{Name: f.Name, Type: f.Type, TableOID: uint32(f.Table), Attr: int16(f.Column)}
	}
	return out
}

// busy and idle keep pg_stat_activity.
func (s *conn) busy(query string) {
	now := s.db.now()
	s.statementTime = now
	s.mu.Lock()
	defer s.mu.Unlock()
	s.activity.state, s.activity.query, s.activity.queried, s.activity.turn = "active", query, now, now
}

func (s *conn) idle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.activity.turn = s.db.now()
	switch {
	case s.failed:
		s.activity.state = "idle in transaction (aborted)"
	case s.explicit:
		s.activity.state = "idle in transaction"
	default:
		s.activity.state = "idle"
		s.activity.xact = 0
	}
}

// resolvedPath is search_path with "$user" replaced, as far as the schemas exist.
func (s *conn) resolvedPath(cat *catalog.Catalog) []string {
	var path []string
	for _, p := range s.set.searchPath() {
		if p == "$user" {
			if p = s.user; !cat.HasUserSchema(p) {
				continue
			}
		}
		if _, err := cat.SchemaByName(p); err == nil {
			path = append(path, p)
		}
	}
	return path
}

// sessionTable is the sessions that are connected.
type sessionTable struct {
	mu  sync.Mutex
	all map[uint32]*conn
	// advisory locks of all sessions
	locks advisoryLocks
}

func (t *sessionTable) add(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = make(map[uint32]*conn)
	}
	t.all[c.start.PID] = c
}

func (t *sessionTable) remove(c *conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, c.start.PID)
}

func (t *sessionTable) list() []*conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]*conn, 0, len(t.all))
	for _, c := range t.all {
		out = append(out, c)
	}
	return out
}

func (t *sessionTable) find(pid uint32) *conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all[pid]
}

// closeAll ends all sessions' statements.
func (t *sessionTable) closeAll() {
	for _, c := range t.list() {
		c.start.Client.Terminate(nil)
	}
}

func (db *DB) locks() *advisoryLocks { return &db.sessions.locks }
