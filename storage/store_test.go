package storage

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"streamdb/storage/storagetest"
)

// quiet are options for tests: no ballast, failures that end a process panic.
var quiet = StoreOptions{CacheBytes: 1 << 20, SegmentCacheBytes: 1 << 20, Fatal: func(err error) { panic(err) }}

// open opens directory and store.
func open(fs vfs.FS) (*Dir, *Store, error) {
	d, err := OpenDir("/db/data", DirOptions{FS: fs, Guard: GuardOptions{Sleep: noSleep}})
	if err != nil {
		return nil, nil, err
	}
	s, err := OpenStore(d, quiet)
	if err != nil {
		return nil, nil, errors.Join(err, d.Close())
	}
	return d, s, d.MarkInitialized()
}

func mustOpen(t testing.TB, fs vfs.FS) (*Dir, *Store) {
	t.Helper()
	d, s, err := open(fs)
	if err != nil {
		t.Fatal(err)
	}
	return d, s
}

func closeAll(t testing.TB, d *Dir, s *Store) {
	t.Helper()
	if err := errors.Join(s.Close(), d.Close()); err != nil {
		t.Fatal(err)
	}
}

// dump is the whole content of a store as text: manifest, spaces 1 to 5, segments.
func dump(s *Store) (string, error) {
	m := s.Manifest()
	if m == nil {
		return "empty", nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "epoch %d payload %s\n", m.Epoch, m.Payload)
	for space := Space(1); space <= 5; space++ {
		err := s.Scan(space, nil, nil, func(key, value []byte) error {
			fmt.Fprintf(&b, "%d/%s=%s\n", space, key, value)
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	refs := slices.Clone(m.Segments)
	slices.SortFunc(refs, func(a, b SegmentRef) int { return int(a.ID) - int(b.ID) })
	for _, ref := range refs {
		seg, err := s.OpenSegment(ref.ID)
		if err != nil {
			return "", err
		}
		block, err := seg.Block(0)
		if err = errors.Join(err, seg.Close()); err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "segment %d: %s\n", ref.ID, block)
	}
	return b.String(), nil
}

// model is a checkpointed database in maps.
type model struct {
	epoch    uint64
	state    map[string]string // "space/key"
	segments []SegmentRef
	blocks   map[uint64]string
}

// next writes a random checkpoint through s and returns the model that it makes.
func (m model) next(s *Store, rng *rand.Rand) (model, error) {
	n := model{epoch: m.epoch + 1, state: make(map[string]string), blocks: make(map[uint64]string)}
	for k, v := range m.state {
		n.state[k] = v
	}
	var created []uint64
	for _, ref := range m.segments {
		if rng.IntN(3) > 0 {
			n.segments, n.blocks[ref.ID] = append(n.segments, ref), m.blocks[ref.ID]
		}
	}
	for range rng.IntN(3) {
		w, err := s.CreateSegment(SegmentOptions{})
		if err != nil {
			return n, err
		}
		text := fmt.Sprintf("block of epoch %d", n.epoch)
		if err := w.AddBlock([]byte("a"), 1, []byte(text)); err != nil {
			w.Abort()
			return n, err
		}
		meta, err := w.Finish()
		if err != nil {
			return n, err
		}
		created = append(created, meta.ID)
		n.segments, n.blocks[meta.ID] = append(n.segments, SegmentRef{meta.ID, meta.Bytes}), text
	}
	w, err := s.Begin(n.epoch)
	if err != nil {
		return n, err
	}
	defer w.Abort()
	if err := n.write(w, rng); err != nil {
		return n, err
	}
	if err := w.Commit(fmt.Appendf(nil, "p%d", n.epoch), n.segments); err != nil {
		return n, err
	}
	for _, id := range created {
		if err := s.ReleaseSegment(id); err != nil {
			return n, err
		}
	}
	return n, nil
}

// write changes a few keys, and now and then a range, in w and in the model.
func (m model) write(w *CheckpointWriter, rng *rand.Rand) error {
	for space := Space(1); space <= 5; space++ {
		if rng.IntN(4) == 0 {
			lo, hi := fmt.Sprintf("k%02d", rng.IntN(20)), fmt.Sprintf("k%02d", 20+rng.IntN(20))
			if err := w.DeleteRange(space, []byte(lo), []byte(hi)); err != nil {
				return err
			}
			for k := range m.state {
				if p, key, _ := strings.Cut(k, "/"); p == fmt.Sprint(space) && key >= lo && key < hi {
					delete(m.state, k)
				}
			}
		}
		for i := range 40 {
			key := fmt.Sprintf("k%02d", i)
			full := fmt.Sprintf("%d/%s", space, key)
			var err error
			switch rng.IntN(6) {
			case 0:
				m.state[full] = fmt.Sprintf("v%d", m.epoch)
				err = w.Put(space, []byte(key), []byte(m.state[full]))
			case 1:
				delete(m.state, full)
				err = w.Delete(space, []byte(key))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (m model) dump() string {
	if m.epoch == 0 {
		return "empty"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "epoch %d payload p%d\n", m.epoch, m.epoch)
	var keys []string
	for k := range m.state {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		fmt.Fprintf(&b, "%s=%s\n", k, m.state[k])
	}
	refs := slices.Clone(m.segments)
	slices.SortFunc(refs, func(a, b SegmentRef) int { return int(a.ID) - int(b.ID) })
	for _, ref := range refs {
		fmt.Fprintf(&b, "segment %d: %s\n", ref.ID, m.blocks[ref.ID])
	}
	return b.String()
}

// TestCheckpoints writes random checkpoints and compares with a model, reopening between.
func TestCheckpoints(t *testing.T) {
	fs := vfs.NewMem()
	rng := rand.New(rand.NewPCG(3, 3))
	var m model
	for range 6 {
		d, s := mustOpen(t, fs)
		for range 5 {
			var err error
			if m, err = m.next(s, rng); err != nil {
				t.Fatal(err)
			}
			if got, err := dump(s); err != nil || got != m.dump() {
				t.Fatalf("%v\ngot\n%swant\n%s", err, got, m.dump())
			}
		}
		files, err := fs.List(d.SegmentsPath())
		if err != nil || len(files) != len(m.segments) {
			t.Errorf("%d segment files for %d segments, %v", len(files), len(m.segments), err)
		}
		closeAll(t, d, s)
	}
}

// TestCheckpointCrash pulls the plug before each operation of opening, of three checkpoints and of closing. What is found
// is the last checkpoint acknowledged, or the one that was under way: never anything else, and never neither.
func TestCheckpointCrash(t *testing.T) {
	step := 1
	if testing.Short() {
		step = 29
	}
	for n := 1; ; n += step {
		for _, survive := range []int{0, 50} {
			disk := storagetest.NewDisk()
			disk.CrashAt(n, survive, uint64(n))
			acked, begun := crashRun(t, disk, uint64(n%5))
			crashed := disk.Crashed()
			if crashed == nil {
				if n < 50 {
					t.Fatalf("only %d operations", disk.Ops())
				}
				return
			}
			d, s, err := open(crashed)
			if err != nil {
				t.Fatalf("crash before operation %d, %d%% survive: %v", n, survive, err)
			}
			got, err := dump(s)
			if err != nil || got != acked.dump() && got != begun.dump() {
				t.Fatalf("crash before operation %d, %d%% survive: %v\ngot\n%swant\n%sor\n%s", n, survive, err, got, acked.dump(), begun.dump())
			}
			if left, _ := crashed.List(d.pendingPath()); len(left) > 0 {
				t.Errorf("crash before operation %d leaves %v", n, left)
			}
			if got == acked.dump() {
				begun = acked
			}
			if _, err := begun.next(s, rand.New(rand.NewPCG(1, 1))); err != nil {
				t.Fatalf("crash before operation %d: next checkpoint: %v", n, err)
			}
			closeAll(t, d, s)
		}
	}
}

// crashRun works until the disk has crashed and returns the last checkpoint acknowledged before that, and the last begun.
func crashRun(t *testing.T, disk *storagetest.Disk, seed uint64) (acked, begun model) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	d, s := mustOpen(t, disk.FS())
	for range 3 {
		if disk.Crashed() != nil {
			break
		}
		m, err := acked.next(s, rng)
		if err != nil {
			t.Fatal(err)
		}
		begun = m
		if disk.Crashed() == nil {
			acked = m
		}
	}
	closeAll(t, d, s)
	return acked, begun
}

// TestCheckpointFailure lets each write of a checkpoint fail in turn: the error is reported or ends the process, and what
// is on the disk is the old checkpoint or the new one.
func TestCheckpointFailure(t *testing.T) {
	step := 1
	if testing.Short() {
		step = 9
	}
	for n := 1; ; n += step {
		disk := storagetest.NewDisk()
		_, s := mustOpen(t, disk.FS())
		rng := rand.New(rand.NewPCG(5, 5))
		first, err := model{}.next(s, rng)
		if err != nil {
			t.Fatal(err)
		}
		before := disk.Ops()
		disk.FailAt(n, func(op errorfs.Op) bool { return op.Kind != errorfs.OpRemove })
		second, err := nextOrFatal(first, s, rng)
		if disk.Ops() < before+n {
			if err != nil || n < 10 {
				t.Fatalf("%d operations, %v", n, err)
			}
			return
		}
		crashed := disk.CrashNow(0, 0)
		d, s, openErr := open(crashed)
		if openErr != nil {
			t.Fatalf("operation %d failed: %v", n, openErr)
		}
		got, dumpErr := dump(s)
		switch {
		case dumpErr != nil:
			t.Errorf("operation %d failed: %v", n, dumpErr)
		case got == second.dump():
		case err == nil:
			t.Errorf("operation %d failed and the checkpoint was acknowledged, but is\n%s", n, got)
		case got != first.dump():
			t.Errorf("operation %d failed: neither old nor new:\n%s", n, got)
		}
		closeAll(t, d, s)
	}
}

// nextOrFatal is next, or an error if the process would have ended. Then the goroutines involved hang, as they would if
// it had, and nothing they hold is let go.
func nextOrFatal(m model, s *Store, rng *rand.Rand) (n model, err error) {
	ended := make(chan error, 100)
	s.opts.Fatal = func(err error) {
		ended <- err
		select {}
	}
	type result struct {
		model
		err error
	}
	done := make(chan result, 1)
	go func() {
		n, err := m.next(s, rng)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return r.model, r.err
	case err := <-ended:
		return m, fmt.Errorf("process ends: %w", err)
	}
}

// TestCheckpointCuts writes more than fits one pending file under a range deletion that spans all of it.
func TestCheckpointCuts(t *testing.T) {
	d, s := mustOpen(t, vfs.NewMem())
	defer closeAll(t, d, s)
	value := bytes.Repeat([]byte("v"), 1<<20)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range value {
		value[i] = byte(rng.Uint32())
	}
	for epoch := uint64(1); epoch <= 2; epoch++ {
		w, err := s.Begin(epoch)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.DeleteRange(1, nil, nil); err != nil {
			t.Fatal(err)
		}
		for i := range 150 / int(epoch) {
			if err := w.Put(1, fmt.Appendf(nil, "%d-%03d", i%2*5+2, i), value); err != nil && i%2 == 0 {
				t.Fatal(err)
			} else if err != nil {
				break
			}
			if i == 0 {
				continue
			}
			if err := w.Put(1, fmt.Appendf(nil, "2-%03d", i), nil); err == nil {
				t.Fatal("descending key went through")
			}
			break
		}
		w.Abort()
		if w, err = s.Begin(epoch); err != nil {
			t.Fatal(err)
		}
		_ = w.DeleteRange(1, nil, nil)
		for i := range 150 / int(epoch) {
			if err := w.Put(1, fmt.Appendf(nil, "%03d", i), value); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.DeleteRange(2, []byte("a"), nil); err != nil {
			t.Fatal(err)
		}
		files := len(w.paths)
		if err := w.Commit(nil, nil); err != nil {
			t.Fatal(err)
		}
		if files < 2/int(epoch) {
			t.Errorf("%d files: the test does not cut", files)
		}
		n := 0
		if err := s.Scan(1, nil, nil, func(_, _ []byte) error { n++; return nil }); err != nil || n != 150/int(epoch) {
			t.Errorf("%d keys, %v", n, err)
		}
	}
}

func TestGetSorted(t *testing.T) {
	d, s := mustOpen(t, vfs.NewMem())
	defer closeAll(t, d, s)
	w, _ := s.Begin(1)
	for i := 0; i < 100; i += 2 {
		_ = w.Put(3, fmt.Appendf(nil, "%02d", i), fmt.Appendf(nil, "v%d", i))
	}
	if err := w.Commit(nil, nil); err != nil {
		t.Fatal(err)
	}
	var keys [][]byte
	for i := range 120 {
		keys = append(keys, fmt.Appendf(nil, "%02d", i))
	}
	keys = keys[:100]
	var found int
	err := s.GetSorted(3, keys, func(i int, value []byte) error {
		if string(value) != fmt.Sprintf("v%d", i) || i%2 != 0 {
			t.Errorf("key %d has %s", i, value)
		}
		found++
		return nil
	})
	if err != nil || found != 50 {
		t.Errorf("found %d, %v", found, err)
	}
	if v, err := s.Get(3, []byte("04")); err != nil || string(v) != "v4" {
		t.Errorf("got %s, %v", v, err)
	}
	if _, err := s.Get(3, []byte("05")); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// TestCommitKeepsSegment releases a segment while the manifest that names it is being committed: the file stays, unless
// the commit fails.
func TestCommitKeepsSegment(t *testing.T) {
	fs := vfs.NewMem()
	d, s := mustOpen(t, fs)
	defer closeAll(t, d, s)
	for _, fails := range []bool{true, false} {
		sw, _ := s.CreateSegment(SegmentOptions{})
		_ = sw.AddBlock([]byte("a"), 1, []byte("content"))
		meta, err := sw.Finish()
		if err != nil {
			t.Fatal(err)
		}
		w, _ := s.Begin(1)
		m, err := w.manifest(nil, []SegmentRef{{meta.ID, meta.Bytes}})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.ReleaseSegment(meta.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := fs.Stat(s.segmentPath(meta.ID)); err != nil {
			t.Fatal(err)
		}
		if !fails {
			if err := s.adopt(m); err != nil {
				t.Fatal(err)
			}
		}
		w.Abort()
		if _, err := fs.Stat(s.segmentPath(meta.ID)); (err != nil) != fails {
			t.Errorf("fails=%v: %v", fails, err)
		}
	}
}

// TestReaderKeepsSegment reads a segment that a later checkpoint has dropped.
func TestReaderKeepsSegment(t *testing.T) {
	fs := vfs.NewMem()
	d, s := mustOpen(t, fs)
	defer closeAll(t, d, s)
	sw, _ := s.CreateSegment(SegmentOptions{})
	_ = sw.AddBlock([]byte("a"), 1, []byte("content"))
	meta, err := sw.Finish()
	if err != nil {
		t.Fatal(err)
	}
	w, _ := s.Begin(1)
	if err := w.Commit(nil, []SegmentRef{{meta.ID, meta.Bytes}}); err != nil {
		t.Fatal(err)
	}
	if err := s.ReleaseSegment(meta.ID); err != nil {
		t.Fatal(err)
	}
	seg, err := s.OpenSegment(meta.ID)
	if err != nil {
		t.Fatal(err)
	}
	w, _ = s.Begin(2)
	if err := w.Commit(nil, nil); err != nil {
		t.Fatal(err)
	}
	if b, err := seg.Block(0); err != nil || string(b) != "content" {
		t.Errorf("block is %q, %v", b, err)
	}
	if err := seg.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenSegment(meta.ID); err == nil {
		t.Error("dropped segment can be opened")
	}
	if left, _ := fs.List(d.SegmentsPath()); len(left) > 0 {
		t.Errorf("dropped segment leaves %v", left)
	}
	w, _ = s.Begin(3)
	if err := w.Commit(nil, []SegmentRef{{meta.ID, meta.Bytes}}); err == nil {
		t.Error("checkpoint of a missing segment went through")
	}
}

// TestClosedStoreLeavesFiles releases a segment of a store that is closed: its number belongs to the store that came after.
func TestClosedStoreLeavesFiles(t *testing.T) {
	fs := vfs.NewMem()
	d, s := mustOpen(t, fs)
	write := func(s *Store) (SegmentMeta, *Segment) {
		sw, _ := s.CreateSegment(SegmentOptions{})
		_ = sw.AddBlock([]byte("a"), 1, []byte("content"))
		meta, err := sw.Finish()
		if err != nil {
			t.Fatal(err)
		}
		seg, err := s.OpenSegment(meta.ID)
		if err != nil {
			t.Fatal(err)
		}
		return meta, seg
	}
	old, oldSegment := write(s)
	closeAll(t, d, s)
	d2, s2 := mustOpen(t, fs)
	defer closeAll(t, d2, s2)
	now, seg := write(s2)
	if old.ID != now.ID {
		t.Fatalf("numbers %d and %d: the test tests nothing", old.ID, now.ID)
	}
	if err := errors.Join(s.ReleaseSegment(old.ID), oldSegment.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenSegment(old.ID); err == nil {
		t.Error("a closed store opens segments")
	}
	if _, err := fs.Stat(s2.segmentPath(now.ID)); err != nil {
		t.Error(err)
	}
	if err := seg.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestStoreDamage damages each file of a store, a byte at a time at a few places: opening or reading it all must fail,
// or give exactly what was written.
func TestStoreDamage(t *testing.T) {
	step := 1
	if testing.Short() {
		step = 3
	}
	base := vfs.NewCrashableMem()
	d, s := mustOpen(t, base)
	rng := rand.New(rand.NewPCG(9, 9))
	var m model
	for range 4 {
		var err error
		if m, err = m.next(s, rng); err != nil {
			t.Fatal(err)
		}
	}
	closeAll(t, d, s)
	image := base.CrashClone(vfs.CrashCloneCfg{})
	files, err := storagetest.Files(image, "/db/data", "")
	if err != nil {
		t.Fatal(err)
	}
	noticed := make(map[string]int)
	for _, path := range files {
		if strings.HasSuffix(path, "LOCK") || strings.HasSuffix(path, "PID") || strings.Contains(path, "OPTIONS") {
			continue
		}
		for try := 0; try < 12; try += step {
			fs := image.CrashClone(vfs.CrashCloneCfg{})
			empty := false
			_ = storagetest.Damage(fs, path, func(b []byte) []byte {
				if empty = len(b) == 0; empty {
					return []byte{}
				}
				b[try*len(b)/12] ^= 0x10
				return b
			})
			if empty {
				continue
			}
			d, s, err := open(fs)
			if err != nil {
				noticed[kindOf(path)]++
				continue
			}
			got, err := dump(s)
			switch {
			case err != nil:
				noticed[kindOf(path)]++
				if !errors.Is(err, ErrCorrupt) {
					t.Errorf("%s: unmarked error %v", path, err)
				}
			case got != m.dump():
				t.Errorf("%s damaged at %d/12: silently wrong:\n%s", path, try, got)
			}
			_ = s.Close()
			_ = d.Close()
		}
	}
	for _, kind := range []string{"segments", "sst", "MANIFEST", "FORMAT", "CHECKPOINT"} {
		if noticed[kind] == 0 {
			t.Errorf("no damage to %s was noticed: %v", kind, noticed)
		}
	}
}

func kindOf(path string) string {
	for _, kind := range []string{"segments", "sst", "MANIFEST", "FORMAT", "CHECKPOINT"} {
		if strings.Contains(path, kind) {
			return kind
		}
	}
	return "other"
}

// FuzzDecodeManifest decodes arbitrary bytes, with and without a right checksum.
func FuzzDecodeManifest(f *testing.F) {
	m := Manifest{Epoch: 3, Sequence: 2, nextSegment: 9, Segments: []SegmentRef{{4, 100}}, Payload: []byte("p")}
	f.Add(m.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decodeManifest("f", b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
				t.Fatalf("unmarked error %v", err)
			}
			if len(b) < 12 {
				return
			}
			b = resum(bytes.Clone(b))
			if m, err = decodeManifest("f", b); err != nil {
				return
			}
		}
		if again, err := decodeManifest("f", m.append(nil)); err != nil || again.Epoch != m.Epoch || !bytes.Equal(again.Payload, m.Payload) {
			t.Fatal("manifest does not survive", err)
		}
	})
}
