package wire

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/jackc/pgx/v5/pgproto3"

	"streamdb/sql/sqlerr"
)

// Authenticator decides whether a client may become a session. It returns nil to
// admit it, or the error the client gets: 28000, or 28P01 for a wrong password. It
// sends its challenges through x and never AuthenticationOk, which wire adds. ctx
// ends with the authentication timeout.
type Authenticator func(ctx context.Context, r AuthRequest, x AuthExchange) error

// AuthRequest is what a client claims.
type AuthRequest struct {
	User, Database string
	// Remote is the client's address.
	Remote net.Addr
	// TLS is the state of the encrypted connection, nil for plain text.
	TLS *tls.ConnectionState
}

// AuthExchange carries the messages of an authentication.
type AuthExchange interface {
	// Challenge sends m and waits for the client's answer, a PasswordMessage,
	// SASLInitialResponse or SASLResponse according to m. The answer is valid until
	// the next call.
	Challenge(m pgproto3.AuthenticationResponseMessage) (pgproto3.FrontendMessage, error)
	// Send sends m without waiting (the final message of SASL).
	Send(m pgproto3.AuthenticationResponseMessage) error
}

// TrustLocal admits whoever comes from this machine, by loopback or Unix socket,
// and refuses everybody else.
func TrustLocal(_ context.Context, r AuthRequest, _ AuthExchange) error {
	switch a := r.Remote.(type) {
	case *net.UnixAddr:
		return nil
	case *net.TCPAddr:
		if a.IP.IsLoopback() {
			return nil
		}
		return sqlerr.New(sqlerr.InvalidAuthorizationSpecification,
			"connections from host %q are refused: no authentication is configured", a.IP.String()).
			WithHint("Connect from the machine the server runs on, for instance through an SSH tunnel.")
	}
	return sqlerr.New(sqlerr.InvalidAuthorizationSpecification, "connections from %v are refused: no authentication is configured", r.Remote)
}
