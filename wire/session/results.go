package session

import (
	"io"

	"streamdb/sql/chunk"
)

// Results takes the results of statements. Its methods return an error when the
// client is gone or a value cannot be sent; the session then stops and returns that
// error.
type Results interface {
	// Fields starts a result that has rows. Inside Execute it is allowed and sends
	// nothing, since the client learns the columns by Describe.
	Fields(f []Field) error
	// Chunk sends rows; c has one column per field, in their order, with weights
	// >= 1: a row is sent weight times. The first value that is an error ends the
	// statement: Chunk returns it. c is only read, and not kept after the return.
	Chunk(c *chunk.Chunk) error
	// Complete ends the current statement with its command tag. For the tags
	// "SELECT" and "FETCH" without a number, the number of rows sent is added.
	Complete(tag string) error
	// Empty ends a text that holds no statement.
	Empty() error
	// CopyIn starts COPY FROM STDIN and gives the client's data. The reader ends
	// with io.EOF when the client is done, with 57014 when it gives up or is
	// cancelled. Complete ends the statement; data left unread by then is skipped.
	CopyIn(f CopyFormat) (io.Reader, error)
	// CopyOut starts COPY TO STDOUT; Complete ends it.
	CopyOut(f CopyFormat) (CopyWriter, error)
	// Flush sends what is buffered now: for results that trickle in.
	Flush() error
}

// CopyFormat is what the protocol tells of a COPY's format.
type CopyFormat struct {
	// Columns is the number of columns, each in the same format.
	Columns int
	// Binary tells the binary COPY format; text and CSV are both text.
	Binary bool
}

// CopyWriter takes the rows of COPY TO STDOUT, line ends included. Nothing is kept
// of the arguments.
type CopyWriter interface {
	// Write sends p as one row.
	io.Writer
	// WriteRows sends the rows buf[0:ends[0]], buf[ends[0]:ends[1]] and so on.
	WriteRows(buf []byte, ends []int) error
}
