package sqllogictest

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// defaultSession is the connection in use until a file says otherwise.
const defaultSession = "default"

// statementTimeout bounds one statement; more than that is a hang.
const statementTimeout = 60 * time.Second

// session is a named connection of a file. It outlives the server: after a restart it connects again and says once more
// what belongs to the session.
type session struct {
	name     string
	conn     *pgconn.PgConn // nil before the first statement and after a restart
	extended bool           // use the extended protocol
	state    []string       // SET and PREPARE statements to be repeated on a new connection
	notices  []string       // of the last statement
}

// sessionState matches statements whose effect ends with the connection and which can be repeated.
var sessionState = regexp.MustCompile(`(?i)^\s*(SET\s+(SESSION\s+)?[a-z_."]+\s*(=|\bTO\b)|SET\s+TIME\s+ZONE|RESET|PREPARE|DEALLOCATE|DISCARD)\b?`)

// clockMoves matches what moves a virtual clock, which is not the session's.
var clockMoves = regexp.MustCompile(`(?i)^\s*SET\s+streamdb\.clock\b`)

// idle reports whether the connection may be cut without changing an answer.
func (s *session) idle() bool {
	return s.conn == nil || s.conn.IsClosed() || s.conn.TxStatus() == 'I'
}

// connect makes sure that there is a connection.
func (s *session) connect(ctx context.Context, connString string) error {
	if s.conn != nil && !s.conn.IsClosed() {
		return nil
	}
	cfg, err := pgconn.ParseConfig(connString)
	if err != nil {
		return err
	}
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		s.notices = append(s.notices, n.Severity+": "+n.Message)
	}
	if s.conn, err = pgconn.ConnectConfig(ctx, cfg); err != nil {
		return fmt.Errorf("connect %s: %w", s.name, err)
	}
	for _, sql := range s.state {
		if _, err := s.conn.Exec(ctx, sql).ReadAll(); err != nil {
			return fmt.Errorf("repeat %q after a restart: %w", sql, err)
		}
	}
	return nil
}

// exec runs SQL with the simple protocol and returns its last result.
func (s *session) exec(ctx context.Context, sql string) (*pgconn.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	s.notices = nil
	var last *pgconn.Result
	var err error
	if s.extended && !strings.Contains(sql, ";") {
		last, err = readOne(s.conn.ExecParams(ctx, sql, nil, nil, nil, nil))
	} else {
		last, err = readLast(s.conn.Exec(ctx, sql))
	}
	if err != nil {
		return nil, err
	}
	if sessionState.MatchString(sql) && !clockMoves.MatchString(sql) && s.conn.TxStatus() == 'I' {
		s.state = append(s.state, sql)
	}
	return last, nil
}

// readOne reads a result, keeping the columns of an empty one.
func readOne(rr *pgconn.ResultReader) (*pgconn.Result, error) {
	fields := slices.Clone(rr.FieldDescriptions())
	res := rr.Read()
	res.FieldDescriptions = fields
	return res, res.Err
}

// readLast reads all results and returns the last one. Unlike ReadAll of pgconn it keeps the columns of an empty result.
func readLast(mrr *pgconn.MultiResultReader) (*pgconn.Result, error) {
	last := &pgconn.Result{}
	for mrr.NextResult() {
		last, _ = readOne(mrr.ResultReader()) // Close returns the error.
	}
	if err := mrr.Close(); err != nil {
		return nil, err
	}
	return last, nil
}

// close ends the connection; drop forgets it without a word, as after a kill.
func (s *session) close(ctx context.Context) {
	if s.conn != nil {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_ = s.conn.Close(ctx) // The server may be gone already; either way we are done with it.
		s.conn = nil
	}
}
