package session

import (
	"context"
	"time"

	"streamdb/sql/types"
)

// Backend opens sessions. It is called from many goroutines.
type Backend interface {
	// Connect opens the session of an authenticated client. It refuses an unknown
	// database (3D000), role (28000) or setting (42704, 22023) with an error, which
	// ends the connection. Before it returns it reports the settings the protocol
	// shows (see Client.Parameter); those it leaves out get wire's defaults.
	// ctx ends with the authentication timeout or the connection.
	Connect(ctx context.Context, s Startup) (Session, error)
}

// Startup is what is known of a client when its session is opened.
type Startup struct {
	// PID is the number pg_backend_pid() shows: unique among live connections, > 0.
	PID uint32
	// User is never empty; Database is the user's name when the client sent none.
	User, Database string
	// Settings holds the run-time settings of the startup packet, among them those
	// of "options=-c name=value", in the order they were sent. Names are as sent.
	Settings []Setting
	// Host and Port are the client's address as pg_stat_activity shows it: Host is
	// empty and Port -1 for a Unix socket.
	Host string
	Port int
	// TLS tells whether the connection is encrypted.
	TLS bool
	// Client reaches back to the connection.
	Client Client
}

// Setting is a run-time setting and its value as text.
type Setting struct{ Name, Value string }

// Client is the connection as its session sees it.
type Client interface {
	// Notice sends e as a notice. Severity is one of the Severity constants; a code
	// of "" becomes 00000, or 01000 for a warning. Whether client_min_messages lets
	// it through is for the session to decide. Only from inside a session call.
	Notice(severity Severity, e Notice)
	// Parameter reports the current value of a setting which clients follow
	// (GUC_REPORT): server_version, server_encoding, client_encoding, DateStyle,
	// IntervalStyle, TimeZone, integer_datetimes, standard_conforming_strings,
	// is_superuser, session_authorization, application_name, in_hot_standby,
	// default_transaction_read_only. Reporting a value again costs nothing and sends
	// nothing. Only from inside Connect or a session call.
	Parameter(name, value string)
	// Display sets how values are written as text from now on: the session's current
	// settings, with the resolver of reg* names. nil is PostgreSQL's defaults. s is
	// not changed afterwards. Only from inside Connect or a session call.
	Display(s *types.Settings)
	// Cancel ends the statement now running with 57014 or, if cause is not nil,
	// with cause; between statements it does nothing. Any goroutine.
	Cancel(cause error)
	// Terminate ends the connection: the running statement as Cancel does, then the
	// client is told cause (nil means 57P01, "terminating connection due to
	// administrator command") and the connection is closed. Any goroutine.
	Terminate(cause error)
}

// Severity is the level of a notice.
type Severity string

// The severities of notices.
const (
	Warning     Severity = "WARNING"
	NoticeLevel Severity = "NOTICE"
	Info        Severity = "INFO"
	Debug       Severity = "DEBUG"
	Log         Severity = "LOG"
)

// Notice is a message to the client which is not an error.
type Notice struct {
	Code    string // SQLSTATE; may be empty
	Message string
	Detail  string // may be empty
	Hint    string // may be empty
	// Position is a byte position in the statement as in sqlerr.Error: one more
	// than the offset, 0 for none.
	Position int
}

// Session is one client's session. After End no method is called.
//
// Simple and Extended statements of one client come interleaved, never together.
type Session interface {
	Simple
	Extended

	// TxStatus is the transaction's state after the last call: TxIdle, TxOpen or
	// TxFailed. An implicit transaction reads as TxIdle.
	TxStatus() byte
	// End closes the session: rolls back, drops what is temporary, gives locks
	// back. It is called exactly once, whatever happened, and must not block on the
	// client.
	End()
}

// The transaction states, as the protocol writes them.
const (
	TxIdle   = byte('I')
	TxOpen   = byte('T')
	TxFailed = byte('E')
)

// Simple is the simple query protocol.
type Simple interface {
	// Query runs the statements of text in order, sending each one's result to r:
	// for a statement with rows Fields, then Chunk as often as needed, then
	// Complete; for one without rows Complete alone; for COPY what Results says; for
	// text without any statement Empty. It stops at the first error, which it
	// returns and never sends itself. The implicit transaction around the statements
	// is Query's own; it is over when Query returns. Unnamed statement and portal
	// are dropped.
	Query(ctx context.Context, text string, r Results) error
}

// Extended is the extended query protocol. The first call of an implicit
// transaction begins it; Sync ends it. After an error wire skips to Sync.
type Extended interface {
	// Parse prepares one statement under a name; "" is the unnamed statement, which
	// is replaced, while a named one that exists is 42P05. paramOIDs gives the types
	// of the leading parameters, 0 for those to be inferred. More than one statement
	// in text is 42601; none is allowed.
	Parse(ctx context.Context, name, text string, paramOIDs []uint32) error
	// Bind makes a portal from a prepared statement (26000 if there is none) and
	// parameter values; "" is the unnamed portal, which is replaced, while a named
	// one that exists is 42P03. A wrong number of parameters is 08P01. The bytes of
	// the parameters are valid until Bind returns.
	Bind(ctx context.Context, portal, statement string, params []Param) error
	// DescribeStatement gives parameter types and result columns of a prepared
	// statement (26000 if there is none).
	DescribeStatement(ctx context.Context, name string) (Description, error)
	// DescribePortal gives the result columns of a portal (34000 if there is none).
	DescribePortal(ctx context.Context, name string) ([]Field, error)
	// Execute runs a portal (34000 if there is none) into r, which behaves as in
	// Query, for one statement. maxRows > 0 is the number of rows the client wants
	// now. It is a hint: a session may push all rows and Complete at once (wire
	// keeps what is above and hands it out at the following Executes without asking
	// again), or stop after about maxRows rows without Complete and return
	// more = true, to be called again later.
	Execute(ctx context.Context, portal string, maxRows int, r Results) (more bool, err error)
	// CloseStatement forgets a prepared statement and its portals; an unknown name
	// is no error.
	CloseStatement(ctx context.Context, name string) error
	// ClosePortal forgets a portal; an unknown name is no error.
	ClosePortal(ctx context.Context, name string) error
	// Sync ends the implicit transaction, if there is one: it commits if none of the
	// calls since the last Sync failed, else rolls back. An explicit transaction
	// stays open, or failed. An error says that the commit failed.
	Sync(ctx context.Context) error
}

// IdleLimiter is an optional ability of a Session.
type IdleLimiter interface {
	// IdleLimit is asked before wire waits for the client's next message. Should the
	// client stay silent for d (> 0), the connection ends with err, which is 57P05
	// or 25P03 by the rules of idle_session_timeout and
	// idle_in_transaction_session_timeout. 0 means no limit.
	IdleLimit() (d time.Duration, err error)
}

// Param is a parameter value as the client sent it; types.ParseText and
// types.ParseBinary read it.
type Param struct {
	// Data is nil for NULL.
	Data []byte
	// Binary tells that Data is in the type's binary format, else text.
	Binary bool
}

// Description is what a client may know of a prepared statement.
type Description struct {
	Params []types.Type
	// Fields is nil for a statement that returns no rows.
	Fields []Field
}

// Field describes one result column.
type Field struct {
	Name string
	Type types.Type
	// TableOID and Attr name the relation's column the field comes from, 0 if it
	// comes from none.
	TableOID uint32
	Attr     int16
}
