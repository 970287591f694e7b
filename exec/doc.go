// Package exec runs physical plans: operators over chunks, their state, the fragments
// and exchanges that spread them over workers, and the step that moves a dataflow from
// one epoch to the next.
//
// A maintained view and a SELECT at the prompt run on the same operators: a SELECT is
// a dataflow that makes a single step over a snapshot and is thrown away.
package exec
