// Package sqllogictest is the black-box suite of streamdb: SQL and its expected answers as text, run over the wire.
//
// The files lie in testdata/<area>/*.slt; the format is described at the head of testdata/basic/select.slt. A file of
// plain SQL has PostgreSQL as its oracle: `go test ./sqllogictest -run TestPostgres -rewrite` fills its answers in, and
// TestPostgres holds them against it. A streaming file says `onlyif postgresql` / `halt` at its head.
//
// TestStreamdb runs every file in every Mode: plain, with a checkpoint after every statement, killed and restarted
// between statements, with lagging dataflows, with other numbers of workers. The answers are those in the file, and the
// fingerprints of all relations are those of the plain run.
//
// The package reaches the database through Server alone and knows nothing else of it.
package sqllogictest
