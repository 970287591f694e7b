// Package parser turns SQL text into sql/ast.
//
// The grammar is PostgreSQL's own, libpg_query, which is C and trusts its
// caller. Text goes through five stages:
//
//	scan      PostgreSQL's lexical rules in Go (scanner.go)
//	split     statements at top-level semicolons (split.go)
//	guard     an upper bound of the tree's depth; above it 54001, because the C
//	          parser would overflow its stack and take the process with it (guard.go)
//	front     clauses PostgreSQL lacks are cut out and overwritten with spaces of
//	          the same length, so that every position stays true; what they said is
//	          kept as notes (front*.go). Statements without a PostgreSQL body are
//	          parsed here entirely (statement*.go)
//	convert   libpg_query's tree and the notes become ast; what ast has no node for
//	          is 0A000 with its name and place, never ignored (convert*.go)
//
// Only libpg_query's Parse is called, never Deparse or Normalize.
package parser
