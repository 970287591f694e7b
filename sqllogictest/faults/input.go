package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// deep returns statements that nest or chain beyond all measure, by name. Each has about the given number of bytes.
func deep(size int) map[string]string {
	chain := func(head, link, tail string) string {
		return head + strings.Repeat(link, size/len(link)) + tail
	}
	n := size / 2
	return map[string]string{
		"plus":        chain("SELECT 1", "+1", ""),
		"concat":      chain("SELECT 'a'", "||'a'", ""),
		"cast":        chain("SELECT 1", "::int", ""),
		"collate":     chain("SELECT 'a'", ` COLLATE "C"`, ""),
		"is null":     chain("SELECT 1", " IS NULL", ""),
		"not":         chain("SELECT ", "NOT ", "true"),
		"minus":       chain("SELECT ", "- ", "1"),
		"union":       chain("SELECT 1", " UNION SELECT 1", ""),
		"cross join":  chain("SELECT 1 FROM (VALUES (1)) a0", " CROSS JOIN (VALUES (1)) a", ""),
		"parentheses": "SELECT " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n),
		"brackets":    "SELECT " + strings.Repeat("ARRAY[", n/3) + "1" + strings.Repeat("]", n/3),
		"subqueries":  "SELECT * FROM " + strings.Repeat("(SELECT * FROM ", n/8) + "x" + strings.Repeat(") s", n/8),
		"case":        "SELECT " + strings.Repeat("CASE WHEN true THEN ", n/10) + "1" + strings.Repeat(" END", n/10),
		"functions":   "SELECT " + strings.Repeat("abs(", n/2) + "1" + strings.Repeat(")", n/2),
		"json":        "SELECT '" + strings.Repeat("[", n) + strings.Repeat("]", n) + "'::jsonb",
		"open only":   "SELECT " + strings.Repeat("(", size),
		"explain":     strings.Repeat("EXPLAIN ", size/8) + "SELECT 1",
	}
}

// chains returns statements that are long, but not deep: they must work.
func chains() map[string]string {
	values := make([]string, 5000)
	for i := range values {
		values[i] = fmt.Sprintf("(%d)", i)
	}
	return map[string]string{
		"and":    "SELECT 1 WHERE true" + strings.Repeat(" AND true", 3000),
		"or":     "SELECT 1 WHERE false" + strings.Repeat(" OR true", 3000),
		"values": "SELECT count(*) FROM (VALUES " + strings.Join(values, ", ") + ") v(x)",
		"in":     "SELECT 1 IN (" + strings.Join(values, ", ") + ")",
		"list":   "SELECT array_length(ARRAY[" + strings.Join(values, ", ") + "], 1)",
		"plus":   "SELECT 1" + strings.Repeat("+1", 200),
	}
}

// sqlError runs SQL and returns the server's error; any other is returned as err.
func sqlError(ctx context.Context, conn *pgconn.PgConn, sql string) (*pgconn.PgError, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	_, err := conn.Exec(ctx, sql).ReadAll()
	var pgErr *pgconn.PgError
	if err == nil || errors.As(err, &pgErr) {
		return pgErr, nil
	}
	return nil, err
}

// wireNoise returns byte strings that are no conversation in the protocol, though some begin like one.
func wireNoise(rng *rand.Rand) [][]byte {
	startup := []byte{0, 0, 0, 30, 0, 3, 0, 0}
	startup = append(startup, "user\x00test\x00database\x00x\x00\x00"...)
	startup[3] = byte(len(startup))
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	noise := [][]byte{
		{}, {0}, {0, 0, 0, 0}, {0, 0, 0, 8}, {0xff, 0xff, 0xff, 0xff}, {0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}, {0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0},
		{0, 0, 0, 9, 0, 3, 0, 0, 0}, []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), {0x16, 3, 1, 2, 0, 1, 0}, startup[:len(startup)-3],
		{0, 0, 0, 8, 0, 9, 0, 0}, {0, 0, 0, 16, 4, 0xd2, 0x16, 0x2e, 0, 0, 0, 1, 0, 0, 0, 2},
	}
	for _, message := range [][]byte{
		{'Q', 0, 0, 0, 4}, {'Q', 0, 0, 0, 5, 0}, {'Q', 0, 0, 0, 3}, {'Q', 0xff, 0xff, 0xff, 0xff}, {'Q', 0x7f, 0xff, 0xff, 0xff, 'S'},
		append([]byte{'Q', 0, 0, 0, 12}, "SELECT 1"...), append([]byte{'Q', 0, 0, 0, 8}, 0xc3, 0x28, 0xff, 0),
		{'P', 0, 0, 0, 5, 'x'}, {'P', 0, 0, 0, 8, 0, 0, 0xff, 0xff}, {'B', 0, 0, 0, 10, 0, 0, 0, 1, 0xff, 0xff}, {'B', 0, 0, 0, 6, 0, 0},
		{'E', 0, 0, 0, 9, 0, 0xff, 0xff, 0xff, 0xff}, {'D', 0, 0, 0, 5, 'Z'}, {'C', 0, 0, 0, 4}, {'F', 0, 0, 0, 4}, {'d', 0, 0, 0, 8, 1, 2, 3, 4},
		{'c', 0, 0, 0, 4}, {'f', 0, 0, 0, 5, 0}, {'p', 0, 0, 0, 5, 0}, {0, 0, 0, 0, 0}, {'~', 0, 0, 0, 4}, {'X', 0, 0, 0, 9},
	} {
		noise = append(noise, append(append([]byte{}, startup...), message...))
	}
	for range 30 {
		noise = append(noise, random(1+rng.IntN(200)), append(append([]byte{}, startup...), random(1+rng.IntN(200))...))
		kind := "QPBEDCSHFdcfpX"[rng.IntN(14)]
		body := random(rng.IntN(60))
		message := append([]byte{kind, 0, 0, 0, byte(len(body) + 4)}, body...)
		noise = append(noise, append(append([]byte{}, startup...), message...))
	}
	return noise
}

// send writes bytes to a fresh connection, waits a moment for an answer and hangs up.
func send(network, address string, data []byte) error {
	conn, err := net.DialTimeout(network, address, 5*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write(data); err != nil {
		return nil // It has hung up already, as it may.
	}
	_ = conn.SetReadDeadline(time.Now().Add(15 * time.Millisecond))
	buf := make([]byte, 4096)
	for {
		if _, err := conn.Read(buf); err != nil {
			return nil // Hung up, or nothing more to say.
		}
	}
}
