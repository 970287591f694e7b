package relation

import (
	"slices"
	"sync"
)

// Readers is the epochs at which short readers are at work, and the newest one that a
// reader may begin at. The states of these epochs stay, in all relations that share the
// Readers, with no cost per relation: for readers that have not taken their snapshots
// yet. Who stays takes snapshots, or a Hold, instead.
type Readers struct {
	mu sync.Mutex // guards the rest
	// shown is the epoch that readers begin at now.
	shown Epoch
	// at is the epochs in use, rising, with the number of readers of each.
	at []readersAt
}

type readersAt struct {
	epoch Epoch
	n     int
}

// Show tells that readers begin at epoch from now on. Relations have published it.
func (r *Readers) Show(epoch Epoch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shown = max(r.shown, epoch)
}

// Enter keeps the states of epoch until Leave. False means that a newer epoch is shown by
// now: they may be gone.
func (r *Readers) Enter(epoch Epoch) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if epoch < r.shown {
		return false
	}
	if i, ok := r.find(epoch); ok {
		r.at[i].n++
	} else {
		r.at = slices.Insert(r.at, i, readersAt{epoch, 1})
	}
	return true
}

// Leave ends what Enter began.
func (r *Readers) Leave(epoch Epoch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i, ok := r.find(epoch)
	if !ok {
		panic("relation: a reader leaves an epoch that it has not entered")
	}
	if r.at[i].n--; r.at[i].n == 0 {
		r.at = slices.Delete(r.at, i, i+1)
	}
}

func (r *Readers) find(epoch Epoch) (int, bool) {
	return slices.BinarySearchFunc(r.at, epoch, func(a readersAt, e Epoch) int {
		switch {
		case a.epoch < e:
			return -1
		case a.epoch > e:
			return 1
		}
		return 0
	})
}

// oldest is the least epoch that a reader may ask for.
func (r *Readers) oldest() Epoch {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.at) > 0 {
		return min(r.at[0].epoch, r.shown)
	}
	return r.shown
}
