// Package ast is the syntax tree of a statement: small, ours, and independent
// of the parser that fills it.
//
// Every node carries the byte offset of its token in the text that was parsed
// (NoPos where there is none), so that whoever finds a fault can point at it.
// A tree is read-only once the parser has returned it; statements are cached
// and shared by sessions.
//
// Names are as the scanner leaves them: folded to lower case unless quoted.
// Types that SQL spells in words come in PostgreSQL's inner form, so that
// "integer" is pg_catalog.int4 here.
//
// Files: expr.go and expr_call.go are expressions, select.go queries, dml.go
// INSERT and its kin, ddl.go, alter.go and streaming.go definitions, session.go
// everything that concerns a session. String and Pretty (print.go) turn a tree
// back into SQL; Walk (walk.go) visits one.
package ast
