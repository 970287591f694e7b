package streamdb

import (
	"math/bits"
	"time"
)

// pace is what a dataflow has lately taken for deltas of so many rows, and so an estimate
// of what the next will take. It keeps two figures:
//
//   - the time per row of deltas of leastRows or more. It falls quickly and rises slowly;
//   - for deltas up to 2^b rows the last two times, of which the smaller counts: a pause of
//     the machine makes one delta look slow, a join that explodes makes all. A delta is
//     taken to need no less than a smaller one did.
//
// The second is what a few rows are judged by that meet a million each.
type pace struct {
	nsPerRow float64
	took     [paceSizes][2]time.Duration
}

const (
	// leastRows is the number of rows from which a time per row is believed: below it
	// what a step costs by itself, and the machine's pauses, are most of it.
	leastRows = 256
	// paceSizes is the number of sizes told apart; the last one has all larger ones.
	paceSizes = 20
)

// size returns b for deltas of [2^b, 2^(b+1)) rows.
func (p *pace) size(n int64) int { return min(bits.Len64(uint64(n))-1, paceSizes-1) }

// learn notes that a delta of n rows took so long.
func (p *pace) learn(n int64, took time.Duration) {
	if n <= 0 {
		return
	}
	b := p.size(n)
	p.took[b] = [2]time.Duration{took, p.took[b][0]}
	for i := range p.took[:b] {
		for k := range p.took[i] {
			p.took[i][k] = min(p.took[i][k], took)
		}
	}
	if n < leastRows {
		return
	}
	now := float64(took) / float64(n)
	switch {
	case p.nsPerRow == 0 || now < p.nsPerRow:
		p.nsPerRow = now
	default:
		p.nsPerRow += (now - p.nsPerRow) / 4
	}
}

// estimate returns what a delta of n rows is likely to take; 0 when nothing is known.
func (p *pace) estimate(n int64) time.Duration {
	if n <= 0 {
		return 0
	}
	b := p.size(n)
	var most time.Duration
	for i := range p.took[:b+1] {
		most = max(most, min(p.took[i][0], p.took[i][1]))
	}
	byRow := time.Duration(float64(n) * p.nsPerRow)
	if n < leastRows {
		// What is known of as many rows or more counts before the time per row.
		for _, t := range p.took[b:] {
			if t[1] != 0 {
				byRow = min(byRow, t[0], t[1])
				break
			}
		}
	}
	return max(most, byRow)
}

// within returns the largest number of rows, a power of two less one or rowsMax, that is
// likely to take no longer than d.
func (p *pace) within(d time.Duration, rowsMax int64) int64 {
	n := int64(0)
	for n < rowsMax {
		next := min(2*n+1, rowsMax)
		if p.estimate(next) > d {
			break
		}
		n = next
	}
	return n
}
