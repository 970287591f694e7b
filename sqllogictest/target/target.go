// Package target starts the database that the black-box suites run against: in process on a file system that can crash,
// or as the real binary.
package target

import (
	"os"
	"testing"
)

// Ready says whether there is a server to test. While it is false the suites skip; with STREAMDB_TESTS=required in the
// environment, which the Makefile sets, they fail instead.
const Ready = true

// Require skips or fails a test when there is no server.
func Require(tb testing.TB) {
	tb.Helper()
	if Ready {
		return
	}
	if os.Getenv("STREAMDB_TESTS") == "required" {
		tb.Fatal("there is no server to test")
	}
	tb.Skip("there is no server to test")
}
