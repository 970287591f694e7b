package relation

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
	"streamdb/storage"
	"streamdb/storage/storagetest"
)

// disk is a store in memory that can be closed and opened again.
type disk struct {
	t     *testing.T
	fs    vfs.FS
	dir   *storage.Dir
	store *storage.Store
}

func newDisk(t *testing.T) *disk {
	d := &disk{t: t, fs: vfs.NewMem()}
	d.open()
	t.Cleanup(func() { _, _ = d.store.Close(), d.dir.Close() })
	return d
}

func (d *disk) open() {
	d.t.Helper()
	var err error
	if d.dir, err = storage.OpenDir("/db/data", storage.DirOptions{FS: d.fs, Guard: storage.GuardOptions{Sleep: func(time.Duration) {}}}); err != nil {
		d.t.Fatal(err)
	}
	if d.store, err = storage.OpenStore(d.dir, storage.StoreOptions{}); err != nil {
		d.t.Fatal(err)
	}
	if err := d.dir.MarkInitialized(); err != nil {
		d.t.Fatal(err)
	}
}

// commit makes a checkpoint of one relation durable.
func (d *disk) commit(cp *Checkpoint) {
	d.t.Helper()
	w, err := d.store.Begin(uint64(cp.Epoch))
	if err == nil {
		err = w.Commit(cp.Manifest, cp.Segments)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// reopen closes everything and opens the relation of the last checkpoint.
func (d *disk) reopen(rel *Relation, spec Spec) *Relation {
	d.t.Helper()
	if err := errors.Join(rel.Close(), d.store.Close(), d.dir.Close()); err != nil {
		d.t.Fatal(err)
	}
	d.open()
	rel, err := Open(spec, d.store.Manifest().Payload, d.store, NewCache(1<<20))
	if err != nil {
		d.t.Fatal(err)
	}
	return rel
}

func TestCheckpointsAgainstModel(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			d := newDisk(t)
			r := rand.New(rand.NewPCG(seed, 5))
			spec := keyedSpec()
			rel, err := New(spec)
			if err != nil {
				t.Fatal(err)
			}
			rel.SetStore(d.store, NewCache(1<<20))
			cur, live := model{}, map[string][]types.Datum{}
			saved, savedLive := model{}, map[string][]types.Datum{}
			e := Epoch(0)
			for range 40 {
				e++
				c := change(r, rel.Schema(), live, []int{1, 50, 3000}[r.IntN(3)], 6000)
				if err := rel.Append(e, c); err != nil {
					t.Fatal(err)
				}
				cur.add(c, 1)
				rel.Publish(e)
				if e%8 == 0 {
					checkNewest(t, rel, e, cur, live)
				}
				switch r.IntN(8) {
				case 0:
					cp, err := rel.Checkpoint(e)
					if err != nil {
						t.Fatal(err)
					}
					d.commit(cp)
					saved, savedLive = maps.Clone(cur), maps.Clone(live)
					if r.IntN(2) == 0 {
						rel.Evict()
					}
					checkNewest(t, rel, e, cur, live)
				case 1:
					for ok := true; ok; {
						if ok, err = rel.MergeOne(0); err != nil {
							t.Fatal(err)
						}
					}
				case 2:
					if d.store.Manifest() == nil {
						continue
					}
					rel = d.reopen(rel, spec)
					cur, live = maps.Clone(saved), maps.Clone(savedLive)
					e = rel.LastEpoch()
					checkNewest(t, rel, (e+7)/8*8, cur, live)
					runtime.GC() // collects what only the old process's stacks referred to
				}
			}
			if err := rel.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestSmallRelationTakesNoFile(t *testing.T) {
	d := newDisk(t)
	spec := Spec{Name: "s", Columns: []Column{{ID: 7, Type: types.Int8}}}
	rel, _ := New(spec)
	rel.SetStore(d.store, nil)
	c := ints(3, 1, 2)
	if err := rel.Append(4, c); err != nil {
		t.Fatal(err)
	}
	cp, err := rel.Checkpoint(4)
	if err != nil || len(cp.Segments) != 0 {
		t.Fatalf("%v, %d segments", err, len(cp.Segments))
	}
	d.commit(cp)
	rel = d.reopen(rel, spec)
	if got := sorted(t, rel.Newest().Scan(Scan{})); !slices.Equal(got, []int64{1, 2, 3}) || rel.LastEpoch() != 4 {
		t.Fatalf("%v at epoch %d", got, rel.LastEpoch())
	}
}

// TestCheckpointCostFollowsTheChange: a checkpoint after a small change writes little.
func TestCheckpointCostFollowsTheChange(t *testing.T) {
	d := newDisk(t)
	rel, _ := New(benchSpec())
	rel.SetStore(d.store, nil)
	r := rand.New(rand.NewPCG(1, 1))
	if err := rel.Append(1, benchChunk(r, rel.Schema(), 100000, nil)); err != nil {
		t.Fatal(err)
	}
	first, err := rel.Checkpoint(1)
	if err != nil {
		t.Fatal(err)
	}
	d.commit(first)
	if err := rel.Append(2, benchChunk(r, rel.Schema(), 3000, nil)); err != nil {
		t.Fatal(err)
	}
	second, err := rel.Checkpoint(2)
	if err != nil {
		t.Fatal(err)
	}
	if first.Written != 1 || second.Written > 1 || second.WrittenBytes*10 > first.WrittenBytes {
		t.Fatalf("wrote %d bytes, then %d", first.WrittenBytes, second.WrittenBytes)
	}
	d.commit(second)
	rel.Publish(2)
	if freed := rel.Evict(); freed < 100000*32 || rel.Bytes() > 100000*4 || len(rel.newest().runs[0].blocks) < 20 {
		t.Fatalf("freed %d bytes, %d left", freed, rel.Bytes())
	}
	if err := rel.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedSegmentIsReported(t *testing.T) {
	d := newDisk(t)
	spec := benchSpec()
	rel, _ := New(spec)
	rel.SetStore(d.store, nil)
	r := rand.New(rand.NewPCG(1, 1))
	if err := rel.Append(1, benchChunk(r, rel.Schema(), 20000, nil)); err != nil {
		t.Fatal(err)
	}
	cp, err := rel.Checkpoint(1)
	if err != nil {
		t.Fatal(err)
	}
	d.commit(cp)
	rel = d.reopen(rel, spec)
	path := rel.newest().runs[0].seg.file.seg.Path()
	if err := errors.Join(rel.Close(), storagetest.Damage(d.fs, path, func(b []byte) []byte {
		b[len(b)/2] ^= 1
		return b
	})); err != nil {
		t.Fatal(err)
	}
	rel, err = Open(spec, d.store.Manifest().Payload, d.store, nil)
	if err == nil {
		err = rel.Newest().Scan(Scan{}).Each(func(*chunk.Chunk) error { return nil })
		_ = rel.Close()
	}
	if !errors.Is(err, storage.ErrCorrupt) {
		t.Fatalf("damage was read as %v", err)
	}
}

func TestDamagedManifestIsReported(t *testing.T) {
	d := newDisk(t)
	spec := keyedSpec()
	rel, _ := New(spec)
	rel.SetStore(d.store, nil)
	r := rand.New(rand.NewPCG(1, 1))
	if err := rel.Append(1, change(r, rel.Schema(), map[string][]types.Datum{}, 50, 1000)); err != nil {
		t.Fatal(err)
	}
	cp, err := rel.Checkpoint(1)
	if err != nil {
		t.Fatal(err)
	}
	for n := range cp.Manifest {
		if _, err := Open(spec, cp.Manifest[:n], d.store, nil); err == nil {
			t.Fatalf("a manifest cut at %d of %d opens", n, len(cp.Manifest))
		}
	}
}

func FuzzManifest(f *testing.F) {
	spec := keyedSpec()
	rel, _ := New(spec)
	r := rand.New(rand.NewPCG(1, 1))
	_ = rel.Append(1, change(r, rel.Schema(), map[string][]types.Datum{}, 20, 1000))
	cp, err := rel.Checkpoint(1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(cp.Manifest)
	f.Fuzz(func(t *testing.T, b []byte) {
		rel, err := Open(spec, b, noSegments{}, nil)
		if err == nil {
			_ = rel.Newest().Scan(Scan{}).Each(func(*chunk.Chunk) error { return nil })
		}
	})
}

// noSegments is a store without segments.
type noSegments struct{ Store }

func (noSegments) OpenSegment(uint64) (*storage.Segment, error) {
	return nil, errors.New("no segments")
}

func FuzzBlock(f *testing.F) {
	l, _ := newLayout(keyedSpec())
	r := rand.New(rand.NewPCG(1, 1))
	c := change(r, l.schema, map[string][]types.Datum{}, 20, 1000)
	b, _ := appendBlock(nil, &data{rows: c.Rows, cols: c.Cols, weights: c.Weights})
	f.Add(b)
	s := (&segmentFile{ids: []ColumnID{1, 2, 3, 4}}).present(l, nil)
	f.Fuzz(func(t *testing.T, b []byte) {
		if rows, _, ok := uvarint(b); ok && rows > 1<<14 {
			return
		}
		_, _ = s.decode(b, nil)
	})
}
