package log

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"streamdb/storage/storagetest"
)

const testDir = "/data/log"

// entryOf is what the tests store under an index: everything follows from it, so that reading back needs no memory.
func entryOf(index uint64) Entry {
	rng := rand.New(rand.NewPCG(index, 1))
	size := 1 << rng.IntN(12+int(index%2)*2)
	payload := make([]byte, 0, size)
	for len(payload) < size {
		payload = fmt.Appendf(payload, "%d/%d ", index, rng.Uint32())
	}
	return Entry{Index: index, Time: int64(index) * 10, Kind: KindFirstFree + Kind(index%5), EngineVersion: 4, Payload: payload}
}

func sameEntry(a, b Entry) bool {
	return a.Index == b.Index && a.Time == b.Time && a.Kind == b.Kind && a.EngineVersion == b.EngineVersion &&
		bytes.Equal(a.Payload, b.Payload)
}

// groupOf makes the entries in [lo, hi).
func groupOf(lo, hi uint64) (group []Entry) {
	for i := lo; i < hi; i++ {
		group = append(group, entryOf(i))
	}
	return group
}

func openTest(fs vfs.FS) (*Store, error) {
	if err := makeDir(fs); err != nil {
		return nil, err
	}
	return OpenStore(testDir, Options{FS: fs})
}

// makeDir makes the directory durably, as storage.OpenDir does.
func makeDir(fs vfs.FS) error {
	if err := fs.MkdirAll(testDir, 0o755); err != nil {
		return err
	}
	for _, path := range []string{"/data", "/"} {
		d, err := fs.OpenDir(path)
		if err != nil {
			return err
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			return err
		}
	}
	return nil
}

func mustOpen(t testing.TB, fs vfs.FS) *Store {
	t.Helper()
	s, err := openTest(fs)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// checkEntries reads the whole store and compares.
func checkEntries(s *Store, first, last uint64) error {
	if s.FirstIndex() != first || s.LastIndex() != last {
		return fmt.Errorf("log holds [%d, %d], want [%d, %d]", s.FirstIndex(), s.LastIndex(), first, last)
	}
	next := first
	err := s.Read(first, last+1, func(e Entry) error {
		if !sameEntry(e, entryOf(next)) {
			return fmt.Errorf("entry %d is %+v", next, e)
		}
		next++
		return nil
	})
	if err == nil && next != last+1 {
		err = fmt.Errorf("read up to %d, want %d", next-1, last)
	}
	return err
}

func TestStore(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, fs)
	if err := checkEntries(s, 1, 0); err != nil {
		t.Fatal(err)
	}
	for _, step := range [][2]uint64{{1, 2}, {2, 30}, {30, 31}} {
		if err := s.Append(groupOf(step[0], step[1])); err != nil {
			t.Fatal(err)
		}
	}
	for name, group := range map[string][]Entry{
		"a gap":        {entryOf(32)},
		"a repeat":     {entryOf(30)},
		"an inner gap": {entryOf(31), entryOf(33)},
		"time back":    {{Index: 31, Time: 300, Kind: 16}},
		"too large":    {{Index: 31, Time: 1000, Kind: 16, Payload: make([]byte, MaxEntryBytes+1)}},
	} {
		if err := s.Append(group); err == nil {
			t.Errorf("%s went through", name)
		}
	}
	for range 2 {
		if err := checkEntries(s, 1, 30); err != nil {
			t.Fatal(err)
		}
		if e, err := s.Entry(17); err != nil || !sameEntry(e, entryOf(17)) {
			t.Errorf("entry 17 is %+v, %v", e, err)
		}
		if _, err := s.Entry(31); err == nil {
			t.Error("there is an entry 31")
		}
		stop := errors.New("stop")
		if err := s.Read(3, 9, func(e Entry) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("read returned %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = mustOpen(t, fs)
		if s.LastTime() != 300 {
			t.Errorf("last time is %d", s.LastTime())
		}
	}
	_ = s.Close()
}

func TestTruncateBefore(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, fs)
	big := make([]byte, 1<<20)
	rng := rand.New(rand.NewPCG(2, 2))
	for i := range big {
		big[i] = byte(rng.Uint32())
	}
	for i := uint64(1); i <= 100; i++ {
		if err := s.Append([]Entry{{Index: i, Time: int64(i), Kind: 16, Payload: big}}); err != nil {
			t.Fatal(err)
		}
	}
	before := s.Metrics()
	if before.DiskBytes < 100<<20 || before.PayloadBytes != 100<<20 || before.Groups != 100 {
		t.Errorf("before: %+v", before)
	}
	if err := s.TruncateBefore(102); err == nil {
		t.Error("truncated beyond the end")
	}
	for range 2 {
		if err := s.TruncateBefore(96); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Read(95, 97, func(Entry) error { return nil }); !errors.Is(err, ErrTruncated) {
		t.Errorf("read of a removed entry: %v", err)
	}
	// What is left: five entries in table and perhaps WAL, and WALs kept for reuse. A compaction that is under way may
	// hold on to its files a little longer.
	for deadline := time.Now().Add(5 * time.Second); s.Metrics().DiskBytes > 100<<20; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("truncation left %d MiB of %d", s.Metrics().DiskBytes>>20, before.DiskBytes>>20)
		}
	}
	_ = s.Close()
	s = mustOpen(t, fs)
	if err := s.TruncateBefore(101); err != nil || s.FirstIndex() != 101 || s.LastIndex() != 100 {
		t.Fatal("emptied", err, s.FirstIndex(), s.LastIndex())
	}
	_ = s.Close()
	s = mustOpen(t, fs)
	if s.FirstIndex() != 101 || s.LastIndex() != 100 {
		t.Errorf("an empty log reopens with [%d, %d]", s.FirstIndex(), s.LastIndex())
	}
	if err := s.Append(groupOf(101, 110)); err != nil {
		t.Fatal(err)
	}
	if err := checkEntries(s, 101, 109); err != nil {
		t.Error(err)
	}
	_ = s.Close()
}

