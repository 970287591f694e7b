package raftlog

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"
	raftbench "github.com/hashicorp/raft/bench"

	"streamdb/replication/log"
	"streamdb/storage/storagetest"
)

func open(t testing.TB, fs vfs.FS) *Store {
	t.Helper()
	s, err := Open("d", Options{Options: log.Options{FS: fs, Fatal: func(err error) { panic(err) }}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func entry(index, term uint64, data string) *raft.Log {
	return &raft.Log{Index: index, Term: term, Data: []byte(data), AppendedAt: time.Unix(1, int64(index)).UTC()}
}

func mustStore(t testing.TB, s *Store, logs ...*raft.Log) {
	t.Helper()
	if err := s.StoreLogs(logs); err != nil {
		t.Fatal(err)
	}
}

// check compares the store with what it should hold: entries first, first+1, …
func check(t testing.TB, s *Store, first uint64, want ...string) {
	t.Helper()
	last := first + uint64(len(want)) - 1
	if len(want) == 0 {
		first, last = 0, 0
	}
	f, _ := s.FirstIndex()
	l, _ := s.LastIndex()
	if f != first || l != last {
		t.Fatalf("store holds %d to %d, want %d to %d", f, l, first, last)
	}
	for i, w := range want {
		var got raft.Log
		if err := s.GetLog(first+uint64(i), &got); err != nil || string(got.Data) != w || got.Index != first+uint64(i) {
			t.Fatalf("entry %d is %q, %v; want %q", first+uint64(i), got.Data, err, w)
		}
	}
	for _, outside := range []uint64{first - 1, last + 1} {
		if err := s.GetLog(outside, new(raft.Log)); !errors.Is(err, raft.ErrLogNotFound) {
			t.Fatalf("entry %d: %v", outside, err)
		}
	}
}

// TestStore walks through what consensus does to its log, with a restart after each step.
func TestStore(t *testing.T) {
	mem := vfs.NewMem()
	s := open(t, mem)
	again := func(first uint64, want ...string) {
		t.Helper()
		check(t, s, first, want...)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, mem)
		check(t, s, first, want...)
	}
	again(0)
	mustStore(t, s, entry(1, 1, "a"), entry(2, 1, "b"), entry(3, 2, "c"))
	again(1, "a", "b", "c")
	if err := s.StoreLog(entry(5, 2, "e")); err == nil {
		t.Error("a gap was accepted")
	}
	if err := s.StoreLog(entry(3, 2, "e")); err == nil {
		t.Error("an entry was replaced")
	}
	if err := s.DeleteRange(2, 2); err == nil {
		t.Error("a hole was accepted")
	}
	if err := s.DeleteRange(3, 3); err != nil {
		t.Fatal(err)
	}
	again(1, "a", "b")
	mustStore(t, s, entry(3, 3, "c2"), entry(4, 3, strings.Repeat("x", 100_000)))
	again(1, "a", "b", "c2", strings.Repeat("x", 100_000))
	if err := s.TruncateBefore(3); err != nil {
		t.Fatal(err)
	}
	again(3, "c2", strings.Repeat("x", 100_000))
	if err := s.DeleteRange(1, 4); err != nil {
		t.Fatal(err)
	}
	again(0)
	// After a snapshot the log begins elsewhere.
	mustStore(t, s, entry(1001, 7, "far"))
	again(1001, "far")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !IsStore(mem, "d") || IsStore(mem, "elsewhere") {
		t.Error("IsStore does not know")
	}
}

func TestStable(t *testing.T) {
	mem := vfs.NewMem()
	s := open(t, mem)
	if _, err := s.Get([]byte("k")); err == nil || err.Error() != "not found" {
		t.Errorf("unset key: %v", err)
	}
	if err := errors.Join(s.Set([]byte("k"), []byte("v")), s.SetUint64([]byte("n"), 7), s.SetUint64([]byte("n"), 8), s.Close()); err != nil {
		t.Fatal(err)
	}
	s = open(t, mem)
	defer s.Close()
	if v, err := s.Get([]byte("k")); err != nil || string(v) != "v" {
		t.Errorf("k = %q, %v", v, err)
	}
	if v, err := s.GetUint64([]byte("n")); err != nil || v != 8 {
		t.Errorf("n = %d, %v", v, err)
	}
	if _, err := s.GetUint64([]byte("k")); !errors.Is(err, log.ErrCorrupt) {
		t.Errorf("a value of another size: %v", err)
	}
}

// TestPowerCut pulls the plug at every so many operations of a history with appended, retracted and truncated entries and
// votes. What had been acknowledged is there afterwards.
func TestPowerCut(t *testing.T) {
	for cut := 1; cut < 400; cut += 7 {
		disk := storagetest.NewDisk()
		disk.CrashAt(cut, cut%101, uint64(cut))
		acked, vote := map[uint64]string{}, uint64(0)
		begun := false
		func() {
			s := open(t, disk.FS())
			defer s.Close()
			rng := rand.New(rand.NewPCG(uint64(cut), 1))
			for term := uint64(1); term < 60 && disk.Crashed() == nil; term++ {
				begun = true
				if err := s.SetUint64([]byte("vote"), term); err != nil {
					t.Fatal(err)
				}
				if disk.Crashed() == nil {
					vote = term
				}
				last, _ := s.LastIndex()
				switch first, _ := s.FirstIndex(); {
				case term%5 == 0 && last > first:
					if err := s.DeleteRange(last, last); err != nil {
						t.Fatal(err)
					}
					delete(acked, last)
					last--
				case term%7 == 0 && last > first:
					if err := s.TruncateBefore(first + 1); err != nil {
						t.Fatal(err)
					}
					delete(acked, first)
				}
				data := fmt.Sprint(term, strings.Repeat("y", rng.IntN(20_000)))
				mustStore(t, s, entry(last+1, term, data))
				if disk.Crashed() == nil {
					acked[last+1] = data
				}
			}
		}()
		left := disk.Crashed()
		if left == nil {
			break // the history ends before
		}
		s, err := Open("d", Options{Options: log.Options{FS: left, Fatal: func(err error) { panic(err) }}})
		if err != nil {
			t.Fatalf("cut %d: %v", cut, err)
		}
		for i, want := range acked {
			var got raft.Log
			if err := s.GetLog(i, &got); err != nil || string(got.Data) != want {
				t.Errorf("cut %d: entry %d is lost: %v", cut, i, err)
			}
		}
		if v, err := s.GetUint64([]byte("vote")); begun && vote > 0 && (err != nil || v < vote) {
			t.Errorf("cut %d: vote %d became %d, %v", cut, vote, v, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestDamage flips bits in every file. The store either refuses, then or when it is read, or has everything.
func TestDamage(t *testing.T) {
	history := func(s *Store) {
		for i := uint64(1); i <= 30; i++ {
			mustStore(t, s, entry(i, 1, fmt.Sprint(i, strings.Repeat("z", 2000))))
			if err := s.SetUint64([]byte("vote"), i); err != nil {
				t.Fatal(err)
			}
			if i == 20 {
				if err := s.DB.Flush(); err != nil {
					t.Fatal(err)
				}
			}
		}
		s.writeSeal()
	}
	disk := storagetest.NewDisk()
	s := open(t, disk.FS())
	history(s)
	whole := disk.CrashNow(0, 1) // as after kill -9: the WAL is not flushed
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := storagetest.Files(whole, "d", "")
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	rng := rand.New(rand.NewPCG(1, 2))
	for _, path := range files {
		if strings.HasSuffix(path, "LOCK") || strings.Contains(path, "OPTIONS") || strings.Contains(path, "marker") {
			continue
		}
		for range 12 {
			mem := vfs.NewCrashableMem()
			if _, err := vfs.Clone(whole, mem, "d", "d"); err != nil {
				t.Fatal(err)
			}
			err := storagetest.Damage(mem, path, func(b []byte) []byte {
				if len(b) > 0 {
					b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
				}
				return b
			})
			if err == nil {
				err = readAll(mem)
			}
			if err != nil {
				refused++
			}
			if err != nil && !errors.Is(err, log.ErrCorrupt) && !errors.Is(err, log.ErrVersion) {
				t.Logf("%s: refused without the mark: %v", path, err)
			}
			if errors.Is(err, errSilent) {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	if refused == 0 {
		t.Error("no damage was noticed at all")
	}
}

var errSilent = errors.New("silent loss")

// readAll opens a damaged store and reads what TestDamage has written.
func readAll(mem vfs.FS) error {
	s, err := Open("d", Options{Options: log.Options{FS: mem, Fatal: func(err error) { panic(err) }}})
	if err != nil {
		return err
	}
	defer s.Close()
	for i := uint64(1); i <= 30; i++ {
		var l raft.Log
		if err := s.GetLog(i, &l); errors.Is(err, raft.ErrLogNotFound) {
			return fmt.Errorf("%w: entry %d is not found", errSilent, i)
		} else if err != nil {
			return err
		}
		if want := fmt.Sprint(i, strings.Repeat("z", 2000)); string(l.Data) != want {
			return fmt.Errorf("%w: entry %d is another", errSilent, i)
		}
	}
	v, err := s.GetUint64([]byte("vote"))
	if err == nil && v != 30 {
		err = fmt.Errorf("%w: the vote is %d", errSilent, v)
	}
	return err
}

// TestSlow holds that a write which takes too long is noticed while it goes on.
func TestSlow(t *testing.T) {
	slow := make(chan struct{})
	s, err := Open("d", Options{Options: log.Options{FS: vfs.NewMem()}, SlowAfter: time.Millisecond, OnSlow: func() { close(slow) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.committing.Lock()
	done := make(chan error)
	go func() { done <- s.StoreLog(entry(1, 1, "a")) }()
	<-slow
	s.committing.Unlock()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

type noSpace struct{}

func (noSpace) Admit(int64) error { return errors.New("nothing left") }

// TestDiskFull holds that a full disk refuses entries before anything is written, and votes go on.
func TestDiskFull(t *testing.T) {
	s, err := Open("d", Options{Options: log.Options{FS: vfs.NewMem(), Space: noSpace{}}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.StoreLog(entry(1, 1, "a")); !errors.Is(err, log.ErrDiskFull) {
		t.Errorf("want ErrDiskFull, got %v", err)
	}
	check(t, s, 0)
	if err := s.SetUint64([]byte("vote"), 1); err != nil {
		t.Error(err)
	}
}

func TestForeign(t *testing.T) {
	mem := vfs.NewMem()
	l, err := log.OpenStore("d", log.Options{FS: mem})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open("d", Options{Options: log.Options{FS: mem}}); !errors.Is(err, log.ErrCorrupt) {
		t.Errorf("the log of a single node was taken: %v", err)
	}
}

func FuzzDecodeEntry(f *testing.F) {
	f.Add(uint64(7), appendEntry(nil, entry(7, 3, "data")))
	f.Add(uint64(1), appendEntry(nil, &raft.Log{Index: 1, Type: raft.LogNoop, Extensions: []byte("x")}))
	f.Fuzz(func(t *testing.T, index uint64, b []byte) {
		var l raft.Log
		if err := decodeEntry(index, b, &l); err != nil {
			if !errors.Is(err, log.ErrCorrupt) && !errors.Is(err, log.ErrVersion) {
				t.Errorf("unmarked: %v", err)
			}
			return
		}
		if again := appendEntry(nil, &l); !bytes.Equal(again, b) {
			t.Errorf("%x became %x", b, again)
		}
	})
}

func FuzzDecodeValue(f *testing.F) {
	f.Add([]byte("k"), appendValue(nil, []byte("k"), []byte("v")))
	f.Fuzz(func(t *testing.T, key, b []byte) {
		if v, err := decodeValue(key, b); err == nil && !bytes.Equal(appendValue(nil, key, v), b) {
			t.Errorf("%x became %x", b, v)
		}
	})
}

// BenchmarkStore is raft's own suite for stores, as far as it does not leave gaps, on the real disk.
func BenchmarkStore(b *testing.B) {
	logs := map[string]func(*testing.B, raft.LogStore){"FirstIndex": raftbench.FirstIndex, "LastIndex": raftbench.LastIndex,
		"GetLog": raftbench.GetLog, "StoreLogs": raftbench.StoreLogs}
	for name, run := range logs {
		b.Run(name, func(b *testing.B) { run(b, benchStore(b)) })
	}
	stable := map[string]func(*testing.B, raft.StableStore){"Set": raftbench.Set, "Get": raftbench.Get,
		"SetUint64": raftbench.SetUint64, "GetUint64": raftbench.GetUint64}
	for name, run := range stable {
		b.Run(name, func(b *testing.B) { run(b, benchStore(b)) })
	}
}

func benchStore(b *testing.B) *Store {
	s, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}
