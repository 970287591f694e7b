// Package differential compares streamdb with PostgreSQL 15 on random data.
//
// The same random tables get the same random changes on both sides. Every query of testdata/views.sql is a materialized
// view on ours and a query on theirs; after each round of changes the two answers are compared as multisets, and so is
// the same query asked ad hoc on our side. TestFloatSums compares SUM over floats, where PostgreSQL depends on the order
// of the rows, with exact arithmetic instead.
//
// TestWindows and TestWindowsClose do the same for windows of all kinds, which PostgreSQL has to be told in plain SQL, over
// times out of order, equal, missing and infinite, and across restarts.
package differential
