// Package nexmark runs the queries of the Nexmark benchmark on the engine, measures
// them, and holds them against hand-written loops that compute the same answer.
//
// Events are generated into memory before the clock starts. Engine and loop read the
// same chunks, round by round, and end in the same sink, which folds every column of
// every change into a fingerprint; the final states must be equal, and equal to the
// evaluation of the query over all events at once. A wrong answer prints no speed.
package nexmark
