// Package relation keeps the rows of tables, materialized views and indexes: each
// relation is a stack of immutable, sorted, columnar runs of changes.
//
// One writer appends each epoch's delta as a run; neighbouring runs of like size are
// merged, weights adding up, inline while they are small and by whoever calls
// MergeOne when they are not. A snapshot is a pointer to the stack as of an epoch:
// taking and reading it needs no lock and never waits for the writer or for merges.
//
// DESIGN.md in this directory has the structure, the locks and the decisions.
package relation
