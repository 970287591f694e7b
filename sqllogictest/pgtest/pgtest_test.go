package pgtest

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestStartAndStop(t *testing.T) {
	s, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	cs, err := s.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgconn.Connect(t.Context(), cs)
	if err != nil {
		t.Fatal(err)
	}
	for setting, want := range map[string]string{
		"TimeZone": "UTC", "transaction_isolation": "repeatable read", "server_encoding": "UTF8", "lc_collate": "C",
	} {
		res, err := conn.Exec(t.Context(), "SHOW "+setting).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if got := string(res[0].Rows[0][0]); got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	conn.Close(t.Context())
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Errorf("directory %s is still there: %v", s.dir, err)
	}
}
