// Package pgtest starts a private PostgreSQL 15 for tests that use it as the oracle.
//
// The server lives in its own temporary directory, listens on a unix socket there and on nothing else, never syncs,
// and goes away with the process that started it, even when that is killed. Its settings are the ones streamdb shows
// to clients: collation C, encoding UTF-8, time zone UTC, ISO dates, isolation repeatable read.
package pgtest
