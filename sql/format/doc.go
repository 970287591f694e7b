// Package format turns bytes into chunks and chunks into bytes: COPY's text and CSV
// formats by PostgreSQL's rules, and JSON lines.
//
// A decoder is fed bytes as they arrive, in pieces of any size, and gives chunks.
// It first cuts a block of lines into fields (spans of one text buffer), then reads
// the block column by column, so that no work beyond cutting is done per row.
// A strict decoder stops at the first bad line with PostgreSQL's error; a lenient
// one sets bad lines aside and goes on.
package format
