package storage

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"streamdb/storage/storagetest"
)

func noSleep(time.Duration) {}

// resum makes the checksum at the end right.
func resum(b []byte) []byte {
	n := len(b) - 4
	binary.LittleEndian.PutUint32(b[n:], crc32.Checksum(b[:n], castagnoli))
	return b
}

func TestDirIsExclusive(t *testing.T) {
	for name, fs := range map[string]vfs.FS{"memory": vfs.NewMem(), "disk": vfs.Default} {
		path := fs.PathJoin(t.TempDir(), "a", "data")
		opts := DirOptions{FS: fs, Guard: GuardOptions{BallastBytes: -1}}
		d, err := OpenDir(path, opts)
		if err != nil {
			t.Fatal(name, err)
		}
		_, err = OpenDir(path, opts)
		if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
			t.Errorf("%s: second open: %v", name, err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(name, err)
		}
		if d, err = OpenDir(path, opts); err != nil {
			t.Fatal(name, err)
		}
		_ = d.Close()
	}
}

func TestDirRefuses(t *testing.T) {
	fs := vfs.NewMem()
	opts := DirOptions{FS: fs}
	d, err := OpenDir("/data", opts)
	if err != nil {
		t.Fatal(err)
	}
	if d.Initialized() {
		t.Error("a new directory is initialized")
	}
	if err := d.MarkInitialized(); err != nil {
		t.Fatal(err)
	}
	_ = d.Close()
	if d, err = OpenDir("/data", opts); err != nil || !d.Initialized() {
		t.Fatal("not initialized any more", err)
	}
	if _, err := OpenStore(d, quiet); err == nil {
		t.Error("a lost state directory is taken for a new one")
	}
	_ = d.Close()

	if err := fs.RemoveAll("/data/segments"); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDir("/data", opts); !errors.Is(err, ErrCorrupt) {
		t.Errorf("lost segments: %v", err)
	}
	_ = writeFile(fs, "/data/FORMAT", []byte(formatText+"2\n"))
	if _, err := OpenDir("/data", opts); !errors.Is(err, ErrVersion) {
		t.Errorf("newer format: %v", err)
	}
	_ = writeFile(fs, "/data/FORMAT", []byte("hello"))
	if _, err := OpenDir("/data", opts); !errors.Is(err, ErrCorrupt) {
		t.Errorf("damaged format: %v", err)
	}
	_ = fs.MkdirAll("/home", 0o755)
	_ = writeFile(fs, "/home/letter.txt", []byte("dear"))
	if _, err := OpenDir("/home", opts); err == nil || !strings.Contains(err.Error(), "letter.txt") {
		t.Errorf("foreign directory: %v", err)
	}
}

// TestGuard fills a small disk: admission ends in time, the ballast lets what was admitted through, and both come back.
func TestGuard(t *testing.T) {
	quota := storagetest.NewQuota(vfs.NewMem(), 20<<20)
	now := time.Unix(0, 0)
	slept := 0
	d, err := OpenDir("/data", DirOptions{FS: quota, Guard: GuardOptions{
		BallastBytes: 2 << 20, ReserveBytes: 1 << 20,
		Now: func() time.Time { return now }, Sleep: func(time.Duration) { slept++ },
	}})
	if err != nil {
		t.Fatal(err)
	}
	g := d.Guard()
	if used, _ := quota.Used(); used < 2<<20 {
		t.Errorf("the ballast takes %d bytes", used)
	}
	f, err := d.FS().Create("/data/file", writeCategory)
	if err != nil {
		t.Fatal(err)
	}
	mib := make([]byte, 1<<20)
	admitted := 0
	for g.Admit(1<<20) == nil {
		if _, err := f.Write(mib); err != nil {
			t.Fatal(err)
		}
		admitted++
	}
	if admitted < 15 || admitted > 17 {
		t.Errorf("%d MiB were admitted", admitted)
	}
	if err := g.Admit(1 << 20); !errors.Is(err, ErrDiskFull) {
		t.Errorf("refused with %v", err)
	}
	// Somebody writes on without asking: into the reserve, then into the ballast, then into the wall.
	through := 0
	for ; err == nil; through++ {
		_, err = f.Write(mib)
	}
	if through-1 != 19-admitted || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%d MiB more went through, then %v", through-1, err)
	}
	if slept == 0 {
		t.Error("writers to a full disk are not slowed down")
	}
	_ = f.Close()
	if err := d.FS().Remove("/data/file"); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * ballastRetry)
	if err := g.Admit(1 << 20); err != nil {
		t.Errorf("there is room again: %v", err)
	}
	if info, err := quota.Stat("/data/BALLAST"); err != nil || info.Size() != 2<<20 {
		t.Errorf("the ballast did not come back: %v", err)
	}
}
