package exec

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"streamdb/sql/chunk"
)

// A dataflow's state outlives a restart: between two epochs it consists of what its
// operators keep, and every operator keeps it in a few parts, mostly key tables, each
// of which saves by piece what has changed since the last time. Everything else an
// operator knows, such as heaps, orders, lists of windows, what it has emitted, follows
// from the parts and is made anew by restored.
//
// Pieces are filed under (node, worker, part), so that state is loaded by the plan it
// was saved by, with as many workers.

// StateVersion is the version of saved state. It changes when an operator keeps its
// state in other parts, or chunk.HashRows gives other hashes: state of another version
// is made anew from the inputs.
const StateVersion = 3

// statePart is a part of an operator's state.
type statePart interface {
	// Save adds the pieces that have changed since the last Save to set.
	Save(set *chunk.PieceSet)
	// Unsave makes the next Save write everything.
	Unsave()
	// DirtyBytes estimates the size of the next Save.
	DirtyBytes() int64
	// LoadPiece adds a saved piece to an empty part, in the order of their keys.
	LoadPiece(part chunk.SavePart, no uint32, b []byte) error
	// loadEnd checks what was loaded and makes it usable.
	loadEnd() error
}

// keeper is implemented by operators whose state can be saved.
type keeper interface {
	// keeps returns the parts of the state, always the same ones.
	keeps() []statePart
	// restored makes anew what follows from the parts, after they were loaded.
	restored() error
}

// keeperOf returns how op's state is saved: nil parts for the operators that have none,
// false for those whose state cannot be saved.
func keeperOf(op Operator) (keeper, bool) {
	switch op := op.(type) {
	case keeper:
		if a, ok := op.(*agg); ok && !a.keepable() {
			return nil, false
		}
		return op, true
	case *filter, *project, *projectSet, *hopWindow, *leaders, *exchange, passThrough, *passThrough:
		return nil, true
	}
	return nil, false
}

// owned is a part with its place in the plan.
type owned struct {
	owner uint64
	part  statePart
}

// parts returns the parts of all operators, rising by owner; false if one of the
// operators cannot save its state.
func (d *Dataflow) parts() ([]owned, bool) {
	if d.kept != nil {
		return d.kept, true
	}
	kept := make([]owned, 0, 8)
	for _, f := range d.frags {
		for w, in := range f.inst {
			for _, o := range in.ops {
				k, ok := keeperOf(o.op)
				if !ok {
					return nil, false
				}
				if k == nil {
					continue
				}
				for i, p := range k.keeps() {
					kept = append(kept, owned{uint64(o.node)<<32 | uint64(w)<<16 | uint64(i), p})
				}
			}
		}
	}
	slices.SortFunc(kept, func(a, b owned) int { return cmp.Compare(a.owner, b.owner) })
	d.kept = kept
	return kept, true
}

// Keepable reports whether the state of all operators can be saved.
func (d *Dataflow) Keepable() bool {
	_, ok := d.parts()
	return ok
}

// Workers returns W. State that was saved with it is loaded with it.
func (d *Dataflow) Workers() int { return d.opts.Workers }

// DirtyBytes estimates the size of the next SaveState.
func (d *Dataflow) DirtyBytes() int64 {
	var n int64
	parts, _ := d.parts()
	for _, p := range parts {
		n += p.part.DirtyBytes()
	}
	return n
}

// SaveState copies what has changed since the last call into set. It is called between
// two epochs, of a dataflow that is Keepable.
func (d *Dataflow) SaveState(set *chunk.PieceSet) {
	parts, _ := d.parts()
	for _, p := range parts {
		set.SetOwner(p.owner)
		p.part.Save(set)
	}
}

// Unsave makes the next SaveState copy everything: what was saved before is gone.
func (d *Dataflow) Unsave() {
	parts, _ := d.parts()
	for _, p := range parts {
		p.part.Unsave()
	}
}

// LoadState fills a new dataflow with the state that was saved. pieces calls its
// argument with every piece, in the order of their keys. An error leaves the dataflow
// useless; what is not as it was saved is a chunk.ErrCorrupt.
func (d *Dataflow) LoadState(pieces func(fn func(k chunk.PieceKey, b []byte) error) error) (err error) {
	defer func() {
		// The pieces have checksums: this is state that another program has written.
		p := recover()
		if m, ok := p.(*chunk.MemoryError); ok {
			err = m
		} else if p != nil {
			err = fmt.Errorf("%w: loading state: %v", chunk.ErrCorrupt, p)
		}
	}()
	parts, ok := d.parts()
	if !ok {
		return errors.New("the plan has an operator whose state cannot be loaded")
	}
	d.loaded = true
	at := 0
	err = pieces(func(k chunk.PieceKey, b []byte) error {
		for at < len(parts) && parts[at].owner < k.Owner {
			at++
		}
		if at == len(parts) || parts[at].owner != k.Owner {
			return fmt.Errorf("%w: state of part %x, which the plan does not have", chunk.ErrCorrupt, k.Owner)
		}
		return parts[at].part.LoadPiece(k.Part, k.No, b)
	})
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err := p.part.loadEnd(); err != nil {
			return fmt.Errorf("part %x: %w", p.owner, err)
		}
	}
	for _, f := range d.frags {
		for _, in := range f.inst {
			for _, o := range in.ops {
				if k, _ := keeperOf(o.op); k != nil {
					if err := k.restored(); err != nil {
						return fmt.Errorf("node %d: %w", o.node, err)
					}
				}
			}
		}
	}
	return nil
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", chunk.ErrCorrupt, fmt.Sprintf(format, args...))
}
