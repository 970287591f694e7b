package wire

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// client speaks the protocol message by message.
type client struct {
	t  testing.TB
	nc net.Conn
	*pgproto3.Frontend
}

// open connects and goes through startup; it returns the client after ReadyForQuery.
func (s *testServer) open(t testing.TB) *client {
	t.Helper()
	nc := s.dial(t)
	c := &client{t: t, nc: nc, Frontend: pgproto3.NewFrontend(nc, nc)}
	c.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: map[string]string{"user": "u"}})
	c.until("ready I")
	return c
}

// until flushes what was sent and reads answers up to one that reads last; it returns
// them in short, joined by " | ".
func (c *client) until(last string) string {
	c.t.Helper()
	if err := c.Flush(); err != nil {
		c.t.Fatal(err)
	}
	var all []string
	for {
		m, err := c.Receive()
		if err != nil {
			c.t.Fatalf("after %q: %v", all, err)
		}
		s := short(m)
		all = append(all, s)
		if s == last || last == "ready" && strings.HasPrefix(s, "ready") || last == "" {
			return strings.Join(all, " | ")
		}
	}
}

// short writes a message in few words.
func short(m pgproto3.BackendMessage) string {
	switch m := m.(type) {
	case *pgproto3.ReadyForQuery:
		return "ready " + string(m.TxStatus)
	case *pgproto3.DataRow:
		cells := make([]string, len(m.Values))
		for i, v := range m.Values {
			cells[i] = "NULL"
			if v != nil {
				cells[i] = fmt.Sprintf("%q", v)
			}
		}
		return "row " + strings.Join(cells, ",")
	case *pgproto3.RowDescription:
		cols := make([]string, len(m.Fields))
		for i, f := range m.Fields {
			cols[i] = fmt.Sprintf("%s:%d/%d", f.Name, f.DataTypeOID, f.Format)
		}
		return "fields " + strings.Join(cols, ",")
	case *pgproto3.CommandComplete:
		return "done " + string(m.CommandTag)
	case *pgproto3.ErrorResponse:
		return fmt.Sprintf("%s %s %s", m.Severity, m.Code, m.Message)
	case *pgproto3.NoticeResponse:
		return fmt.Sprintf("%s %s %s", m.Severity, m.Code, m.Message)
	case *pgproto3.ParameterStatus:
		return "set " + m.Name + "=" + m.Value
	case *pgproto3.ParameterDescription:
		return fmt.Sprintf("params %v", m.ParameterOIDs)
	case *pgproto3.CopyData:
		return fmt.Sprintf("data %q", m.Data)
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", m), "*pgproto3.")
}

func (c *client) expect(got, want string) {
	c.t.Helper()
	if got != want {
		c.t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSimpleProtocol(t *testing.T) {
	c := startServer(t, nil).open(t)
	for _, x := range [][2]string{
		{"rows 2", `fields a:23/0,b:25/0 | row "0",NULL | row "1","v1" | done SELECT 2 | ready I`},
		{"", "EmptyQueryResponse | ready I"},
		{" ; ", "EmptyQueryResponse | ready I"},
		{"begin; rows 1", `done BEGIN | fields a:23/0,b:25/0 | row "0",NULL | done SELECT 1 | ready T`},
		{"rows 1; error x; rows 1", `fields a:23/0,b:25/0 | row "0",NULL | done SELECT 1 | ERROR 42703 column "x" does not exist | ready E`},
		{"rollback", "done ROLLBACK | ready I"},
		{"weights", `fields a:23/0,b:25/0 | row "0",NULL | row "0",NULL | row "1","v1" | row "2","v2" | row "2","v2" | row "2","v2" | done SELECT 6 | ready I`},
		{"baderr", `fields a:23/0,b:25/0 | ERROR 22012 division by zero | ready I`},
		{"goerror", "ERROR XX000 plain | ready I"},
		{"notice hello", "NOTICE 00000 hello | done NOTICE | ready I"},
		{"set TimeZone=UTC", "done SET | ready I"},
		{"set TimeZone=Asia/Tokyo", "set TimeZone=Asia/Tokyo | done SET | ready I"},
		{"copyout", `CopyOutResponse | data "a\n" | data "bb\n" | data "\n" | CopyDone | done COPY 3 | ready I`},
	} {
		c.Send(&pgproto3.Query{String: x[0]})
		c.expect(c.until("ready"), x[1])
	}
}

func TestErrorFields(t *testing.T) {
	c := startServer(t, nil).open(t)
	c.Send(&pgproto3.Query{String: "rows 0; /* äöü */"[:8] + " error é"})
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	for {
		m, err := c.Receive()
		if err != nil {
			t.Fatal(err)
		}
		e, ok := m.(*pgproto3.ErrorResponse)
		if !ok {
			continue
		}
		want := pgproto3.ErrorResponse{
			Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "42703", Message: `column "é" does not exist`, Position: 16,
			Detail: "detail", Hint: "hint", Where: "where", SchemaName: "sch", TableName: "tab", ColumnName: "col", ConstraintName: "con",
		}
		if got := fmt.Sprintf("%+v", *e); got != fmt.Sprintf("%+v", want) {
			t.Errorf("got  %s\nwant %+v", got, want)
		}
		return
	}
}

func TestErrorPositionCountsCharacters(t *testing.T) {
	c := startServer(t, nil).open(t)
	c.Send(&pgproto3.Query{String: "notice äöü; error x"})
	_ = c.Flush()
	for {
		m, err := c.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := m.(*pgproto3.ErrorResponse); ok {
			if e.Position != 19 {
				t.Errorf("position %d, want 19", e.Position)
			}
			return
		}
	}
}

func TestExtendedProtocol(t *testing.T) {
	c := startServer(t, nil).open(t)
	step := func(last, want string, msgs ...pgproto3.FrontendMessage) {
		t.Helper()
		for _, m := range msgs {
			c.Send(m)
		}
		c.expect(c.until(last), want)
	}
	step("ready", "ParseComplete | params [23 23] | fields a:23/0,b:25/0 | ready I",
		&pgproto3.Parse{Name: "s", Query: "params $ $"}, &pgproto3.Describe{ObjectType: 'S', Name: "s"}, &pgproto3.Sync{})
	step("ready", `BindComplete | fields a:23/1,b:25/1 | row "\x00\x00\x00\x00","true:0102" | row "\x00\x00\x00\x01",NULL | done SELECT 2 | ready I`,
		&pgproto3.Bind{PreparedStatement: "s", ParameterFormatCodes: []int16{1}, Parameters: [][]byte{{1, 2}, nil}, ResultFormatCodes: []int16{1}},
		&pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}, &pgproto3.Sync{})
	step("ready", `BindComplete | row "0","false:" | done SELECT 1 | ready I`,
		&pgproto3.Bind{PreparedStatement: "s", Parameters: [][]byte{{}}}, &pgproto3.Execute{}, &pgproto3.Sync{})

	// After an error everything up to Sync is skipped.
	step("ready", "ERROR 42601 syntax error | ready I",
		&pgproto3.Parse{Query: "syntax"}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Query{String: "rows 1"}, &pgproto3.Sync{})
	step("ready", "ERROR 26000 prepared statement \"nope\" does not exist | ready I",
		&pgproto3.Bind{PreparedStatement: "nope"}, &pgproto3.Sync{})
	step("ready", "ERROR 34000 portal \"nope\" does not exist | ready I", &pgproto3.Execute{Portal: "nope"}, &pgproto3.Sync{})
	step("ready", "ParseComplete | BindComplete | ERROR 08P01 bind message has 3 result formats but query has 2 columns | ready I",
		&pgproto3.Parse{Query: "rows 1"}, &pgproto3.Bind{ResultFormatCodes: []int16{0, 0, 0}}, &pgproto3.Execute{}, &pgproto3.Sync{})
	step("ready", "ParseComplete | ERROR 22023 unsupported format code: 7 | ready I",
		&pgproto3.Parse{Query: "rows 1"}, &pgproto3.Bind{ResultFormatCodes: []int16{7}}, &pgproto3.Sync{})

	// An empty statement, a statement without rows, Close, Flush.
	step("EmptyQueryResponse", "ParseComplete | BindComplete | NoData | EmptyQueryResponse",
		&pgproto3.Parse{}, &pgproto3.Bind{}, &pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}, &pgproto3.Flush{})
	step("ready", "CloseComplete | CloseComplete | ready I",
		&pgproto3.Close{ObjectType: 'S', Name: "s"}, &pgproto3.Close{ObjectType: 'P', Name: "nix"}, &pgproto3.Sync{})
	step("ready", "ERROR 0A000 the function call protocol is not supported | ready I", &pgproto3.FunctionCall{})
}

func TestPortalRowLimit(t *testing.T) {
	c := startServer(t, nil).open(t)
	c.Send(&pgproto3.Query{String: "begin"})
	c.until("ready T")
	c.Send(&pgproto3.Parse{Query: "weights"})
	c.Send(&pgproto3.Bind{DestinationPortal: "p"})
	c.Send(&pgproto3.Execute{Portal: "p", MaxRows: 1})
	c.Send(&pgproto3.Execute{Portal: "p", MaxRows: 3})
	c.Send(&pgproto3.Sync{})
	c.expect(c.until("ready"), `ParseComplete | BindComplete | row "0",NULL | PortalSuspended | row "0",NULL | row "1","v1" | row "2","v2" | PortalSuspended | ready T`)
	c.Send(&pgproto3.Execute{Portal: "p"})
	c.Send(&pgproto3.Execute{Portal: "p"})
	c.Send(&pgproto3.Sync{})
	c.expect(c.until("ready"), `row "2","v2" | row "2","v2" | done SELECT 2 | done SELECT 0 | ready T`)
	// Portals end with their transaction.
	c.Send(&pgproto3.Query{String: "commit"})
	c.until("ready I")
	c.Send(&pgproto3.Sync{})
	c.until("ready I")
	c.Send(&pgproto3.Execute{Portal: "p"})
	c.Send(&pgproto3.Sync{})
	c.expect(c.until("ready"), `ERROR 34000 portal "p" does not exist | ready I`)
}

func TestPortalBufferLimit(t *testing.T) {
	c := startServer(t, func(c *Config) { c.PortalBuffer = 100_000 }).open(t)
	c.Send(&pgproto3.Parse{Query: "rows 100000"})
	c.Send(&pgproto3.Bind{})
	c.Send(&pgproto3.Execute{MaxRows: 1})
	c.Send(&pgproto3.Sync{})
	c.expect(c.until("ready"), `ParseComplete | BindComplete | row "0",NULL | ERROR 53200 the rows waiting in a portal exceed 100000 bytes | ready I`)
}

func TestCopyIn(t *testing.T) {
	s := startServer(t, nil)
	c := s.open(t)
	begin := func(q string) {
		t.Helper()
		c.Send(&pgproto3.Query{String: q})
		c.expect(c.until("CopyInResponse"), "CopyInResponse")
	}
	begin("copyin")
	c.Send(&pgproto3.CopyData{Data: []byte("1\ta\n2")})
	c.Send(&pgproto3.CopyData{Data: []byte("\tb\n")})
	c.Send(&pgproto3.CopyDone{})
	c.expect(c.until("ready"), "done COPY 2 | ready I")

	begin("copyin")
	c.Send(&pgproto3.CopyData{Data: []byte("1\n")})
	c.Send(&pgproto3.CopyFail{Message: "enough"})
	c.expect(c.until("ready"), "ERROR 57014 COPY from stdin failed: enough | ready I")

	// The session fails while the client still sends.
	begin("copyin fail")
	for range 100 {
		c.Send(&pgproto3.CopyData{Data: []byte("123456789\n")})
	}
	c.Send(&pgproto3.CopyDone{})
	c.expect(c.until("ready"), "ERROR 22P04 missing data | ready I")

	// The session is content before the client is done.
	begin("copyin none")
	c.Send(&pgproto3.CopyData{Data: []byte("1\n")})
	c.Send(&pgproto3.CopyDone{})
	c.expect(c.until("ready"), "done COPY 0 | ready I")

	// Extended protocol, Sync sent along.
	c.Send(&pgproto3.Parse{Query: "copyin"})
	c.Send(&pgproto3.Bind{})
	c.Send(&pgproto3.Execute{})
	c.Send(&pgproto3.Sync{})
	c.expect(c.until("CopyInResponse"), "ParseComplete | BindComplete | CopyInResponse")
	c.Send(&pgproto3.CopyData{Data: []byte("1\n")})
	c.Send(&pgproto3.CopyDone{})
	c.Send(&pgproto3.Sync{})
	c.expect(c.until("ready"), "done COPY 1 | ready I")

	begin("copyin")
	c.Send(&pgproto3.Query{String: "rows 1"})
	c.expect(c.until(""), "FATAL 08P01 unexpected message type *pgproto3.Query during COPY from stdin")
}
