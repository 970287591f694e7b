// Package file reads lines of a file as a source's rows and writes a sink's rows to a
// file.
//
// A Tail follows a growing file the way tail -F does: complete lines only, across
// rotation (the file is renamed and a new one takes its path) and truncation. Its
// rows are logged by value, so nothing needs to be read twice; a position is where
// the next Poll goes on, also in another process.
//
// A Sink writes JSON lines or CSV. Its file is a function of the offset: what lies
// behind the offset that its owner has recorded together with an epoch is cut off
// after a restart and written again, which makes every row appear exactly once.
package file