// TestStoreCrash pulls the plug at many moments of appending and truncating. Every acknowledged entry is there after, all
// that is there is right, and nothing is there that was never appended.
func TestStoreCrash(t *testing.T) {
	step := 3
	if testing.Short() {
		step = 37
	}
	for n := 1; ; n += step {
		disk := storagetest.NewDisk()
		s := mustOpen(t, disk.FS())
		disk.CrashAt(n, []int{0, 50, 90}[n%3], uint64(n))
		rng := rand.New(rand.NewPCG(uint64(n), 2))
		var acked, appended, first uint64 = 0, 0, 1
		for i := 0; i < 40 && disk.Crashed() == nil; i++ {
			next := appended + 1 + rng.Uint64N(6)
			if err := s.Append(groupOf(appended+1, next)); err != nil {
				t.Fatal(err)
			}
			appended = next - 1
			if disk.Crashed() == nil {
				acked = appended
			}
			switch {
			case rng.IntN(5) == 0 && disk.Crashed() == nil:
				first = max(first, rng.Uint64N(acked+1)+1)
				if err := s.TruncateBefore(first); err != nil {
					t.Fatal(err)
				}
			case rng.IntN(5) == 0:
				if err := s.DB.Flush(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = s.Close()
		crashed := disk.Crashed()
		if crashed == nil {
			if n < 50 {
				t.Fatalf("only %d operations", disk.Ops())
			}
			return
		}
		s, err := openTest(crashed)
		if err != nil {
			t.Fatalf("crash before operation %d: %v", n, err)
		}
		last := s.LastIndex()
		if last < acked || last > appended || s.FirstIndex() > first {
			t.Errorf("crash before operation %d: holds [%d, %d], acknowledged [%d, %d], appended up to %d",
				n, s.FirstIndex(), last, first, acked, appended)
		}
		if err := checkEntries(s, s.FirstIndex(), last); err != nil {
			t.Errorf("crash before operation %d: %v", n, err)
		}
		if err := s.Append(groupOf(last+1, last+3)); err != nil {
			t.Errorf("crash before operation %d: append: %v", n, err)
		}
		_ = s.Close()
	}
}

// TestStoreDamage damages each file of a log at many places, once with its end in the WAL and once all in tables: opening
// or reading fails with ErrCorrupt, or everything is there. An entry is never lost in silence.
func TestStoreDamage(t *testing.T) {
	step := 1
	if testing.Short() {
		step = 4
	}
	for _, flush := range []bool{false, true} {
		base := vfs.NewCrashableMem()
		s := mustOpen(t, base)
		for i := uint64(1); i <= 91; i += 10 {
			if err := s.Append(groupOf(i, i+10)); err != nil {
				t.Fatal(err)
			}
			if i == 41 || flush {
				if err := s.DB.Flush(); err != nil {
					t.Fatal(err)
				}
			}
		}
		for range 2 {
			if err := s.Seal(); err != nil {
				t.Fatal(err)
			}
		}
		image := base.CrashClone(vfs.CrashCloneCfg{}) // A crash: closing would tidy up.
		if flush {
			_ = s.Close()
			image = base.CrashClone(vfs.CrashCloneCfg{})
		}
		files, err := storagetest.Files(image, testDir, "")
		if err != nil {
			t.Fatal(err)
		}
		noticed := make(map[string]int)
		for _, path := range files {
			for try := 0; try < 13; try += step {
				if !strings.HasSuffix(path, "LOCK") && !strings.Contains(path, "OPTIONS") {
					damageOne(t, image, path, try, noticed)
				}
			}
		}
		want := []string{".sst", "MANIFEST", "HIGHWATER"}
		if !flush {
			want = append(want, ".log")
		}
		for _, kind := range want {
			if noticed[kind] == 0 {
				t.Errorf("flush=%v: no damage to %s was noticed: %v", flush, kind, noticed)
			}
		}
		if !flush {
			_ = s.Close()
		}
	}
}

// damageOne flips a bit at one of 13 places of a file and looks what happens.
func damageOne(t *testing.T, image *vfs.MemFS, path string, try int, noticed map[string]int) {
	t.Helper()
	fs := image.CrashClone(vfs.CrashCloneCfg{})
	err := storagetest.Damage(fs, path, func(b []byte) []byte {
		if len(b) == 0 {
			return []byte{}
		}
		b[try*len(b)/13] ^= 1 << (try % 8)
		return b
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := openTest(fs)
	if err == nil {
		err = checkEntries(s, 1, 100)
		_ = s.Close()
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s damaged at %d/13: %v", path, try, err)
		}
	}
	if err != nil {
		for _, kind := range []string{".sst", ".log", "MANIFEST", "HIGHWATER"} {
			if strings.Contains(path, kind) {
				noticed[kind]++
			}
		}
	}
}

// TestSyncFailureIsFatal: after a failed sync nothing is acknowledged, and the process is told to end.
func TestSyncFailureIsFatal(t *testing.T) {
	disk := storagetest.NewDisk()
	if err := makeDir(disk.FS()); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 10)
	s, err := OpenStore(testDir, Options{FS: disk.FS(), Fatal: func(err error) {
		ended <- err
		select {}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Append(groupOf(1, 5)); err != nil {
		t.Fatal(err)
	}
	disk.FailAt(1, func(op errorfs.Op) bool {
		return op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo
	})
	acked := make(chan error, 1)
	go func() { acked <- s.Append(groupOf(5, 6)) }()
	select {
	case err := <-acked:
		t.Fatalf("append returned %v", err)
	case err := <-ended:
		if !strings.Contains(err.Error(), testDir) {
			t.Errorf("last words: %v", err)
		}
	}
	s, err = openTest(disk.CrashNow(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if err := checkEntries(s, 1, 4); err != nil {
		t.Error(err)
	}
	_ = s.Close()
}

func TestMustExist(t *testing.T) {
	fs := vfs.NewMem()
	_ = fs.MkdirAll(testDir, 0o755)
	if _, err := OpenStore(testDir, Options{FS: fs, MustExist: true}); err == nil {
		t.Error("a lost log is taken for a new one")
	}
}
