// Command streamdb is the server and its tools: flags, wiring and signals. What it
// serves is package streamdb, how it speaks is package wire.
package main
