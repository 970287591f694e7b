// Package types holds the SQL types, their single values and how values are
// written: PostgreSQL's text and binary formats.
//
// A type belongs to one physical Class, which decides how a column of it is laid
// out (package chunk). Kernels are written per class; display, input and
// arithmetic rules are per Kind.
package types
