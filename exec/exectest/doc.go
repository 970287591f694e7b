// Package exectest holds the law of the engine as a test: however a maintained query is
// brought to an epoch, its result and its dead letters are those of the query run once over
// the rows of that epoch.
//
// Each query of testdata/queries.sql is fed random histories of its tables, with NULLs,
// duplicates, retractions, rows whose expressions are errors, and rising watermarks. It runs
// with one and several workers, in chunks of several sizes, with epochs taken together as a
// lagging dataflow takes them, and with its state saved and restored in between. To add an
// operator or a case, append a query.
package exectest
