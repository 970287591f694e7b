package pgtest

import (
	"os"
	"testing"
)

// Missing ends a test that lacks a program: it fails with STREAMDB_TESTS=required in the environment, which the Makefile
// sets, and is skipped otherwise.
func Missing(tb testing.TB, err error) {
	tb.Helper()
	if os.Getenv("STREAMDB_TESTS") == "required" {
		tb.Fatal(err)
	}
	tb.Skip(err)
}
