// Package session is the seam between the protocol server (package wire) and the
// database: what wire asks of a database, and what a database may ask of the client
// on the other end. It declares interfaces and small structs over sql/chunk,
// sql/types and the standard library, so that the database implements them without
// importing the protocol.
//
// # How calls arrive
//
// One connection is one Session and one goroutine: wire never calls two methods of
// a Session at the same time, and a Session calls its Results and the sending half
// of its Client only from inside such a call. Cancel and Terminate of Client are the
// exception: any goroutine may call them at any time.
//
// The context of a call ends when the client cancels, the connection breaks, the
// server shuts down or somebody calls Client.Cancel or Client.Terminate;
// context.Cause then is the *sqlerr.Error to return. A statement that waits or loops
// watches it.
//
// Errors that should reach the client as they are, are *sqlerr.Error; anything else
// is shown as XX000. Error positions are byte positions in the text that was handed
// to Query or Parse; wire turns them into characters.
package session
