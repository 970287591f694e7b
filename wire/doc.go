// Package wire is the PostgreSQL server protocol, version 3: it listens, negotiates
// encryption and the protocol's minor version, authenticates, reads the client's
// messages, calls the database through the interfaces of package session, and
// writes results, errors and notices back.
//
// It knows nothing of SQL. Rows reach it as columnar chunks and are encoded column
// by column (encode.go).
//
// # A connection's life
//
//	accept ─ startup ─ [TLS] ─ authenticate ─ Backend.Connect ─ messages … ─ Session.End
//	   │        │                                                  │
//	   │        └ CancelRequest: find the pid, compare the secret, cancel, close
//	   └ half-open connections are bounded; the oldest makes room for a new one
//
// One goroutine serves one connection and recovers from panics: a fault takes down
// that connection alone. Output is buffered and leaves in one write when the server
// is about to wait for the client and owes it an answer, or when the buffer is full.
//
// # Who may do what from outside
//
// Cancel and Terminate come from other goroutines. Both end the context of the
// running call; Terminate also wakes the connection from reading and writing by
// deadlines. The mutex of conn guards exactly what they touch.
package wire
