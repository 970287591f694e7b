// Package sqlerr holds the errors a client may see: a SQLSTATE, a message in
// PostgreSQL's words, and where in the statement the fault lies.
//
// An error is made where it is noticed and travels upward unchanged; wire only
// encodes it. Whatever reaches wire without being an *Error is ours to explain
// and is shown as XX000 (see As).
//
//	return sqlerr.New(sqlerr.UndefinedColumn, "column %q does not exist", name).At(ref.Pos())
package sqlerr
