package streamdb_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"streamdb/sqllogictest"
	"streamdb/sqllogictest/target"
)

// startServer starts a server in this process and returns how to connect to it.
func startServer(t testing.TB) string {
	t.Helper()
	server, err := target.NewInProcess()
	if err != nil {
		t.Fatal(err)
	}
	dsn, err := server.Start(t.Context(), sqllogictest.Mode{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return dsn
}

// connect opens a connection that ends with the test.
func connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = c.Close(ctx) // The server may have cut it already.
	})
	return c
}

// execer is a connection or a transaction.
type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// must runs statements that must succeed.
func must(t testing.TB, c execer, stmts ...string) {
	t.Helper()
	for _, sql := range stmts {
		if _, err := c.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// number reads one integer.
func number(t testing.TB, c execer, sql string, args ...any) int64 {
	t.Helper()
	var n int64
	if err := c.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// code returns the SQLSTATE of an error, "" if there is none.
func code(err error) string {
	var e *pgconn.PgError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	}
	return err.Error()
}
