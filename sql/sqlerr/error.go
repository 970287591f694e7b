package sqlerr

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Error is an error with a SQLSTATE. The zero Position means none, so an Error
// made without At points nowhere.
type Error struct {
	Code    string // SQLSTATE, five characters
	Message string // one line, PostgreSQL's wording where PostgreSQL has the error
	Detail  string // what exactly, may be empty
	Hint    string // what to do about it, may be empty

	// Position is one more than the byte offset in the statement text; 0 means
	// none. Wire turns it into characters with CharPosition.
	Position int

	Schema     string // schema of the object concerned, may be empty
	Table      string // table concerned, may be empty
	Column     string // column concerned, may be empty
	DataType   string // type concerned, may be empty
	Constraint string // constraint concerned, may be empty
	Where      string // context: where in COPY or in which function, may be empty

	Cause error // what lies beneath, for the log; never sent to the client
}

// New makes an error with a code and a formatted message.
func New(code, format string, args ...any) *Error {
	if len(args) == 0 {
		return &Error{Code: code, Message: format}
	}
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes an error with a code and a formatted message over a cause, which
// errors.Is and errors.As still find.
func Wrap(cause error, code, format string, args ...any) *Error {
	e := New(code, format, args...)
	e.Cause = cause
	return e
}

// Unsupported says that a feature of PostgreSQL (or ours to be) is missing. The
// offset is where it is used, negative for unknown.
func Unsupported(what string, offset int) *Error {
	return New(FeatureNotSupported, "%s is not supported", what).At(offset)
}

// Syntax is a 42601 at an offset.
func Syntax(offset int, format string, args ...any) *Error {
	return New(SyntaxError, format, args...).At(offset)
}

// Internal is an XX000: we are wrong, and survive.
func Internal(format string, args ...any) *Error {
	return New(InternalError, format, args...)
}

// At sets the position from a byte offset (0-based, as ast nodes carry it); a
// negative offset leaves the error without one. A position set earlier stands:
// the place nearest to the fault knows best.
func (e *Error) At(offset int) *Error {
	if offset >= 0 && e.Position == 0 {
		e.Position = offset + 1
	}
	return e
}

// WithDetail sets the detail line.
func (e *Error) WithDetail(format string, args ...any) *Error {
	e.Detail = fmt.Sprintf(format, args...)
	return e
}

// WithHint sets the hint line.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// WithTable names the table concerned.
func (e *Error) WithTable(schema, table string) *Error {
	e.Schema, e.Table = schema, table
	return e
}

// WithColumn names the column concerned.
func (e *Error) WithColumn(column string) *Error {
	e.Column = column
	return e
}

// WithConstraint names the constraint concerned.
func (e *Error) WithConstraint(constraint string) *Error {
	e.Constraint = constraint
	return e
}

// WithWhere sets the context line.
func (e *Error) WithWhere(format string, args ...any) *Error {
	e.Where = fmt.Sprintf(format, args...)
	return e
}

// Error gives message and code; detail, hint and position are for clients.
func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s (SQLSTATE %s): %v", e.Message, e.Code, e.Cause)
	}
	return fmt.Sprintf("%s (SQLSTATE %s)", e.Message, e.Code)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Offset gives the byte offset in the statement, or -1.
func (e *Error) Offset() int { return e.Position - 1 }

// CharPosition turns Position into what the protocol wants: one more than the
// number of characters before it. It is 0 if there is none.
func (e *Error) CharPosition(statement string) int {
	if e.Position <= 0 {
		return 0
	}
	return utf8.RuneCountInString(statement[:min(e.Position-1, len(statement))]) + 1
}

// Shift gives the error with its position moved by delta bytes: a statement's
// place in the text that holds it. An error without position stays as it is.
// The receiver is not changed.
func (e *Error) Shift(delta int) *Error {
	if e.Position == 0 || delta == 0 {
		return e
	}
	moved := *e
	moved.Position = max(e.Position+delta, 1)
	return &moved
}

// As finds the *Error in err's chain, or wraps err: a context's end as 57014,
// anything else as XX000. As(nil) is nil.
func As(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Wrap(err, QueryCanceled, "canceling statement due to user request")
	}
	return &Error{Code: InternalError, Message: err.Error(), Cause: err}
}

// Code gives err's SQLSTATE; it is empty for nil and XX000 for what is not ours.
func Code(err error) string {
	if err == nil {
		return ""
	}
	return As(err).Code
}

// Is tells whether err carries the given SQLSTATE.
func Is(err error, code string) bool { return err != nil && Code(err) == code }
